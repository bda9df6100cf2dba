"""Read one TLS connection from outside: octets of both directions in, messages out.

No I/O and no trace: `PassiveDecoder` and `knowledge` are built on it. TLS 1.2 and 1.3 are decrypted with whatever
secrets a key source offers; whether one fits, the record's authentication tag tells. Records nobody has a key for yet
are held and come out, in order, as soon as a key fits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from trustlab import tls
from trustlab.capture.keys import Handshake
from trustlab.capture.openers import APPLICATION13, HANDSHAKE13, MASTER, Opener, Opener13
from trustlab.capture.openers import opener as make_opener
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from trustlab.capture.keys import KeySource
    from trustlab.tls.messages import AnyMessage
    from trustlab.wire import Direction

DIRECTIONS: tuple[Direction, ...] = ("client", "server")
_HEADER = 5
_OPAQUE = {21: "EncryptedAlert", 22: "EncryptedHandshakeMessage", 23: "ApplicationData"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """One message as read from the wire.

    `raw` is what the trace's table of `tls.message` asks for; for a record that nobody could open (`readable` False) it
    is the whole record. `offset` and `records` are positions in the direction's stream. `plaintext` is set for
    application data that was decrypted. `problem` says what is wrong with a message that cannot be parsed.
    """

    direction: Direction
    content_type: int
    name: str
    raw: bytes
    records: list[list[int]]
    encrypted: bool = False
    readable: bool = True
    message: AnyMessage | None = None
    suite: int = 0
    version: int = 0
    plaintext: bytes | None = field(default=None, repr=False)
    problem: str = ""

    @property
    def offset(self) -> int:
        """Stream position of the first octet of the first record that carries it."""
        return self.records[0][0]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in a stream that is not TLS, or is cut short; `offset` is where."""

    direction: Direction
    offset: int
    sentence: str


@dataclass(slots=True)
class _Half:
    buffer: bytes = b""
    offset: int = 0
    joiner: tls.HandshakeJoiner = field(default_factory=tls.HandshakeJoiner)
    label: str = ""
    """Key-log label of the secret that protects this direction now; empty while it is clear."""
    opener: Opener | None = None
    sequence: int = 0
    held: deque[tls.RawRecord] = field(default_factory=deque)
    lost: bool = False


class ConnectionDecoder:
    """Both directions of one TLS connection, seen from outside."""

    def __init__(self, keys: KeySource, *, hold: bool = True) -> None:
        self.handshake = Handshake()
        self.version = 0
        """The negotiated version, 0 until the ServerHello was seen."""
        self._keys = keys
        self._hold = hold
        self._halves: dict[Direction, _Half] = {"client": _Half(), "server": _Half()}

    @property
    def held(self) -> int:
        """Records that wait for a key."""
        return sum(len(half.held) for half in self._halves.values())

    def feed(self, direction: Direction, data: bytes) -> list[Decoded | Trouble]:
        """Take the next octets of one direction's stream."""
        half, found = self._halves[direction], cast("list[Decoded | Trouble]", [])
        if half.lost:
            return found
        half.buffer += data
        try:
            while (record := _cut(half)) is not None:
                found += self._record(direction, record)
        except tls.Alert as alert:
            half.lost = True
            found.append(
                Trouble(direction, half.offset, f"from octet {half.offset} on this is not TLS: {alert.sentence}")
            )
        return found

    def poll(self) -> list[Decoded | Trouble]:
        """Try the held records again: keys may have come."""
        return [message for direction in DIRECTIONS for message in self._release(direction)]

    def finish(self) -> list[Decoded | Trouble]:
        """Give out what is still held, unread, and say which ends are cut short."""
        found = self.poll()
        for direction, half in self._halves.items():
            found += [self._opaque(direction, record) for record in half.held]
            half.held.clear()
            if half.buffer and not half.lost:
                sentence = f"{len(half.buffer)} octets of an unfinished record"
                found.append(Trouble(direction, half.offset, sentence))
            elif half.joiner.buffer:
                sentence = f"{len(half.joiner.buffer)} octets of an unfinished handshake message"
                found.append(Trouble(direction, half.offset, sentence))
        return found

    def _record(self, direction: Direction, record: tls.RawRecord) -> list[Decoded | Trouble]:
        half = self._halves[direction]
        if not self._protected(half, record):
            return self._content(direction, record, record.content_type, record.fragment)
        half.held.append(record)
        found = self._release(direction)
        if not self._hold:
            found += [self._opaque(direction, record) for record in half.held]
            half.sequence += len(half.held)
            half.held.clear()
        return found

    def _protected(self, half: _Half, record: tls.RawRecord) -> bool:
        """TLS 1.2 protects everything after ChangeCipherSpec, TLS 1.3 what calls itself application data."""
        hidden = self.version != tls.Version.TLS13 or record.content_type == tls.ContentType.APPLICATION_DATA
        return bool(half.label) and hidden

    def _release(self, direction: Direction) -> list[Decoded | Trouble]:
        half, found = self._halves[direction], cast("list[Decoded | Trouble]", [])
        while half.held and (opener := self._opener(direction, half.held[0])) is not None:
            record = half.held.popleft()
            sequence, half.sequence = half.sequence, half.sequence + 1
            try:
                content_type, content = opener.open(sequence, record)
            except tls.Alert:
                found.append(
                    self._opaque(direction, record, "its authentication tag is wrong: the octets were changed")
                )
            else:
                found += self._content(direction, record, content_type, content, encrypted=True)
        return found

    def _opener(self, direction: Direction, record: tls.RawRecord) -> Opener | None:
        """Return what opens this direction now, trying keys on `record` if none is known; the first that fits is it."""
        half, hs = self._halves[direction], self.handshake
        if half.opener is None and hs.keyed:
            for secret in self._keys(hs, half.label):
                candidate = make_opener(half.label, direction, secret, hs)
                try:
                    candidate.open(half.sequence, record)
                except tls.Alert:
                    continue
                half.opener = candidate
                break
        return half.opener

    def _content(
        self, direction: Direction, record: tls.RawRecord, content_type: int, content: bytes, *, encrypted: bool = False
    ) -> list[Decoded | Trouble]:
        half, where = self._halves[direction], [[record.start, record.end]]
        if content_type == tls.ContentType.HANDSHAKE:
            messages = half.joiner.feed(content, record.start, record.end)
            return [self._message(direction, 22, raw, records, encrypted=encrypted) for raw, records in messages]
        if content_type == tls.ContentType.APPLICATION_DATA:
            return [
                Decoded(
                    direction,
                    content_type,
                    "ApplicationData",
                    record.raw,
                    where,
                    encrypted,
                    suite=self.handshake.suite,
                    version=self.version,
                    plaintext=content if encrypted else None,
                )
            ]
        message = self._message(direction, content_type, content, where, encrypted=encrypted)
        if content_type == tls.ContentType.CHANGE_CIPHER_SPEC and self.version != tls.Version.TLS13:
            half.label, half.opener, half.sequence = MASTER, None, 0
        return [message]

    def _message(
        self, direction: Direction, content_type: int, raw: bytes, records: list[list[int]], *, encrypted: bool
    ) -> Decoded:
        suite, version, message, problem = self.handshake.suite, self.version or tls.Version.TLS12, None, ""
        try:
            message = tls.parse_message(content_type, raw, suite or None, tls.Version(version))
        except tls.Alert as alert:
            problem = alert.sentence
        if content_type == tls.ContentType.HANDSHAKE:
            self._note(raw, message)
            self._turn(direction, message, encrypted=encrypted)
        return Decoded(
            direction,
            content_type,
            message.name if message else _name(content_type, raw),
            raw,
            records,
            encrypted,
            message=message,
            suite=suite,
            version=self.version,
            problem=problem,
        )

    def _opaque(self, direction: Direction, record: tls.RawRecord, problem: str = "") -> Decoded:
        """Return a record that cannot be opened, as it is."""
        return Decoded(
            direction,
            record.content_type,
            _OPAQUE.get(record.content_type, "EncryptedRecord"),
            record.raw,
            [[record.start, record.end]],
            encrypted=True,
            readable=False,
            suite=self.handshake.suite,
            version=self.version,
            problem=problem,
        )

    def _turn(self, direction: Direction, message: AnyMessage | None, *, encrypted: bool) -> None:
        """Change this direction's secret where TLS 1.3 does: after Finished and after KeyUpdate (RFC 8446 7.1, 7.2)."""
        half = self._halves[direction]
        if self.version != tls.Version.TLS13 or not encrypted or message is None:
            return
        if isinstance(message, tls.Finished):
            half.label, half.opener, half.sequence = APPLICATION13[direction], None, 0
        elif message.name == "KeyUpdate" and isinstance(half.opener, Opener13):
            half.opener, half.sequence = half.opener.updated(), 0

    def _note(self, raw: bytes, message: AnyMessage | None) -> None:
        """Keep what the keys depend on."""
        hs = self.handshake
        if isinstance(message, tls.ClientHello) and not self._halves["client"].label:
            hs.client_random, hs.transcript = message.random, bytearray()
        elif isinstance(message, tls.ServerHello) and not self._halves["server"].label:
            self._note_server_hello(message)
        if not hs.exchanged:
            hs.transcript += raw
        if isinstance(message, tls.ClientKeyExchange):
            hs.exchanged, hs.epms = True, message.exchange

    def _note_server_hello(self, hello: tls.ServerHello) -> None:
        hs = self.handshake
        hs.server_random = hello.random
        hs.suite = hello.cipher_suite if hello.cipher_suite in SUITES else 0
        hs.extended_master_secret = hello.extension(tls.ExtensionType.EXTENDED_MASTER_SECRET) is not None
        selected = hello.extension(tls.ExtensionType.SUPPORTED_VERSIONS)
        number = int.from_bytes(selected, "big") if selected else hello.legacy_version
        self.version = number if number in set(tls.Version) else tls.Version.TLS12
        if self.version == tls.Version.TLS13 and not isinstance(hello, tls.HelloRetryRequest):
            for direction in DIRECTIONS:
                self._halves[direction].label = HANDSHAKE13[direction]


def _cut(half: _Half) -> tls.RawRecord | None:
    """Take the next whole record from the buffer; raises the alert it deserves if it is none."""
    if len(half.buffer) < _HEADER:
        return None
    end = _HEADER + int.from_bytes(half.buffer[3:5], "big")
    records, _ = tls.split_records(half.buffer[:end], half.offset)
    if not records:
        return None
    half.buffer, half.offset = half.buffer[end:], half.offset + end
    return records[0]


def _name(content_type: int, raw: bytes) -> str:
    """Name a message that cannot be parsed by its type alone."""
    if content_type == tls.ContentType.HANDSHAKE and raw and raw[0] in set(tls.HandshakeType):
        return "".join(word.capitalize() for word in tls.HandshakeType(raw[0]).name.split("_"))
    return {20: "ChangeCipherSpec", 21: "Alert"}.get(content_type, "UnknownMessage")
