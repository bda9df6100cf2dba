"""`fail-open`: Alice sees to it that the verifier errs.

What the teller judges by lies beyond her network, and she answers nothing. All else is as in `rogue-certificate`: she
stands in the middle and forwards the bank's evidence, which any verifier that works would refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.attacks.rogue_certificate import intercept

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
    leaks=("verifier errs",),
)


def start(guest: Guest) -> None:
    """Take the bank's place, as with a rogue certificate."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    tell("drop", "lets nothing through that the teller's verifier would need.")
    guest.listen(HTTPS, lambda connection: intercept(guest, identity, connection))
