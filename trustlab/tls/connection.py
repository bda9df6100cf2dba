"""The part of a connection that both roles and both versions share: records in, events out, requests and answers.

How it works. `receive` only buffers. `next_event` does one small step at a time until there is an event to tell: it
runs the next entry of the *plan* (a queue of method names of the handshake: what this side has to do), or else reads
one message and hands it to the handshake, which may put entries on the plan. A `Request` halts both until it is
answered; what happens then is again a method name. So between two events everything a connection is lies in plain
attributes, and it can be copied.

What may be sent and received when is decided by the tables in `states`; the handshake's methods are called
`receive_client_hello`, `send_client_hello`, `sent_client_hello`, after the messages. Each may return the state to go to
where the table has several.
"""

from __future__ import annotations

import copy
import re
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from trustlab.tls.alerts import (
    Alert,
    CloseNotify,
    DecodeError,
    IllegalParameter,
    LocalProtocolError,
    NoRenegotiation,
    PeerAlert,
    Truncated,
    UnexpectedMessage,
)
from trustlab.tls.events import (
    AlertReceived,
    AlertSent,
    ApplicationData,
    ApplicationDataSent,
    ConnectionClosed,
    Event,
    HandshakeCompleted,
    KeyOperationWanted,
    MessageReady,
    MessageReceived,
    MessageSent,
    Request,
    SecretDerived,
    StateChanged,
)
from trustlab.tls.keys import is_local, perform
from trustlab.tls.messages import AlertMessage, ChangeCipherSpec, Context, Message, pull_message
from trustlab.tls.octets import Reader
from trustlab.tls.records import MAX_PLAINTEXT, HandshakeJoiner, Record, RecordLayer
from trustlab.tls.registry import AlertLevel, ContentType, HandshakeType, Version, label
from trustlab.tls.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.tls.config import Config, Session
    from trustlab.tls.handshake import Handshake
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.registry import CipherSuite
    from trustlab.tls.states import Table

CONNECTED = "Connected"
CLOSING = "Closing"
CLOSED = "Closed"
_COPIED = (deque, dict, list, Transcript, RecordLayer, HandshakeJoiner)
"""What a copied connection must have of its own; everything else it holds never changes."""
_TITLES: dict[int, str] = {kind: kind.name.title().replace("_", "") for kind in HandshakeType}


@lru_cache(maxsize=128)
def method_for(deed: str, name: str) -> str:
    """Return the name of the method for a message: `receive`, `ClientHello` -> `receive_client_hello`."""
    return f"{deed}_{re.sub(r'(?<!^)(?=[A-Z])', '_', name).lower()}"


class Connection:
    """One end of a TLS connection; see `Client` and `Server`."""

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
        self.disguise_received = False
        self._warnings = 0
        self._empty = 0

    def __repr__(self) -> str:
        version = self.version.title if self.version else "no version yet"
        return f"<{type(self).__name__} {version}, {self.state}>"

    def copy(self) -> Self:
        """Return an independent copy, to be resumed later; configuration and immutable parts are shared."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, _COPIED):
                setattr(other, name, value.copy())
        other.handshake = self.handshake.copy(other)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()

    # What the program calls

    @property
    def closed(self) -> bool:
        """Whether this side has said its last word (or the connection has failed)."""
        return self._close_sent or self.state == CLOSED

    def receive(self, data: bytes) -> None:
        """Take octets from the stream; nothing is processed before `next_event`."""
        if self.state != CLOSED:
            self.records.feed(data, self.config.limits.buffered)

    def next_event(self) -> Event | None:
        """Return the next event; None if nothing happens before more octets, an answer or a call of the program."""
        events = self._events
        while not events and self._step():
            pass
        return events.popleft() if events else None

    def data_to_send(self) -> bytes:
        """Return the octets to put on the stream; what can be processed without an answer is processed first."""
        while self._step():
            pass
        self.flush()
        return self.records.drain()

    def answer(self, request: Request, value: Any = None) -> None:  # noqa: ANN401 - each request has its own
        """Answer a request; what it takes is said at the request's class."""
        if self._waiting is None or self._waiting[0] is not request:
            raise LocalProtocolError(f"nobody waits for an answer to this {type(request).__name__}")
        then = self._waiting[1]
        self._waiting = None
        try:
            if isinstance(value, Alert):
                raise value
            if then == "_emit_ready":
                self._emit_ready(value)
            else:
                getattr(self.handshake, then)(value)
        except Alert as alert:
            self.fail(alert)

    def send(self, data: bytes) -> None:
        """Send application data."""
        self._before_sending("application data")
        self.flush()
        self.handshake.before_application_data()
        for start in range(0, len(data), MAX_PLAINTEXT):
            piece = data[start : start + MAX_PLAINTEXT]
            position = self.records.write_offset
            ranges = self.records.write_message(ContentType.APPLICATION_DATA, piece)
            self._events.append(
                ApplicationDataSent(
                    piece,
                    self.records.written(position),
                    position,
                    tuple([(a, b) for a, b in ranges]),
                    self.version or Version.TLS12,
                    self.cipher_suite,
                )
            )

    def update_keys(self, *, request_peer: bool = False) -> None:
        """Move on to the next traffic keys, and ask the peer to do so (TLS 1.3)."""
        self._before_sending("keys")
        self.handshake.update_keys(request_peer=request_peer)

    def _before_sending(self, what: str) -> None:
        if self.closed:
            raise LocalProtocolError(f"the connection is closed: no more {what}")
        if not self.handshake_complete:
            raise LocalProtocolError(f"the handshake is not complete ({self.state}): no {what} yet")

    def close(self) -> None:
        """Send close_notify; what the peer still sends can be read until its own close_notify."""
        if self.closed:
            return
        self._send_alert(CloseNotify(), fatal=False)
        self._close_sent = True
        self.plan.clear()
        self._waiting = None
        self.enter(CLOSING)

    def eof_received(self) -> None:
        """Say that the stream ended; without close_notify before it this is a truncation."""
        while self._step():
            pass
        if self.state == CLOSED:
            return
        error = None if self.state == CLOSING else Truncated(f"the stream ended in {self.state} without close_notify")
        self._end(error)

    def abort(self, alert: Alert) -> None:
        """Give up with this alert, for reasons of the program's own."""
        if not self.closed:
            self.fail(alert)

    def export(self, label_: str, context: bytes | None, length: int) -> bytes:
        """Return keying material for another protocol (RFC 5705; RFC 8446 7.5)."""
        if not self.handshake_complete:
            raise LocalProtocolError("there is nothing to export before the handshake is complete")
        return self.handshake.export(label_.encode(), context, length)

    # What the handshake calls

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

    def _move(self, action: str, name: str, chosen: str | None) -> None:
        targets = self.table.targets(self.state, action, name)
        target = chosen or (targets[0] if len(targets) == 1 else None)
        if target not in targets:
            raise LookupError(f"{self.table.name}: no edge {self.state} --{action} {name}--> {target}")
        self.enter(target)

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
        if not self.table.targets(self.state, "send", message.name):
            raise LocalProtocolError(f"{message.name} has no place in {self.state}")
        raw = message.encode()
        if message.content_type == ContentType.HANDSHAKE:
            self.handshake.add_to_transcript(message, raw)
        self.put(message, raw)
        chosen = self.handshake.sent(message, raw)
        self._move("send", message.name, chosen)
        self.handshake.entered(message)

    def put(self, message: AnyMessage, raw: bytes, *, plain: bool = False) -> None:
        """Write a message into records and tell it; with `coalesce`, handshake messages wait for `flush`."""
        if self.config.coalesce and message.content_type == ContentType.HANDSHAKE:
            self._held.append((message, raw))
            return
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
        stream = b"".join(raw for _, raw in held)
        joiner = HandshakeJoiner()
        found = []
        ranges = self.records.write_message(ContentType.HANDSHAKE, stream)
        for number, (start, end) in enumerate(ranges):
            size = self.records.max_fragment
            found += joiner.feed(stream[number * size : (number + 1) * size], start, end)
        for (message, raw), (_, places) in zip(held, found, strict=True):
            self._tell_sent(message, raw, places[0][0], places, encrypted=encrypted)

    def _tell_sent(
        self, message: AnyMessage, raw: bytes, position: int, ranges: list[list[int]], *, encrypted: bool
    ) -> None:
        self._events.append(
            MessageSent(
                message,
                raw,
                message.content_type,
                position,
                tuple([(a, b) for a, b in ranges]),
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

    # The engine's own steps

    def _step(self) -> bool:
        """Do one step; False if there is nothing to do before something comes from outside."""
        if self._waiting is not None or self.state == CLOSED:
            return False
        try:
            if self.plan:
                getattr(self.handshake, self.plan.popleft())()
                return True
            if self._held:
                self.flush()
            return self._read()
        except Alert as alert:
            self.fail(alert)
            return True

    def _read(self) -> bool:
        """Handle one message or record; False if there is none."""
        if self.joiner.pending and self._read_message():
            return True
        record = self.records.next_record()
        if record is None:
            return False
        self._count_empty(record)
        if record.content_type == ContentType.HANDSHAKE:
            self._handshake_record(record)
        elif record.content_type == ContentType.ALERT:
            self._alert_record(record)
        elif record.content_type == ContentType.CHANGE_CIPHER_SPEC:
            self._change_cipher_spec_record(record)
        elif record.content_type == ContentType.APPLICATION_DATA:
            self._application_record(record)
        else:
            raise UnexpectedMessage(f"a protected record of content type {record.content_type}", "RFC 8446 5.2")
        return True

    def _count_empty(self, record: Record) -> None:
        self._empty = 0 if record.content else self._empty + 1
        if self._empty > self.config.limits.empty_records:
            raise UnexpectedMessage(f"more than {self.config.limits.empty_records} empty records in a row")

    def _handshake_record(self, record: Record) -> None:
        if not record.content:
            raise UnexpectedMessage("a handshake record without content", "RFC 5246 6.2.1")
        self.handshake.check_protected(record)
        self.joiner.add(record.content, record.raw.start, record.raw.end)
        self._joined_encrypted = record.encrypted

    def _read_message(self) -> bool:
        """Take the message in front if it is complete; refuse it as early as its header shows that it must be."""
        head = self.joiner.header()
        if head is None:
            return False
        self.handshake.check_welcome(*head)
        if head[1] > self.config.limits.message:
            raise IllegalParameter(
                f"a handshake message of {head[1]} octets where {self.config.limits.message} are allowed"
            )
        found = self.joiner.take()
        if found is None:
            return False
        raw, ranges = found
        message = pull_message(Reader(raw), self.context)
        self._told(message, raw, ranges, encrypted=self._joined_encrypted)
        self._warnings = 0
        self._received(message, raw)
        return True

    def _told(self, message: AnyMessage, raw: bytes, ranges: list[list[int]], *, encrypted: bool) -> None:
        self._events.append(
            MessageReceived(
                message,
                raw,
                message.content_type,
                ranges[0][0],
                tuple([(a, b) for a, b in ranges]),
                encrypted,
                message.name,
                self.version or Version.TLS12,
                self.cipher_suite,
            )
        )

    def _received(self, message: Message | ChangeCipherSpec, raw: bytes) -> None:
        if self.handshake.aside(message):
            return
        if not self.table.targets(self.state, "receive", message.name):
            raise self.unexpected(message.name)
        chosen = self.handshake.received(message, raw)
        self._move("receive", message.name, chosen)
        self.handshake.entered(message)

    def unexpected(self, name: str) -> UnexpectedMessage:
        """Return the alert for a message that has no place in this state."""
        wanted = " or ".join(self.table.expected(self.state)) or "nothing of the handshake"
        return UnexpectedMessage(
            f"{name} where {wanted} is expected",
            "RFC 8446 4" if self.context.tls13 else "RFC 5246 7.4",
        )

    def welcome(self, kind: int) -> bool:
        """Whether a handshake message of this type may come now."""
        if kind == HandshakeType.SERVER_HELLO and self.table.targets(self.state, "receive", "HelloRetryRequest"):
            return True
        title = _TITLES.get(kind)
        return title is not None and bool(self.table.targets(self.state, "receive", title))

    def unwelcome(self, kind: int) -> UnexpectedMessage:
        """Return the alert for a handshake type that has no place in this state."""
        title = _TITLES.get(kind)
        return self.unexpected(title or f"a message of the type {label(HandshakeType, kind, 1)}")

    def _change_cipher_spec_record(self, record: Record) -> None:
        if self.joiner.pending:
            raise UnexpectedMessage("ChangeCipherSpec inside a handshake message", "RFC 5246 7.1")
        if self.handshake.ignores_change_cipher_spec(record):
            self._told(ChangeCipherSpec(), record.content, [[record.raw.start, record.raw.end]], encrypted=False)
            return
        if not self.table.targets(self.state, "receive", "ChangeCipherSpec"):
            raise self.unexpected("ChangeCipherSpec")
        message = ChangeCipherSpec.pull(Reader(record.content), self.context)
        self._told(message, record.content, [[record.raw.start, record.raw.end]], encrypted=record.encrypted)
        self._received(message, record.content)

    def _application_record(self, record: Record) -> None:
        self.handshake.check_protected(record)
        if not (record.encrypted and self.handshake.takes_application_data()):
            raise UnexpectedMessage(f"application data in {self.state}", "RFC 5246 7.4.9")
        if self.joiner.pending:
            raise UnexpectedMessage("application data inside a handshake message", "RFC 8446 5.1")
        if record.content:
            self._warnings = 0
            self.handshake.application_data_read()
        if self.state in {CONNECTED, CLOSING}:
            ranges = ((record.raw.start, record.raw.end),)
            self._events.append(
                ApplicationData(
                    record.content,
                    record.raw.raw,
                    record.raw.start,
                    ranges,
                    self.version or Version.TLS12,
                    self.cipher_suite,
                )
            )

    # Alerts and the end

    def _alert_record(self, record: Record) -> None:
        self.handshake.check_protected(record)
        if self.joiner.pending and self.context.tls13:
            raise UnexpectedMessage("an alert inside a handshake message", "RFC 8446 5.1")
        if not record.content:
            raise UnexpectedMessage("an alert record without content", "RFC 5246 6.2.1")
        if len(record.content) != 2:
            raise DecodeError(f"an alert of {len(record.content)} octets", "RFC 5246 7.2")
        message = AlertMessage.pull(Reader(record.content), self.context)
        self._told(message, record.content, [[record.raw.start, record.raw.end]], encrypted=record.encrypted)
        alert = message.alert
        if isinstance(alert, CloseNotify):
            self._events.append(AlertReceived(alert, fatal=False))
            self._close_received()
        elif self.handshake.is_fatal(message):
            self._events.append(AlertReceived(alert))
            self._end(PeerAlert(alert))
        else:
            self._warnings += 1
            self._events.append(AlertReceived(alert, fatal=False))
            if self._warnings > self.config.limits.warnings:
                raise UnexpectedMessage(f"more than {self.config.limits.warnings} warning alerts in a row")

    def _close_received(self) -> None:
        complete = self.handshake_complete
        if not self._close_sent:
            self._send_alert(CloseNotify(), fatal=False)
            self._close_sent = True
        self._end(None if complete else PeerAlert(CloseNotify("the peer closed before the handshake was complete")))

    def _send_alert(self, alert: Alert, *, fatal: bool) -> None:
        level = AlertLevel.FATAL if fatal else AlertLevel.WARNING
        message = AlertMessage(level, alert.code)
        self.put(message, message.encode())
        self._events.append(AlertSent(alert, fatal))

    def warn_no_renegotiation(self) -> None:
        """Refuse a new handshake without ending the connection (RFC 5746 4.5, RFC 5246 7.2.2)."""
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

    def _end(self, error: Exception | None) -> None:
        self.error = error
        self._close_sent = True
        self.plan.clear()
        self._waiting = None
        self.records.discard_input()
        self.joiner = HandshakeJoiner()
        self.enter(CLOSED)
        self._events.append(ConnectionClosed(error))  # type: ignore[arg-type]


def pump(connection: Connection) -> Iterator[Event]:
    """Yield a connection's events; operations of local `cryptography` keys are answered here and not yielded."""
    while (event := connection.next_event()) is not None:
        if isinstance(event, KeyOperationWanted) and is_local(event.key):
            connection.answer(event, perform(event))
        else:
            yield event
