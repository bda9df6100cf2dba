"""A cursor over the octets of one structure: reads fields, never beyond the end, and names every octet on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

from trustlab.attest.errors import CodecError
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable

Order = Literal["big", "little"]


class Reader:
    """Reads `raw` from its start as the structure called `structure`; with `record=True` also keeps `spans`.

    `order` is "big" for TPM structures (Part 1, 5.6), "little" for TCG event logs. Every reading method takes the
    field's standard name, and a note and a clause for people. A field that does not fit raises CodecError with the
    offset at which it begins; `finish` raises it for octets that are left over.
    """

    def __init__(self, raw: bytes, structure: str, *, record: bool = False, order: Order = "big") -> None:
        self.raw = raw
        self.structure = structure
        self.offset = 0
        self.spans: list[Span] = []
        self._length = len(raw)
        self._order: Order = order
        self._record = record
        self._prefix = ""

    def fail(self, field: str, reason: str, *, at: int | None = None) -> NoReturn:
        """Raise the CodecError for `field`."""
        raise CodecError(self.structure, self._prefix + field, self.offset if at is None else at, reason)

    def integer(self, size: int, field: str, note: str = "", clause: str = "", show: Callable[[int], str] = str) -> int:
        """Read an unsigned integer of `size` octets."""
        start = self.offset
        end = start + size
        if end > self._length:
            self._short(size, field)
        value = int.from_bytes(self.raw[start:end], self._order)
        self.offset = end
        if self._record:
            self._span(field, start, show(value), note, clause)
        return value

    def octets(self, size: int, field: str, note: str = "", clause: str = "") -> bytes:
        """Read exactly `size` octets."""
        start = self.offset
        end = start + size
        if end > self._length:
            self._short(size, field)
        octets = self.raw[start:end]
        self.offset = end
        if self._record and size:
            self._span(field, start, octets.hex(), note, clause)
        return octets

    def sized(self, field: str, note: str = "", clause: str = "", limit: int = 0xFFFF) -> bytes:
        """Read a TPM2B: a u16 size and as many octets; more than `limit` of them is an error of the sender's."""
        start = self.offset
        if start + 2 > self._length:
            self._short(2, field + ".size")
        size = int.from_bytes(self.raw[start : start + 2], self._order)
        if size > limit:
            self.fail(field + ".size", f"{size} octets announced, at most {limit} can be meant")
        self.offset = start + 2
        if self._record:
            self._span(field + ".size", start, str(size), f"How many octets of {field} follow.", clause)
        return self.octets(size, field, note, clause)

    def group(self, field: str, note: str = "", clause: str = "") -> Group:
        """Prefix the fields read inside with `field.`, and give the whole of them a span of its own."""
        return Group(self, field, note, clause)

    def finish(self) -> None:
        """Demand that every octet has been read."""
        if self.offset != self._length:
            left = self._length - self.offset
            raise CodecError(self.structure, "(end)", self.offset, f"{left} octets left over after the last field")

    def enter(self, field: str) -> str:
        """Prefix what is read from now on with `field.`; returns the prefix to go back to (used by Group)."""
        before = self._prefix
        self._prefix = f"{before}{field}."
        return before

    def leave(self, before: str, place: int, span: tuple[str, int, str, str]) -> None:
        """Go back to a prefix; the group's own span goes in front of its fields' (used by Group)."""
        self._prefix = before
        if self._record:
            field, start, note, clause = span
            self.spans.insert(place, Span(before + field, start, self.offset, "", note, clause))

    def _short(self, size: int, field: str) -> NoReturn:
        self.fail(field, f"needs {size} octets, {self._length - self.offset} are left")

    def _span(self, field: str, start: int, value: str, note: str, clause: str) -> None:
        self.spans.append(Span(self._prefix + field, start, self.offset, value, note, clause))


class Group:
    """What `Reader.group` gives. A class and not a generator: one Evidence enters dozens of groups."""

    __slots__ = ("_before", "_place", "_reader", "_span")

    def __init__(self, reader: Reader, field: str, note: str, clause: str) -> None:
        self._reader = reader
        self._span = field, reader.offset, note, clause
        self._place = len(reader.spans)
        self._before = ""

    def __enter__(self) -> None:
        self._before = self._reader.enter(self._span[0])

    def __exit__(self, *error: object) -> None:
        self._reader.leave(self._before, self._place, self._span)
