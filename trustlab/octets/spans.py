# ruff: noqa: D102 - what SpanReader overrides is described at Reader
"""Reading octets and naming each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from trustlab.octets.reader import MAX_LENGTH, Group, Order, Reader
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable


class SpanReader(Reader):
    """A `Reader` that records each field it pulls in `spans`; the readers of what is inside share the list."""

    __slots__ = ("spans",)
    recording = True

    def __init__(
        self,
        data: bytes,
        start: int = 0,
        end: int | None = None,
        prefix: str = "",
        order: Order = "big",
        spans: list[Span] | None = None,
    ) -> None:
        super().__init__(data, start, end, prefix, order)
        self.spans: list[Span] = [] if spans is None else spans

    # how fields are shown: a room may say it otherwise

    def record(self, name: str, start: int, end: int, value: str = "", note: str = "", clause: str = "") -> None:
        """Name the octets `start:end`."""
        self.spans.append(Span(self.path(name), start, end, value, note, clause))

    def number(self, value: int, size: int, show: Callable[[int], object]) -> str:  # noqa: ARG002 - width, for hex
        """Render a number of `size` octets by what its codec gave for it."""
        return str(show(value))

    def text(self, octets: bytes) -> str:
        """Render octets for which the codec has no words of its own."""
        return octets.hex()

    # fields

    def uint(
        self,
        size: int,
        name: str,
        show: Callable[[int], object] | None = None,
        note: str = "",
        clause: str = "",
    ) -> int:
        start = self.position
        value = Reader.uint(self, size, name)
        text = self.number(value, size, show) if show else str(value)
        self.record(name, start, start + size, text, note, clause)
        return value

    def octets(
        self, size: int, name: str, show: Callable[[bytes], str] | None = None, note: str = "", clause: str = ""
    ) -> bytes:
        start = self.position
        value = Reader.octets(self, size, name)
        if size:
            self.record(name, start, start + size, show(value) if show else self.text(value), note, clause)
        return value

    def length(
        self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH, step: int = 1, clause: str = ""
    ) -> int:
        start = self.position
        # it has its name even where it is out of bounds
        self.uint(size, self.length_name(name), None, f"How many octets of {name} follow.", clause)
        self.position = start
        return Reader.length(self, size, name, low, high, step)

    def vector(
        self,
        size: int,
        name: str,
        low: int = 0,
        high: int = MAX_LENGTH,
        show: Callable[[bytes], str] | None = None,
        note: str = "",
        clause: str = "",
    ) -> bytes:
        return self.octets(self.length(size, name, low, high, 1, clause), name, show, note, clause)

    # fields within fields

    def nested(self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH) -> Self:
        return self.inner(self.length(size, name, low, high), name)

    def inner(self, size: int, name: str) -> Self:
        start = self.skip(size, name)
        if size:
            self.record(name, start, start + size)
        return self._part(start, start + size, name)

    def item(self, name: str, number: int) -> Self:
        return self._part(self.position, self.end, f"{name}[{number}]")

    def close(self, item: Reader) -> None:
        self.position = item.position

    def group(self, name: str, note: str = "", clause: str = "") -> Group:
        return _SpanGroup(self, name, note, clause)

    def enclose(self, name: str, start: int, place: int, note: str = "", clause: str = "") -> None:
        """Name `start` to here, in front of the spans recorded since there were `place` of them."""
        self.record(name, start, self.position, "", note, clause)
        self.spans.insert(place, self.spans.pop())

    def _part(self, start: int, end: int, name: str) -> Self:
        return self.__class__(self.data, start, end, f"{self.prefix}.{name}", self.order, self.spans)


class _SpanGroup(Group):
    """A group that has a span of its own, in front of its fields'; none if it breaks off."""

    __slots__ = ("_place", "_spans", "_start", "_words")

    def __init__(self, reader: SpanReader, name: str, note: str, clause: str) -> None:
        super().__init__(reader, name)
        self._spans = reader
        self._words = note, clause
        self._start = reader.position
        self._place = len(reader.spans)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if error[0] is None:
            self._spans.enclose(self._name, self._start, self._place, *self._words)
