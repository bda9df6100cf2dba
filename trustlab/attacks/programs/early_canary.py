"""`early-canary`: Alice need not answer the question, if the secret comes before her answer is due.

She terminates TLS with a rogue certificate, reads what comes, and answers the question for evidence with nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import ListenAndThank
from trustlab.attacks.alice.ends import intercept, replay_server
from trustlab.attacks.alice.legs import Credentials, TowardsClient
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint, WireConnection

ATTACK = Attack(
    name="early-canary",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the teller's connection in the bank's name, with a certificate of her own",
        "reads what the teller says while it waits for evidence, and has none to show",
    ),
    breaks="trust",
    why="A secret that was sent before the evidence was judged cannot be taken back.",
    source="SEAT use cases",
    stopped_by="nothing of the application before the evidence was accepted",
)

ATTACKS = (ATTACK,)
NOTHING = b"\0"
"""What she shows where evidence is due."""


def start(guest: Guest) -> None:
    """Take the bank's place and wait for early words."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()

    def empty_handed(connection: WireConnection) -> Endpoint:
        if alice.placement.asks_inside:
            return intercept(alice, identity, connection)
        if alice.design.tls == "1.2":
            return replay_server(alice, connection, Credentials.of(identity), NOTHING)
        shows = Credentials.of(identity)
        return TowardsClient(alice, connection.name, ListenAndThank(), shows=shows, evidence=NOTHING)

    alice.take_place(empty_handed)
    alice.tell("listen", "terminates TLS in the bank's name; she has no evidence, and hopes for an impatient teller.")
