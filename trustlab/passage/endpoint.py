"""The pump: joins one TLS engine, its keys, a guard and an application into an endpoint of a byte stream.

The engine asks by `tls.Request` events. `respond` answers them: a key operation by a `KeyHolder`, Evidence by the
`Guard`. (Local private keys are used by `tls.pump` itself.) Alice's ends override `respond`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustlab import tls
from trustlab.passage.schedule import NEVER, RenewalError, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.application import Application
    from trustlab.passage.guard import Guard
    from trustlab.passage.schedule import Renewable


class KeyHolder(Protocol):
    """A private key that lives elsewhere, such as in a TPM; a config takes it in place of a local `key`."""

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        """Do the operation `rsa-decrypt` or `sign` with the key; any exception means that it failed."""


UNTOLD = (tls.SecretDerived, tls.StateChanged, tls.MessageSent, tls.MessageReceived)
"""Events that are for the trace alone."""


class TlsEndpoint:
    """One end of a TLS channel on our own engine; see `wire.Endpoint` for how a wire drives it."""

    def __init__(
        self,
        connection: tls.Client | tls.Server,
        application: Application,
        *,
        observer: tls.TraceObserver | None = None,
        guard: Guard | None = None,
        renewal: Renewable | None = None,
    ) -> None:
        self.connection = connection
        self.application = application
        self.guard = guard
        self.observer = observer
        """Writes the engine's messages into a trace; None if nobody wants to read them."""
        self.renewal = renewal
        """Frames the application's stream, so that either end can ask for evidence again; None: the stream is raw."""
        self.half_close = False
        """Whether the two directions close separately (TLS 1.3); if False, both close at once.

        If True, this end may write after the peer's close_notify until `close`, and after its own it reads on.
        """
        self._over = False
        self._told = False

    @property
    def closed(self) -> bool:
        """Whether this end has nothing more to send and wants its side of the stream closed."""
        return self._over

    @property
    def error(self) -> Exception | None:
        """Why the channel failed, or None.

        That the peer did not answer close_notify is an error only if this end still wanted to read: whoever closes both
        directions need not wait (RFC 5246 7.2.1). `connection.error` reports it in any case.
        """
        error = self.connection.error
        waits = self.half_close and self.connection.version == tls.Version.TLS13
        return None if isinstance(error, tls.Unanswered) and not waits else error

    @property
    def waits_for(self) -> str:
        """What this end waits for and how much of it is here, in words; empty when it is over."""
        if self._over:
            return ""
        inside = getattr(self.application, "waits_for", "") if self.connection.handshake_complete else ""
        return f"{inside}, in {self.connection.waits_for}" if inside else self.connection.waits_for

    def receive(self, data: bytes) -> None:
        """Take octets from the stream."""
        self.connection.receive(data)
        self.pump()

    def eof_received(self) -> None:
        """Learn that the peer closed the stream; after its close_notify this end may still have an answer to write."""
        if not (self.half_close and self.connection.peer_closed):
            self.connection.eof_received()
        self.pump()

    def data_to_send(self) -> bytes:
        """Return octets for the stream."""
        self.pump()
        return self.connection.data_to_send()

    def write(self, data: bytes) -> None:
        """Send application data that the application did not return, as a stream does."""
        self.connection.send(data if self.renewal is None else self.renewal.frames_of(data))

    def attest_again(self, done: Callable[[Exception | None], None] | None = None) -> None:
        """Ask the peer for fresh evidence; see `Renewal.ask`."""
        if self.renewal is None:
            raise RenewalError("this passage's stream has no frames, so nobody can be asked to attest again in it")
        if octets := self.renewal.ask(done):
            self.connection.send(octets)

    @property
    def schedule(self) -> Schedule:
        """When this end asks again by itself."""
        return NEVER if self.renewal is None else self.renewal.schedule

    def renew(self, *, ask: bool) -> None:
        """End the passage if the last accepted evidence is too old, else ask again if wanted: what a clock calls."""
        if self.renewal is None or self._over:
            return
        if not self.renewal.expire() and ask and not self.connection.peer_closed and not self.connection.closed:
            self.attest_again()
        self.pump()

    def close(self) -> None:
        """Send close_notify."""
        self.connection.close()
        self.pump()

    def pump(self) -> None:
        """Run the engine until it waits for octets, or for an answer that comes later."""
        for event in tls.pump(self.connection):
            if self.observer is not None:
                self.observer.observe(event)
            if isinstance(event, tls.Request):
                self.respond(event)
            else:
                self.handle(event)

    def respond(self, request: tls.Request) -> None:
        """Answer a request of the engine; Alice's ends override this, and may answer later."""
        match request:
            case tls.KeyOperationWanted():
                self.connection.answer(request, operate(request))
            case tls.EvidenceWanted() if self.guard is not None:
                self.connection.answer(request, self.guard.evidence(request.facts))
            case tls.EvidenceReceived() if self.guard is not None:
                self.connection.answer(request, self.guard.appraise(request.evidence, request.facts))
            case tls.EvidenceWanted() | tls.EvidenceReceived():
                self.connection.answer(request, tls.AccessDenied("this end has no guard to deal with evidence"))
            case _:
                self.connection.answer(request, None)

    def handle(self, event: tls.Event) -> None:
        """Pass an event on to the application, if it concerns it."""
        if type(event) in UNTOLD:
            return
        match event:
            case tls.HandshakeCompleted():
                self._say(self.application.connected())
            case tls.ApplicationData():
                self._say(self.application.received(event.data))
            case tls.AlertReceived(tls.CloseNotify()) if not self.connection.closed:
                self._tell_end()
                if not self.half_close:
                    self.connection.close()
            case tls.ConnectionClosed():
                self._over = True
                if self.guard is not None and isinstance(event.error, tls.PeerAlert):
                    self.guard.heard(event.error.alert)
                self._tell_end()

    def _tell_end(self) -> None:
        """Tell the application, once, that nothing more will arrive."""
        if not self._told:
            self._told = True
            self.application.closed(self.error)

    def _say(self, data: bytes) -> None:
        if data:
            self.connection.send(data)
        if self.application.finished and not self.connection.closed:
            self.connection.close()


def operate(request: tls.KeyOperationWanted) -> bytes | Exception:
    """Do a key operation with a `KeyHolder`; an exception is returned, not raised, as the engine wants it."""
    key = request.key
    if not hasattr(key, "perform"):
        return TypeError(f"a {type(key).__name__} cannot do {request.operation}: give a private key or a KeyHolder")
    try:
        return bytes(key.perform(request.operation, request.data, request.scheme))
    except Exception as error:  # noqa: BLE001 - the engine treats every failure alike
        return error
