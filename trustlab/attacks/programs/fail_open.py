"""`fail-open`: Alice sees to it that the verifier errs.

What the teller judges by lies beyond her network, and she answers nothing. All else is as in `rogue-certificate`: she
stands in the middle and forwards the bank's evidence, which any verifier that works would refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.ends import intercept
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="fail-open",
    needs=(
        "owns the network between the VMs",
        "a CA that validates names across that network",
        "a verifier that she can make fail",
    ),
    steps=(
        "drops what the teller's verifier asks the network for",
        "answers the teller's connection in the bank's name, and forwards the bank's evidence",
    ),
    breaks="trust",
    why="An error is the one answer that an attacker can always bring about.",
    source="SEAT use cases",
    stopped_by="failing closed: a verifier that errs refuses",
    assumes=Assumptions(leaks=("verifier errs",)),
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Take the bank's place, as with a rogue certificate."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: intercept(alice, identity, connection))
    alice.tell("drop", "lets nothing through that the teller's verifier would need.")
