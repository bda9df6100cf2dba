"""Alice's two legs: an end of TLS towards the client and one towards the server, on our own engine with its hooks open.

`TowardsClient` plays the server, `TowardsServer` the client. Each copies what it can from the other leg: randoms and
nonces or whole hellos, the evidence, and in TLS 1.2 the secret that the client chose. The design says which version of
TLS they speak. Each can also be used alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from trustlab import tls
from trustlab.passage import TlsEndpoint, engine_settings
from trustlab.tls.unchecked import UncheckedClientConfig, UncheckedServerConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.alice.applications import Quiet
    from trustlab.attacks.alice.tools import Alice
    from trustlab.cloud import Identity
    from trustlab.passage.guard import Role

Hello = TypeVar("Hello", tls.ClientHello, tls.ServerHello)


class Credentials(NamedTuple):
    """A certificate chain in DER, leaf first, and what signs for it: a private key or a `KeyHolder`."""

    chain: tuple[bytes, ...]
    key: Any

    @classmethod
    def of(cls, identity: Identity) -> Credentials:
        """Return the credentials of an identity."""
        return cls((identity.certificate_der,), identity.key)


class LeakedShare:
    """A key share without a private key: Alice knows the result of the agreement (`tls.groups.Share`)."""

    public = bytes(32)

    def __init__(self, alice: Alice, client_random: bytes) -> None:
        self._alice = alice
        self._client_random = client_random

    def finish(self, peer: bytes) -> bytes:  # noqa: ARG002 - whatever the peer's share, the result is known
        """Return the leaked secret; LookupError if there is none."""
        secret = self._alice.leaked_secret(self._client_random)
        if secret is None:
            raise LookupError("the secret of this key agreement has not leaked")
        return secret


def engine(
    alice: Alice,
    role: Role,
    *,
    shows: Credentials | None = None,
    attests: bool = True,
    share: LeakedShare | None = None,
) -> tls.Client | tls.Server:
    """Return her engine for the design: with its version, suite and group, every hook open, and no check of the peer.

    If not `attests`, it does not know the attestation extension.
    """
    design = alice.design
    settings: dict[str, Any] = {
        **engine_settings(design, role),
        **({} if attests else {"attestation": None}),
        "certificates": shows.chain if shows else (),
        "key": shows.key if shows else None,
        "ephemeral": (lambda _group: share) if share else None,
        "random": alice.guest.random,
        "intercept": True,
    }
    if role == "client":
        return tls.Client(UncheckedClientConfig(server_name=alice.guest.setting("server_name"), **settings))
    return tls.Server(UncheckedServerConfig(client_certificate="request" if design.client_key else "none", **settings))


def with_values_of(own: Hello, other: Hello) -> Hello:
    """Return Alice's hello with the other leg's random and attestation nonce."""
    copied = replace(own, random=other.random)
    theirs = tls.attestation_of(other)
    return copied if theirs is None else tls.with_attestation(copied, nonce=theirs.nonce)


class Leg(TlsEndpoint):
    """One of her channels; what is written before the handshake is complete is kept, and sent then."""

    def __init__(self, alice: Alice, name: str, made: tls.Client | tls.Server, application: Quiet) -> None:
        super().__init__(made, application, observer=tls.TraceObserver(alice.guest.party, name, role=made.role))
        application.leg = self
        self._unsaid = b""

    @property
    def ready(self) -> bool:
        """Whether application data can be sent now."""
        return self.connection.handshake_complete and not self.connection.closed

    def write(self, data: bytes) -> None:
        """Send application data, or keep it until the handshake is complete."""
        if self.ready:
            super().write(data)
        else:
            self._unsaid += data

    def handle(self, event: tls.Event) -> None:
        """Send what was kept, after the application's own first data."""
        super().handle(event)
        if isinstance(event, tls.HandshakeCompleted) and self._unsaid and self.ready:
            unsaid, self._unsaid = self._unsaid, b""
            super().write(unsaid)


class TowardsServer(Leg):
    """Alice plays the client. She keeps the server's evidence in `evidence` and its hello in `server_hello`.

    `like` is the real client's hello: she copies its random and nonce, or with `whole` all its octets; in TLS 1.3 that
    needs the leaked secret. `learned` is called after the server's hello, its evidence, and the end of the handshake.
    If she `follows` a client, she sends a secret and evidence only after `go_on`; if not, she chooses the secret
    herself and has no evidence. `shows` are her credentials, if the server asks for a certificate.
    """

    def __init__(
        self,
        alice: Alice,
        name: str,
        application: Quiet,
        *,
        like: tls.ClientHello | None = None,
        whole: bool = False,
        learned: Callable[[], None] = lambda: None,
        follows: bool = False,
        shows: Credentials | None = None,
    ) -> None:
        share = LeakedShare(alice, like.random) if like and whole and alice.design.tls == "1.3" else None
        super().__init__(alice, name, engine(alice, "client", shows=shows, share=share), application)
        self.like = like
        self.server_hello: tls.ServerHello | None = None
        self.evidence = b""
        self._whole, self._learned, self._follows = whole, learned, follows
        self._waiting: list[tls.Request] = []
        self._chosen: tls.ChosenPreMasterSecret | bytes | None = None
        self._proof: bytes | None = None

    def handle(self, event: tls.Event) -> None:
        """Keep the server's hello; call `learned` for it, and at the end of the handshake."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ServerHello):
            self.server_hello = event.message
            self._learned()
        super().handle(event)
        if isinstance(event, tls.HandshakeCompleted):
            self._learned()

    def respond(self, request: tls.Request) -> None:
        """Copy the client's hello; keep the server's evidence; wait for the client's secret and evidence."""
        match request:
            case tls.MessageReady(message=tls.ClientHello() as own) if self.like is not None:
                self.connection.answer(request, self.own_hello(own, self.like))
            case tls.EvidenceReceived():
                self.evidence = request.evidence
                self.connection.answer(request, None)
                self._learned()
            case tls.PreMasterSecretReady() | tls.EvidenceWanted() if self._follows:
                self._waiting.append(request)
                self._answer()
            case _:
                super().respond(request)

    def own_hello(self, own: tls.ClientHello, clients: tls.ClientHello) -> tls.ClientHello:
        """Return the ClientHello that she sends in the client's place."""
        return clients if self._whole else with_values_of(own, clients)

    def go_on(self, pms: bytes, evidence: bytes, epms: bytes = b"") -> None:
        """Go on with the client's evidence and secret; without `pms` she chooses one. `epms` is the client's own."""
        self._chosen = tls.ChosenPreMasterSecret(pms, epms) if epms else pms or None
        self._proof = self._proof or evidence
        self._answer()
        self.pump()

    def _answer(self) -> None:
        if self._proof is None:
            return
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self.connection.answer(
                request, self._chosen if isinstance(request, tls.PreMasterSecretReady) else self._proof
            )


class TowardsClient(Leg):
    """Alice plays the server, with the credentials that she `shows`.

    With a leg `behind` her, she copies from it the server's random and nonce, or with `whole` its whole hello, and the
    server's evidence; she waits until that leg has them, and gives it the client's secret and evidence. Alone, she
    shows the `evidence` that she has. If not `attests`, she does not answer the client's offer of evidence.
    """

    def __init__(
        self,
        alice: Alice,
        name: str,
        application: Quiet,
        *,
        shows: Credentials,
        evidence: bytes = b"",
        behind: TowardsServer | None = None,
        whole: bool = False,
        attests: bool = True,
    ) -> None:
        like = behind.like if behind and whole and alice.design.tls == "1.3" else None
        share = LeakedShare(alice, like.random) if like else None
        super().__init__(alice, name, engine(alice, "server", shows=shows, attests=attests, share=share), application)
        self.behind = behind
        self._tell = alice.tell
        self._evidence, self._whole = evidence, whole
        self._hello_ready: tuple[tls.MessageReady, tls.ServerHello] | None = None
        self._evidence_wanted: tls.EvidenceWanted | None = None
        self._pms = self._epms = b""

    def handle(self, event: tls.Event) -> None:
        """Keep the secret that the client chose, and give it to the leg behind."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.ClientKeyExchange):
            self._epms = event.message.exchange if self._whole else b""
        if isinstance(event, tls.SecretDerived) and event.label == "pre_master_secret":
            self._pms = event.value
        if isinstance(event, tls.HandshakeCompleted):
            self._pass_on(b"")
        super().handle(event)

    def respond(self, request: tls.Request) -> None:
        """Send the hello and the evidence once she has what she wants to copy; accept any evidence of the client."""
        match request:
            case tls.MessageReady(message=tls.ServerHello() as own):
                self._hello_ready = request, own
                self.proceed()
            case tls.EvidenceWanted():
                self._evidence_wanted = request
                self.proceed()
            case tls.EvidenceReceived():
                self.connection.answer(request, None)
                self._pass_on(request.evidence)
            case _:
                super().respond(request)

    def own_hello(self, own: tls.ServerHello, servers: tls.ServerHello) -> tls.ServerHello:
        """Return the ServerHello that she sends in the server's place."""
        return servers if self._whole else with_values_of(own, servers)

    def proceed(self) -> None:
        """Answer the requests that waited for the server, as far as its messages have arrived."""
        behind = self.behind
        if self._hello_ready is not None and (behind is None or behind.server_hello is not None):
            (ready, own), self._hello_ready = self._hello_ready, None
            servers = behind.server_hello if behind else None
            self.connection.answer(ready, self.own_hello(own, servers) if servers else own)
            self.pump()
        if self._evidence_wanted is not None and (behind is None or behind.evidence):
            wanted, self._evidence_wanted = self._evidence_wanted, None
            if behind is not None:
                self._tell("forward", "forwards the evidence that she got, as if it were about her own key.")
            self.connection.answer(wanted, behind.evidence if behind else self._evidence)
            self.pump()

    def _pass_on(self, evidence: bytes) -> None:
        if self.behind is not None:
            self.behind.go_on(self._pms, evidence, self._epms)
