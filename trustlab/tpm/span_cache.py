"""A cache of decoded commands: two quotes differ in a few values, not in where their fields lie.

A *layout* remembers one command or response with its spans, and which of them are plain octet strings (nonces,
digests, signatures) or the clock. Octets that differ from it nowhere else have the same layout, so only those values
are written anew. This is worth having because the log stands on the handshake's way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

MAX_LAYOUTS = 512
ALIKE = 4
"""Layouts of one key: a PolicyPCR for one key and one for another differ in the PCRs they select."""
_SHORTEST = 8
"""Shorter fields than this (sizes, algorithms, handles) decide where the others lie."""


def hexadecimal(octets: bytes) -> str:
    """Render octets for people: 32 of them at most."""
    return octets.hex() if len(octets) <= 32 else f"{octets[:32].hex()}… ({len(octets)} bytes)"


def _whole_hexadecimal(octets: bytes) -> str:
    return octets.hex()


def _decimal(octets: bytes) -> str:
    return str(int.from_bytes(octets, "big"))


class Layout:
    """The layout of `raw`, whose spans are `spans`."""

    def __init__(self, raw: bytes, spans: Iterable[Span]) -> None:
        self.raw = raw
        self.spans = tuple(spans)
        self._free: list[tuple[int, int, int, Callable[[bytes], str]]] = []
        at, fixed = 0, []
        for index, span in enumerate(self.spans):
            render = self._rendering(span)
            if render is None or span.start < at:
                continue
            self._free.append((index, span.start, span.end, render))
            fixed.append((at, span.start))
            at = span.end
        self._fixed = [(start, end) for start, end in (*fixed, (at, len(raw))) if start < end]

    def _rendering(self, span: Span) -> Callable[[bytes], str] | None:
        octets = self.raw[span.start : span.end]
        if len(octets) < _SHORTEST:
            return None
        renderings = (hexadecimal, _whole_hexadecimal) if not span.name.endswith(".clock") else (_decimal,)
        return next((render for render in renderings if render(octets) == span.value), None)

    def fit(self, raw: bytes) -> tuple[Span, ...] | None:
        """Return the spans of `raw`, or None if it has another layout."""
        old = self.raw
        if raw == old:
            return self.spans
        for start, end in self._fixed:
            if raw[start:end] != old[start:end]:
                return None
        spans = list(self.spans)
        for index, start, end, render in self._free:
            octets = raw[start:end]
            if octets != old[start:end]:
                span = spans[index]
                spans[index] = Span(span.name, start, end, render(octets), span.note, span.clause)
        return tuple(spans)


class SpanCache:
    """Layouts by what usually tells layouts apart: command code, length, and whatever else the caller adds."""

    def __init__(self) -> None:
        self._layouts: dict[Hashable, tuple[Layout, ...]] = {}

    def fit(self, key: Hashable, raw: bytes) -> tuple[Span, ...] | None:
        """Return the spans of `raw` if a shape fits it; `raw` has the length that is part of the key."""
        for shape in self._layouts.get(key, ()):
            if len(shape.raw) == len(raw) and (spans := shape.fit(raw)) is not None:
                return spans
        return None

    def learn(self, key: Hashable, raw: bytes, spans: Iterable[Span]) -> None:
        """Remember a layout, the last ones of its key; never one with a secret in it."""
        if len(self._layouts) >= MAX_LAYOUTS:
            self._layouts.clear()
        self._layouts[key] = (Layout(raw, spans), *self._layouts.get(key, ())[: ALIKE - 1])
