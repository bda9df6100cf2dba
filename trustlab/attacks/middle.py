"""Alice in the middle, with our engine and its hooks open: two legs that copy across whatever can be copied.

`Impostor` plays the bank towards the teller with a certificate of her own; `FalseClient` plays the teller towards the
bank, with the teller's random, nonce, pre-master secret and Evidence. Several attacks are made of these two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from trustlab import tls
from trustlab.passage import TlsEndpoint, offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.borrowed_key import BorrowedKey
    from trustlab.cloud import Guest, Identity
    from trustlab.passage.guard import Role
    from trustlab.wire import Connection

HTTPS = 443
SUITES = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
Hello = TypeVar("Hello", tls.ClientHello, tls.ServerHello)
Tell = "Callable[[str, str], None]"


class Pipe:
    """The application of one of Alice's legs: passes plaintext to the other leg once that one stands.

    `opening` is something of her own to say first.
    """

    def __init__(self, opening: bytes = b"") -> None:
        self.finished = False
        self.other: AliceLeg | None = None
        self._held = opening

    def connected(self) -> bytes:
        """Say what the other leg read before this one stood."""
        held, self._held = self._held, b""
        return held

    def say(self, data: bytes, leg: AliceLeg) -> None:
        """Send on `leg`, or keep it until its handshake is complete."""
        if leg.connection.handshake_complete and not leg.connection.closed:
            leg.connection.send(data)
        else:
            self._held += data

    def received(self, data: bytes) -> bytes:
        """Pass plaintext on."""
        if self.other is not None:
            self.other.pipe.say(data, self.other)
        return b""

    def closed(self, error: Exception | None) -> None:  # noqa: ARG002 - both endings look alike from here
        """Close the other leg too."""
        if self.other is not None:
            self.other.hang_up()


class Borrowed(NamedTuple):
    """Somebody else's certificate, and what signs for it."""

    certificate_der: bytes
    key: BorrowedKey


class AliceLeg(TlsEndpoint):
    """One of Alice's two channels; requests it cannot answer yet wait until the other leg has what is needed."""

    def __init__(self, engine: tls.Client | tls.Server, pipe: Pipe, guest: Guest, connection: str, role: Role) -> None:
        self.pipe = pipe
        super().__init__(engine, pipe, observer=tls.TraceObserver(guest.party, connection, role=role))

    def hang_up(self) -> None:
        """End this channel as politely as its state allows."""
        if not self.connection.closed:
            self.connection.close()
            self.pump()


class Impostor(AliceLeg):
    """The leg towards the client: Alice plays the bank, and opens the leg to the real one on the ClientHello.

    `source` is the machine whose Evidence she forwards, where it is not the bank. With `same_octets` she says in both
    channels what the other end said, hellos and encrypted secret included: it takes the bank's own key.
    """

    def __init__(
        self,
        guest: Guest,
        identity: Identity | Borrowed,
        connection: Connection,
        *,
        tell: Callable[[str, str], None],
        towards_client: Pipe | None = None,
        towards_bank: Pipe | None = None,
        source: str = "",
        same_octets: bool = False,
    ) -> None:
        engine = tls.Server(
            tls.ServerConfig(
                certificates=(identity.certificate_der,),
                key=identity.key,
                versions=(tls.Version.TLS12,),
                cipher_suites=(tls.CipherSuite[guest.design.suite],),
                groups=(tls.Group[guest.design.group],),
                extended_master_secret=guest.design.extended_master_secret,
                attestation=offer(guest.design, "server"),
                client_certificate="request" if guest.design.client_key else "none",
                check_peer=False,
                intercept=True,
            )
        )
        super().__init__(engine, towards_client or Pipe(), guest, connection.name, "server")
        self._guest = guest
        self._tell = tell
        self._victim = source or connection.server.name
        self._same_octets = same_octets
        self._bank_pipe = towards_bank or Pipe()
        self._epms = b""
        self._evidence_wanted: tls.EvidenceWanted | None = None
        self._hello_ready: tuple[tls.MessageReady, tls.ServerHello] | None = None
        self._pms = b""
        self.bank: FalseClient | None = None

    def handle(self, event: tls.Event) -> None:
        """Open the other leg on the ClientHello; remember the secret that the client chose, and pass it on."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ClientHello):
            self._open(event.message)
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ClientKeyExchange):
            self._epms = event.message.exchange if self._same_octets else b""
        if isinstance(event, tls.SecretDerived) and event.label == "pre_master_secret":
            self._pms = event.value
        if isinstance(event, tls.HandshakeCompleted) and self.bank is not None:
            self.bank.go_on(self._pms, b"", self._epms)
        super().handle(event)

    def respond(self, request: tls.Request) -> None:
        """Copy the bank's random and nonce, hand over its Evidence, accept whatever the client proves."""
        match request:
            case tls.MessageReady(message=tls.ServerHello() as own):
                self._hello_ready = request, own
                self.proceed()
            case tls.EvidenceWanted():
                self._evidence_wanted = request
                self.proceed()
            case tls.EvidenceReceived():
                self.connection.answer(request, None)
                if self.bank is not None:
                    self.bank.go_on(self._pms, request.evidence, self._epms)
            case _:
                super().respond(request)

    def own_hello(self, own: tls.ServerHello, banks: tls.ServerHello) -> tls.ServerHello:
        """Return what Alice says in the bank's place."""
        return banks if self._same_octets else with_values_of(own, banks)

    def proceed(self) -> None:
        """Answer what was waiting for the bank, as far as the bank has spoken."""
        bank = self.bank
        if bank is None:
            return
        if self._hello_ready is not None and bank.server_hello is not None:
            (ready, own), self._hello_ready = self._hello_ready, None
            self.connection.answer(ready, self.own_hello(own, bank.server_hello))
            self.pump()
        if self._evidence_wanted is not None and bank.evidence:
            wanted, self._evidence_wanted = self._evidence_wanted, None
            self._tell("forward", f"forwards the evidence of {self._victim}'s machine as if it were about her own key.")
            self.connection.answer(wanted, bank.evidence)
            self.pump()

    def _open(self, hello: tls.ClientHello) -> None:
        def make(name: str) -> FalseClient:
            self.bank = FalseClient(
                self._guest, hello, name, self._bank_pipe, self.proceed, whole_hello=self._same_octets
            )
            self.pipe.other, self.bank.pipe.other = self.bank, self
            return self.bank

        self._guest.connect(self._victim, HTTPS, make)


class FalseClient(AliceLeg):
    """The leg towards the bank: Alice plays the teller, with the teller's random, nonce, secret and Evidence.

    With `own_secret` she chooses the pre-master secret herself; an `identity` is hers to show where a certificate is
    asked for.
    """

    def __init__(
        self,
        guest: Guest,
        hello: tls.ClientHello,
        connection: str,
        pipe: Pipe,
        learned: Callable[[], None],
        *,
        own_secret: bool = False,
        whole_hello: bool = False,
        identity: Identity | None = None,
    ) -> None:
        engine = tls.Client(
            tls.ClientConfig(
                server_name=guest.setting("server_name"),
                trust=None,
                check_peer=False,
                versions=(tls.Version.TLS12,),
                cipher_suites=(tls.CipherSuite[guest.design.suite],),
                groups=(tls.Group[guest.design.group],),
                extended_master_secret=guest.design.extended_master_secret,
                attestation=offer(guest.design, "client"),
                certificates=(identity.certificate_der,) if identity else (),
                key=identity.key if identity else None,
                intercept=True,
            )
        )
        super().__init__(engine, pipe, guest, connection, "client")
        self.server_hello: tls.ServerHello | None = None
        self.evidence = b""
        self._hello = hello
        self._whole_hello = whole_hello
        self._learned = learned
        self._own_secret = own_secret
        self._waiting: list[tls.Request] = []
        self._pms: bytes | None = None
        self._epms = b""
        self._client_evidence = b""

    def handle(self, event: tls.Event) -> None:
        """Keep the bank's ServerHello for the other leg."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ServerHello):
            self.server_hello = event.message
            self._learned()
        super().handle(event)

    def respond(self, request: tls.Request) -> None:
        """Copy the teller's hello; keep the bank's Evidence; wait for the teller's secret and Evidence."""
        match request:
            case tls.MessageReady(message=tls.ClientHello() as own):
                copied = self._hello if self._whole_hello else with_values_of(own, self._hello)
                self.connection.answer(request, copied)
            case tls.EvidenceReceived():
                self.evidence = request.evidence
                self.connection.answer(request, None)
                self._learned()
            case tls.PreMasterSecretReady() | tls.EvidenceWanted():
                self._waiting.append(request)
                self._answer()
            case _:
                super().respond(request)

    def go_on(self, pms: bytes, evidence: bytes, epms: bytes = b"") -> None:
        """Go on with what the teller chose and proved; with `epms`, as it encrypted it."""
        self._pms, self._epms, self._client_evidence = pms, epms, self._client_evidence or evidence
        self._answer()
        self.pump()

    def _answer(self) -> None:
        if self._pms is None:
            return
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            if isinstance(request, tls.PreMasterSecretReady):
                chosen = tls.ChosenPreMasterSecret(self._pms, self._epms) if self._epms else self._pms
                self.connection.answer(request, None if self._own_secret else chosen)
            else:
                self.connection.answer(request, self._client_evidence)


def with_values_of(own: Hello, other: Hello) -> Hello:
    """Return Alice's hello with the other leg's random and attestation nonce."""
    copied = replace(own, random=other.random)
    theirs = tls.attestation_of(other)
    return copied if theirs is None else tls.with_attestation(copied, nonce=theirs.nonce)
