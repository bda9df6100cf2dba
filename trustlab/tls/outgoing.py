"""The sending half of a connection: its state, its events, messages into records, alerts, and the end.

What the handshakes of `client12`, `server13` and the others call stands here.
"""

from __future__ import annotations

import logging
from collections import deque
from traceback import extract_tb
from typing import TYPE_CHECKING

from trustlab.tls.alerts import (
    Alert,
    CloseNotify,
    InternalError,
    LocalProtocolError,
    NoRenegotiation,
    UnexpectedMessage,
)
from trustlab.tls.events import (
    AlertSent,
    ConnectionClosed,
    Event,
    HandshakeCompleted,
    MessageReady,
    MessageSent,
    Request,
    SecretDerived,
    StateChanged,
)
from trustlab.tls.messages import AlertMessage, Context
from trustlab.tls.records import HandshakeJoiner, RecordLayer
from trustlab.tls.registry import AlertLevel, ContentType, HandshakeType, Version
from trustlab.tls.transcript import Transcript

if TYPE_CHECKING:
    from trustlab.tls.config import Config, Session
    from trustlab.tls.handshake import Handshake
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.records import Range
    from trustlab.tls.registry import CipherSuite
    from trustlab.tls.states import Table

CONNECTED = "Connected"
CLOSING = "Closing"
PEER_CLOSED = "PeerClosed"
CLOSED = "Closed"
TITLES: dict[int, str] = {kind: kind.title for kind in HandshakeType}
LOGGER = logging.getLogger("trustlab.tls")


class Outgoing:
    """State and sending; `Incoming` adds the reading, `Connection` what the program calls."""

    role: str

    def __init__(self, config: Config, table: Table) -> None:
        self.config = config
        self.table = table
        self.state = table.start
        self.version: Version | None = None
        self.cipher_suite: CipherSuite | None = None
        self.context = Context()
        self.peer_certificates: tuple[bytes, ...] = ()
        self.server_name = ""
        self.alpn = ""
        self.session: Session | None = None
        self.extended_master_secret = False
        self.facts: dict[str, bytes] = {}
        self.error: Exception | None = None
        self.handshake_complete = False
        self.transcript = Transcript()
        self.records = RecordLayer()
        self.joiner = HandshakeJoiner()
        self.handshake: Handshake
        self.plan: deque[str] = deque()
        self._events: deque[Event] = deque()
        self._waiting: tuple[Request, str] | None = None
        self._outgoing: AnyMessage | None = None
        self._close_sent = False
        self._joined_encrypted = False
        self._held: list[tuple[AnyMessage, bytes]] = []
        self.disguised = False
        self.disguises_received = 0
        self._warnings = 0
        self._empty = 0

    def __repr__(self) -> str:
        version = self.version.title if self.version else "no version yet"
        return f"<{type(self).__name__} {version}, {self.state}>"

    def tell(self, event: Event) -> None:
        """Put an event out."""
        self._events.append(event)

    def secret(self, name: str, value: bytes, *inputs: str) -> None:
        """Tell a secret and what it was made from."""
        if self.config.secrets:
            self._events.append(SecretDerived(name, value, inputs, self.facts.get("client_random", b"")))

    def ask(self, request: Request, then: str) -> None:
        """Put a request out; its answer goes to the handshake's method `then`."""
        self._waiting = (request, then)
        self._events.append(request)

    def enter(self, state: str) -> None:
        """Change the state and tell it."""
        if state != self.state:
            self._events.append(StateChanged(self.state, state))
            self.state = state

    def _move(self, targets: tuple[str, ...], chosen: str | None) -> None:
        """Go on to the one state that a message leads to, or to the one its handshake chose."""
        if chosen is None and len(targets) == 1:
            self.enter(targets[0])
        elif chosen in targets:
            self.enter(chosen)
        else:
            raise LookupError(f"{self.table.name}: {chosen} is none of {targets} behind {self.state}")

    def emit(self, message: AnyMessage) -> None:
        """Send a message of the handshake, after `MessageReady` where the program asked for that."""
        if self.config.intercept:
            self._outgoing = message
            self._waiting = (MessageReady(message), "_emit_ready")
            self._events.append(self._waiting[0])
        else:
            self._write(message)

    def _emit_ready(self, replacement: AnyMessage | None) -> None:
        message, self._outgoing = replacement or self._outgoing, None
        if message is None:
            raise LocalProtocolError("there is no message to send")
        self._write(message)

    def _write(self, message: AnyMessage) -> None:
        targets = self.table.targets(self.state, "send", message.name)
        if not targets:
            raise LocalProtocolError(f"{message.name} has no place in {self.state}")
        raw = message.encode()
        if message.content_type == ContentType.HANDSHAKE:
            self.handshake.add_to_transcript(message, raw)
        if self.config.coalesce and message.content_type == ContentType.HANDSHAKE:
            self._held.append((message, raw))
        else:
            self.put(message, raw)
        chosen = self.handshake.sent(message, raw)
        self._move(targets, chosen)
        self.handshake.entered(message)

    def put(self, message: AnyMessage, raw: bytes, *, plain: bool = False) -> None:
        """Write a message into records of its own and tell it."""
        if self._held:
            self.flush()
        position = self.records.write_offset
        encrypted = self.records.write is not None and not plain
        ranges = self.records.write_message(message.content_type, raw, plain=plain)
        self._tell_sent(message, raw, position, ranges, encrypted=encrypted)

    def flush(self) -> None:
        """Write the handshake messages that wait, as many to a record as fit."""
        if not self._held:
            return
        held, self._held = self._held, []
        encrypted = self.records.write is not None
        size, begin = self.records.max_fragment, 0
        ranges = self.records.write_message(ContentType.HANDSHAKE, b"".join([raw for _, raw in held]))
        for message, raw in held:
            end = begin + len(raw)
            places = ranges[begin // size : (end - 1) // size + 1]
            self._tell_sent(message, raw, places[0][0], places, encrypted=encrypted)
            begin = end

    def _tell_sent(
        self, message: AnyMessage, raw: bytes, position: int, ranges: tuple[Range, ...], *, encrypted: bool
    ) -> None:
        self._events.append(
            MessageSent(
                message,
                raw,
                message.content_type,
                position,
                ranges,
                encrypted,
                message.name,
                self.version or Version.TLS12,
                self.cipher_suite,
            )
        )

    def complete(self) -> None:
        """Tell that the handshake is done."""
        self.handshake_complete = True
        if self.version is not None and self.cipher_suite is not None:
            self._events.append(HandshakeCompleted(self.version, self.cipher_suite, self.peer_certificates))

    def _send_alert(self, alert: Alert, *, fatal: bool) -> None:
        self.handshake.before_alert()
        level = AlertLevel.FATAL if fatal else AlertLevel.WARNING
        message = AlertMessage(level, alert.code)
        self.put(message, message.encode())
        self._events.append(AlertSent(alert, fatal))

    def _send_close_notify(self) -> None:
        """Say the last word: nothing more is written (RFC 5246 7.2.1, RFC 8446 6.1)."""
        self._send_alert(CloseNotify(), fatal=False)
        self._close_sent = True

    def warn_no_renegotiation(self) -> None:
        """Refuse a new handshake without ending the connection (RFC 5746 4.5, RFC 5246 7.2.2).

        After this side's close_notify nothing can be said any more: the request is passed over.
        """
        if self._close_sent:
            return
        self._warnings += 1
        if self._warnings > self.config.limits.warnings:
            raise UnexpectedMessage(
                "more requests to renegotiate than this side is willing to refuse", "RFC 5246 7.4.1"
            )
        self._send_alert(NoRenegotiation("renegotiation is refused", "RFC 5746 4.5"), fatal=False)

    def fail(self, alert: Alert) -> None:
        """Send a fatal alert and end the connection."""
        if not self._close_sent:
            self._send_alert(alert, fatal=True)
        self._end(alert)

    def fail_internally(self, error: Exception) -> None:
        """End the connection after a fault of the engine's own, and log it.

        The log line names the kind of error and its place, but not its text, which may quote octets of the connection;
        the traceback is there at debug level.
        """
        place = extract_tb(error.__traceback__)[-1]
        found = f"{type(error).__name__} in {place.name} ({place.filename.rpartition('/')[2]}, line {place.lineno})"
        detail = error if LOGGER.isEnabledFor(logging.DEBUG) else None
        LOGGER.error(
            "a fault of the TLS engine ends a connection: %s, as %s in %s",
            found,
            self.role,
            self.state,
            exc_info=detail,
        )
        alert = InternalError(f"a fault of this engine: {found}")
        alert.__cause__ = error
        self.fail(alert)

    def _end(self, error: Exception | None) -> None:
        self.error = error
        self._close_sent = True
        self.plan.clear()
        self._waiting = None
        self.records.discard_input()
        self.joiner = HandshakeJoiner()
        self.enter(CLOSED)
        self._events.append(ConnectionClosed(error))  # type: ignore[arg-type]
