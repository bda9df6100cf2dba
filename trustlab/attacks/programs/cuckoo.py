"""`cuckoo`: evidence of Alice's own genuine machine, shown as if it were the bank's.

As in `tunnel-relay` she ends the teller's TLS with a rogue certificate. But she asks a machine in her own cellar for
evidence, not the bank. She has that machine's hardware in her hands, and can attack it by other means than protocols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.ends import clone
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import QUESTIONS, Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint, WireConnection

ATTACK = Attack(
    name="cuckoo",
    needs=(
        "owns the network between the VMs",
        "a CA that validates names across that network",
        "a genuine machine of her own, with the same image",
    ),
    steps=(
        "ends the teller's TLS with a rogue certificate",
        "relays the teller's challenge to a genuine machine of hers, and its evidence back",
    ),
    breaks="identity",
    why="Everything in the evidence is true, but of another machine than the one that was meant.",
    source="Parno, Bootstrapping Trust in a Trusted Platform (2008)",
    stopped_by="a pinned machine; or the channel in the quote, which does not end in that machine",
    assumes=Assumptions(unpinned=True, genuine="same image"),
)


def start(guest: Guest) -> None:
    """Sit in the middle, and let the machine in the cellar answer the questions."""
    alice, genuine = Alice(guest, ATTACK), guest.setting("genuine")
    identity = alice.rogue_identity()

    def nest(connection: WireConnection) -> Endpoint:
        if alice.placement.asks_before:
            return clone(alice, identity, connection)
        return Middle(alice, connection, own=identity, source=genuine)

    alice.take_place(nest)
    alice.powers.redirect(alice.victim, QUESTIONS, to=genuine)
    alice.tell("cuckoo", f"puts {genuine}, a genuine machine of her own, in the nest.")
