"""Alice's end of a client's connection, and behind it her own connection to the server.

In TLS 1.2 she answers at once, and each of her two handshakes waits when it needs something from the other. In TLS 1.3
she holds the ClientHello back until she has what she needs: the server's evidence, made for the client's nonce, or a
finished channel in which she can ask for it. Then she answers with a certificate and a key, her own or the server's.
With `whole` she lets both hellos pass unchanged, and speaks from there on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab import tls
from trustlab.attacks.alice.applications import Relay
from trustlab.attacks.alice.authenticators import AskForEvidence, RelayOrThank, ShowAuthenticator
from trustlab.attacks.alice.legs import Credentials, TowardsClient, TowardsServer

if TYPE_CHECKING:
    from trustlab.attacks.alice.tools import Alice
    from trustlab.cloud import Identity
    from trustlab.wire import WireConnection


class Middle:
    """One end of a connection that was addressed to the server (`wire.Endpoint`).

    `own` is the identity with which she answers. If she can use the server's `key`, she answers with the server's
    certificate, and `own` is only for a server that asks her for a certificate. `kept` is an earlier channel of hers
    with the server's evidence: then the server is not asked again. `source` is the machine whose evidence she shows, if
    it is not the server. `applications` replace the usual ones, towards the client and towards the server.
    """

    leg_towards_client = TowardsClient
    leg_towards_server = TowardsServer
    shows_own = False
    """Whether she shows `own` in TLS 1.2 too, to a server that asks its client for a certificate."""

    def __init__(
        self,
        alice: Alice,
        connection: WireConnection,
        *,
        own: Identity | Credentials | None = None,
        key: Any = None,  # noqa: ANN401 - any KeyHolder
        kept: TowardsServer | None = None,
        whole: bool = False,
        source: str = "",
        applications: tuple[Relay, Relay] | None = None,
    ) -> None:
        self.leg: TowardsClient | None = None
        self.behind = kept
        self.alice = alice
        self.own = own if own is None or isinstance(own, Credentials) else Credentials.of(own)
        self.replays = kept is not None
        self._connection = connection
        self._key = key
        self._whole = whole
        self._source = source or connection.server.name
        self._applications = applications or self.applications()
        self._hello: tls.ClientHello | None = None
        self._held = b""
        self._gone = False

    @property
    def closed(self) -> bool:
        """Whether this end is over."""
        return self.leg.closed if self.leg is not None else self._gone

    def receive(self, data: bytes) -> None:
        """Hold the client's octets back until she can answer."""
        if self.leg is not None:
            self.leg.receive(data)
            return
        self._held += data
        if self._hello is None and (hello := first_hello(self._held)) is not None:
            self._hello = hello
            self._begin(hello)

    def data_to_send(self) -> bytes:
        """Return the octets of the leg towards the client."""
        return self.leg.data_to_send() if self.leg is not None else b""

    def eof_received(self) -> None:
        """Learn that the client is gone."""
        self._gone = True
        if self.leg is not None:
            self.leg.eof_received()

    def applications(self) -> tuple[Relay, Relay]:
        """Return the applications towards the client and towards the server."""
        design = self.alice.design
        if design.tls == "1.2":
            return Relay(), Relay()
        alone = self.replays or design.client is not None
        if self.alice.placement.mutual:
            return ShowAuthenticator(self, passes=not alone), AskForEvidence()
        return RelayOrThank(passes=not alone), Relay(stays=True)

    def _begin(self, hello: tls.ClientHello) -> None:
        if self.replays:
            self.alice.tell("replay", "answers with the evidence that she kept; the bank is not asked.")
            self._stand()
            return

        def make(name: str) -> TowardsServer:
            design, application = self.alice.design, self._applications[1]
            asked = self.shows_own or (design.tls == "1.3" and (self.alice.placement.mutual or self.follows))
            self.behind = self.leg_towards_server(
                self.alice,
                name,
                application,
                like=hello,
                whole=self._whole,
                learned=self._learned,
                follows=self.follows,
                shows=self.own if asked else None,
            )
            if design.tls == "1.2":
                self._stand()
            return self.behind

        self.alice.connect(make, to=self._source)

    @property
    def follows(self) -> bool:
        """Whether the client's secret and evidence go on to the server; in TLS 1.2 the client chooses the secret."""
        return self.alice.design.tls == "1.2"

    def _learned(self) -> None:
        """Go on, as far as the server's messages have arrived."""
        if self.leg is not None:
            self.leg.proceed()
        elif self.behind is not None and (self.behind.evidence or self.behind.connection.handshake_complete):
            self._stand()

    def _stand(self) -> None:
        behind = self.behind
        if behind is None:
            return
        shows = Credentials(behind.connection.peer_certificates, self._key) if self._key is not None else self.own
        if shows is None:
            raise LookupError("Alice needs a certificate of her own (`own`) or the use of the bank's key (`key`)")
        towards_client, towards_server = self._applications
        self.leg = self.leg_towards_client(
            self.alice,
            self._connection.name,
            towards_client,
            shows=shows,
            evidence=behind.evidence,
            behind=None if self.replays else behind,
            whole=self._whole,
        )
        towards_client.other, towards_server.other = behind, self.leg
        held, self._held = self._held, b""
        self.leg.receive(held)


def first_hello(stream: bytes) -> tls.ClientHello | None:
    """Return the ClientHello at the start of a stream; None while it is incomplete."""
    records, _ = tls.split_records(stream)
    joiner = tls.HandshakeJoiner()
    for record in records:
        if record.content_type != tls.ContentType.HANDSHAKE:
            return None
        for raw, _ in joiner.feed(record.fragment, record.start, record.end):
            message = tls.parse_message(record.content_type, raw, None)
            return message if isinstance(message, tls.ClientHello) else None
    return None
