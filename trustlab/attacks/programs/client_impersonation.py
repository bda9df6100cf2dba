"""`client-impersonation`: the teller's quote, Alice's secret.

Alice forwards the hellos, the certificate and both pieces of Evidence between teller and bank unchanged, octet for
octet; only the ClientKeyExchange is her own. The bank's Evidence is valid, the teller's quote is valid, and the channel
is Alice's. The prize is the bank's secret.

Where the client shows its Evidence only inside the finished channel (`session-hash`), she has to end that channel with
a certificate of her own to see it, and shows it to the bank in hers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.applications import STATEMENT, Ask, Relay
from trustlab.attacks.alice.legs import Credentials, TowardsServer
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.attacks.programs.same_pms_reencryption import HandOver

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import WireConnection

ATTACK = Attack(
    name="client-impersonation",
    needs=("owns the network between the VMs",),
    steps=(
        "forwards the hellos, and the server's evidence, unchanged",
        "forwards the client's quote, with a ClientKeyExchange of her own",
        "is the client now, and asks for the balance",
    ),
    breaks="confidentiality and authenticity, for the server",
    why="The quote covers the randoms, which are public; it does not cover the secret from which the keys are made.",
    source="Trusted Passages (2011)",
    stopped_by="the pre-master secret in the client's quote",
    tls="1.2",
    prize="balance",
)


def start(guest: Guest) -> None:
    """Sit on the wire between teller and bank; get a certificate only if the design makes her need one."""
    alice = Alice(guest, ATTACK)
    if alice.placement.mutual:
        identity = alice.rogue_identity()
        alice.take_place(lambda c: Middle(alice, c, own=identity, applications=(HandOver(), Relay(stays=True))))
        alice.tell("middle", "ends the teller's channel, because the teller shows its evidence only inside one.")
        return
    shows = Credentials.of(alice.rogue_identity()) if alice.design.client_key else None
    alice.take_place(lambda connection: Splice(alice, connection, shows))
    shown = "with a client certificate of her own" if shows else "without a certificate"
    alice.tell("splice", f"sits on the wire, {shown}.")


class Impersonator(TowardsServer):
    """The leg to the bank: sends the teller's own hello, gives the bank's octets to the splice, chooses its secret."""

    splice: Splice

    def receive(self, data: bytes) -> None:
        """Let the teller see the bank's octets as long as they are unencrypted."""
        if not self.connection.handshake_complete:
            self.splice.show(data)
        super().receive(data)


class Splice:
    """The teller's end of the wire: Alice forwards its records up to the quote, and drops the rest."""

    def __init__(self, alice: Alice, connection: WireConnection, shows: Credentials | None) -> None:
        self.closed = False
        self.bank: Impersonator | None = None
        self._alice = alice
        self._source = connection.server.name
        self._shows = shows
        self._out = b""
        self._rest = b""
        self._joiner = tls.HandshakeJoiner()
        self._done = False

    def receive(self, data: bytes) -> None:
        """Read the teller's records until its quote has arrived; drop what follows."""
        if self._done:
            return
        records, self._rest = tls.split_records(self._rest + data)
        for record in records:
            if record.content_type != tls.ContentType.HANDSHAKE:
                return
            for raw, _ in self._joiner.feed(record.fragment, record.start, record.end):
                self._take(tls.parse_message(record.content_type, raw, tls.CipherSuite[self._alice.design.suite]))

    def data_to_send(self) -> bytes:
        """Return the bank's octets, unchanged."""
        out, self._out = self._out, b""
        return out

    def eof_received(self) -> None:
        """Let the teller go; the channel to the bank is Alice's, and stays."""
        self.closed = True

    def show(self, data: bytes) -> None:
        """Forward the bank's octets, until Alice is alone with the bank."""
        if not self._done:
            self._out += data

    def _take(self, message: object) -> None:
        if isinstance(message, tls.ClientHello):
            self._alice.connect(lambda name: self._dial(name, message), to=self._source)
        elif isinstance(message, tls.SupplementalData) and self.bank is not None:
            self._done = True
            self._alice.tell("steal", "forwards the teller's quote, and sends a ClientKeyExchange of her own.")
            self.bank.go_on(b"", message.entries[0][1])
        elif isinstance(message, tls.ClientKeyExchange) and self.bank is not None and not self._done:
            self._done = True
            self.bank.go_on(b"", b"")

    def _dial(self, name: str, hello: tls.ClientHello) -> Impersonator:
        says = Ask(STATEMENT)
        self.bank = Impersonator(self._alice, name, says, like=hello, whole=True, follows=True, shows=self._shows)
        self.bank.splice = self
        return self.bank
