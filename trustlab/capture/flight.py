"""Fields in flight: what passes on a connection, cut into records, and every field of it with its stream position.

The lab knows the keys, so it can say which field lies under which octet of a ciphertext. Whoever changes that octet
needs none; `resealed` does what somebody with the channel's keys can do.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from trustlab import tls
from trustlab.capture.decoded import Decoded
from trustlab.capture.decoder import DIRECTIONS, ConnectionDecoder
from trustlab.capture.keys import TraceKeys
from trustlab.tls.records import HEADER_LENGTH
from trustlab.tls.registry import label
from trustlab.trace import leaves
from trustlab.wire import FlightField, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trustlab.capture.decoded import Found
    from trustlab.capture.openers import Sealed
    from trustlab.trace import Span, Trace, TraceEvent
    from trustlab.wire import Direction

    Namer = Callable[[bytes], Sequence[Span]]
    Part = tuple[str, int, int]

FRAME_LENGTH = 2
NONCE = 32
"""Octets of the question on a stream without TLS (`passage.exchange`): a frame of another length is an answer."""


class FieldsInFlight:
    """Cuts and names what all connections of a trace carry: a `wire.Cutter`.

    Keys are all that the trace holds. `namers` look into octets that a message only carries (Evidence, certificates):
    each gets the octets of a field and returns spans, none if it is nothing of its kind.
    """

    def __init__(self, trace: Trace, namers: Sequence[Namer] = ()) -> None:
        self._trace = trace
        self._keys = TraceKeys(trace)
        self._namers = tuple(namers)
        self._lock = threading.RLock()
        self._connections: dict[str, _Connection] = {}

    def cut(self, connection: str, direction: Direction, octets: bytes) -> list[Item]:
        """Return the next octets of a stream as items, one a record; what is no TLS is one item."""
        with self._lock:
            if connection not in self._connections:
                self._connections[connection] = _Connection(self._trace, connection, self._keys, self._namers)
            return self._connections[connection].cut(direction, octets)

    def whole(self, connection: str, octets: bytes) -> int:
        """Return how many of the next octets of a stream are whole records; of what is no TLS, all."""
        with self._lock:
            known = self._connections.get(connection)
            if (known is not None and known.plain_stream) or (known is None and not _is_tls(octets)):
                return len(octets)
            try:
                _, rest = tls.split_records(octets)
            except tls.Alert:
                return len(octets)
            return len(octets) - len(rest)

    def poll(self, connection: str) -> None:
        """Name records that could not be read, if their keys have come since."""
        with self._lock:
            if connection in self._connections:
                self._connections[connection].poll()

    def forget(self, connection: str) -> None:
        """Drop what is kept of a connection that has ended."""
        with self._lock:
            self._connections.pop(connection, None)

    def resealed(self, item: Item, field: FlightField, value: bytes, octet: int = 0) -> bytes:
        """Return an item with octets of an encrypted field changed under its protection, as the keys' owner could.

        ValueError if nobody here has the keys, or if the field does not lie in this record alone.
        """
        with self._lock:
            return self._connections[item.connection].resealed(item, field, value, octet)


class _Recording(ConnectionDecoder):
    """A decoder that remembers how records were opened, as long as somebody may still ask."""

    def __init__(self, keys: TraceKeys) -> None:
        super().__init__(keys)
        self.sealed: dict[tuple[str, int], Sealed] = {}

    def _was_opened(self, direction: Direction, record: tls.RawRecord, sealed: Sealed) -> None:
        self.sealed[direction, record.start] = sealed


class _Connection:
    """One connection: a decoder, and where each octet of a message lies."""

    def __init__(self, trace: Trace, name: str, keys: TraceKeys, namers: Sequence[Namer]) -> None:
        self._trace = trace
        self._name = name
        self._namers = namers
        self._decoder = _Recording(keys)
        self.plain_stream: bool | None = None
        self._ends: dict[Direction, int] = dict.fromkeys(DIRECTIONS, 0)
        self._counts: dict[str, int] = {}
        self._used: dict[tuple[str, int], int] = {}
        self._unread: list[_Record] = []
        self._shown: dict[Direction, int] = dict.fromkeys(DIRECTIONS, 0)

    def cut(self, direction: Direction, octets: bytes) -> list[Item]:
        start = self._ends[direction]
        self._ends[direction] += len(octets)
        if self.plain_stream is None:
            self.plain_stream = not _is_tls(octets)
        if self.plain_stream:
            return [self._clear(direction, start, octets)]
        try:
            records, rest = tls.split_records(octets, start)
        except tls.Alert:
            records, rest = [], octets
        pieces = [(record.start, octets[record.start - start : record.end - start]) for record in records]
        if rest:
            pieces.append((start + len(octets) - len(rest), rest))
        return [self._record(direction, *piece) for piece in pieces]

    def poll(self) -> None:
        self._take(self._decoder.poll())

    def resealed(self, item: Item, field: FlightField, value: bytes, octet: int) -> bytes:
        sealed = self._decoder.sealed.get((item.direction, item.offset))
        if sealed is None:
            raise ValueError(f"nobody here has the keys of {item.name}")
        positions = [at for first, end in field.places for at in range(first, end)][octet : octet + len(value)]
        content, base = bytearray(sealed.content), item.offset + HEADER_LENGTH + sealed.opener.around[0]
        for position, new in zip(positions, value, strict=True):
            if not 0 <= position - base < len(content):
                raise ValueError(f"{field.full_name} does not lie in this record alone")
            content[position - base] = new
        record = tls.split_records(item.octets, item.offset)[0][0]
        fragment = sealed.opener.seal(sealed.sequence, sealed.content_type, record.version, bytes(content))
        return item.octets[:HEADER_LENGTH] + fragment

    # what is TLS

    def _record(self, direction: Direction, start: int, octets: bytes) -> Item:
        record = _Record(self, direction, start, octets)
        self._unread.append(record)
        self._take(self._decoder.feed(direction, octets) + self._decoder.poll())
        self._forget()
        return record.item

    def _forget(self) -> None:
        """Keep the last records only: what is held is among them."""
        while len(self._unread) > KEPT:
            old = self._unread.pop(0)
            self._decoder.sealed.pop((old.item.direction, old.item.offset), None)
            self._used.pop((old.item.direction, old.item.offset), None)

    def _take(self, found: Found) -> None:
        for message in found:
            if isinstance(message, Decoded):
                self._message(message)

    def _message(self, message: Decoded) -> None:
        """Give a message to the record that it ends in."""
        nth = self._counts[message.name] = self._counts.get(message.name, 0) + 1
        content = message.plaintext if message.plaintext is not None else message.raw
        if not message.readable:
            content = b""
        places = self._places(message, len(content))
        shown = self._shows(message) if message.plaintext is not None else []
        last = message.records[-1][1]
        for record in self._unread:
            if record.item.direction == message.direction and record.item.offset < last <= record.item.end:
                record.carries(_Carried(message, nth, content, places, shown))

    def _places(self, message: Decoded, size: int) -> _Places:
        """Return where the octets of a content lie, in the records that carry it, from where each is used up."""
        places = []
        for start, end in message.records:
            front, back = self._around(message, start)
            used = self._used.get((message.direction, start), 0)
            first = start + HEADER_LENGTH + front + used
            took = min(end - back - first, size)
            if took > 0:
                places.append((first, first + took))
                self._used[message.direction, start] = used + took
                size -= took
        return _Places(places)

    def _around(self, message: Decoded, start: int) -> tuple[int, int]:
        """Return how many octets of a record's fragment stand before and behind its content."""
        sealed = self._decoder.sealed.get((message.direction, start))
        if sealed is None:
            return 0, 0
        front, _ = sealed.opener.around
        length = next(end - at for at, end in message.records if at == start)
        return front, length - HEADER_LENGTH - front - len(sealed.content)

    def _shows(self, message: Decoded) -> list[TraceEvent]:
        """Return the events that name what is inside application data: messages of exported authenticators."""
        since, self._shown[message.direction] = self._shown[message.direction], len(self._trace)
        return [
            event
            for event in self._trace[since:]
            if event.kind == "authenticator"
            and event.sent
            and (event.connection, event.direction) == (self._name, message.direction)
        ]

    def header(self, item: Item) -> Iterator[Part]:
        """Yield the fields of a record around its content, by positions in the record."""
        yield from (("record.type", 0, 1), ("record.version", 1, 3), ("record.length", 3, HEADER_LENGTH))
        sealed = self._decoder.sealed.get((item.direction, item.offset))
        if sealed is None:
            return
        size = len(item.octets)
        before, behind = sealed.opener.around
        if before:
            yield ("record.explicit_nonce" if before == 8 else "record.iv"), HEADER_LENGTH, HEADER_LENGTH + before
        end = HEADER_LENGTH + before + len(sealed.content)
        if sealed.opener.hides_type:
            yield "record.inner_type", end, end + 1
            end += 1
        if behind and end < size - behind:
            yield "record.padding", end, size - behind
        yield ("record.tag", size - behind, size) if behind else ("record.mac", end, size)

    # what is not

    def _clear(self, direction: Direction, start: int, octets: bytes) -> Item:
        framed = _framed(octets)
        name = ("Question" if len(octets) == FRAME_LENGTH + NONCE else "Answer") if framed else "octets"
        nth = self._counts[name] = self._counts.get(name, 0) + 1

        def fields() -> list[FlightField]:
            parts = self.plain(octets, []) if framed else [("octets", 0, len(octets))]
            return [FlightField(name, nth, p, octets[s:e], ((start + s, start + e),)) for p, s, e in apart(parts)]

        return Item("message", self._name, direction, start, octets, called=name, messages=[(name, nth)], fields=fields)

    def plain(self, text: bytes, shown: Sequence[TraceEvent]) -> list[Part]:
        """Return the parts of octets that no TLS message is: frames with what the trace or the namers know, lines."""
        parts: list[Part] = []
        at = 0
        for event in shown:
            where = text.find(event.raw, at)
            if where < 0:
                continue
            if where > at:
                parts.append(("frame.length", at, where))
            for leaf in leaves(event.spans):
                parts += self.inside(leaf.name, where + leaf.start, event.raw[leaf.start : leaf.end], event.name)
            at = where + len(event.raw)
        if not at and _framed(text):
            parts.append(("frame.length", 0, FRAME_LENGTH))
            parts += self.inside("frame", FRAME_LENGTH, text[FRAME_LENGTH:])
            at = len(text)
        if at < len(text):
            parts.append(("line", at, len(text)))
        return parts

    def inside(self, path: str, start: int, octets: bytes, prefix: str = "") -> Iterator[Part]:
        """Yield a field, or if a namer knows what it holds, the fields in it."""
        path, known = f"{prefix}.{path}" if prefix else path, False
        for namer in self._namers:
            for name, first, end in covering(namer(octets), len(octets)):
                within, deeper = octets[first:end], f"{path}.{name}"
                if len(within) < len(octets):
                    yield from self.inside(deeper, start + first, within)
                else:
                    yield deeper, start, start + end
                known = True
            if known:
                return
        yield path, start, start + len(octets)


class _Places:
    """Where the octets of a content lie in the stream."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self.ranges = ranges
        self._behind = list(accumulate((end - start for start, end in ranges), initial=0))

    def of(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return the ranges of stream positions that hold octets `start:end` of the content."""
        found = []
        at = bisect_right(self._behind, start) - 1
        while start < end and at < len(self.ranges):
            first, behind = self.ranges[at][0] + start - self._behind[at], self._behind[at + 1]
            took = min(end, behind) - start
            found.append((first, first + took))
            start, at = start + took, at + 1
        return tuple(found)


class _Carried(NamedTuple):
    message: Decoded
    nth: int
    content: bytes
    places: _Places
    shown: Sequence[TraceEvent]


class _Record:
    """An item, with the messages that end in it."""

    def __init__(self, connection: _Connection, direction: Direction, start: int, octets: bytes) -> None:
        self._connection = connection
        self._carried: list[_Carried] = []
        self._made: tuple[int, list[FlightField]] = (-1, [])
        kind = label(tls.ContentType, octets[0], 1)
        self.item = Item(
            "message",
            connection._name,  # noqa: SLF001 - the two are one
            direction,
            start,
            octets,
            called=f"record of {kind}",
            fields=self.fields,
        )

    def carries(self, carried: _Carried) -> None:
        self._carried.append(carried)
        self.item.messages.append((carried.message.name, carried.nth))

    def fields(self) -> list[FlightField]:
        """Return the fields of the record and of the messages that end in it."""
        if self._made[0] != len(self._carried):
            self._made = len(self._carried), self._read()
        return self._made[1]

    def _read(self) -> list[FlightField]:
        item = self.item
        message, nth = item.messages[0] if item.messages else (item.name, 1)
        parts = list(self._connection.header(item))
        if not self._carried:
            parts.append(("record.fragment", HEADER_LENGTH, len(item.octets)))
        fields = [
            FlightField(message, nth, path, item.octets[s:e], ((item.offset + s, item.offset + e),))
            for path, s, e in parts
            if e > s
        ]
        for carried in self._carried:
            fields += self._of(carried)
        return fields

    def _of(self, carried: _Carried) -> list[FlightField]:
        message, nth, content, places, shown = carried
        return [
            FlightField(message.name, nth, path, content[s:e], places.of(s, e), message.encrypted)
            for path, s, e in apart(self._parts(message, content, shown))
            if e <= len(content)
        ]

    def _parts(self, message: Decoded, content: bytes, shown: Sequence[TraceEvent]) -> list[Part]:
        if message.plaintext is not None:
            return self._connection.plain(content, shown)
        version = tls.Version(message.version or tls.Version.TLS12)
        spans = tls.describe(message.raw, message.content_type, message.suite or None, version)
        return [
            part
            for leaf in leaves(spans)
            for part in self._connection.inside(leaf.name, leaf.start, content[leaf.start : leaf.end])
        ]


KEPT = 64
"""Records of a connection whose fields can be asked for."""


def _is_tls(octets: bytes) -> bool:
    try:
        tls.split_records(octets[:HEADER_LENGTH])
    except tls.Alert:
        return False
    return octets[:1] == b"\x16"


def covering(spans: Sequence[Span], size: int) -> Iterator[Part]:
    """Yield parts that cover all of `size` octets: the leaves of spans, and `header` for what only a parent names.

    A namer that says what DER or CBOR mean has no name for the tags and lengths around it. Nothing for no spans.
    """
    parents = sorted((s for s in spans if s.end > s.start), key=lambda s: s.end - s.start)
    if not parents:
        return
    at = 0
    for start, end, name in [*((leaf.start, leaf.end, leaf.name) for leaf in leaves(spans)), (size, size, "")]:
        while at < start:
            around = next((s for s in parents if s.start <= at < s.end), None)
            stop = min([start, around.end if around else size, *(s.start for s in parents if at < s.start)])
            yield f"{around.name}.header" if around else "header", at, stop
            at = stop
        if end > start:
            yield name, start, end
        at = max(at, end)


def _framed(octets: bytes) -> bool:
    return len(octets) > FRAME_LENGTH and int.from_bytes(octets[:FRAME_LENGTH], "big") == len(octets) - FRAME_LENGTH


def apart(parts: Sequence[Part]) -> Iterator[Part]:
    """Number the parts of one message that have the same path."""
    seen: dict[str, int] = {}
    for path, start, end in parts:
        nth = seen[path] = seen.get(path, 0) + 1
        yield path if nth == 1 else f"{path}#{nth}", start, end
