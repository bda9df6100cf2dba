"""`reflection`: Alice gives the teller its own Evidence back, as if it were the bank's.

If both ends quote the same exporter, and a quote does not say whose it is, one quote can stand for both. She ends the
teller's TLS with a rogue certificate, asks for the teller's Evidence with the context of the teller's own request, and
sends that Evidence back. It needs a relying party whose policy would accept its own machine, as among peers of one
kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.applications import ListenAndThank
from trustlab.attacks.alice.legs import Credentials, TowardsClient
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.passage.exchange import frame
from trustlab.passage.exported import answer, context_of, request
from trustlab.tls import authenticators

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="reflection",
    needs=("owns the network between the VMs", "a relying party that would accept its own machine for its peer"),
    steps=(
        "ends the teller's TLS with a rogue certificate",
        "asks for the teller's evidence, with the context of the teller's own request",
        "shows the teller its own evidence as the bank's",
    ),
    breaks="trust",
    why="Both ends quote the same octets, and a quote does not say whose it is.",
    source="cmc issue 406",
    stopped_by="the role in the binder",
    assumes=Assumptions(peers=True),
)


def start(guest: Guest) -> None:
    """Take the bank's place with a rogue certificate; the bank itself is not asked."""
    alice = Alice(guest, ATTACK)
    shows = Credentials.of(alice.rogue_identity())
    reflector = Reflector if alice.design.tls == "1.2" else AuthenticatorReflector
    alice.take_place(lambda connection: TowardsClient(alice, connection.name, reflector(alice), shows=shows))
    alice.tell("mirror", "waits for the teller, to show it its own evidence.")


class Reflector(ListenAndThank):
    """Sends the teller's frames back: in `session-hash` first its nonce, then its evidence."""

    def __init__(self, alice: Alice) -> None:
        super().__init__(frames=2)
        self._tell = alice.tell
        self._asked = b""

    def answer(self, octets: bytes) -> bytes:
        """Take the question first, and then the evidence."""
        if not self._asked:
            self._asked = octets
            return self.ask(octets)
        return self.show(octets)

    def ask(self, asked: bytes) -> bytes:
        """Ask with the teller's own nonce."""
        self._tell("ask", "asks the teller for evidence over the teller's own nonce.")
        return frame(asked)

    def show(self, proved: bytes) -> bytes:
        """Give the teller's evidence back."""
        self._tell("reflect", "shows the teller its own evidence.")
        return frame(proved)


class AuthenticatorReflector(Reflector):
    """The same with authenticators, which she makes for her own certificate."""

    _mine = b""

    def ask(self, asked: bytes) -> bytes:
        """Ask with the context of the teller's request."""
        self._mine = request(self.leg.connection, context_of(asked))
        self._tell("ask", "asks for the teller's evidence, with the context of the teller's own request.")
        return frame(self._mine)

    def show(self, proved: bytes) -> bytes:
        """Take the evidence out of the teller's authenticator, and put it into one of her own."""
        try:
            evidence = authenticators.validate(self.leg.connection, self._mine, proved).evidence or b""
            self._tell("reflect", "shows the teller its own evidence, as the bank's.")
            return frame(answer(self.leg.connection, self._asked, evidence))
        except tls.TlsError as error:
            self._tell("stuck", f"cannot go on: {error}")
            return b""
