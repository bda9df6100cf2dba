"""`reflection`: Alice gives the teller its own Evidence back, as if it were the bank's.

Where both ends quote the same exporter, and nothing says whose quote it is, one quote does for both. She terminates
the teller's TLS with a rogue certificate, asks for the teller's Evidence over the very context the teller asks for,
and shows it what it has just made. It takes a relying party whose policy its own machine would satisfy, as among
peers of one kind.
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
        "terminates the teller's TLS with a rogue certificate",
        "asks for the teller's evidence, over the context the teller asks for",
        "shows the teller its own evidence as the bank's",
    ),
    breaks="trust",
    why="Both ends quote the same octets, and a quote does not say whose it is.",
    source="cmc issue 406",
    stopped_by="the role in the binder",
    assumes=Assumptions(peers=True),
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Stand in for the bank, with nothing but a certificate and a mirror; the bank is not asked for anything."""
    alice = Alice(guest, ATTACK)
    shows = Credentials.of(alice.rogue_identity())
    reflector = Reflector if alice.design.tls == "1.2" else AuthenticatorReflector
    alice.take_place(lambda connection: TowardsClient(alice, connection.name, reflector(alice), shows=shows))
    alice.tell("mirror", "waits for the teller, to show it what it shows her.")


class Reflector(ListenAndThank):
    """Asks the teller what the teller asks, frame by frame: in `session-hash` first a nonce, then evidence."""

    def __init__(self, alice: Alice) -> None:
        super().__init__(frames=2)
        self._tell = alice.tell
        self._asked = b""

    def answer(self, octets: bytes) -> bytes:
        """Take the question, and then the evidence."""
        if not self._asked:
            self._asked = octets
            return self.ask(octets)
        return self.show(octets)

    def ask(self, asked: bytes) -> bytes:
        """Ask the same: her nonce is the teller's."""
        self._tell("ask", "asks the teller over the teller's own nonce.")
        return frame(asked)

    def show(self, proved: bytes) -> bytes:
        """Give the teller's evidence back."""
        self._tell("reflect", "shows the teller its own evidence.")
        return frame(proved)


class AuthenticatorReflector(Reflector):
    """The same with authenticators, which she makes anew for her own certificate."""

    _mine = b""

    def ask(self, asked: bytes) -> bytes:
        """Ask with the context of the teller's request."""
        self._mine = request(self.leg.connection, context_of(asked))
        self._tell("ask", "asks for the teller's evidence, over the very context the teller asks for.")
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
