"""`cuckoo`: evidence of Alice's own genuine machine, shown as if it were the bank's.

As in `tunnel-relay` she ends the teller's TLS with a rogue certificate; but she asks a machine in her own cellar for
its evidence, not the bank's. What she has there she may have opened with other tools than protocols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS, Impostor
from trustlab.attacks.middle13 import Middle
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.attacks.standing_in import QUESTIONS
from trustlab.attacks.toctou_redirect import clone

if TYPE_CHECKING:
    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Connection, Endpoint

ATTACK = Attack(
    name="cuckoo",
    needs=(
        "owns the network between the VMs",
        "a CA that validates names across that network",
        "a genuine machine of her own, with the same image",
    ),
    steps=(
        "terminates the teller's TLS with a rogue certificate",
        "relays the teller's challenge to a genuine machine of hers, and its evidence back",
    ),
    breaks="identity",
    why="Everything the evidence says is true, of a machine that nobody meant.",
    source="Parno, Bootstrapping Trust in a Trusted Platform (2008)",
    stopped_by="the machine pinned; or the channel in the quote, for it does not end in that machine",
    unpinned=True,
    genuine="same image",
)


def start(guest: Guest) -> None:
    """Sit in the middle; have the questions answered in the cellar."""
    tell, victim, genuine = teller_of(guest, ATTACK), guest.setting("victim"), guest.setting("genuine")
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(victim, HTTPS)
    powers(guest).redirect(victim, QUESTIONS, to=genuine)
    guest.listen(HTTPS, lambda connection: nest(guest, identity, connection, genuine))
    tell("cuckoo", f"puts {genuine}, a genuine machine of her own, in the nest.")


def nest(guest: Guest, identity: Identity, connection: Connection, genuine: str) -> Endpoint:
    """Make Alice's end of the teller's connection, with evidence from her own machine."""
    tell = teller_of(guest, ATTACK)
    if guest.design.tls == "1.3":
        return Middle(guest, connection, tell, own=identity, source=genuine)
    if guest.design.when == "before":
        return clone(guest, identity, connection, tell)
    return Impostor(guest, identity, connection, tell=tell, source=genuine)
