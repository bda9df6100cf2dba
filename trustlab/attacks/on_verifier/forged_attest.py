"""A quote that no TPM wrote, signed by a key that a careless CA took for an AK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import forge_quote, good_log, unrestricted_ak
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attest import AppraisalPolicy

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Sign a hand-written TPMS_ATTEST with an unrestricted key of the pinned machine's TPM."""
    machine = stage.machine().boot()
    ak = unrestricted_ak(machine.root)
    certificates = machine.enrol(ak, stage.careless_ca, machine.root)
    evidence = forge_quote(machine.root, ak, certificates, stage.binder, good_log())
    policy = AppraisalPolicy(ak_policy=False)
    return stage.present(evidence, pinned=machine, policy=policy, anchors=(stage.careless_ca.root,))


ATTACK = OnVerifier(
    attack=Attack(
        name="forged-attest",
        needs=("locality 0 of the machine's TPM", "a privacy CA that looks at no attributes"),
        steps=(
            "Alice makes an unrestricted signing key in the TPM",
            "the CA activates it: activation works for any key",
            "she writes a quote about the genuine image herself and has the key sign its hash",
        ),
        breaks="trust",
        why="TPM2_ActivateCredential proves in which TPM a key is, not what the key does.",
        source="TPM 2.0 Part 1, 24; trusted computing folklore, tried",
        stopped_by="the AK's public area must be that of a restricted signing key, and its Name the certified one",
    ),
    check="AK public area",
    base="AK policy not demanded",
    carry_out=carry_out,
)
