"""`toctou-redirect`: the machine that was attested is not the machine that is used.

Alice lets the question and the quote pass untouched, and sends the connection that carries the data to a clone of
hers with a rogue certificate. Time of check, time of use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.ends import clone
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="toctou-redirect",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "lets the teller ask the genuine machine for its quote",
        "answers the next connection on a clone of the bank, with a certificate of her own",
    ),
    breaks="trust",
    why="The evidence was about another connection than the one that carries the data.",
    source="Trusted Passages (2011)",
    stopped_by="evidence on the connection that carries the data",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Stand in for the bank on the connection that carries the data, and on no other."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: clone(alice, identity, connection))
