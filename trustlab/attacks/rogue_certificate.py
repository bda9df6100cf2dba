"""`rogue-certificate`: Alice in the middle, with a certificate that a trusted CA signed for the bank's name.

This module is Alice's guest program: the cloud starts it from an image, with her powers as the provider
(`guest.provider`). Against plain TLS she runs OpenSSL on both legs. Against a passage she runs our engine with its
hooks open, and does the best she can: copies randoms and nonces across, forwards the bank's Evidence and the
teller's, even the pre-master secret. What she cannot copy is the key: the one in her certificate is hers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from trustlab import tls
from trustlab.attacks.attack import Attack
from trustlab.passage import OpenSslEndpoint, TlsEndpoint, offer

if TYPE_CHECKING:
    from trustlab.cloud import Guest, Identity
    from trustlab.passage.guard import Role
    from trustlab.wire import Connection, Endpoint

ATTACK = Attack(
    name="rogue-certificate",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection in the bank's name",
        "opens her own connection to the bank and passes everything on, reading it",
    ),
    breaks="authenticity",
    why="A certificate says that someone answered for a name, and in Alice's network Alice decides who answers.",
    source="Trusted Passages (2011)",
    stopped_by="Evidence bound to the channel: the key in TLS must be the one that the measured machine's TPM made",
)
HTTPS = 443
Hello = TypeVar("Hello", tls.ClientHello, tls.ServerHello)


def start(guest: Guest) -> None:
    """Take the bank's place: certificate first, then the stream."""
    provider = guest.provider
    if provider is None:
        raise PermissionError("this program needs the provider's powers: start it on a machine of Alice's")
    victim, server_name = guest.setting("victim"), guest.setting("server_name")
    identity = guest.make_identity(lambda key: provider.obtain_certificate(server_name, victim, key))
    _tell(
        guest,
        "certificate",
        f"answers the CA's connection to {server_name} and gets a certificate for a key of her own.",
    )
    provider.redirect(victim, HTTPS)
    guest.listen(HTTPS, lambda connection: intercept(guest, identity, connection))


def intercept(guest: Guest, identity: Identity, connection: Connection) -> Endpoint:
    """Make Alice's end of a connection that was meant for the victim, and her own connection to the victim."""
    _tell(guest, "intercept", f"answers {connection.client.name}'s connection in the name of {connection.server.name}.")
    if guest.design.when == "never":
        return _plain(guest, identity, connection)
    return Impostor(guest, identity, connection)


def _tell(guest: Guest, step: str, sentence: str) -> None:
    guest.party.emit("attack", ATTACK.name, step=step, sentence=f"Alice {sentence}")


# --- plain TLS, by OpenSSL


class Relay:
    """An application that passes what it reads to another endpoint."""

    def __init__(self) -> None:
        self.finished = False
        self.other: OpenSslEndpoint | None = None

    def connected(self) -> bytes:
        """Say nothing of her own."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Pass plaintext on to the other leg."""
        if self.other is not None:
            self.other.write(data)
        return b""

    def closed(self, error: Exception | None) -> None:  # noqa: ARG002 - both endings look alike from here
        """Close the other leg too."""
        self.finished = True
        if self.other is not None:
            self.other.close()


def _plain(guest: Guest, identity: Identity, connection: Connection) -> Endpoint:
    towards_client, towards_server = Relay(), Relay()
    left = OpenSslEndpoint.server(
        towards_client,
        party=guest.party,
        connection=connection.name,
        chain_pem=[identity.certificate_pem],
        key_pem=identity.key_pem,
    )
    towards_server.other = left

    def right(name: str) -> Endpoint:
        end = OpenSslEndpoint.client(
            towards_server,
            party=guest.party,
            connection=name,
            server_name=guest.setting("server_name"),
            roots_pem=guest.setting("web_root"),
            check=False,
        )
        towards_client.other = end
        return end

    guest.connect(connection.server.name, HTTPS, right)
    _tell(guest, "relay", f"opens her own connection to {connection.server.name} and passes everything on, reading it.")
    return left


# --- a passage, by our engine with its hooks open


class Pipe:
    """The application of one of Alice's legs: passes plaintext to the other leg once that one stands."""

    def __init__(self) -> None:
        self.finished = False
        self.other: AliceLeg | None = None
        self._held = b""

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


class AliceLeg(TlsEndpoint):
    """One of Alice's two channels; requests it cannot answer yet wait until the other leg has what is needed."""

    def __init__(self, engine: tls.Client | tls.Server, guest: Guest, connection: str, role: Role) -> None:
        self.pipe = Pipe()
        super().__init__(engine, self.pipe, observer=tls.TraceObserver(guest.party, connection, role=role))

    def hang_up(self) -> None:
        """End this channel as politely as its state allows."""
        if not self.connection.closed:
            self.connection.close()
            self.pump()


class Impostor(AliceLeg):
    """The leg towards the client: Alice plays the bank, and opens the leg to the real one on the ClientHello."""

    def __init__(self, guest: Guest, identity: Identity, connection: Connection) -> None:
        engine = tls.Server(
            tls.ServerConfig(
                certificates=(identity.certificate_der,),
                key=identity.key,
                versions=(tls.Version.TLS12,),
                cipher_suites=(tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,),
                extended_master_secret=False,
                attestation=offer(guest.design, "server"),
                intercept=True,
            )
        )
        super().__init__(engine, guest, connection.name, "server")
        self._guest = guest
        self._victim = connection.server.name
        self._evidence_wanted: tls.EvidenceWanted | None = None
        self._hello_ready: tuple[tls.MessageReady, tls.ServerHello] | None = None
        self._pms = b""
        self.bank: FalseClient | None = None

    def handle(self, event: tls.Event) -> None:
        """Open the other leg on the ClientHello; remember the secret that the client chose."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ClientHello):
            self._open(event.message)
        if isinstance(event, tls.SecretDerived) and event.label == "pre_master_secret":
            self._pms = event.value
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
                    self.bank.go_on(self._pms, request.evidence)
            case _:
                super().respond(request)

    def proceed(self) -> None:
        """Answer what was waiting for the bank, as far as the bank has spoken."""
        bank = self.bank
        if bank is None:
            return
        if self._hello_ready is not None and bank.server_hello is not None:
            (ready, own), self._hello_ready = self._hello_ready, None
            self.connection.answer(ready, _with_values_of(own, bank.server_hello))
            self.pump()
        if self._evidence_wanted is not None and bank.evidence:
            wanted, self._evidence_wanted = self._evidence_wanted, None
            _tell(
                self._guest,
                "forward",
                f"forwards the evidence of {self._victim}'s machine as if it were about her own key.",
            )
            self.connection.answer(wanted, bank.evidence)
            self.pump()

    def _open(self, hello: tls.ClientHello) -> None:
        def make(name: str) -> FalseClient:
            self.bank = FalseClient(self._guest, hello, name, self)
            self.pipe.other, self.bank.pipe.other = self.bank, self
            return self.bank

        self._guest.connect(self._victim, HTTPS, make)


class FalseClient(AliceLeg):
    """The leg towards the bank: Alice plays the teller, with the teller's random, nonce, secret and Evidence."""

    def __init__(self, guest: Guest, hello: tls.ClientHello, connection: str, impostor: Impostor) -> None:
        engine = tls.Client(
            tls.ClientConfig(
                server_name=guest.setting("server_name"),
                trust=None,
                check_peer=False,
                versions=(tls.Version.TLS12,),
                cipher_suites=(tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,),
                extended_master_secret=False,
                attestation=offer(guest.design, "client"),
                intercept=True,
            )
        )
        super().__init__(engine, guest, connection, "client")
        self.server_hello: tls.ServerHello | None = None
        self.evidence = b""
        self._hello = hello
        self._impostor = impostor
        self._waiting: list[tls.Request] = []
        self._pms: bytes | None = None
        self._client_evidence = b""

    def handle(self, event: tls.Event) -> None:
        """Keep the bank's ServerHello for the other leg."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ServerHello):
            self.server_hello = event.message
            self._impostor.proceed()
        super().handle(event)

    def respond(self, request: tls.Request) -> None:
        """Copy the teller's hello; keep the bank's Evidence; wait for the teller's secret and Evidence."""
        match request:
            case tls.MessageReady(message=tls.ClientHello() as own):
                self.connection.answer(request, _with_values_of(own, self._hello))
            case tls.EvidenceReceived():
                self.evidence = request.evidence
                self.connection.answer(request, None)
                self._impostor.proceed()
            case tls.PreMasterSecretReady() | tls.EvidenceWanted():
                self._waiting.append(request)
                self._answer()
            case _:
                super().respond(request)

    def go_on(self, pms: bytes, evidence: bytes) -> None:
        """Go on with what the teller chose and proved."""
        self._pms, self._client_evidence = pms, evidence
        self._answer()
        self.pump()

    def _answer(self) -> None:
        if self._pms is None:
            return
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            secret = isinstance(request, tls.PreMasterSecretReady)
            self.connection.answer(request, self._pms if secret else self._client_evidence)


def _with_values_of(own: Hello, other: Hello) -> Hello:
    """Return Alice's hello with the other leg's random and attestation nonce."""
    copied = replace(own, random=other.random)
    theirs = tls.attestation_of(other)
    return copied if theirs is None else tls.with_attestation(copied, nonce=theirs.nonce)
