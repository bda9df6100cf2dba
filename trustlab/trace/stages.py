"""How far each message has come: written, on the wire, read. So a run that is held does not show its future."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from trustlab.trace.event import TraceEvent

Stage = Literal["written", "on the wire", "read"]
Key = tuple[str, int]
"""Party and number of an event."""
Flow = tuple[str, str]
"""Connection and direction."""


class Stages:
    """Feed the events of a trace, in their order, and ask for the stage of any message.

    A message is `written` when its writer has handed it over, `on the wire` when frames have left that carry all of it,
    and `read` when the reader has it. What was dropped stays `written`. In a trace without frames (a passage over the
    user's own TCP) nothing is known of the wire, and a message is `read` all the same.
    """

    def __init__(self) -> None:
        self._stages: dict[Key, Stage] = {}
        self._left: dict[Flow, int] = defaultdict(int)
        self._dropped: dict[Flow, list[tuple[int, int]]] = defaultdict(list)
        self._written: dict[Flow, list[TraceEvent]] = defaultdict(list)

    def of(self, event: TraceEvent) -> Stage | None:
        """Return how far a message has come, by either end's event; None for what is no message."""
        return self._stages.get((event.party, event.seq))

    def feed(self, event: TraceEvent) -> list[Key]:
        """Take the next event; return the messages whose stage is another now, by their writers' events."""
        flow = event.connection, event.direction
        if event.kind == "frame":
            return self._frame(event, flow)
        if event.sent is None or not event.connection or event.offset is None:
            return []
        if event.sent:
            self._written[flow].append(event)
            self._stages[event.party, event.seq] = "written"
            return [(event.party, event.seq), *self._move(flow)][:1]
        self._stages[event.party, event.seq] = "read"
        for other in self._written[flow]:
            if (other.offset, other.kind, other.name) == (event.offset, event.kind, event.name):
                self._written[flow].remove(other)
                self._stages[other.party, other.seq] = "read"
                return [(other.party, other.seq)]
        return []

    def _frame(self, event: TraceEvent, flow: Flow) -> list[Key]:
        length = event.data.get("payload_length")
        if event.offset is None or not isinstance(length, int) or length <= 0:
            return []
        end = event.offset + length
        if event.data.get("fate") == "dropped":
            self._dropped[flow].append((event.offset, end))
            return []
        self._left[flow] = max(self._left[flow], end)
        return self._move(flow)

    def _move(self, flow: Flow) -> list[Key]:
        """Put on the wire what has left by now."""
        moved = []
        for event in self._written[flow]:
            start, end = event.offset or 0, end_of(event)
            lost = any(start < b and a < end for a, b in self._dropped[flow])
            if end <= self._left[flow] and not lost and self._stages[event.party, event.seq] == "written":
                self._stages[event.party, event.seq] = "on the wire"
                moved.append((event.party, event.seq))
        return moved


def end_of(event: TraceEvent) -> int:
    """Return the stream position behind a message: that of the last record which carries it."""
    records = event.data.get("records")
    last = records[-1] if isinstance(records, list) and records else None
    if isinstance(last, list) and len(last) == 2 and isinstance(last[1], int):
        return last[1]
    return (event.offset or 0) + len(event.raw)
