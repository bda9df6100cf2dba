"""Read one TLS connection from outside: octets of both directions in, messages out.

No I/O and no trace: `PassiveDecoder` and `knowledge` are built on it. TLS 1.2 and 1.3 are decrypted with whatever
secrets a key source offers; whether one fits, the record's authentication tag tells. Each direction's records come out
in order: one that cannot be read yet (nobody has its key, or the ServerHello is still to come) holds up those behind.
What this lab will never decode, whatever keys come, does not wait: it comes out unread and says why.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.capture.decoded import EARLY, EARLY_OR_LATER, NO_HANDSHAKE, NO_KEY, Decoded, Found, Trouble
from trustlab.capture.keys import DRAFTS13, SeenHandshake, version_title
from trustlab.capture.labels import APPLICATION13, EARLY13, HANDSHAKE13, MASTER
from trustlab.capture.openers import Opener13, Sealed, openers
from trustlab.tls.records import MAX_CIPHERTEXT12
from trustlab.trace import other_role

if TYPE_CHECKING:
    from trustlab.capture.keys import KeySource
    from trustlab.capture.openers import Opener
    from trustlab.tls.messages import AnyMessage
    from trustlab.wire import Direction

DIRECTIONS: tuple[Direction, ...] = ("client", "server")
_HEADER = 5
_OPAQUE = {21: "EncryptedAlert", 22: "EncryptedHandshakeMessage", 23: "ApplicationData", 24: "Heartbeat"}
_FOREIGN = {24: "the heartbeat protocol (RFC 6520)"}
"""Content types that are TLS, but not this lab's."""


@dataclass(slots=True)
class _Half:
    buffer: bytes = b""
    offset: int = 0
    joiner: tls.HandshakeJoiner = field(default_factory=tls.HandshakeJoiner)
    label: str = ""
    """Key-log label of the secret that protects this direction now; empty while it is clear."""
    handshake: SeenHandshake = field(default_factory=SeenHandshake)
    """The handshake that this secret comes from."""
    changed: bool = False
    """Whether ChangeCipherSpec came before it is known what it means in this connection."""
    opener: Opener | None = None
    sequence: int = 0
    held: deque[tls.RawRecord] = field(default_factory=deque)
    lost: bool = False

    def turn(self, label: str, handshake: SeenHandshake, opener: Opener | None = None) -> None:
        """Go over to another secret."""
        self.label, self.handshake, self.opener = label, handshake, opener
        self.sequence, self.changed = 0, False


class ConnectionDecoder:
    """Both directions of one TLS connection, seen from outside."""

    def __init__(self, keys: KeySource, *, hold: bool = True) -> None:
        self.handshake = SeenHandshake()
        """The latest handshake; renegotiation begins another one (RFC 5246 7.4.1.1)."""
        self.version = 0
        """The version in whose forms messages are read, 0 until the ServerHello was seen."""
        self._keys = keys
        self._hold = hold
        self._halves: dict[Direction, _Half] = {"client": _Half(), "server": _Half()}
        self._accepted: bool | None = None  # early data, as far as the server's answer was seen
        self._early_noted = False
        self._news = False

    def copy(self) -> ConnectionDecoder:
        """Return an independent copy, for another view of the same connection from here on."""
        other, copies = copy.copy(self), {id(hs): hs.copy() for hs in (self.handshake, *self._handshakes())}
        other.handshake = copies[id(self.handshake)]
        other._halves = {  # noqa: SLF001 - a copy of its own class
            direction: replace(  # openers keep no state between records, and are shared
                half, joiner=half.joiner.copy(), handshake=copies[id(half.handshake)], held=half.held.copy()
            )
            for direction, half in self._halves.items()
        }
        return other

    def _handshakes(self) -> list[SeenHandshake]:
        return [half.handshake for half in self._halves.values()]

    @property
    def held(self) -> int:
        """Records that wait for a key."""
        return sum(len(half.held) for half in self._halves.values())

    def feed(self, direction: Direction, data: bytes) -> Found:
        """Take the next octets of one direction's stream."""
        half, found = self._halves[direction], Found()
        if half.lost:
            return found
        half.buffer += data
        try:
            while (record := _cut(half)) is not None:
                found += self._record(direction, record)
        except tls.Alert as alert:
            half.lost = True
            found.append(Trouble(direction, half.offset, _not_tls(half, alert)))
        return found

    def begin(self, direction: Direction, offset: int) -> None:
        """Have a direction's TLS begin at an octet of its stream other than the first; before its first octets."""
        self._halves[direction].offset = offset

    def settle(self, most: int) -> Found:
        """Give out, unread, what waits for a key that will not come, and all of a direction that holds over `most`.

        For whoever has all keys there will ever be.
        """
        found = Found()
        for direction, half in self._halves.items():
            tried = half.label not in {"", EARLY13} and half.handshake.keyed
            if half.held and (tried or len(half.held) > most):
                found += self._flush(direction)
        return found

    def poll(self) -> Found:
        """Try the held records again: keys may have come."""
        found = [message for direction in DIRECTIONS for message in self._release(direction)]
        return found + self._heard("client")

    def finish(self) -> Found:
        """Give out what is still held, unread, and say which ends are cut short."""
        found = self.poll()
        for direction, half in self._halves.items():
            found += self._flush(direction)
            if half.buffer and not half.lost:
                sentence = f"{len(half.buffer)} octets of an unfinished record"
                found.append(Trouble(direction, half.offset, sentence))
            elif half.joiner.buffer:
                sentence = f"{len(half.joiner.buffer)} octets of an unfinished handshake message"
                found.append(Trouble(direction, half.offset, sentence))
        return found

    def _record(self, direction: Direction, record: tls.RawRecord) -> Found:
        half, found = self._halves[direction], Found()
        if half.label == EARLY13 and record.content_type == tls.ContentType.HANDSHAKE:
            found += self._end_early(direction)
        half.held.append(record)
        found += self._release(direction)
        if not self._hold:
            found += self._flush(direction)
        return found + self._heard(other_role(direction))

    def _heard(self, waiting: Direction) -> Found:
        """Give out what waited in a direction for something that the other one has said by now."""
        if not self._news:
            return []
        self._news = False
        return self._release(waiting)

    def _release(self, direction: Direction, *, last: bool = False) -> Found:
        """Give out the held records that can be read by now; `last` where no more will be known of them."""
        half, found = self._halves[direction], Found()
        while half.held:
            read = self._read(direction, half.held[0], last=last)
            if read is None:
                break
            half.held.popleft()
            found += read
        return found

    def _flush(self, direction: Direction) -> Found:
        """Give out everything that is held, unread where nobody has the key."""
        half, found = self._halves[direction], self._release(direction, last=True)
        while half.held:
            found += self._unread(direction, half.held.popleft(), NO_KEY if self.version else NO_HANDSHAKE)
            half.sequence += 1
            found += self._release(direction, last=True)
        return found

    def _read(self, direction: Direction, record: tls.RawRecord, *, last: bool) -> Found | None:
        """Read the record in front of those held; None if it has to wait."""
        half = self._halves[direction]
        if record.content_type in _FOREIGN:
            return self._unread(direction, record, undecoded=_FOREIGN[record.content_type])
        hidden = record.content_type == tls.ContentType.APPLICATION_DATA
        if half.label == EARLY13 and hidden:
            return self._early(direction, record, last=last)
        unsure = (hidden and not self.handshake.server_random) or (half.changed and not self.version)
        if unsure and not half.label:  # only the ServerHello tells what is protected, and by what
            return None if self.handshake.client_random else self._unread(direction, record, NO_HANDSHAKE)
        if not half.label or (half.label != MASTER and not hidden):
            return self._content(direction, record, record.content_type, record.fragment)
        if half.handshake.undecoded:
            return self._unread(direction, record, undecoded=half.handshake.undecoded)
        opener = self._opener(direction, record)
        return None if opener is None else self._opened(direction, record, opener)

    def _opened(self, direction: Direction, record: tls.RawRecord, opener: Opener) -> Found:
        half = self._halves[direction]
        sequence, half.sequence = half.sequence, half.sequence + 1
        try:
            content_type, content = opener.open(sequence, record)
        except tls.Alert:
            changed = "its authentication tag is wrong: the octets were changed"
            return self._unread(direction, record, problem=changed)
        self._was_opened(direction, record, Sealed(opener, sequence, content_type, content))
        return self._content(direction, record, content_type, content, encrypted=True)

    def _was_opened(self, direction: Direction, record: tls.RawRecord, sealed: Sealed) -> None:
        """Hear of each record that was opened, before its content is read: for those who would seal it again."""

    def _opener(self, direction: Direction, record: tls.RawRecord) -> Opener | None:
        """Return what opens this direction now, trying keys on `record` if none is known; the first that fits is it."""
        half = self._halves[direction]
        if half.opener is None and half.handshake.keyed:
            half.opener = self._fitting(direction, half.label, half.handshake, record)
        return half.opener

    def _fitting(
        self, direction: Direction, label: str, handshake: SeenHandshake, record: tls.RawRecord
    ) -> Opener | None:
        """Return what opens `record` as the first one under some secret of this label."""
        sequence = self._halves[direction].sequence if label == self._halves[direction].label else 0
        for secret in self._keys(handshake, label):
            for candidate in openers(label, direction, secret, handshake):
                try:
                    candidate.open(sequence, record)
                except tls.Alert:
                    continue
                return candidate
        return None

    def _early(self, direction: Direction, record: tls.RawRecord, *, last: bool) -> Found | None:
        """Read a record where a client's early data may end with any record (RFC 9846 4.3.10).

        Accepted, it ends with EndOfEarlyData; refused, with the first record that the handshake secret opens. Without
        the early secret neither is seen but by trying the handshake secret.
        """
        half, hs = self._halves[direction], self.handshake
        if self._accepted is None and not last:
            return None
        if half.opener is None:
            half.opener = self._fitting(direction, EARLY13, hs, record)
        if half.opener is not None and _opens(half.opener, half.sequence, record):
            return self._opened(direction, record, half.opener)
        label, known = HANDSHAKE13[direction], False
        if hs.keyed and not hs.undecoded:
            opener = self._fitting(direction, label, hs, record)
            if opener is not None:
                half.turn(label, hs, opener)
                return self._opened(direction, record, opener)
            known = any(True for _ in self._keys(hs, label))
        if half.opener is not None and known:
            return self._opened(direction, record, half.opener)  # says that the octets were changed
        if known or hs.undecoded or (last and not hs.server_random):  # nothing else comes before the ServerHello
            return self._unread_early(direction, record)
        return self._unread(direction, record, EARLY_OR_LATER) if last else None

    def _unread_early(self, direction: Direction, record: tls.RawRecord) -> Found:
        """Pass over a record of early data; the first one of a connection is noted."""
        found = self._unread(direction, record, EARLY)
        if not self._early_noted:
            self._early_noted = True
            found.append(Trouble(direction, record.start, f"{EARLY}; it is passed over"))
        return found

    def _end_early(self, direction: Direction) -> Found:
        """Take a second ClientHello in clear for what it says: a HelloRetryRequest refused early data, which ends."""
        half, self._accepted = self._halves[direction], False
        found = self._release(direction, last=True)
        half.turn(HANDSHAKE13[direction] if self.handshake.server_random else "", self.handshake)
        return found

    def _content(
        self, direction: Direction, record: tls.RawRecord, content_type: int, content: bytes, *, encrypted: bool = False
    ) -> Found:
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
                    suite=half.handshake.suite,
                    version=self.version,
                    plaintext=content if encrypted else None,
                    refused=half.label == EARLY13 and self._accepted is False,
                )
            ]
        if content_type not in {tls.ContentType.ALERT, tls.ContentType.CHANGE_CIPHER_SPEC}:
            undecoded = _FOREIGN.get(content_type, f"records of content type {content_type}")
            return self._unread(direction, record, undecoded=undecoded)
        message = self._message(direction, content_type, content, where, encrypted=encrypted)
        if content_type == tls.ContentType.CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(half)
        return [message]

    def _change_cipher_spec(self, half: _Half) -> None:
        """Turn to the new keys of TLS 1.2 (RFC 5246 7.1); in TLS 1.3 the message means nothing (RFC 9846 E.4)."""
        if not self.version:
            half.changed = True
        elif self.version != tls.Version.TLS13:
            half.turn(MASTER, self.handshake)

    def _message(
        self, direction: Direction, content_type: int, raw: bytes, records: list[list[int]], *, encrypted: bool
    ) -> Decoded:
        suite, version, message, problem = self.handshake.suite, self.version or tls.Version.TLS12, None, ""
        undecoded = ""
        try:
            message = tls.parse_message(content_type, raw, suite or None, tls.Version(version))
        except tls.Alert as alert:
            undecoded = self._foreign_message(content_type, raw)
            problem = "" if undecoded else alert.sentence
        if content_type == tls.ContentType.HANDSHAKE:
            self._note(raw, message, encrypted=encrypted)
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
            undecoded=undecoded,
        )

    def _foreign_message(self, content_type: int, raw: bytes) -> str:
        """Name what cannot be parsed because it is nothing of ours; empty if it should have been parsed."""
        if content_type != tls.ContentType.HANDSHAKE:
            return ""
        number = self.handshake.version
        if number and number not in set(tls.Version):
            return version_title(number)
        return "" if raw[0] in set(tls.HandshakeType) else f"handshake messages of type {raw[0]}"

    def _unread(
        self, direction: Direction, record: tls.RawRecord, unread: str = "", *, problem: str = "", undecoded: str = ""
    ) -> Found:
        """Return a record that cannot be opened, as it is."""
        half = self._halves[direction]
        return [
            Decoded(
                direction,
                record.content_type,
                _OPAQUE.get(record.content_type, "EncryptedRecord"),
                record.raw,
                [[record.start, record.end]],
                encrypted=bool(half.label or half.changed or record.content_type == tls.ContentType.APPLICATION_DATA),
                readable=False,
                suite=half.handshake.suite,
                version=self.version,
                problem=problem,
                undecoded=undecoded,
                unread=unread,
                refused=half.label == EARLY13 and self._accepted is False,
            )
        ]

    def _turn(self, direction: Direction, message: AnyMessage | None, *, encrypted: bool) -> None:
        """Change this direction's secret where TLS 1.3 does (RFC 9846 4.6, 7.1, 7.2)."""
        half = self._halves[direction]
        if self.version != tls.Version.TLS13 or not encrypted:
            return
        if isinstance(message, tls.EndOfEarlyData):
            half.turn(HANDSHAKE13[direction], self.handshake)
        elif isinstance(message, tls.Finished):
            half.turn(APPLICATION13[direction], self.handshake)
        elif isinstance(message, tls.KeyUpdate) and isinstance(half.opener, Opener13):
            half.turn(half.label, self.handshake, half.opener.updated())

    def _note(self, raw: bytes, message: AnyMessage | None, *, encrypted: bool) -> None:
        """Keep what the keys depend on."""
        if isinstance(message, tls.ClientHello):
            self._note_client_hello(message, encrypted=encrypted)
        elif isinstance(message, tls.ServerHello) and not self.handshake.server_random:
            self._note_server_hello(message)
        elif isinstance(message, tls.EncryptedExtensions):
            self._note_early(accepted=message.extension(tls.ExtensionType.EARLY_DATA) is not None)
        hs = self.handshake
        if not hs.exchanged and not isinstance(message, tls.HelloRequest):  # RFC 5246 7.4.1.1
            hs.transcript += raw
        if isinstance(message, tls.ClientKeyExchange):
            hs.exchanged, hs.epms = True, message.exchange

    def _note_client_hello(self, hello: tls.ClientHello, *, encrypted: bool) -> None:
        """Begin a handshake: the first one, or in TLS 1.2 a renegotiation under its keys."""
        if self.version == tls.Version.TLS13 and self.handshake.client_random:
            return  # what follows a HelloRetryRequest has the random of the first (RFC 9846 4.2.2)
        if encrypted:
            self.handshake = SeenHandshake()
        self.handshake.client_random, self.handshake.transcript = hello.random, bytearray()
        self._news = True
        if not encrypted and hello.extension(tls.ExtensionType.EARLY_DATA) is not None:
            self._halves["client"].turn(EARLY13, self.handshake)

    def _note_server_hello(self, hello: tls.ServerHello) -> None:
        hs = self.handshake
        selected = hello.extension(tls.ExtensionType.SUPPORTED_VERSIONS)
        hs.version = int.from_bytes(selected, "big") if selected else hello.legacy_version
        hs.suite, hs.compression = hello.cipher_suite, hello.compression_method
        hs.encrypt_then_mac = hello.extension(tls.ExtensionType.ENCRYPT_THEN_MAC) is not None
        hs.truncated_hmac = hello.extension(tls.ExtensionType.TRUNCATED_HMAC) is not None
        hs.extended_master_secret = hello.extension(tls.ExtensionType.EXTENDED_MASTER_SECRET) is not None
        known = tls.Version.TLS13 if hs.version >> 8 == DRAFTS13 else hs.version
        self.version = known if known in set(tls.Version) else tls.Version.TLS12
        self._news = True
        if isinstance(hello, tls.HelloRetryRequest):
            self._note_early(accepted=False)
            return
        hs.server_random = hello.random
        if self.version == tls.Version.TLS13:
            if hello.extension(tls.ExtensionType.PRE_SHARED_KEY) is None:
                self._note_early(accepted=False)
            for direction, half in self._halves.items():
                if half.label != EARLY13:
                    half.turn(HANDSHAKE13[direction], hs)
            return
        self._note_early(accepted=False)
        for half in self._halves.values():
            if half.changed:
                half.turn(MASTER, hs)

    def _note_early(self, *, accepted: bool) -> None:
        """Keep what the server makes of early data (RFC 9846 4.3.10)."""
        if self._accepted is None:
            self._accepted, self._news = accepted, True


def _opens(opener: Opener, sequence: int, record: tls.RawRecord) -> bool:
    try:
        opener.open(sequence, record)
    except tls.Alert:
        return False
    return True


def _cut(half: _Half) -> tls.RawRecord | None:
    """Take the next whole record from the buffer; raises the alert it deserves if it is none."""
    if len(half.buffer) < _HEADER:
        return None
    end = _HEADER + int.from_bytes(half.buffer[3:5], "big")
    kind, major = half.buffer[0], half.buffer[1]
    if kind in _FOREIGN and major == tls.Version.TLS12 >> 8 and end <= _HEADER + MAX_CIPHERTEXT12:
        version = int.from_bytes(half.buffer[1:3], "big")
        record = tls.RawRecord(kind, version, half.buffer[_HEADER:end], half.offset, half.offset + end)
        records = [record] if len(half.buffer) >= end else []
    else:
        records, _ = tls.split_records(half.buffer[:end], half.offset)
    if not records:
        return None
    half.buffer, half.offset = half.buffer[end:], half.offset + end
    return records[0]


def _not_tls(half: _Half, alert: tls.Alert) -> str:
    """Say why nothing more is read of a direction."""
    if not half.offset and half.buffer[0] & 0x80 and half.buffer[2] == tls.HandshakeType.CLIENT_HELLO:
        return "this lab does not decode an SSL 2.0 ClientHello (RFC 5246 E.2) nor what follows it"
    return f"from octet {half.offset} on this is not TLS: {alert.sentence}"


def _name(content_type: int, raw: bytes) -> str:
    """Name a message that cannot be parsed by its type alone."""
    if content_type == tls.ContentType.HANDSHAKE and raw and raw[0] in set(tls.HandshakeType):
        return tls.HandshakeType(raw[0]).title
    return {20: "ChangeCipherSpec", 21: "Alert"}.get(content_type, "UnknownMessage")
