"""Steering between virtual machines: an order to Alice's switch that asks a gate before a record goes on.

Frames do not carry records one by one. So this order keeps the frames of a direction, has their octets cut into items,
and lets octets pass up to the end of the last item that may go. A frame of which only a part may pass is cut in two.

TCP sends again what is not acknowledged. A copy of what is held is not kept; a copy of what has gone is edited, or
falls, as the first one was: edits are kept by stream position.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from trustlab.wire.ethernet import Flag, build_frame, patch_frame
from trustlab.wire.gate import Cancelled
from trustlab.wire.orders import SwitchOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.wire.conversation import Direction
    from trustlab.wire.gate import Item
    from trustlab.wire.orders import Passing, SwitchActions
    from trustlab.wire.steering import Steering

LOOK = 0.02
LATEST = 0.4
"""Seconds that a record may wait for its name (a guest tells its keys a moment after its frame), or for its rest."""


@dataclass(slots=True, eq=False)
class _Flow:
    """One direction: what is held, how far it was cut, and how far it may pass."""

    connection: str
    direction: Direction
    frames: list[Passing] = field(default_factory=list)
    seen: int = 0
    tail: bytes = b""
    """The last octets before `seen`, of a record that is not complete."""
    tail_until: float | None = None
    through: int = 0
    undecided: deque[Item] = field(default_factory=deque)
    decided: dict[int, bytes] = field(default_factory=dict)
    edits: dict[int, int] = field(default_factory=dict)
    lost: list[tuple[int, int]] = field(default_factory=list)


class GateOrder(SwitchOrder):
    """Asks `steering` for each record. `later(seconds, function)` calls a function in the switch's loop, and
    `enter(function)` runs one as an order (`Switch.order`): what is held may be let go from any thread.
    """

    def __init__(
        self,
        switch: SwitchActions,
        steering: Steering,
        later: Callable[[float, Callable[[], object]], object],
        enter: Callable[[Callable[[], None]], object],
    ) -> None:
        super().__init__(switch, lambda passing: bool(passing.payload) and passing.offset is not None)
        self.again = 0
        """How many copies that TCP sent were not kept."""
        self._steering = steering
        self._later = later
        self._enter = enter
        self._flows: dict[tuple[str, str], _Flow] = {}
        self._tails: list[_Flow] = []
        self._unnamed: deque[tuple[Item, _Flow, float]] = deque()
        self._looking = self._acting = False

    @property
    def busy(self) -> bool:
        """Whether a record waits for its name or its rest: it was not even asked about yet."""
        return bool(self._unnamed or self._tails)

    def act(self, passing: Passing) -> list[Passing]:
        """Keep a frame, ask about the records that it completes, and let go what may."""
        direction: Direction = "client" if passing.direction == "client" else "server"
        flow = self._flows.setdefault((passing.connection, direction), _Flow(passing.connection, direction))
        start, end = _range(passing)
        if start < flow.through < end:  # the front of it has gone already
            passing, start = _part(passing, flow.through, end), flow.through
        if end > flow.through and _covers(flow.frames, start, end):
            self.again += 1
            return []
        flow.frames.append(passing)
        flow.frames.sort(key=lambda held: _range(held)[0])
        self._acting = True
        try:
            self._cut(flow)
            self._release(flow, "")
        except Cancelled:
            flow.frames.clear()
        finally:
            self._acting = False
        return []

    def undo(self) -> None:
        """Let everything go that is held, as it is, and take the order back."""
        super().undo()
        for flow in self._flows.values():
            flow.through = max([flow.through, *(_range(held)[1] for held in flow.frames)])
            self._release(flow, "held")

    def _cut(self, flow: _Flow) -> None:
        """Cut what is next in the stream into items; the beginning of a record waits for its rest."""
        octets = flow.tail
        for held in flow.frames:
            start, end = _range(held)
            if start <= flow.seen < end:
                octets += held.payload[flow.seen - start :]
                flow.seen = end
        whole = self._steering.whole(flow.connection, octets)
        flow.tail = octets[whole:]
        if flow in self._tails:
            self._tails.remove(flow)
        if flow.tail:
            self._tails.append(flow)
            flow.tail_until = self._steering.now() + LATEST
            self._look_later()
        self._items(flow, octets[:whole])

    def _items(self, flow: _Flow, octets: bytes) -> None:
        """Ask about all records in these octets, or wait for their names where somebody wants to know them."""
        for item in self._steering.cut(flow.connection, flow.direction, octets) if octets else ():
            flow.undecided.append(item)
            if self._unnamed or (self._steering.curious and not item.messages):
                self._unnamed.append((item, flow, self._steering.now() + LATEST))
                self._look_later()
            else:
                self._ask(item, flow)

    def _look_later(self) -> None:
        if not self._looking:
            self._looking = True
            self._later(LOOK, lambda: self._enter(self._look))

    def _look(self) -> None:
        """Ask about records whose names are known by now, in the order in which they came."""
        self._looking = False
        try:
            for flow in [each for each in self._tails if self._steering.now() >= (each.tail_until or 0)]:
                self._tails.remove(flow)
                octets, flow.tail = flow.tail, b""
                self._items(flow, octets)
            while self._unnamed:
                item, flow, until = self._unnamed[0]
                self._steering.poll(item.connection)
                if not item.messages and self._steering.now() < until:
                    self._look_later()
                    return
                self._unnamed.popleft()
                self._ask(item, flow)
        except Cancelled:
            self._unnamed.clear()
            self._tails.clear()
        if self._tails:
            self._look_later()

    def _ask(self, item: Item, flow: _Flow) -> None:
        def answered(octets: bytes) -> None:
            if self._acting:  # asked from `act`, which lets go when it has asked for all
                self._decide(item, flow, octets)
                return

            def go() -> None:
                self._decide(item, flow, octets)
                self._release(flow, "held")

            self._enter(go)

        self._steering.ask(item, answered)

    def _decide(self, item: Item, flow: _Flow, octets: bytes) -> None:
        """Keep what was decided about an item, and see how far the direction may pass by now."""
        flow.decided[item.offset] = octets
        while flow.undecided and flow.undecided[0].offset in flow.decided:
            first = flow.undecided.popleft()
            octets = flow.decided.pop(first.offset)
            flow.through = first.end
            if not octets:
                flow.lost.append((first.offset, first.end))
            for at, (old, new) in enumerate(zip(first.octets, octets, strict=False), first.offset):
                if old != new:
                    flow.edits[at] = new

    def _release(self, flow: _Flow, fate: str) -> None:
        """Let all octets go on that may pass; of a frame that carries more, the rest stays."""
        waiting, flow.frames = flow.frames, []
        for held in waiting:
            start, end = _range(held)
            stop = min(end, flow.through)
            if stop <= start:
                flow.frames.append(held)
                continue
            if stop < end:
                flow.frames.append(_part(held, stop, end))
            for first, last, lost in _runs(start, stop, flow.lost):
                piece = _part(held, first, last)
                if lost:
                    self.switch.record(replace(piece, fate="dropped"))
                else:
                    self.switch.resume(self._edited(replace(piece, fate=fate), flow), self)

    @staticmethod
    def _edited(passing: Passing, flow: _Flow) -> Passing:
        start, payload = _range(passing)[0], bytearray(passing.payload)
        for at, new in flow.edits.items():
            if start <= at < start + len(payload):
                payload[at - start] = new
        if payload == passing.payload or passing.segment is None:
            return passing
        return replace(
            passing,
            frame=patch_frame(passing.frame, payload=bytes(payload)),
            segment=replace(passing.segment, payload=bytes(payload)),
            fate="edited",
            original=passing.payload,
        )


def _range(passing: Passing) -> tuple[int, int]:
    start = passing.offset or 0
    return start, start + len(passing.payload)


def _covers(frames: list[Passing], start: int, end: int) -> bool:
    """Tell whether frames, in the order of their octets, hold all of `start:end`."""
    for first, last in map(_range, frames):
        if first <= start:
            start = max(start, last)
    return start >= end


def _part(passing: Passing, first: int, last: int) -> Passing:
    """Return the frame that carries only the octets at stream positions `first:last`."""
    start, end = _range(passing)
    segment = passing.segment
    if segment is None or (first, last) == (start, end):
        return passing
    part = replace(
        segment,
        seq=(segment.seq + first - start) & 0xFFFFFFFF,
        payload=segment.payload[first - start : last - start],
        flags=segment.flags if last == end else segment.flags & ~(Flag.FIN | Flag.PSH),
    )
    return replace(passing, frame=build_frame(part), segment=part, offset=first)


def _runs(start: int, stop: int, lost: list[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """Cut `start:stop` where dropped octets begin or end; say of each part whether it is dropped."""
    cuts = sorted({start, stop, *(at for each in lost for at in each if start < at < stop)})
    parts = pairwise(cuts)
    return [(first, last, any(a <= first < b for a, b in lost)) for first, last in parts]
