"""Standing in for the bank in TLS 1.2, with evidence that is at hand: kept from an earlier day, or none at all.

`Visitor` connects to the bank as anybody may, and keeps its certificate and what it proves; `StandIn` is Alice's end
of the teller's connection, and `Showing` what it says where evidence is asked for inside the channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.apps13 import THANKS, Frames
from trustlab.passage import PlainEndpoint, TlsEndpoint, offer
from trustlab.passage.exchange import NONCE, frame

if TYPE_CHECKING:
    from trustlab.attacks.middle import Borrowed
    from trustlab.cloud import Guest, Identity
    from trustlab.passage import Application, Design

HTTPS, QUESTIONS = 443, 4433
OWN_NONCE = bytes(NONCE)
"""Alice's own nonce: anything will do."""


class Kept:
    """What Alice keeps of a visit."""

    def __init__(self) -> None:
        self.certificate_der = b""
        self.evidence = b""


class Asking:
    """The application of a visit: asks, as the design has it, and keeps the answer."""

    def __init__(self, design: Design, kept: Kept) -> None:
        self.finished = False
        self._frames = Frames()
        self._silent = design.when == "handshake"
        self._left = 2 if design.when == "after-finished" else 1
        self._kept = kept

    def connected(self) -> bytes:
        """Ask for evidence over a nonce of hers."""
        return b"" if self._silent else frame(OWN_NONCE)

    def received(self, data: bytes) -> bytes:
        """Keep the last frame that was waited for: in a mutual exchange the first is the bank's own question."""
        for octets in self._frames.feed(data, self._left):
            self._left -= 1
            if not self._left:
                self._kept.evidence = octets
                self.finished = True
        return b""

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""


class Visitor(TlsEndpoint):
    """A client that looks at the bank's certificate and its evidence, and proves nothing of its own."""

    def __init__(self, guest: Guest, name: str, kept: Kept) -> None:
        engine = tls.Client(
            tls.ClientConfig(
                server_name=guest.setting("server_name"),
                check_peer=False,
                versions=(tls.Version.TLS12,),
                cipher_suites=(tls.CipherSuite[guest.design.suite],),
                groups=(tls.Group[guest.design.group],),
                extended_master_secret=guest.design.extended_master_secret,
                attestation=offer(guest.design, "client"),
            )
        )
        super().__init__(
            engine, Asking(guest.design, kept), observer=tls.TraceObserver(guest.party, name, role="client")
        )
        self._kept = kept

    def handle(self, event: tls.Event) -> None:
        """Keep the bank's certificate."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.Certificate):
            self._kept.certificate_der = event.message.certificate_list[0]
        super().handle(event)

    def respond(self, request: tls.Request) -> None:
        """Keep the bank's evidence."""
        if isinstance(request, tls.EvidenceReceived):
            self._kept.evidence = request.evidence
            self.connection.answer(request, None)
        else:
            super().respond(request)


def visit(guest: Guest) -> Kept:
    """Connect to the bank as anybody may; what there is to keep is there once the network came to rest."""
    kept, victim = Kept(), guest.setting("victim")
    guest.connect(victim, HTTPS, lambda name: Visitor(guest, name, kept))
    if guest.design.when == "before":
        guest.connect(victim, QUESTIONS, lambda _name: PlainEndpoint(Asking(guest.design, kept)))
    return kept


class Showing:
    """An application that shows evidence to whoever asks inside the channel, and then listens like a bank."""

    def __init__(self, design: Design, evidence: bytes) -> None:
        self.finished = False
        self._frames = Frames()
        self._asks = design.when == "after-finished"
        self._left = {"inside": 1, "after-finished": 2}.get(design.when, 0)
        self._evidence = evidence
        self._shown = False

    def connected(self) -> bytes:
        """Ask, where both sides do."""
        return frame(OWN_NONCE) if self._asks else b""

    def received(self, data: bytes) -> bytes:
        """Answer the question; thank for whatever comes after it."""
        if not self._left:
            return THANKS
        said = b""
        for _ in self._frames.feed(data, self._left):
            self._left -= 1
            said += b"" if self._shown else frame(self._evidence)
            self._shown = True
        return said + (THANKS if not self._left and self._frames.rest else b"")

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""


class Answering(Showing):
    """The same on the port for questions outside TLS (`attest-then-connect`)."""

    def __init__(self, design: Design, evidence: bytes) -> None:
        super().__init__(design, evidence)
        self._left = 1


class StandIn(TlsEndpoint):
    """Alice's end of the teller's connection: evidence that is at hand, and nobody behind her.

    Without an `application` of its own it says what `Showing` says.
    """

    def __init__(
        self,
        guest: Guest,
        name: str,
        identity: Identity | Borrowed,
        evidence: bytes,
        application: Application | None = None,
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
            )
        )
        observer = tls.TraceObserver(guest.party, name, role="server")
        super().__init__(engine, application or Showing(guest.design, evidence), observer=observer)
        self._evidence = evidence

    def respond(self, request: tls.Request) -> None:
        """Show what is at hand; accept whatever the teller shows."""
        match request:
            case tls.EvidenceWanted():
                self.connection.answer(request, self._evidence)
            case tls.EvidenceReceived():
                self.connection.answer(request, None)
            case _:
                super().respond(request)
