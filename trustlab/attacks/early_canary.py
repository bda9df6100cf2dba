"""`early-canary`: Alice need not answer the question, if the secret comes before her answer is due.

She terminates TLS with a rogue certificate, reads what comes, and answers the question for evidence with nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.apps13 import THANKS
from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.middle13 import Credentials, TellerLeg
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.attacks.rogue_certificate import intercept
from trustlab.attacks.standing_in import StandIn
from trustlab.passage.exchange import frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Connection, Endpoint

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
NOTHING = b"\0"
NO_ANSWER = frame(b"")


def start(guest: Guest) -> None:
    """Take the bank's place and wait for early words."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    tell("listen", "terminates TLS in the bank's name; she has no evidence, and hopes for an impatient teller.")
    guest.listen(HTTPS, lambda connection: empty_handed(guest, identity, connection))


def empty_handed(guest: Guest, identity: Identity, connection: Connection) -> Endpoint:
    """Make Alice's end of the teller's connection: a certificate, an open ear, and no evidence."""
    if guest.design.when == "inside":
        return intercept(guest, identity, connection)
    if guest.design.tls == "1.2":
        return StandIn(guest, connection.name, identity, NOTHING)
    credentials = Credentials((identity.certificate_der,), identity.key)
    return TellerLeg(guest, connection.name, Ear(), credentials, evidence=NOTHING)


class Ear:
    """Listens, and thanks."""

    leg: TellerLeg

    def __init__(self) -> None:
        self.finished = False

    def connected(self) -> bytes:
        """Wait for what is said too early."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Thank for an order; to anything else there is nothing to say."""
        return THANKS if data.endswith(b"\n") else NO_ANSWER

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""
