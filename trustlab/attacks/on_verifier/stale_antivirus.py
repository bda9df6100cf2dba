"""A machine whose antivirus has not been fed since 2011, truthfully attested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import STALE

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Boot with a stale claim and attest it as it is."""
    machine = stage.machine().boot(signatures=STALE)
    key = machine.tls_key()
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="stale-antivirus",
        needs=("nothing: the machine is merely neglected",),
        steps=("the measured agent tells the date of its signatures", "it is the truth"),
        breaks="trust",
        why="Good code in a bad state is still good code to a measurement of code.",
        source="the slides",
        stopped_by="the relying party's condition on the claim",
    ),
    check="claims",
    base="all demanded",
    carry_out=carry_out,
)
