"""Alice between teller and bank in TLS 1.3: she holds the teller's ClientHello back until she has what she needs.

`Middle` is her end of the teller's connection. Her own channel to the bank (`BankLeg`) gives her Evidence, for the
teller's nonce, or for the teller's authenticator request; she then answers the teller with a certificate and a key,
her own or the bank's, and shows it that Evidence. In `takeover` she lets both hellos pass as they are, and speaks from
there on, for she knows the secret of the key agreement. Several attacks are made of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trustlab import tls
from trustlab.attacks.apps13 import TowardsBank, TowardsTeller
from trustlab.attacks.middle import HTTPS, with_values_of
from trustlab.attacks.programs import powers
from trustlab.passage import Design, TlsEndpoint, offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.early_canary import Ear
    from trustlab.attacks.reflection import Mirror
    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Connection


class Credentials(NamedTuple):
    """What Alice answers the teller with: a chain in DER, leaf first, and something that signs for it."""

    chain: tuple[bytes, ...]
    key: Any


class LeakedShare:
    """A key share that Alice has no private key of: she knows the result (`tls.groups.Share`)."""

    public = bytes(32)

    def __init__(self, guest: Guest, client_random: bytes) -> None:
        self._guest = guest
        self._client_random = client_random

    def finish(self, peer: bytes) -> bytes:  # noqa: ARG002 - whatever the peer's share, the result is known
        """Return the secret that leaked; LookupError where none did."""
        secret = leaked_secret(self._guest, self._client_random)
        if secret is None:
            raise LookupError("no secret of this key agreement leaked")
        return secret


def leaked_secret(guest: Guest, client_random: bytes) -> bytes | None:
    """Return the secret of a key agreement that the lab gave Alice, by the handshake's client_random; None without."""
    for event in powers(guest).own_secrets("shared_secret"):
        if event.data.get("leaked") and event.data.get("client_random") == client_random.hex():
            return event.raw
    return None


def settings_of(design: Design) -> dict[str, Any]:
    """Return what all of Alice's engines are told: the design's version, suite and group, and open hooks."""
    return {
        "versions": (tls.Version.TLS13 if design.tls == "1.3" else tls.Version.TLS12,),
        "extended_master_secret": design.extended_master_secret,
        "cipher_suites": (tls.CipherSuite[design.suite],),
        "groups": (tls.Group[design.group],),
        "trust": None,
        "check_peer": False,
        "intercept": True,
    }


class BankLeg(TlsEndpoint):
    """Alice's own channel to the bank: with the teller's random and nonce, or with its very ClientHello."""

    def __init__(
        self,
        guest: Guest,
        name: str,
        application: TowardsBank,
        *,
        learned: Callable[[], None],
        like: tls.ClientHello | None = None,
        takeover: bool = False,
        identity: Identity | None = None,
    ) -> None:
        share = LeakedShare(guest, like.random) if like and takeover else None
        engine = tls.Client(
            tls.ClientConfig(
                server_name=guest.setting("server_name"),
                attestation=offer(guest.design, "client"),
                certificates=(identity.certificate_der,) if identity else (),
                key=identity.key if identity else None,
                ephemeral=(lambda _group: share) if share else None,
                **settings_of(guest.design),
            )
        )
        super().__init__(engine, application, observer=tls.TraceObserver(guest.party, name, role="client"))
        application.leg = self
        self.towards = application
        self.evidence = b""
        self.server_hello: tls.ServerHello | None = None
        self._like = like
        self._takeover = takeover
        self._learned = learned

    def handle(self, event: tls.Event) -> None:
        """Keep the bank's ServerHello; where Evidence comes later, go on as soon as the channel stands."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ServerHello):
            self.server_hello = event.message
        super().handle(event)
        if isinstance(event, tls.HandshakeCompleted) and not self.evidence:
            self._learned()

    def respond(self, request: tls.Request) -> None:
        """Say hello like the teller; keep the Evidence."""
        match request:
            case tls.MessageReady(message=tls.ClientHello() as own) if self._like is not None:
                copied = self._like if self._takeover else with_values_of(own, self._like)
                self.connection.answer(request, copied)
            case tls.EvidenceReceived():
                self.evidence = request.evidence
                self.connection.answer(request, None)
                self._learned()
            case _:
                super().respond(request)


class TellerLeg(TlsEndpoint):
    """Alice's channel to the teller, in the bank's name."""

    def __init__(
        self,
        guest: Guest,
        name: str,
        application: TowardsTeller | Mirror | Ear,
        credentials: Credentials,
        *,
        evidence: bytes,
        hello: tls.ServerHello | None = None,
        share: LeakedShare | None = None,
    ) -> None:
        engine = tls.Server(
            tls.ServerConfig(
                certificates=credentials.chain,
                key=credentials.key,
                attestation=offer(guest.design, "server"),
                client_certificate="require" if guest.design.client_key else "none",
                ephemeral=(lambda _group: share) if share else None,
                **settings_of(guest.design),
            )
        )
        super().__init__(engine, application, observer=tls.TraceObserver(guest.party, name, role="server"))
        application.leg = self
        self._evidence = evidence
        self._hello = hello
        self._whole = share is not None

    def respond(self, request: tls.Request) -> None:
        """Say the bank's hello where it is to be the same; show its Evidence; accept whatever the teller shows."""
        match request:
            case tls.MessageReady(message=tls.ServerHello() as own) if self._hello is not None:
                self.connection.answer(request, self._hello if self._whole else with_values_of(own, self._hello))
            case tls.EvidenceWanted():
                self.connection.answer(request, self._evidence)
            case tls.EvidenceReceived():
                self.connection.answer(request, None)
            case _:
                super().respond(request)


class Middle:
    """Alice's end of a connection of the teller's (`wire.Endpoint`).

    `own` is the identity she answers with; without one she takes the bank's certificate, and `key` to sign for it.
    `kept` is Evidence and chain from an earlier connection: with it the bank is not asked again. `source` is the
    machine that is asked, where it is not the bank.
    """

    def __init__(
        self,
        guest: Guest,
        connection: Connection,
        tell: Callable[[str, str], None],
        *,
        own: Identity | None = None,
        key: Any = None,  # noqa: ANN401 - any KeyHolder
        kept: BankLeg | None = None,
        takeover: bool = False,
        source: str = "",
    ) -> None:
        self.leg: TellerLeg | None = None
        self.bank = kept
        self._guest = guest
        self._connection = connection
        self._tell = tell
        self._own = own
        self._key = key
        self._replay = kept is not None
        self._takeover = takeover
        self._source = source or connection.server.name
        self._hello: tls.ClientHello | None = None
        self._held = b""
        self._gone = False

    @property
    def closed(self) -> bool:
        """Whether this end is over."""
        return self.leg.closed if self.leg is not None else self._gone

    def receive(self, data: bytes) -> None:
        """Hold the teller's octets back until there is something to answer with."""
        if self.leg is not None:
            self.leg.receive(data)
            return
        self._held += data
        if self._hello is None and (hello := first_hello(self._held)) is not None:
            self._hello = hello
            self._begin(hello)

    def data_to_send(self) -> bytes:
        """Return what the leg to the teller has to say."""
        return self.leg.data_to_send() if self.leg is not None else b""

    def eof_received(self) -> None:
        """Learn that the teller is gone."""
        self._gone = True
        if self.leg is not None:
            self.leg.eof_received()

    def _begin(self, hello: tls.ClientHello) -> None:
        if self._replay:
            self._tell("replay", "answers with the evidence that she kept; nobody asks the bank.")
            self._stand()
            return

        def make(name: str) -> BankLeg:
            self.bank = self.towards_bank(name, hello)
            return self.bank

        self._guest.connect(self._source, HTTPS, make)

    def towards_bank(self, name: str, hello: tls.ClientHello) -> BankLeg:
        """Make her leg to the bank."""
        return BankLeg(
            self._guest,
            name,
            TowardsBank(self._guest.design),
            learned=self._stand,
            like=hello,
            takeover=self._takeover,
            identity=self._own if self._guest.design.when == "after-finished" else None,
        )

    def towards_teller(self, bank: BankLeg, hello: tls.ClientHello, credentials: Credentials) -> TellerLeg:
        """Make her leg to the teller, with what she learned from the bank."""
        return TellerLeg(
            self._guest,
            self._connection.name,
            TowardsTeller(self._guest.design, bank, self._tell, replay=self._replay),
            credentials,
            evidence=bank.evidence,
            hello=None if self._replay else bank.server_hello,
            share=LeakedShare(self._guest, hello.random) if self._takeover else None,
        )

    def _stand(self) -> None:
        """Answer the teller, now that there is Evidence, or a bank that can be asked for it."""
        bank, hello = self.bank, self._hello
        if bank is None or hello is None or self.leg is not None:
            return
        if self._key is not None:
            credentials = Credentials(bank.connection.peer_certificates, self._key)
        elif self._own is not None:
            credentials = Credentials((self._own.certificate_der,), self._own.key)
        else:
            raise LookupError("Alice has neither a certificate of her own nor the use of the bank's key")
        self.leg = self.towards_teller(bank, hello, credentials)
        held, self._held = self._held, b""
        self.leg.receive(held)


def first_hello(stream: bytes) -> tls.ClientHello | None:
    """Return the ClientHello that a stream begins with, None while it is incomplete."""
    records, _ = tls.split_records(stream)
    joiner = tls.HandshakeJoiner()
    for record in records:
        if record.content_type != tls.ContentType.HANDSHAKE:
            return None
        for raw, _ in joiner.feed(record.fragment, record.start, record.end):
            message = tls.parse_message(record.content_type, raw, None)
            return message if isinstance(message, tls.ClientHello) else None
    return None
