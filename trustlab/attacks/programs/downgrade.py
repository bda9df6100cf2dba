"""`downgrade`: Alice answers for the bank and says nothing about evidence.

The teller offers and demands; her server has a certificate for the bank's name and never heard of attestation. An
extension that is not answered is, to most of TLS, an extension that is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.ends import clone
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="downgrade",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection, and leaves the offer of evidence unanswered",
    ),
    breaks="trust",
    why="Who goes on without what he demanded, because nobody spoke of it, demanded nothing.",
    source="SEAT use cases; RFC 9846 4.2.4 (an extension without an answer is not in use)",
    stopped_by="failing closed: an offer that is not answered ends the handshake, alert 40 or 109",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Stand in for the bank with a server that knows nothing of evidence."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: clone(alice, identity, connection))
    alice.tell("silence", "answers for the bank with a server that never heard of evidence.")
