"""How much of a capture is kept: a file may have more octets than memory has, and a page than a browser takes.

Everything is decoded to its end, so that keys and states stay right. What is not kept is counted, and said.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustlab.tls import ContentType

if TYPE_CHECKING:
    from trustlab.capture.decoded import Decoded
    from trustlab.wire import Flow

FRAME_COST, MESSAGE_COST = 512, 2048
"""Octets that an event takes beside those it carries, about; a message has two events and their spans."""
_NOWHERE = 1 << 62


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """What is kept of a capture, in octets: frames, messages but for data, application data in all and of a connection.

    `connections` are followed at a time, `waiting` octets are kept behind gaps, and `notes` are written.
    """

    frames: int = 8 << 20
    messages: int = 16 << 20
    data: int = 8 << 20
    data_each: int = 2 << 20
    connections: int = 2048
    waiting: int = 32 << 20
    notes: int = 200


EVERYTHING = CaptureLimits(_NOWHERE, _NOWHERE, _NOWHERE, _NOWHERE, 1 << 16, _NOWHERE, _NOWHERE)
"""Keeps all there is, for captures of one's own."""


class Keeping:
    """Decides what is kept of a capture, and counts by its name, in the singular, what is not."""

    def __init__(self, limits: CaptureLimits) -> None:
        self._limits = limits
        self._spent: Counter[str] = Counter()
        self._data: Counter[Flow] = Counter()
        self.left_out: Counter[str] = Counter()

    def frame(self, octets: int) -> bool:
        """Whether one more frame is kept."""
        return self._keep("frame", "frame", octets + FRAME_COST, self._limits.frames)

    def message(self, flow: Flow, decoded: Decoded) -> bool:
        """Whether one more message is kept, at both its ends."""
        cost = 2 * len(decoded.raw) + MESSAGE_COST
        if decoded.content_type != ContentType.APPLICATION_DATA:
            return self._keep("messages", "message", cost, self._limits.messages)
        if self._data[flow] + cost > self._limits.data_each:
            self.left_out["record of application data"] += 1
            return False
        kept = self._keep("data", "record of application data", cost, self._limits.data)
        self._data[flow] += cost if kept else 0
        return kept

    def note(self) -> bool:
        """Whether one more note is written."""
        return self._keep("notes", "note", 1, self._limits.notes)

    def forget(self, flow: Flow) -> None:
        """Keep no account of a connection that is over."""
        self._data.pop(flow, None)

    def _keep(self, account: str, what: str, cost: int, limit: int) -> bool:
        if self._spent[account] + cost > limit:
            self.left_out[what] += 1
            return False
        self._spent[account] += cost
        return True
