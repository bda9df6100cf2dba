"""TLS on a key that Alice deployed, evidence about one that she did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import software_spki
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attest import Expected
from trustlab.tpm import key_binder

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Attest a genuine TPM key while TLS runs on a software key of which Alice keeps a copy."""
    machine = stage.machine().boot()
    genuine = machine.tls_key()
    deployed = software_spki()
    expected = Expected(binder=stage.binder, key_spki=deployed, key_binder=key_binder(deployed))
    return stage.present(machine.evidence(stage.binder, genuine), expected, pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="decoy-key",
        needs=("the deployment of the TLS key",),
        steps=("HyperSafe makes a key and attests it", "TLS is configured with another, which Alice has a copy of"),
        breaks="confidentiality",
        why="That some key is safe says nothing about the one in use.",
        source="the slides on IBM 2006",
        stopped_by="the attested key must be TLS's own, and its Name that of the public area",
    ),
    check="key identity",
    base="a binder without the key, as in tls13-nonce",
    carry_out=carry_out,
)
