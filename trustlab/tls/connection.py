"""A connection: what both roles and both versions share. Records in, events out, requests and answers.

How it works. `receive` only buffers. `next_event` does one small step at a time until there is an event to tell: it
runs the next entry of the *plan* (a queue of the handshake's functions: what this side has to do), or else reads one
message and hands it to the handshake, which may put entries on the plan. A `Request` halts both until it is answered;
what happens then is again a function of the handshake. So between two events a connection consists of plain attributes,
and can be copied.

The tables in `states` decide which message may come when. The handshake's methods are named after the messages:
`receive_client_hello`, `send_client_hello`, `sent_client_hello`. Each may return the next state if the table has
several. What they may ask of their connection is in `ports`.
"""

from __future__ import annotations

import copy
import logging
from collections import deque
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Self

from trustlab.tls.alerts import (
    Alert,
    CloseNotify,
    DecodeError,
    InternalError,
    LocalProtocolError,
    NoRenegotiation,
    PeerAlert,
    Truncated,
    Unanswered,
    UnexpectedMessage,
    UserCanceled,
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
from trustlab.tls.facts import NOTHING_KNOWN
from trustlab.tls.keys import is_local, perform
from trustlab.tls.limits import LONG, check_length
from trustlab.tls.messages import AlertMessage, ChangeCipherSpec, parse_message
from trustlab.tls.messages.base import Context, Message
from trustlab.tls.reading import MessageReader
from trustlab.tls.records import MAX_PLAINTEXT, HandshakeJoiner, RecordLayer, missing, unfinished_record
from trustlab.tls.registry import AlertLevel, ContentType, HandshakeType, Version, label
from trustlab.tls.states import CLOSED, CLOSING, CONNECTED, PEER_CLOSED
from trustlab.tls.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.tls.config import Config
    from trustlab.tls.handshake import Handshake
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.ports import OnAnswer, Step
    from trustlab.tls.records import Range, Record
    from trustlab.tls.registry import CipherSuite
    from trustlab.tls.states import State, Table

LONGEST_LABEL = 255 - len("tls13 ")  # of HkdfLabel (RFC 9846 7.1)
LONGEST_CONTEXT = 2**16 - 1  # RFC 5705 4
MOST_EXPORTED = 255 * 32  # RFC 5869 2.3, with SHA-256
TITLES: dict[int, str] = {kind: kind.title for kind in HandshakeType}
LOGGER = logging.getLogger("trustlab.tls")
_DEAF = frozenset((PEER_CLOSED, CLOSED))
_COPIED = (deque, dict, list, Transcript, RecordLayer, HandshakeJoiner)
"""A copied connection gets its own of these; everything else that it holds never changes."""


class Connection:
    """One end of a TLS connection; see `Client` and `Server`."""

    role: str
    handshake: Handshake

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
        self.extended_master_secret = False
        self.facts = NOTHING_KNOWN
        self.error: Exception | None = None
        self.handshake_complete = False
        self.compatibility_ccs_sent = False
        self.transcript = Transcript()
        self.records = RecordLayer()
        self.joiner = HandshakeJoiner()
        self.plan: deque[Step] = deque()
        self._events: deque[Event] = deque()
        self._waiting: tuple[Request, OnAnswer] | None = None
        self._close_sent = False
        self._joined_encrypted = False
        self._held: list[tuple[AnyMessage, bytes]] = []
        self._compatibility_ccs_received = 0
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
        """Whether this side has sent close_notify, or the connection has ended."""
        return self._close_sent or self.state == CLOSED

    @property
    def peer_closed(self) -> bool:
        """Whether the peer has sent close_notify, or the connection has ended: no more data comes."""
        return self.state in {PEER_CLOSED, CLOSED}

    @property
    def waits_for(self) -> str:
        """What this side waits for and how much of it is here, in words; empty when the connection has ended.

        Ask after `next_event` returned None.
        """
        if self.state == CLOSED:
            return ""
        if self._waiting is not None:
            return f"its own answer to {type(self._waiting[0]).__name__}"
        if self.state == PEER_CLOSED:
            return "its own program, which may still write or close"
        what = "close_notify" if self.state == CLOSING else "application data"
        if not self.handshake_complete and self.state != CLOSING:
            what = " or ".join(self.table.expected(self.state)) or "the handshake"
        parts = [unfinished_record(self.records.input)] if self.records.input else []
        if self.joiner.buffer:
            kind, length = self.joiner.header() or (-1, 0)
            parts.append(missing(len(self.joiner.buffer), 4 + length, TITLES.get(kind, "a message's header")))
        return f"{what}: {' and '.join(parts) or 'no octet of it is here'}"

    def receive(self, data: bytes) -> None:
        """Take octets from the stream; nothing is processed before `next_event`.

        What follows the peer's close_notify is ignored (RFC 9846 6.1).
        """
        if self.state not in _DEAF:
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
        """Answer a request; the request's class says what it takes."""
        if self._waiting is None or self._waiting[0] is not request:
            raise LocalProtocolError(f"nobody waits for an answer to this {type(request).__name__}")
        then = self._waiting[1]
        self._waiting = None
        try:
            if isinstance(value, Alert):
                raise value
            then(self.handshake, value)
        except Alert as alert:
            self.fail(alert)

    def send(self, data: bytes) -> None:
        """Send application data."""
        self._before_sending("application data")
        self.flush()
        for start in range(0, len(data), MAX_PLAINTEXT):
            self.handshake.before_application_data()
            self.flush()
            piece = data[start : start + MAX_PLAINTEXT]
            position = self.records.write_offset
            ranges = self.records.write_message(ContentType.APPLICATION_DATA, piece)
            raw = self.records.written(position)
            self._events.append(
                ApplicationDataSent(piece, raw, position, ranges, self.version or Version.TLS12, self.cipher_suite)
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
        """Send close_notify, in a handshake after user_canceled; until the peer sends its own, its data can be read.

        If the peer has sent its own before (TLS 1.3), this ends the connection.
        """
        if self.closed:
            return
        if not self.handshake_complete and (self.records.write_offset or self._held):
            self._send_alert(UserCanceled("the program gave up"), fatal=False)
        self._send_close_notify()
        if self.state == PEER_CLOSED:
            self._end(None)
            return
        self.plan.clear()
        self._waiting = None
        self._enter(CLOSING)

    def eof_received(self) -> None:
        """Say that the stream ended; without the peer's close_notify before it, this is a truncation in every state.

        After this side's own close_notify it is an `Unanswered`. After the peer's (TLS 1.3) it is orderly and closes
        this side too: a program that still has an answer to write sends it first.
        """
        while self._step():
            pass
        if self.state == CLOSING:
            self._end(Unanswered("the stream ended after this side's close_notify, without the peer's"))
        elif self.state == PEER_CLOSED:
            self.close()
        elif self.state != CLOSED:
            self._end(Truncated(f"the stream ended in {self.state} without close_notify"))

    def abort(self, alert: Alert) -> None:
        """End the connection with this alert, for the program's own reasons."""
        if not self.closed:
            self.fail(alert)

    def export(self, label_: str, context: bytes | None, length: int) -> bytes:
        """Return keying material for another protocol (RFC 5705; RFC 9846 7.5).

        The label has up to 249 octets, the context up to 65535; `length` is at most 8160.
        """
        if not self.handshake_complete:
            raise LocalProtocolError("there is nothing to export before the handshake is complete")
        label = label_.encode()
        if len(label) > LONGEST_LABEL or len(context or b"") > LONGEST_CONTEXT or not 0 <= length <= MOST_EXPORTED:
            raise LocalProtocolError(
                f"no exporter for a label of {len(label)}, a context of {len(context or b'')}, {length} octets"
            )
        return self.handshake.export(label, context, length)

    # One step at a time

    def _step(self) -> bool:
        """Do one step; False if there is nothing to do before something comes from outside."""
        if self._waiting is not None or self.state == CLOSED:
            return False
        try:
            if self.plan:
                self.plan.popleft()(self.handshake)
                return True
            if self._held:
                self.flush()
            return bool(self.records.input or self.joiner.buffer) and self._read()
        except Alert as alert:
            self.fail(alert)
            return True
        except LocalProtocolError:
            raise
        except Exception as error:  # noqa: BLE001 - a safety net: a peer's octets must not raise anything but an alert
            self._fail_internally(error)
            return True

    def _enter(self, state: State) -> None:
        """Change the state and tell it."""
        if state != self.state:
            self._events.append(StateChanged(self.state, state))
            self.state = state

    def _move(self, targets: tuple[State, ...], chosen: State | None) -> None:
        """Go on to the one state that a message leads to, or to the one its handshake chose."""
        if chosen is None and len(targets) == 1:
            self._enter(targets[0])
        elif chosen in targets:
            self._enter(chosen)
        else:
            raise LookupError(f"{self.table.name}: {chosen} is not among {targets} after {self.state}")

    # Reading: what the peer's octets lead to

    def _read(self) -> bool:
        """Handle one message or record; False if there is none."""
        if not self.handshake_complete and self.state == CLOSING:
            return self._read_given_up()
        if self.joiner.buffer and self._read_message():
            return True
        record = self.records.next_record()
        if record is None:
            return False
        if record.content:
            self._empty = 0
        else:
            self._count_empty()
        if record.content_type == ContentType.HANDSHAKE:
            self._handshake_record(record)
        elif record.content_type == ContentType.ALERT:
            self._alert_record(record)
        elif record.content_type == ContentType.CHANGE_CIPHER_SPEC:
            self._change_cipher_spec_record(record)
        elif record.content_type == ContentType.APPLICATION_DATA:
            self._application_record(record)
        else:
            raise UnexpectedMessage(f"a protected record of content type {record.content_type}", "RFC 9846 5.2")
        return True

    def _read_given_up(self) -> bool:
        """Look for the peer's last alert in what still arrives after this side gave up the handshake.

        Everything else is ignored, even what cannot be read because the keys were never agreed on.
        """
        try:
            record = self.records.next_record()
            if record is not None and record.content_type == ContentType.ALERT:
                self._alert_record(record)
        except Alert:
            self.records.discard_input()
            return False
        return record is not None

    def _count_empty(self) -> None:
        self._empty += 1
        if self._empty > self.config.limits.empty_records:
            raise UnexpectedMessage(f"more than {self.config.limits.empty_records} empty records in a row")

    def _handshake_record(self, record: Record) -> None:
        if not record.content:
            raise UnexpectedMessage("a handshake record without content", "RFC 5246 6.2.1")
        self.handshake.check_protected(record)
        self.joiner.add(record.content, record.start, record.end)
        self._joined_encrypted = record.encrypted
        self._read_message()

    def _read_message(self) -> bool:
        """Take the first message if it is complete; refuse it as soon as its header shows that it has to be."""
        head = self.joiner.header()
        if head is None:
            return False
        kind, length = head
        self.handshake.check_expected(kind, length)
        limit = self.config.limits.message
        if length > LONG or length > limit:
            check_length(kind, length, limit)
        found = self.joiner.take(length)
        if found is None:
            return False
        raw, ranges = found
        message = parse_message(raw, self.context)
        self._tell(MessageReceived, message, raw, ranges, encrypted=self._joined_encrypted)
        self._take(message, raw)
        return True

    def _take(self, message: Message | ChangeCipherSpec, raw: bytes) -> None:
        """Hand a message to the handshake and go where it leads."""
        if self.handshake.handle_out_of_band(message):
            return  # a request to renegotiate counts like a warning, and does not end a row of warnings
        self._warnings = 0
        if not self.table.targets(self.state, "receive", message.name):
            raise self._unexpected(message.name)
        chosen = self.handshake.received(message, raw)
        self._move(self.table.targets(self.state, "receive", message.name), chosen)  # a hello may change the table
        self.handshake.on_enter(message)

    def _unexpected(self, name: str) -> UnexpectedMessage:
        """Return the alert for a message that has no place in this state."""
        wanted = " or ".join(self.table.expected(self.state)) or "nothing of the handshake"
        clause = "RFC 9846 4" if self.context.tls13 else "RFC 5246 7.4"
        return UnexpectedMessage(f"{name} where {wanted} is expected", clause)

    def _change_cipher_spec_record(self, record: Record) -> None:
        if self.joiner.buffer:
            raise UnexpectedMessage("ChangeCipherSpec inside a handshake message", "RFC 5246 7.1")
        if self.handshake.ignores_change_cipher_spec(record):
            self._tell(
                MessageReceived, ChangeCipherSpec(), record.content, ((record.start, record.end),), encrypted=False
            )
            return
        if not self.table.targets(self.state, "receive", "ChangeCipherSpec"):
            raise self._unexpected("ChangeCipherSpec")
        message = ChangeCipherSpec.pull(MessageReader(record.content), self.context)
        self._tell(MessageReceived, message, record.content, ((record.start, record.end),), encrypted=record.encrypted)
        self._take(message, record.content)

    def _application_record(self, record: Record) -> None:
        self.handshake.check_protected(record)
        if not (record.encrypted and self.handshake.takes_application_data()):
            raise UnexpectedMessage(f"application data in {self.state}", "RFC 5246 7.4.9")
        if self.joiner.buffer:
            raise UnexpectedMessage("application data inside a handshake message", "RFC 9846 5.1")
        if record.content:
            self._warnings = 0
            self.handshake.application_data_read()
        if self.state in {CONNECTED, CLOSING}:
            ranges, version = ((record.start, record.end),), self.version or Version.TLS12
            self._events.append(
                ApplicationData(record.content, record.raw, record.start, ranges, version, self.cipher_suite)
            )

    def _alert_record(self, record: Record) -> None:
        self.handshake.check_protected(record)
        if self.joiner.buffer and self.context.tls13:
            raise UnexpectedMessage("an alert inside a handshake message", "RFC 9846 5.1")
        if not record.content:
            raise UnexpectedMessage("an alert record without content", "RFC 5246 6.2.1")
        if len(record.content) != 2:
            raise DecodeError(f"an alert of {len(record.content)} octets", "RFC 5246 7.2")
        message = AlertMessage.pull(MessageReader(record.content), self.context)
        self._tell(MessageReceived, message, record.content, ((record.start, record.end),), encrypted=record.encrypted)
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
        """Take the peer's close_notify: nothing more is read.

        TLS 1.3 closes each direction by itself, so that this side may still write (RFC 9846 6.1); TLS 1.2 answers at
        once (RFC 5246 7.2.1), and so do both during the handshake. Nothing has to be discarded: what `send` took is a
        record already.
        """
        complete = self.handshake_complete or self.state == CLOSING
        if PEER_CLOSED in self.table.targets(self.state, "receive", CloseNotify.name):
            self.records.discard_input()
            self._enter(PEER_CLOSED)
            if self.context.tls13:
                return
        if not self._close_sent:
            self._send_close_notify()
        self._end(None if complete else PeerAlert(CloseNotify("the peer closed before the handshake was complete")))

    # What a handshake asks (`ports.HandshakeConnection`)

    def ask(self, request: Request, then: OnAnswer) -> None:
        """Put a request to the program; its answer goes to `then`."""
        self._waiting = (request, then)
        self._events.append(request)

    def secret(self, name: str, value: bytes, *inputs: str) -> None:
        """Report a secret, and the names of what it was made from."""
        if self.config.secrets:
            self._events.append(SecretDerived(name, value, inputs, self.facts.client_random or b""))

    def complete(self) -> None:
        """Tell that the handshake is done."""
        self.handshake_complete = True
        if self.version is not None and self.cipher_suite is not None:
            self._events.append(HandshakeCompleted(self.version, self.cipher_suite, self.peer_certificates))

    def is_expected(self, kind: int) -> bool:
        """Whether a handshake message of this type may come now."""
        if kind == HandshakeType.SERVER_HELLO and self.table.targets(self.state, "receive", "HelloRetryRequest"):
            return True
        title = TITLES.get(kind)
        return title is not None and bool(self.table.targets(self.state, "receive", title))

    def unexpected_type(self, kind: int) -> UnexpectedMessage:
        """Return the alert for a handshake type that has no place in this state."""
        title = TITLES.get(kind)
        return self._unexpected(title or f"a message of the type {label(HandshakeType, kind, 1)}")

    def check_end_of_flight(self) -> None:
        """Refuse what follows the last message of a flight: its sender cannot know yet what to say next."""
        if self.joiner.buffer:
            raise UnexpectedMessage("handshake octets after the end of a flight", "RFC 9846 5.1")

    def count_compatibility_ccs(self) -> None:
        """Count a ChangeCipherSpec that is dropped; RFC 9846 5 sets no limit, so `Limits` does."""
        self._compatibility_ccs_received += 1
        if self._compatibility_ccs_received > self.config.limits.compatibility_ccs:
            raise UnexpectedMessage(
                f"more than {self.config.limits.compatibility_ccs} records of ChangeCipherSpec", "RFC 9846 5"
            )

    def warn_no_renegotiation(self) -> None:
        """Refuse a new handshake without ending the connection (RFC 5746 4.5, RFC 5246 7.2.2).

        After this side's close_notify nothing can be sent any more, so the request is ignored.
        """
        if self._close_sent:
            return
        self._warnings += 1
        if self._warnings > self.config.limits.warnings:
            raise UnexpectedMessage(
                "more requests to renegotiate than this side is willing to refuse", "RFC 5246 7.4.1"
            )
        self._send_alert(NoRenegotiation("renegotiation is refused", "RFC 5746 4.5"), fatal=False)

    # Writing: messages into records

    def emit(self, message: AnyMessage) -> None:
        """Send a message of the handshake, after `MessageReady` if the program asked for that."""
        if self.config.intercept:
            self.ask(MessageReady(message), lambda handshake, chosen: handshake.c.write(chosen or message))
        else:
            self.write(message)

    def write(self, message: AnyMessage) -> None:
        """Write a message that has its place in the state table, and go where it leads."""
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
        self.handshake.on_enter(message)

    def put(self, message: AnyMessage, raw: bytes, *, plain: bool = False) -> None:
        """Write a message into records of its own and tell it."""
        if self._held:
            self.flush()
        encrypted = self.records.write is not None and not plain
        ranges = self.records.write_message(message.content_type, raw, plain=plain)
        self._tell(MessageSent, message, raw, ranges, encrypted=encrypted)

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
            self._tell(MessageSent, message, raw, places, encrypted=encrypted)
            begin = end

    def _tell(
        self,
        event: type[MessageSent | MessageReceived],
        message: AnyMessage,
        raw: bytes,
        ranges: tuple[Range, ...],
        *,
        encrypted: bool,
    ) -> None:
        version, suite = self.version or Version.TLS12, self.cipher_suite
        start, content_type = ranges[0][0], message.content_type
        self._events.append(event(message, raw, content_type, start, ranges, encrypted, message.name, version, suite))

    # Alerts and the end

    def _send_alert(self, alert: Alert, *, fatal: bool) -> None:
        self.handshake.before_alert()
        level = AlertLevel.FATAL if fatal else AlertLevel.WARNING
        message = AlertMessage(level, alert.code)
        self.put(message, message.encode())
        self._events.append(AlertSent(alert, fatal))

    def _send_close_notify(self) -> None:
        """Send close_notify: nothing more is written after it (RFC 5246 7.2.1, RFC 9846 6.1)."""
        self._send_alert(CloseNotify(), fatal=False)
        self._close_sent = True

    def fail(self, alert: Alert) -> None:
        """Send a fatal alert and end the connection."""
        if not self._close_sent:
            self._send_alert(alert, fatal=True)
        self._end(alert)

    def _fail_internally(self, error: Exception) -> None:
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
        self._enter(CLOSED)
        self._events.append(ConnectionClosed(error))  # type: ignore[arg-type]


def pump(connection: Connection) -> Iterator[Event]:
    """Yield a connection's events; operations of local `cryptography` keys are answered here and not yielded."""
    events, step = connection._events, connection._step  # noqa: SLF001 - like `next_event`, with one call less for each event
    while events or step():
        while events:
            event = events.popleft()
            if isinstance(event, KeyOperationWanted) and is_local(event.key):
                connection.answer(event, perform(event))
            else:
                yield event
