"""`reflection`: Alice gives the teller its own Evidence back, as if it were the bank's.

Where both ends quote the same exporter, and nothing says whose quote it is, one quote does for both. She terminates
the teller's TLS with a rogue certificate, asks for the teller's Evidence over the very context the teller asks for,
and shows it what it has just made. It takes a relying party whose policy its own machine would satisfy, as among
peers of one kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.apps13 import THANKS, Frames
from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.middle13 import Credentials, TellerLeg
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.attacks.standing_in import StandIn
from trustlab.passage.exchange import frame
from trustlab.passage.exported import answer, context_of, request
from trustlab.tls import authenticators

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Connection

ATTACK = Attack(
    name="reflection",
    needs=("owns the network between the VMs", "a relying party that would accept its own machine for its peer"),
    steps=(
        "terminates the teller's TLS with a rogue certificate",
        "asks for the teller's evidence, over the context the teller asks for",
        "shows the teller its own evidence as the bank's",
    ),
    breaks="trust",
    why="Both ends quote the same octets, and a quote does not say whose it is.",
    source="cmc issue 406",
    stopped_by="the role in the binder",
    peers=True,
)


def start(guest: Guest) -> None:
    """Stand in for the bank, with nothing but a certificate and a mirror."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    guest.listen(HTTPS, lambda connection: mirror(guest, identity, connection, tell))
    tell("mirror", "waits for the teller, to show it what it shows her.")


def mirror(
    guest: Guest, identity: Identity, connection: Connection, tell: Callable[[str, str], None]
) -> TellerLeg | StandIn:
    """Make Alice's end of the teller's connection; the bank is not asked for anything."""
    if guest.design.tls == "1.2":
        return StandIn(guest, connection.name, identity, b"", Echo(tell))
    credentials = Credentials((identity.certificate_der,), identity.key)
    return TellerLeg(guest, connection.name, Mirror(tell), credentials, evidence=b"")


class Mirror:
    """Asks the teller what the teller asks, and gives its answer back."""

    leg: TellerLeg

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self.finished = False
        self._tell = tell
        self._frames = Frames()
        self._left = 2
        self._theirs = self._mine = b""

    def connected(self) -> bytes:
        """Wait for the teller's request: hers will have the same context."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Take the teller's request and its authenticator, its first two frames; the rest is what she is after."""
        if not self._left:
            return THANKS
        said = b""
        for octets in self._frames.feed(data, self._left):
            self._left -= 1
            said += self._ask(octets) if self._left else self._show(octets)
        return said + (THANKS if not self._left and self._frames.rest else b"")

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""

    def _ask(self, asked: bytes) -> bytes:
        self._theirs = asked
        self._mine = request(self.leg.connection, context_of(asked))
        self._tell("ask", "asks for the teller's evidence, over the very context the teller asks for.")
        return frame(self._mine)

    def _show(self, proved: bytes) -> bytes:
        try:
            evidence = authenticators.validate(self.leg.connection, self._mine, proved).evidence or b""
            self._tell("reflect", "shows the teller its own evidence, as the bank's.")
            return frame(answer(self.leg.connection, self._theirs, evidence))
        except tls.TlsError as error:
            self._tell("stuck", f"cannot go on: {error}")
            return b""


class Echo:
    """Asks the teller what the teller asks, frame by frame: in `session-hash` first a nonce, then evidence."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self.finished = False
        self._tell = tell
        self._frames = Frames()
        self._left = 2

    def connected(self) -> bytes:
        """Wait for the teller's nonce: hers will be the same."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Give both frames back as they are; what comes after them is what she is after."""
        if not self._left:
            return THANKS
        said = b""
        for octets in self._frames.feed(data, self._left):
            self._left -= 1
            deed = "asks the teller over the teller's own nonce" if self._left else "shows the teller its own evidence"
            self._tell("ask" if self._left else "reflect", f"{deed}.")
            said += frame(octets)
        return said + (THANKS if not self._left and self._frames.rest else b"")

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""
