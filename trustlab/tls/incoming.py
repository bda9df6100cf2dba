"""The reading half of a connection: one step at a time, from records to messages to the handshake's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls.alerts import (
    Alert,
    CloseNotify,
    DecodeError,
    IllegalParameter,
    LocalProtocolError,
    PeerAlert,
    UnexpectedMessage,
)
from trustlab.tls.events import (
    AlertReceived,
    ApplicationData,
    MessageReceived,
)
from trustlab.tls.messages import AlertMessage, ChangeCipherSpec, Message, parse_message
from trustlab.tls.outgoing import CLOSED, CLOSING, CONNECTED, PEER_CLOSED, TITLES, Outgoing
from trustlab.tls.reading import Reader
from trustlab.tls.registry import ContentType, HandshakeType, Version, label

if TYPE_CHECKING:
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.records import Range, Record

LONG = 2**16
LONGEST: dict[int, int] = {
    HandshakeType.HELLO_REQUEST: 0,
    HandshakeType.CLIENT_HELLO: 2 + 32 + 1 + 32 + 2 + 0xFFFE + 1 + 0xFF + 2 + 0xFFFF,
    HandshakeType.SERVER_HELLO: 2 + 32 + 1 + 32 + 2 + 1 + 2 + 0xFFFF,
    HandshakeType.NEW_SESSION_TICKET: 4 + 4 + 1 + 0xFF + 2 + 0xFFFF + 2 + 0xFFFE,
    HandshakeType.ENCRYPTED_EXTENSIONS: 2 + 0xFFFF,
    HandshakeType.SERVER_KEY_EXCHANGE: 1 + 2 + 1 + 0xFF + 2 + 2 + 0xFFFF,
    HandshakeType.CERTIFICATE_REQUEST: 1 + 0xFF + 2 + 0xFFFE + 2 + 0xFFFF,
    HandshakeType.SERVER_HELLO_DONE: 0,
    HandshakeType.CERTIFICATE_VERIFY: 2 + 2 + 0xFFFF,
    HandshakeType.CLIENT_KEY_EXCHANGE: 2 + 0xFFFF,
}
"""Octets of a message's body by the lengths of its parts, for what is read once it is longer than `LONG`."""


class Incoming(Outgoing):
    """Reading: what the peer's octets lead to."""

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
            return bool(self.records.input or self.joiner.buffer) and self._read()
        except Alert as alert:
            self.fail(alert)
            return True
        except LocalProtocolError:
            raise
        except Exception as error:  # noqa: BLE001 - a net: no octets of a peer's may raise anything but an alert
            self.fail_internally(error)
            return True

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
            raise UnexpectedMessage(f"a protected record of content type {record.content_type}", "RFC 8446 5.2")
        return True

    def _read_given_up(self) -> bool:
        """Look for the peer's last alert in what still comes of a handshake that this side gave up.

        Everything else is passed over, also what nobody can read because the handshake did not come to its keys.
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

    def count_disguise(self) -> None:
        """Note a ChangeCipherSpec that is dropped: however many come (RFC 8446 5), up to this side's patience."""
        self.disguises_received += 1
        if self.disguises_received > self.config.limits.disguises:
            raise UnexpectedMessage("ChangeCipherSpec again and again", "RFC 8446 5")

    def _handshake_record(self, record: Record) -> None:
        if not record.content:
            raise UnexpectedMessage("a handshake record without content", "RFC 5246 6.2.1")
        self.handshake.check_protected(record)
        self.joiner.add(record.content, record.start, record.end)
        self._joined_encrypted = record.encrypted
        self._read_message()

    def _read_message(self) -> bool:
        """Take the message in front if it is complete; refuse it as early as its header shows that it must be."""
        head = self.joiner.header()
        if head is None:
            return False
        kind, length = head
        self.handshake.check_welcome(kind, length)
        if length > LONG or length > self.config.limits.message:
            self._check_length(kind, length)
        found = self.joiner.take(length)
        if found is None:
            return False
        raw, ranges = found
        message = parse_message(raw, self.context)
        self._told(message, raw, ranges, encrypted=self._joined_encrypted)
        self._warnings = 0
        self._received(message, raw)
        return True

    def _check_length(self, kind: int, length: int) -> None:
        """Refuse a message that is longer than its definition allows, or than this side's patience."""
        if length > LONGEST.get(kind, length):
            raise DecodeError(f"a handshake message of {length} octets where its form allows {LONGEST[kind]}")
        if length > self.config.limits.message:
            raise IllegalParameter(
                f"a handshake message of {length} octets where {self.config.limits.message} are allowed"
            )

    def _told(self, message: AnyMessage, raw: bytes, ranges: tuple[Range, ...], *, encrypted: bool) -> None:
        self._events.append(
            MessageReceived(
                message,
                raw,
                message.content_type,
                ranges[0][0],
                ranges,
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
        self._move(self.table.targets(self.state, "receive", message.name), chosen)  # a hello may change the table
        self.handshake.entered(message)

    def check_end_of_flight(self) -> None:
        """Refuse what follows the last message of a flight: its sender cannot know yet what to say next."""
        if self.joiner.buffer:
            raise UnexpectedMessage("handshake octets behind the end of a flight", "RFC 8446 5.1")

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
        title = TITLES.get(kind)
        return title is not None and bool(self.table.targets(self.state, "receive", title))

    def unwelcome(self, kind: int) -> UnexpectedMessage:
        """Return the alert for a handshake type that has no place in this state."""
        title = TITLES.get(kind)
        return self.unexpected(title or f"a message of the type {label(HandshakeType, kind, 1)}")

    def _change_cipher_spec_record(self, record: Record) -> None:
        if self.joiner.buffer:
            raise UnexpectedMessage("ChangeCipherSpec inside a handshake message", "RFC 5246 7.1")
        if self.handshake.ignores_change_cipher_spec(record):
            self._told(ChangeCipherSpec(), record.content, ((record.start, record.end),), encrypted=False)
            return
        if not self.table.targets(self.state, "receive", "ChangeCipherSpec"):
            raise self.unexpected("ChangeCipherSpec")
        message = ChangeCipherSpec.pull(Reader(record.content), self.context)
        self._told(message, record.content, ((record.start, record.end),), encrypted=record.encrypted)
        self._received(message, record.content)

    def _application_record(self, record: Record) -> None:
        self.handshake.check_protected(record)
        if not (record.encrypted and self.handshake.takes_application_data()):
            raise UnexpectedMessage(f"application data in {self.state}", "RFC 5246 7.4.9")
        if self.joiner.buffer:
            raise UnexpectedMessage("application data inside a handshake message", "RFC 8446 5.1")
        if record.content:
            self._warnings = 0
            self.handshake.application_data_read()
        if self.state in {CONNECTED, CLOSING}:
            ranges = ((record.start, record.end),)
            self._events.append(
                ApplicationData(
                    record.content,
                    record.raw,
                    record.start,
                    ranges,
                    self.version or Version.TLS12,
                    self.cipher_suite,
                )
            )

    def _alert_record(self, record: Record) -> None:
        self.handshake.check_protected(record)
        if self.joiner.buffer and self.context.tls13:
            raise UnexpectedMessage("an alert inside a handshake message", "RFC 8446 5.1")
        if not record.content:
            raise UnexpectedMessage("an alert record without content", "RFC 5246 6.2.1")
        if len(record.content) != 2:
            raise DecodeError(f"an alert of {len(record.content)} octets", "RFC 5246 7.2")
        message = AlertMessage.pull(Reader(record.content), self.context)
        self._told(message, record.content, ((record.start, record.end),), encrypted=record.encrypted)
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

        TLS 1.3 closes each direction by itself, so that this side may still write (RFC 8446 6.1); TLS 1.2 answers at
        once (RFC 5246 7.2.1), and so does either in its handshake. Nothing waits to be written that would have to be
        discarded: what `send` took is a record already.
        """
        complete = self.handshake_complete or self.state == CLOSING
        if PEER_CLOSED in self.table.targets(self.state, "receive", CloseNotify.name):
            self.records.discard_input()
            self.enter(PEER_CLOSED)
            if self.context.tls13:
                return
        if not self._close_sent:
            self._send_close_notify()
        self._end(None if complete else PeerAlert(CloseNotify("the peer closed before the handshake was complete")))
