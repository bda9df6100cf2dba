"""Reassemble TCP streams from frames, in whatever order and however often they were captured."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trustlab.wire.errors import FrameError
from trustlab.wire.ethernet import Flag, Segment, parse_frame
from trustlab.wire.packets import dissect

if TYPE_CHECKING:
    from trustlab.wire.conversation import Direction

_HALF = 1 << 31
HELD_SEGMENTS = 4096
"""How many segments behind a gap are kept for one direction; further ones are given up, and counted."""

REMEMBERED_FLOWS = 4096
"""How many forgotten connections are known again by their late segments."""

Address = tuple[str, int]


class Gap(NamedTuple):
    """Octets `start:end` of one direction's stream that were never captured."""

    start: int
    end: int


@dataclass(slots=True)
class _HalfFlow:
    """One direction: the sequence number of stream offset 0, the end of the known octets, and what waits behind a gap.

    `fin` is the sequence number of its FIN, if that was seen, and `held` how many octets wait.

    `waiting` holds, by stream offset, a payload as it arrived and as it was written. `starts` are its keys in ascending
    order, so that a segment finds its place among those that wait by bisection; what waits never overlaps.
    """

    first_seq: int | None = None
    known: int = 0
    waiting: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    given_up: int = 0
    held: int = 0
    fin: int | None = None

    def take(self, seq: int, payload: bytes, written: bytes) -> tuple[int, list[tuple[int, bytes, bytes]]]:
        """Return the stream offset of `payload`, and everything that has become readable."""
        if self.first_seq is None:
            self.first_seq = seq
        start = self._unwrapped(seq)
        self._hold(start, payload, written)
        return start, self._ready()

    def _hold(self, start: int, payload: bytes, written: bytes) -> None:
        """Keep the octets that no earlier copy has brought, in one or more pieces: the first copy counts."""
        at, end = max(start, self.known), start + len(payload)
        place = bisect_right(self.starts, at)
        if place:
            at = max(at, self._end(self.starts[place - 1]))
        while at < end:
            stop = min(self.starts[place], end) if place < len(self.starts) else end
            if at < stop:
                if len(self.starts) >= HELD_SEGMENTS and at > self.known:
                    self.given_up += 1
                    return
                self.starts.insert(place, at)
                self.waiting[at] = payload[at - start : stop - start], written[at - start : stop - start]
                self.held += stop - at
                place += 1
            if stop == end:
                return
            at = self._end(stop)
            place += 1

    def _end(self, start: int) -> int:
        return start + len(self.waiting[start][0])

    def next_is(self, seq: int) -> bool:
        """Whether a segment leaves no gap behind what is known."""
        return self.first_seq is None or self._unwrapped(seq) <= self.known

    def _unwrapped(self, seq: int) -> int:
        """Return the stream offset of a 32-bit sequence number: the one nearest to the known end (RFC 9293, 3.4)."""
        first = self.first_seq or 0
        distance = (seq - first - self.known) & 0xFFFFFFFF
        return self.known + (distance if distance < _HALF else distance - (1 << 32))

    def _ready(self) -> list[tuple[int, bytes, bytes]]:
        pieces = []
        while self.starts and self.starts[0] == self.known:
            start = self.starts.pop(0)
            arrived, written = self.waiting.pop(start)
            pieces.append((start, arrived, written))
            self.known += len(arrived)
            self.held -= len(arrived)
        return pieces

    @property
    def over(self) -> bool:
        """Whether its FIN and everything before it were seen."""
        return self.fin is not None and self.first_seq is not None and self.known >= self._unwrapped(self.fin)

    @property
    def gap(self) -> Gap | None:
        return Gap(self.known, self.starts[0]) if self.starts else None


@dataclass(slots=True, eq=False)
class Flow:
    """One TCP connection seen in frames. `name` is the caller's own, empty if none was given."""

    name: str
    client: Address
    server: Address
    halves: dict[Direction, _HalfFlow]
    complete: bool
    """Whether its SYN was seen; else stream offsets count from the first octet captured."""
    key: tuple[str, Address, Address]
    """What the reassembler knows it by."""
    reset: bool = False

    def gap(self, direction: Direction) -> Gap | None:
        """Return the octets that are missing before the first that waits; None if nothing waits."""
        return self.halves[direction].gap

    @property
    def over(self) -> bool:
        """Whether both ends have said that nothing follows, and everything before that was seen; or one has reset."""
        return self.reset or all(half.over for half in self.halves.values())

    def given_up(self, direction: Direction) -> int:
        """Return how many segments were not kept because too many waited behind a gap."""
        return self.halves[direction].given_up


class StreamPiece(NamedTuple):
    """The next octets of a direction's stream, from `offset` on.

    `data` arrived at the reader; `written` was sent by the writer, and differs after an edit in flight.
    """

    flow: Flow
    direction: Direction
    offset: int
    data: bytes
    written: bytes


class Sighting(NamedTuple):
    """A segment, its connection and direction, its payload's stream offset, and the octets that became readable."""

    segment: Segment
    flow: Flow
    direction: Direction
    offset: int | None
    pieces: tuple[StreamPiece, ...]


class Reassembler:
    """Takes frames, and returns the octets of each stream once and in order.

    Retransmitted octets are dropped, early ones wait; where copies differ the first one counts. A SYN tells
    which end is the client; in a capture that begins later the end with the lower port is taken for the server.

    `room` bounds the octets that wait behind gaps of all connections together; what comes beyond is given up.
    """

    def __init__(self, *, room: int | None = None) -> None:
        self._flows: dict[tuple[str, Address, Address], Flow] = {}
        self._room = room
        self._held = 0
        self._forgotten: OrderedDict[tuple[str, Address, Address], None] = OrderedDict()
        self._followed: dict[Flow, None] = {}

    @property
    def flows(self) -> list[Flow]:
        """The connections that are followed, in the order of their first segments."""
        return list(self._followed)

    def feed(
        self, frame: bytes, *, name: str = "", original: bytes = b"", link: int | None = None
    ) -> list[StreamPiece]:
        """Take one frame; FrameError if it is malformed, nothing if it carries no TCP payload.

        `name` keeps apart connections that use the same addresses on different legs of the network. `original` is the
        TCP payload before an edit in flight, empty if there was none; one of another length is a FrameError. `link` is
        the link type of a frame that was captured elsewhere; None is a frame of Alice's wire: IPv4 in Ethernet.
        """
        sighting = self.sight(frame, name=name, original=original, link=link)
        return list(sighting.pieces) if sighting else []

    def sight(self, frame: bytes, *, name: str = "", original: bytes = b"", link: int | None = None) -> Sighting | None:
        """Take one frame, as `feed` does, and also say which connection it belongs to; None if it is not TCP."""
        packet = parse_frame(frame) if link is None else dissect(frame, link)
        return self.place(packet, name=name, original=original) if isinstance(packet, Segment) else None

    def place(self, segment: Segment, *, name: str = "", original: bytes = b"") -> Sighting | None:
        """Take one segment as `sight` takes a frame; None if it is a late one of a connection that was forgotten."""
        if original and len(original) != len(segment.payload):
            lengths = f"{len(original)} octets were written and {len(segment.payload)} arrived"
            raise FrameError(f"an edit in flight that changes the length: {lengths}")
        if self._forgotten and self._late(segment, name):
            return None
        flow, direction = self._flow(segment, name)
        half = flow.halves[direction]
        if Flag.SYN in segment.flags and half.first_seq is None:
            half.first_seq = (segment.seq + 1) & 0xFFFFFFFF
        flow.reset |= Flag.RST in segment.flags
        if Flag.FIN in segment.flags:
            half.fin = segment.seq + len(segment.payload)
        if not segment.payload:
            return Sighting(segment, flow, direction, None, ())
        if self._room is not None and self._held >= self._room and not half.next_is(segment.seq):
            half.given_up += 1
            return Sighting(segment, flow, direction, None, ())
        before = half.held
        offset, ready = half.take(segment.seq, segment.payload, original or segment.payload)
        self._held += half.held - before
        return Sighting(
            segment, flow, direction, offset, tuple(StreamPiece(flow, direction, *piece) for piece in ready)
        )

    def forget(self, flow: Flow) -> None:
        """Follow a connection no longer. What comes late of it is passed over, until a SYN begins another one."""
        key = flow.key
        if self._flows.get(key) is flow:
            del self._flows[key]
            self._forgotten[key] = None
            if len(self._forgotten) > REMEMBERED_FLOWS:
                self._forgotten.popitem(last=False)
        self._held -= sum(half.held for half in flow.halves.values())
        self._followed.pop(flow, None)

    def _late(self, segment: Segment, name: str) -> bool:
        source, destination = (segment.source, segment.source_port), (segment.destination, segment.destination_port)
        keys = (name, source, destination), (name, destination, source)
        if segment.flags & (Flag.SYN | Flag.ACK) == Flag.SYN:
            for key in keys:
                self._forgotten.pop(key, None)
            return False
        return any(key in self._forgotten for key in keys)

    def _flow(self, segment: Segment, name: str) -> tuple[Flow, Direction]:
        source, destination = (segment.source, segment.source_port), (segment.destination, segment.destination_port)
        opening = segment.flags & (Flag.SYN | Flag.ACK) == Flag.SYN
        as_client = self._flows.get((name, source, destination))
        if opening and (as_client is None or self._anew(as_client, segment)):
            return self._begin(name, source, destination, complete=True), "client"
        if as_client is not None:
            return as_client, "client"
        as_server = self._flows.get((name, destination, source))
        if as_server is not None:
            return as_server, "server"
        if Flag.SYN in segment.flags or segment.source_port < segment.destination_port:
            return self._begin(name, destination, source, complete=False), "server"
        return self._begin(name, source, destination, complete=False), "client"

    @staticmethod
    def _anew(flow: Flow, segment: Segment) -> bool:
        """Return whether this SYN opens a second connection over the same ports, or is a retransmission."""
        return flow.halves["client"].first_seq != (segment.seq + 1) & 0xFFFFFFFF

    def _begin(self, name: str, client: Address, server: Address, *, complete: bool) -> Flow:
        key = name, client, server
        flow = Flow(name, client, server, {"client": _HalfFlow(), "server": _HalfFlow()}, complete, key)
        self._flows[key] = flow
        self._followed[flow] = None
        return flow
