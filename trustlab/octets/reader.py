"""Reading octets: a position in a buffer that moves over fields, and never past the end."""

from __future__ import annotations

from struct import unpack
from typing import TYPE_CHECKING, Literal, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Callable

Order = Literal["big", "little"]

MAX_LENGTH = 2**24 - 1
"""The longest vector, unless its definition says less: lengths have at most three octets."""


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

    `prefix` is the structure's name, and inside groups the path of what is read; `order` that of integers' octets.
    What a field's arguments `show`, `note` and `clause` say is for a `SpanReader`.
    """

    __slots__ = ("data", "end", "order", "position", "prefix")
    recording = False

    def __init__(
        self, data: bytes, start: int = 0, end: int | None = None, prefix: str = "", order: Order = "big"
    ) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end
        self.prefix = prefix
        self.order = order

    # what went wrong, and where

    @property
    def left(self) -> int:
        """Octets not yet pulled."""
        return self.end - self.position

    def path(self, name: str) -> str:
        """Return a field's full name within its structure, such as `clockInfo.clock`."""
        return f"{self.prefix}.{name}".partition(".")[2]

    def fail(self, name: str, reason: str, at: int | None = None) -> NoReturn:
        """Raise the error for the field `name`, which begins at `at`; without it, at the next octet."""
        structure = self.prefix.partition(".")[0]
        raise OctetsError(structure, self.path(name), self.position if at is None else at, reason)

    def length_name(self, name: str) -> str:
        """Return the name of the length in front of the vector `name`."""
        return f"{name}_length"

    def misfit(self, name: str, count: int, low: int, high: int) -> NoReturn:  # noqa: ARG002 - words may name them
        """Refuse the length `count` of the vector `name`: more than there is, or not between `low` and `high`."""
        if count > self.left:
            self.fail(name, f"claims {count} octets, {self.left} are left")
        self.fail(name, f"has {count} octets, which its definition does not allow")

    def short(self, size: int, name: str) -> NoReturn:
        """Refuse the field `name`, for which `size` octets would be needed."""
        self.fail(name, f"needs {size} octets, {self.left} are left")

    # fields

    def uint(
        self,
        size: int,
        name: str,
        show: Callable[[int], object] | None = None,  # noqa: ARG002
        note: str = "",  # noqa: ARG002
        clause: str = "",  # noqa: ARG002
    ) -> int:
        """Pull an unsigned integer of `size` octets; `show` renders it."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, name)
        self.position = end
        return int.from_bytes(self.data[start:end], self.order)

    def octets(
        self,
        size: int,
        name: str,
        show: Callable[[bytes], str] | None = None,  # noqa: ARG002
        note: str = "",  # noqa: ARG002
        clause: str = "",  # noqa: ARG002
    ) -> bytes:
        """Pull `size` octets; `show` renders them."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, name)
        self.position = end
        return self.data[start:end]

    def length(
        self,
        size: int,
        name: str,
        low: int = 0,
        high: int = MAX_LENGTH,
        step: int = 1,
        clause: str = "",  # noqa: ARG002
    ) -> int:
        """Pull the length in front of the vector `name` and check it against the bounds of its definition."""
        start = self.position
        end = start + size
        if end > self.end:
            self.short(size, self.length_name(name))
        self.position = end
        count = int.from_bytes(self.data[start:end], self.order)
        if count > self.end - end or not low <= count <= high or count % step:
            self.misfit(name, count, low, high)
        return count

    def vector(
        self,
        size: int,
        name: str,
        low: int = 0,
        high: int = MAX_LENGTH,
        show: Callable[[bytes], str] | None = None,  # noqa: ARG002
        note: str = "",  # noqa: ARG002
        clause: str = "",  # noqa: ARG002
    ) -> bytes:
        """Pull `opaque name<low..high>` with a length of `size` octets in front."""
        count = self.length(size, name, low, high)
        start = self.position
        self.position = end = start + count
        return self.data[start:end]

    def uints(
        self, size: int, width: int, name: str, low: int, high: int, show: Callable[[int], object] | None = None
    ) -> tuple[int, ...]:
        """Pull a vector of integers of `width` octets (1 or 2); its own length has `size` octets and is checked."""
        count = self.length(size, name, low, high, width)
        if self.recording:
            return tuple(self.uint(width, f"{name}[{n}]", show) for n in range(count // width))
        start = self.skip(count, name)
        body = self.data[start : start + count]
        return tuple(body) if width == 1 else unpack(f"{'>' if self.order == 'big' else '<'}{count // 2}H", body)

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
        start = self.position
        self.position = end = start + count
        return self.__class__(self.data, start, end, f"{self.prefix}.{name}", self.order)

    def inner(self, size: int, name: str) -> Self:
        """Return a reader of the next `size` octets."""
        start = self.skip(size, name)
        return self.__class__(self.data, start, start + size, f"{self.prefix}.{name}", self.order)

    def item(self, name: str, number: int) -> Self:  # noqa: ARG002
        """Return a reader for element `number` of a list: this one, where names need not be kept apart."""
        return self

    def close(self, item: Reader) -> None:
        """Go on behind what `item` pulled."""

    def group(self, name: str, note: str = "", clause: str = "") -> Group:  # noqa: ARG002
        """`with reader.group("clockInfo"):` puts `clockInfo.` in front of the names of what is pulled inside."""
        return Group(self, name)


class Group:
    """What `Reader.group` returns. A class and not a generator: one Evidence enters dozens of groups."""

    __slots__ = ("_before", "_name", "_reader")

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self._name = name

    def __enter__(self) -> None:
        reader = self._reader
        self._before = before = reader.prefix
        reader.prefix = f"{before}.{self._name}"

    def __exit__(self, *error: object) -> None:
        self._reader.prefix = self._before
