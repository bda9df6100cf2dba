"""What changed in a document's frame since a browser was last told: the values that are new, and parts of its lists.

A frame's lists grow with the run (a long one has thousands of secrets), and mostly at their end. So of a list only the
stretch that differs is sent.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.inspector.document import FrameSplice

if TYPE_CHECKING:
    from trustlab.inspector.document import Frame


class FrameChanges:
    """Remembers a frame as it was last sent. Items are compared as JSON, since the document's own go on changing."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._lists: dict[str, list[bytes]] = {}

    def take(self, frame: Frame) -> tuple[dict[str, Any], list[FrameSplice]]:
        """Return the values and the parts of lists that differ from what was last sent, which this is from now on."""
        values: dict[str, Any] = {}
        splices: list[FrameSplice] = []
        for name in frame.__struct_fields__:
            value = getattr(frame, name)
            if isinstance(value, list):
                now = [msgspec.json.encode(item) for item in value]
                before = self._lists.get(name, [])
                self._lists[name] = now
                if now != before:
                    splices.append(_splice(name, before, now, value))
            else:
                encoded = msgspec.json.encode(value)
                if self._values.get(name) != encoded:
                    values[name] = value
                self._values[name] = encoded
        return values, splices


def _splice(name: str, before: list[bytes], now: list[bytes], items: list[Any]) -> FrameSplice:
    """Return the stretch in which two lists differ: what they share at both ends is left out."""
    head = _same(zip(before, now, strict=False))
    tail = min(_same(zip(reversed(before), reversed(now), strict=False)), min(len(before), len(now)) - head)
    return FrameSplice(name=name, head=head, tail=tail, items=items[head : len(items) - tail])


def _same(pairs: zip[tuple[bytes, bytes]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
