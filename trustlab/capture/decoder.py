"""Read one TLS connection from outside: octets of both directions in, messages out.

No I/O and no trace: `PassiveDecoder` and `knowledge` are built on it. TLS 1.2 is decrypted with whatever master
secrets a key source offers; whether one fits, the record's authentication tag tells. Records nobody has a key for yet
are held and come out, in order, as soon as a key fits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from trustlab import tls
from trustlab.capture.keys import Handshake
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
    encrypted: bool = False
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
        self._decryptor: tls.PassiveDecryptor | None = None

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
            found += [_opaque(direction, record) for record in half.held]
            half.held.clear()
            if half.buffer and not half.lost:
                sentence = f"{len(half.buffer)} octets of an unfinished record"
                found.append(Trouble(direction, half.offset, sentence))
            elif half.joiner.pending:
                sentence = f"{half.joiner.pending} octets of an unfinished handshake message"
                found.append(Trouble(direction, half.offset, sentence))
        return found

    def _record(self, direction: Direction, record: tls.RawRecord) -> list[Decoded | Trouble]:
        half = self._halves[direction]
        if self.version == tls.Version.TLS13 and record.content_type == tls.ContentType.APPLICATION_DATA:
            return [_opaque(direction, record)]
        if not half.encrypted:
            return self._content(direction, record, record.fragment)
        half.held.append(record)
        found = self._release(direction)
        if not self._hold:
            found += [_opaque(direction, record) for record in half.held]
            half.sequence += len(half.held)
            half.held.clear()
        return found

    def _release(self, direction: Direction) -> list[Decoded | Trouble]:
        half, found = self._halves[direction], cast("list[Decoded | Trouble]", [])
        while half.held and self._opened(direction, half.held[0]):
            record = half.held.popleft()
            content = self._decrypt(direction, half.sequence, record)
            half.sequence += 1
            if content is None:
                found.append(_opaque(direction, record, "its authentication tag is wrong: the octets were changed"))
            else:
                found += self._content(direction, record, content)
        return found

    def _opened(self, direction: Direction, record: tls.RawRecord) -> bool:
        """Whether there is a key; the first one that opens `record` is the connection's."""
        if self._decryptor is None and self.handshake.keyed and self._halves[direction].encrypted:
            hs = self.handshake
            for secret in self._keys(hs):
                candidate = tls.PassiveDecryptor(secret, hs.client_random, hs.server_random, hs.suite)
                try:
                    candidate.decrypt(direction, self._halves[direction].sequence, record)
                except tls.Alert:
                    continue
                self._decryptor = candidate
                break
        return self._decryptor is not None

    def _decrypt(self, direction: Direction, sequence: int, record: tls.RawRecord) -> bytes | None:
        try:
            return self._decryptor.decrypt(direction, sequence, record) if self._decryptor else None
        except tls.Alert:
            return None

    def _content(self, direction: Direction, record: tls.RawRecord, content: bytes) -> list[Decoded | Trouble]:
        half, where = self._halves[direction], [[record.start, record.end]]
        if record.content_type == tls.ContentType.HANDSHAKE:
            messages = half.joiner.feed(content, record.start, record.end)
            return [self._message(direction, 22, raw, records) for raw, records in messages]
        if record.content_type == tls.ContentType.APPLICATION_DATA:
            suite, clear = self.handshake.suite, content if half.encrypted else None
            return [
                Decoded(
                    direction, 23, "ApplicationData", record.raw, where, half.encrypted, suite=suite, plaintext=clear
                )
            ]
        message = self._message(direction, record.content_type, content, where)
        if record.content_type == tls.ContentType.CHANGE_CIPHER_SPEC and self.version != tls.Version.TLS13:
            half.encrypted, half.sequence = True, 0
        return [message]

    def _message(self, direction: Direction, content_type: int, raw: bytes, records: list[list[int]]) -> Decoded:
        encrypted, suite, message, problem = self._halves[direction].encrypted, self.handshake.suite, None, ""
        try:
            message = tls.parse_message(
                content_type, raw, suite or None, tls.Version(self.version or tls.Version.TLS12)
            )
        except tls.Alert as alert:
            problem = alert.sentence
        if content_type == tls.ContentType.HANDSHAKE:
            self._note(raw, message)
        name = message.name if message else _name(content_type, raw)
        return Decoded(
            direction, content_type, name, raw, records, encrypted, message=message, suite=suite, problem=problem
        )

    def _note(self, raw: bytes, message: AnyMessage | None) -> None:
        """Keep what the keys depend on."""
        hs = self.handshake
        if isinstance(message, tls.ClientHello) and not self._halves["client"].encrypted:
            hs.client_random, hs.transcript = message.random, bytearray()
        elif isinstance(message, tls.ServerHello) and not self._halves["server"].encrypted:
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


def _opaque(direction: Direction, record: tls.RawRecord, problem: str = "") -> Decoded:
    name = _OPAQUE.get(record.content_type, "EncryptedRecord")
    where = [[record.start, record.end]]
    return Decoded(
        direction, record.content_type, name, record.raw, where, encrypted=True, readable=False, problem=problem
    )


def _name(content_type: int, raw: bytes) -> str:
    """Name a message that cannot be parsed by its type alone."""
    if content_type == tls.ContentType.HANDSHAKE and raw and raw[0] in set(tls.HandshakeType):
        return "".join(word.capitalize() for word in tls.HandshakeType(raw[0]).name.split("_"))
    return {20: "ChangeCipherSpec", 21: "Alert"}.get(content_type, "UnknownMessage")
