"""Octets that only look like the TPM's own, signed by a restricted AK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import LOOK_ALIKE, good_log, own_ak, sign_through_ticket, write_quote
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attest import AppraisalPolicy

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have the TPM hash a hand-written quote that begins ff544348, and a restricted AK sign the hash."""
    machine = stage.machine().boot()
    ak = own_ak(machine.root)
    certificates = machine.enrol(ak, stage.careless_ca, machine.root)
    quote = write_quote(ak, stage.binder, good_log(), magic=LOOK_ALIKE)
    evidence = sign_through_ticket(machine.root, ak, certificates, quote, good_log())
    policy = AppraisalPolicy(ak_policy=False)
    return stage.present(evidence, pinned=machine, policy=policy, anchors=(stage.careless_ca.root,))


ATTACK = OnVerifier(
    attack=Attack(
        name="look-alike",
        needs=("locality 0 of the machine's TPM", "a privacy CA that looks at no policy"),
        steps=(
            "Alice writes a quote with another magic number",
            "TPM2_Hash gives a ticket for it: it does not begin with ff544347",
            "the restricted AK signs what has a ticket",
        ),
        breaks="trust",
        why="A restricted key signs octets from outside unless they begin with TPM_GENERATED_VALUE.",
        source="TPM 2.0 Part 3, 15.4 TPM2_Hash; tried",
        stopped_by="the first four octets must be ff544347, and the type a quote",
    ),
    check="magic and type",
    base="AK policy not demanded",
    carry_out=carry_out,
)
