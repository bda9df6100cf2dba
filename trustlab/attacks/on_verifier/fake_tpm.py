"""A TPM of Alice's own make, vouched for by a privacy CA of Alice's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.tpm import PrivacyCa, TpmMaker

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Boot an emulator with a maker and a privacy CA of Alice's own; everything else about it is right."""
    maker = TpmMaker()
    ca = PrivacyCa([maker.root], ak_policies=None, name="Alice's privacy CA")
    emulator = stage.machine("alice", maker=maker, ca=ca).boot()
    key = emulator.tls_key()
    return stage.present(emulator.evidence(stage.binder, key), stage.expected(key))


ATTACK = OnVerifier(
    attack=Attack(
        name="fake-tpm",
        needs=("a TPM emulator", "a certification authority of her own"),
        steps=(
            "Alice launches the genuine HyperSafe code in an emulator, and extends its PCRs as she likes",
            "her own privacy CA certifies its AK",
            "she attests her own TLS key",
        ),
        breaks="trust",
        why="A signature proves a TPM only if somebody trustworthy says that the key is in one.",
        source="TCG EK Credential Profile; RFC 9334, 7.4",
        stopped_by="the AK's certificate must lead to a trusted privacy CA",
    ),
    check="AK chain",
    base="no machine pinned",
    carry_out=carry_out,
)
