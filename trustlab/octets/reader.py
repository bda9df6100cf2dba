"""Reading octets: a position in a buffer that moves over fields, never past the end, and names them if asked."""

from __future__ import annotations

from struct import unpack
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn, Self

from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable

Order = Literal["big", "little"]

MAX_LENGTH = 2**24 - 1
"""The longest vector, unless its definition says less: lengths have at most three octets."""

_MARKS = {"big": ">", "little": "<"}  # of the byte order, in a struct's format


class OctetsError(ValueError):
    """Octets are not the structure they should be: says which structure, which field, at which offset, and why."""

    def __init__(self, structure: str, field: str, offset: int, reason: str) -> None:
        super().__init__(f"{structure}.{field} at offset {offset}: {reason}")
        self.structure = structure
        self.field = field
        self.offset = offset
        self.reason = reason


class Reader:
    """Pulls fields from `data[start:end]`; a field that does not fit ends in `fail`, which names it.

    `prefix` is the structure's name, and inside groups the path of what is read; `order` that of integers' octets. If
    there is a list `spans`, each field is recorded in it; that is what a field's `show`, `note` and `clause` are for.
    """

    __slots__ = ("data", "end", "order", "position", "prefix", "spans")
    error: ClassVar[type[OctetsError]] = OctetsError

    def __init__(
        self,
        data: bytes,
        start: int = 0,
        end: int | None = None,
        prefix: str = "",
        spans: list[Span] | None = None,
        order: Order = "big",
    ) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end
        self.prefix = prefix
        self.spans = spans
        self.order = order

    # what a room may say otherwise: its error, and how fields are shown

    def fail(self, name: str, reason: str, at: int | None = None) -> NoReturn:
        """Raise the error for the field `name`, which begins at `at`; without it, at the next octet."""
        structure = self.prefix.partition(".")[0]
        raise self.error(structure, self.path(name), self.position if at is None else at, reason)

    def misfit(self, name: str, count: int, low: int, high: int) -> NoReturn:  # noqa: ARG002 - words may name them
        """Refuse the length `count` of the vector `name`: more than there is, or not between `low` and `high`."""
        if count > self.left:
            self.fail(name, f"claims {count} octets, {self.left} are left")
        self.fail(name, f"has {count} octets, which its definition does not allow")

    def length_name(self, name: str) -> str:
        """Return the name of the length in front of the vector `name`."""
        return f"{name}_length"

    def record(self, name: str, start: int, end: int, value: str = "", note: str = "", clause: str = "") -> None:
        """Name the octets `start:end`, if names are wanted."""
        if self.spans is not None:
            self.spans.append(Span(f"{self.prefix}.{name}".partition(".")[2], start, end, value, note, clause))

    def number(self, value: int, size: int, show: Callable[[int], object]) -> str:  # noqa: ARG002 - hex wants a size
        """Render a number of `size` octets by what its codec gave to show it."""
        return str(show(value))

    def text(self, octets: bytes) -> str:
        """Render octets for which the codec has no words of its own."""
        return octets.hex()

    # where reading is

    @property
    def left(self) -> int:
        """Octets not yet pulled."""
        return self.end - self.position

    def path(self, name: str) -> str:
        """Return a field's full name within its structure, such as `clockInfo.clock`."""
        return f"{self.prefix}.{name}".partition(".")[2]

    def short(self, size: int, name: str) -> NoReturn:
        """Refuse the field `name`, for which `size` octets would be needed."""
        self.fail(name, f"needs {size} octets, {self.left} are left")

    # fields

    def uint(
        self, size: int, name: str, show: Callable[[int], object] | None = None, note: str = "", clause: str = ""
    ) -> int:
        """Pull an unsigned integer of `size` octets; `show` renders it."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, name)
        self.position = end
        value = int.from_bytes(self.data[start:end], self.order)
        if self.spans is not None:
            self.record(name, start, end, self.number(value, size, show) if show else str(value), note, clause)
        return value

    def octets(
        self, size: int, name: str, show: Callable[[bytes], str] | None = None, note: str = "", clause: str = ""
    ) -> bytes:
        """Pull `size` octets; `show` renders them."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, name)
        self.position = end
        value = self.data[start:end]
        if self.spans is not None and size:
            self.record(name, start, end, show(value) if show else self.text(value), note, clause)
        return value

    def length(
        self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH, step: int = 1, clause: str = ""
    ) -> int:
        """Pull the length in front of the vector `name` and check it against the bounds of its definition."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, self.length_name(name))
        self.position = end
        count = int.from_bytes(self.data[start:end], self.order)
        if self.spans is not None:  # it has its name even where it is out of bounds
            self.record(self.length_name(name), start, end, str(count), f"How many bytes of {name} follow.", clause)
        if count > self.end - end or not low <= count <= high or count % step:
            self.misfit(name, count, low, high)
        return count

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
        """Pull `opaque name<low..high>` with a length of `size` octets in front."""
        count = self.length(size, name, low, high, 1, clause)
        if self.spans is not None:
            return self.octets(count, name, show, note, clause)
        start = self.position
        self.position = end = start + count
        return self.data[start:end]

    def uints(
        self, size: int, width: int, name: str, low: int, high: int, show: Callable[[int], object] | None = None
    ) -> tuple[int, ...]:
        """Pull a vector of integers of `width` octets (1 or 2); its own length has `size` octets and is checked."""
        count = self.length(size, name, low, high, width)
        if self.spans is not None:
            return tuple(self.uint(width, f"{name}[{n}]", show) for n in range(count // width))
        start = self.position
        self.position = end = start + count
        body = self.data[start:end]
        return tuple(body) if width == 1 else unpack(f"{_MARKS[self.order]}{count // 2}H", body)

    def rest(self, name: str, show: Callable[[bytes], str] | None = None) -> bytes:
        """Pull everything that is left."""
        return self.octets(self.end - self.position, name, show)

    def skip(self, size: int, name: str) -> int:
        """Pass over `size` octets and return where they begin."""
        start = self.position
        if start + size > self.end:
            self.short(size, name)
        self.position = start + size
        return start

    def finish(self, name: str) -> None:
        """Complain if anything is left."""
        if self.position != self.end:
            self.fail(name, f"has {self.left} octets too many at its end")

    # fields within fields

    def nested(self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH) -> Self:
        """Pull a vector and return a reader of its content, which must be pulled to its end (`finish`)."""
        count = self.length(size, name, low, high)
        if self.spans is not None:
            return self.inner(count, name)
        start = self.position
        self.position = end = start + count
        return self.__class__(self.data, start, end, f"{self.prefix}.{name}", None, self.order)

    def inner(self, size: int, name: str) -> Self:
        """Return a reader of the next `size` octets."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, name)
        self.position = end
        if self.spans is not None and size:
            self.record(name, start, end)
        return self.__class__(self.data, start, end, f"{self.prefix}.{name}", self.spans, self.order)

    def item(self, name: str, number: int) -> Self:
        """Return a reader for element `number` of a list: this one, where names need not be kept apart."""
        if self.spans is None:
            return self
        prefix = f"{self.prefix}.{name}[{number}]"
        return self.__class__(self.data, self.position, self.end, prefix, self.spans, self.order)

    def close(self, item: Reader) -> None:
        """Go on behind what `item` pulled."""
        self.position = item.position

    def group(self, name: str, note: str = "", clause: str = "") -> Group:
        """`with reader.group("clockInfo"):` puts `clockInfo.` in front of the names of what is pulled inside.

        The group has a span of its own, in front of its fields'; none if it breaks off.
        """
        return Group(self, name, note, clause)

    def enclose(self, name: str, start: int, place: int, note: str = "", clause: str = "") -> None:
        """Name `start` to here, in front of the spans recorded since there were `place` of them."""
        if self.spans is not None:
            self.record(name, start, self.position, "", note, clause)
            self.spans.insert(place, self.spans.pop())


class SpanReader(Reader):
    """A `Reader` that names every octet: its list `spans` is there for certain."""

    __slots__ = ()
    spans: list[Span]

    def __init__(
        self,
        data: bytes,
        start: int = 0,
        end: int | None = None,
        prefix: str = "",
        spans: list[Span] | None = None,
        order: Order = "big",
    ) -> None:
        super().__init__(data, start, end, prefix, [] if spans is None else spans, order)


class Group:
    """What `Reader.group` returns. A class and not a generator: one Evidence enters dozens of groups."""

    __slots__ = ("_before", "_place", "_reader", "_start", "_words")

    def __init__(self, reader: Reader, *words: str) -> None:
        self._reader = reader
        self._words = words

    def __enter__(self) -> None:
        reader = self._reader
        self._before = before = reader.prefix
        reader.prefix = f"{before}.{self._words[0]}"
        if reader.spans is not None:
            self._start, self._place = reader.position, len(reader.spans)

    def __exit__(self, kind: object, *_: object) -> None:
        reader = self._reader
        reader.prefix = self._before
        if reader.spans is not None and kind is None:
            name, note, clause = self._words
            reader.enclose(name, self._start, self._place, note, clause)
