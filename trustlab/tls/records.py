"""The record layer: cutting a stream into records and messages into records, with every stream position kept.

Positions are octets from the beginning of one direction's stream; they are what ties a message of one party's trace to
the other's.
"""

from __future__ import annotations

import copy
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, Self

from trustlab.tls.alerts import BadRecordMac, LocalProtocolError, ProtocolVersion, RecordOverflow, UnexpectedMessage
from trustlab.tls.registry import ContentType, Version

if TYPE_CHECKING:
    from trustlab.tls.protection import Protection

_MESSAGE_HEADER = Struct(">I")  # msg_type and length (RFC 5246 7.4)
_HEADER = Struct(">BHH")  # type, version, length (RFC 5246 6.2.1)
HEADER_LENGTH = _HEADER.size
MAX_PLAINTEXT = 2**14
MAX_CIPHERTEXT12 = 2**14 + 2048
MAX_CIPHERTEXT13 = 2**14 + 256
_CONTENT_TYPES = frozenset(ContentType)
TLS12 = int(Version.TLS12)  # used with every record, and an enumeration's members are slow to look up
APPLICATION_DATA = int(ContentType.APPLICATION_DATA)
Range = tuple[int, int]
"""Stream positions `start:end` that a record fills."""


class RawRecord(NamedTuple):
    """A record as on the wire: its header's fields, its fragment, and the stream positions `start:end` it fills."""

    content_type: int
    version: int
    fragment: bytes
    start: int
    end: int

    @property
    def raw(self) -> bytes:
        """The whole record, header included."""
        return record_header(self.content_type, self.version, len(self.fragment)) + self.fragment


class Record(NamedTuple):
    """A record after its protection is taken off; the last three fields are what was on the wire."""

    content_type: int
    content: bytes
    encrypted: bool
    start: int
    end: int
    outer_type: int
    version: int
    fragment: bytes

    @property
    def raw(self) -> bytes:
        """The whole record as it was on the wire, header included."""
        return record_header(self.outer_type, self.version, len(self.fragment)) + self.fragment


def record_header(content_type: int, version: int, length: int) -> bytes:
    """Return the five octets in front of a fragment (RFC 5246 6.2.1)."""
    return _HEADER.pack(content_type, version, length)


def parse_record_header(data: bytes) -> tuple[int, int, int]:
    """Return content type, version and length of a record; raises an alert if the header is nonsense."""
    content_type, version, length = _HEADER.unpack_from(data)
    if content_type not in _CONTENT_TYPES:
        raise UnexpectedMessage(f"a record of content type {content_type}", "RFC 5246 6")
    if version >> 8 != 3:
        raise ProtocolVersion(f"a record of version 0x{version:04x}", "RFC 5246 6.2.1")
    if length > MAX_CIPHERTEXT12:
        raise RecordOverflow(f"a record of {length} octets", "RFC 5246 6.2.3")
    return content_type, version, length


def split_records(stream: bytes, offset: int = 0) -> tuple[list[RawRecord], bytes]:
    """Cut a piece of a stream that begins at position `offset` into records; also return the unfinished rest."""
    records: list[RawRecord] = []
    start = 0
    while len(stream) - start >= HEADER_LENGTH:
        content_type, version, length = parse_record_header(stream[start : start + HEADER_LENGTH])
        end = start + HEADER_LENGTH + length
        if end > len(stream):
            break
        fragment = stream[start + HEADER_LENGTH : end]
        records.append(RawRecord(content_type, version, fragment, offset + start, offset + end))
        start = end
    return records, stream[start:]


def missing(here: int, size: int, what: str) -> str:
    """Say how many octets of something of `size` octets are still to come."""
    return f"{size - here} more octets of {what} ({here} of {size} are here)"


def unfinished_record(octets: bytes | bytearray) -> str:
    """Say how much is missing of a record of which `octets` are here."""
    here = len(octets)
    if here < HEADER_LENGTH:
        return missing(here, HEADER_LENGTH, "a record's header")
    return missing(here, HEADER_LENGTH + _HEADER.unpack_from(octets)[2], "a record")


class RecordLayer:
    """Both directions of one connection's record layer."""

    def __init__(self) -> None:
        self.version: Version | None = None
        self.write_version = int(Version.TLS12)
        self.read: Protection | None = None
        self.write: Protection | None = None
        self.read_offset = 0
        self.write_offset = 0
        self.input = bytearray()
        """Octets received and not yet read as records."""
        self._output = bytearray()
        self.max_fragment = MAX_PLAINTEXT
        self.skip_early_data = 0

    def copy(self) -> Self:
        """Return an independent copy: buffers, positions and sequence numbers of its own."""
        other = copy.copy(self)
        other.input, other._output = self.input[:], self._output[:]  # noqa: SLF001
        other.read = self.read.copy() if self.read else None
        other.write = self.write.copy() if self.write else None
        return other

    def feed(self, data: bytes, limit: int) -> None:
        """Take octets from the stream; LocalProtocolError when the program lets more than `limit` pile up."""
        if len(self.input) + len(data) > limit:
            raise LocalProtocolError(f"more than {limit} octets wait to be processed: read events first")
        self.input += data

    def drain(self) -> bytes:
        """Return what is to be sent."""
        data = bytes(self._output)
        self._output.clear()
        return data

    def discard_input(self) -> None:
        """Forget what was received and not read."""
        self.input.clear()

    def _limit(self) -> int:
        if self.read is None:
            return MAX_CIPHERTEXT13 if self.skip_early_data else MAX_PLAINTEXT
        return MAX_CIPHERTEXT13 if self.read.hides_type else MAX_CIPHERTEXT12

    def next_record(self) -> Record | None:
        """Return the next record, unprotected, or None until more octets come; raises the alert it deserves."""
        while self.input and (cut := self._cut()) is not None:
            if not (self.skip_early_data and self._is_early_data(*cut)):
                return self._unprotect(*cut)
        return None

    def _is_early_data(self, outer: int, version: int, fragment: bytes) -> bool:
        """Skip 0-RTT data that nobody wanted: records that do not authenticate, up to a limit (RFC 9846 4.3.10)."""
        if outer != ContentType.APPLICATION_DATA:
            return False
        if self.read is not None:
            try:
                self.read.copy().unprotect(outer, version, fragment)
            except BadRecordMac:
                pass
            else:
                self.skip_early_data = 0
                return False
        if len(fragment) > self.skip_early_data:
            return False
        self.skip_early_data -= len(fragment)
        return True

    def _cut(self) -> tuple[int, int, bytes] | None:
        """Cut the next record off the stream: content type, version and fragment; it ends at `read_offset`."""
        buffer = self.input
        if len(buffer) < HEADER_LENGTH:
            if buffer[0] not in _CONTENT_TYPES:
                raise UnexpectedMessage(f"a record of content type {buffer[0]}", "RFC 5246 6")
            return None
        content_type, version, length = _HEADER.unpack_from(buffer)
        if version != TLS12 or length > MAX_PLAINTEXT or content_type not in _CONTENT_TYPES:
            self._check_header(content_type, version, length)
        size = HEADER_LENGTH + length
        if len(buffer) < size:
            return None
        fragment = bytes(memoryview(buffer)[HEADER_LENGTH:size])
        del buffer[:size]
        self.read_offset += size
        return content_type, version, fragment

    def _check_header(self, content_type: int, version: int, length: int) -> None:
        if content_type not in _CONTENT_TYPES:
            raise UnexpectedMessage(f"a record of content type {content_type}", "RFC 5246 6")
        if self.version is None:
            if version >> 8 != 3:
                raise ProtocolVersion(f"a record of version 0x{version:04x}", "RFC 5246 E.1")
        elif self.version < Version.TLS13 and version != self.version:
            raise ProtocolVersion(f"a record of version 0x{version:04x} in {self.version.title}", "RFC 5246 6.2.1")
        if length > self._limit():
            raise RecordOverflow(f"a record of {length} octets where {self._limit()} are allowed", "RFC 5246 6.2.1")

    def _unprotect(self, outer: int, version: int, fragment: bytes) -> Record:
        end = self.read_offset
        start = end - HEADER_LENGTH - len(fragment)
        protection = self.read
        if protection is None or (protection.hides_type and outer != APPLICATION_DATA):
            return Record(outer, fragment, False, start, end, outer, version, fragment)  # noqa: FBT003 - by its place, for speed
        content_type, content = protection.unprotect(outer, version, fragment)
        if len(content) > MAX_PLAINTEXT:
            raise RecordOverflow(f"a record of {len(content)} octets of plaintext", "RFC 5246 6.2.1")
        return Record(content_type, content, True, start, end, outer, version, fragment)  # noqa: FBT003

    def write_message(self, content_type: int, content: bytes, *, plain: bool = False) -> tuple[Range, ...]:
        """Put octets into records and return the stream ranges of those; `plain` leaves the protection out."""
        size = self.max_fragment
        if len(content) <= size:
            return (self._write_record(content_type, content, plain=plain),)
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        return tuple([self._write_record(content_type, piece, plain=plain) for piece in pieces])

    def _write_record(self, content_type: int, piece: bytes, *, plain: bool) -> Range:
        version = self.write_version
        if plain or self.write is None:
            fragment, outer = piece, content_type
        else:
            fragment = self.write.protect(content_type, version, piece)
            outer = APPLICATION_DATA if self.write.hides_type else content_type
        length = len(fragment)
        self._output += record_header(outer, version, length)
        self._output += fragment
        start = self.write_offset
        self.write_offset = end = start + HEADER_LENGTH + length
        return start, end

    def is_unsent(self, position: int) -> bool:
        """Whether what ends at this stream position was written and is not yet drained."""
        return position > self.write_offset - len(self._output)

    def written(self, start: int) -> bytes:
        """Return the octets written from stream position `start` on and not yet drained."""
        return bytes(memoryview(self._output)[len(self._output) - (self.write_offset - start) :])


class HandshakeJoiner:
    """Puts handshake messages together from the records of one direction (RFC 5246 6.2.1)."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        """Octets of an unfinished message, or of messages not yet taken."""
        self._records: list[tuple[int, int, int]] = []  # octets of the buffer this record ends at, start, end

    def copy(self) -> Self:
        """Return an independent copy."""
        other = copy.copy(self)
        other.buffer, other._records = self.buffer[:], self._records[:]  # noqa: SLF001
        return other

    def add(self, fragment: bytes, start: int, end: int) -> None:
        """Take the content of a record that fills the stream positions `start:end`."""
        self.buffer += fragment
        self._records.append((len(self.buffer), start, end))

    def header(self) -> tuple[int, int] | None:
        """Return type and length of the first message as soon as its header is there."""
        buffer = self.buffer
        if len(buffer) < 4:
            return None
        (head,) = _MESSAGE_HEADER.unpack_from(buffer)
        return head >> 24, head & 0xFFFFFF

    def take(self, length: int) -> tuple[bytes, tuple[Range, ...]] | None:
        """Return the first message, whose header claims `length`, and its records' ranges, once it is complete."""
        buffer, size = self.buffer, 4 + length
        if len(buffer) < size:
            return None
        raw = bytes(buffer[:size])
        del buffer[:size]
        if len(self._records) == 1:  # the usual case: one record, with this message and perhaps more
            _, start, end = self._records[0]
            self._records = [(len(buffer), start, end)] if buffer else []
            return raw, ((start, end),)
        ranges: list[Range] = []
        kept: list[tuple[int, int, int]] = []
        before = 0
        for until, start, end in self._records:
            if before < size:
                ranges.append((start, end))
            if until > size:
                kept.append((until - size, start, end))
            before = until
        self._records = kept
        return raw, tuple(ranges)

    def feed(self, fragment: bytes, start: int, end: int) -> list[tuple[bytes, list[list[int]]]]:
        """Take a record's content and return every message that is complete now."""
        self.add(fragment, start, end)
        found = []
        while (head := self.header()) is not None and (message := self.take(head[1])) is not None:
            raw, ranges = message
            found.append((raw, [[start, end] for start, end in ranges]))
        return found
