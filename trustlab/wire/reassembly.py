"""Put TCP streams together again from frames, in whatever order and however often they were captured."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trustlab.wire.errors import FrameError
from trustlab.wire.ethernet import Flag, parse_frame

if TYPE_CHECKING:
    from trustlab.wire.conversation import Direction
    from trustlab.wire.ethernet import Segment

_HALF = 1 << 31
HELD_SEGMENTS = 4096
"""How many segments behind a gap are kept for one direction; what comes beyond is given up, and said so."""

Address = tuple[str, int]


class Gap(NamedTuple):
    """Octets `start:end` of one direction's stream that were never captured."""

    start: int
    end: int


@dataclass(slots=True)
class _HalfFlow:
    """One direction: the sequence number of stream offset 0, how far all is known, and what waits behind a gap.

    `waiting` holds, by stream offset, a payload as it arrived and as it was written. `starts` are its keys in ascending
    order, so that a segment finds its place among those that wait by bisection; what waits never overlaps.
    """

    first_seq: int | None = None
    known: int = 0
    waiting: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    given_up: int = 0

    def take(self, seq: int, payload: bytes, written: bytes) -> tuple[int, list[tuple[int, bytes, bytes]]]:
        """Return the stream offset of `payload` and all that can be read on now."""
        if self.first_seq is None:
            self.first_seq = seq
        start = self._unwrapped(seq)
        self._hold(start, payload, written)
        return start, self._ready()

    def _hold(self, start: int, payload: bytes, written: bytes) -> None:
        """Keep the octets that no earlier copy has brought, in one piece or several: the first copy counts."""
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
                place += 1
            if stop == end:
                return
            at = self._end(stop)
            place += 1

    def _end(self, start: int) -> int:
        return start + len(self.waiting[start][0])

    def _unwrapped(self, seq: int) -> int:
        """Stream offset of a 32-bit sequence number: the one nearest to what is known (RFC 9293, 3.4)."""
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
        return pieces

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

    def gap(self, direction: Direction) -> Gap | None:
        """Return the octets missing before the first that waits, None if nothing waits."""
        return self.halves[direction].gap

    def given_up(self, direction: Direction) -> int:
        """Return how many segments were not kept because too many waited behind a gap."""
        return self.halves[direction].given_up


class StreamPiece(NamedTuple):
    """Octets that are next in a direction's stream, from `offset` on.

    `data` is what arrived at the reader; `written` is what its writer sent, which differs after an edit in flight.
    """

    flow: Flow
    direction: Direction
    offset: int
    data: bytes
    written: bytes


class Sighting(NamedTuple):
    """A segment, the connection and direction it belongs to, its payload's stream offset, what it made readable."""

    segment: Segment
    flow: Flow
    direction: Direction
    offset: int | None
    pieces: tuple[StreamPiece, ...]


class Reassembler:
    """Feed frames, get the octets of each stream once and in order.

    Retransmitted octets are dropped, early ones wait; where copies differ the first one counts. A SYN tells
    which end is the client; in a capture that begins later the end with the lower port is taken for the server.
    """

    def __init__(self) -> None:
        self._flows: dict[tuple[str, Address, Address], Flow] = {}
        self.flows: list[Flow] = []

    def feed(self, frame: bytes, *, name: str = "", original: bytes = b"") -> list[StreamPiece]:
        """Take one Ethernet frame; FrameError if it is malformed, nothing if it carries no TCP payload.

        `name` keeps apart connections that use the same addresses on different legs of the network. `original` is the
        TCP payload before an edit in flight, empty if there was none; one of another length is a FrameError.
        """
        sighting = self.sight(frame, name=name, original=original)
        return list(sighting.pieces) if sighting else []

    def sight(self, frame: bytes, *, name: str = "", original: bytes = b"") -> Sighting | None:
        """Take one frame, as `feed` does, and also say which connection it belongs to; None if it is not TCP."""
        segment = parse_frame(frame)
        if segment is None:
            return None
        if original and len(original) != len(segment.payload):
            lengths = f"{len(original)} octets were written and {len(segment.payload)} arrived"
            raise FrameError(f"an edit in flight that changes the length: {lengths}")
        flow, direction = self._flow(segment, name)
        half = flow.halves[direction]
        if Flag.SYN in segment.flags and half.first_seq is None:
            half.first_seq = (segment.seq + 1) & 0xFFFFFFFF
        if not segment.payload:
            return Sighting(segment, flow, direction, None, ())
        offset, ready = half.take(segment.seq, segment.payload, original or segment.payload)
        pieces = tuple(StreamPiece(flow, direction, *piece) for piece in ready)
        return Sighting(segment, flow, direction, offset, pieces)

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
        """Tell a second connection over the same ports from a retransmitted SYN."""
        return flow.halves["client"].first_seq != (segment.seq + 1) & 0xFFFFFFFF

    def _begin(self, name: str, client: Address, server: Address, *, complete: bool) -> Flow:
        flow = Flow(name, client, server, {"client": _HalfFlow(), "server": _HalfFlow()}, complete)
        self._flows[name, client, server] = flow
        self.flows.append(flow)
        return flow
