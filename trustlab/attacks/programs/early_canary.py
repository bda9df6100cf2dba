"""`early-canary`: Alice does not need evidence if the client sends its secret before it has judged any.

She ends the teller's TLS with a rogue certificate, reads what arrives, and answers the question for evidence with
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.ends import intercept, replay_server
from trustlab.attacks.alice.legs import Credentials
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
        "reads what the teller sends while it waits for evidence; she does not have any",
    ),
    breaks="trust",
    why="A secret that was sent before the evidence was judged cannot be taken back.",
    source="SEAT use cases",
    stopped_by="a client whose application sends nothing before the evidence was accepted",
)

NOTHING = b"\0"
"""What she shows when evidence is due."""


def start(guest: Guest) -> None:
    """Take the bank's place, and wait for data that come too early."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()

    def empty_handed(connection: WireConnection) -> Endpoint:
        if alice.placement.asks_inside:
            return intercept(alice, identity, connection)
        return replay_server(alice, connection, Credentials.of(identity), NOTHING)

    alice.take_place(empty_handed)
    alice.tell("listen", "ends the teller's TLS in the bank's name, without evidence, and waits for early data.")
