"""A cursor over the octets of one structure: reads fields, never beyond the end, and names every octet on request."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from trustlab.attest.errors import CodecError
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Reader:
    """Reads `raw` from its start as the structure called `structure`; with `record=True` also keeps `spans`.

    `order` is "big" for TPM structures (Part 1, 5.6), "little" for TCG event logs. Every reading method takes the
    field's standard name, and a note and a clause for people. A field that does not fit raises CodecError with the
    offset at which it begins; `finish` raises it for octets that are left over.
    """

    def __init__(self, raw: bytes, structure: str, *, record: bool = False, order: str = "big") -> None:
        self.raw = raw
        self.structure = structure
        self.offset = 0
        self.spans: list[Span] = []
        self._record = record
        self._little = order == "little"
        self._prefix = ""

    def fail(self, field: str, reason: str, *, at: int | None = None) -> NoReturn:
        """Raise the CodecError for `field`."""
        raise CodecError(self.structure, self._prefix + field, self.offset if at is None else at, reason)

    def integer(self, size: int, field: str, note: str = "", clause: str = "", show: Callable[[int], str] = str) -> int:
        """Read an unsigned integer of `size` octets."""
        start = self.offset
        octets = self._take(size, field)
        value = int.from_bytes(octets, "little" if self._little else "big")
        if self._record:
            self._span(field, start, show(value), note, clause)
        return value

    def octets(self, size: int, field: str, note: str = "", clause: str = "", value: str | None = None) -> bytes:
        """Read exactly `size` octets."""
        start = self.offset
        octets = self._take(size, field)
        if self._record and size:
            self._span(field, start, octets.hex() if value is None else value, note, clause)
        return octets

    def sized(self, field: str, note: str = "", clause: str = "", limit: int = 0xFFFF) -> bytes:
        """Read a TPM2B: a u16 size and as many octets; more than `limit` of them is an error of the sender's."""
        start = self.offset
        size = self.integer(2, field + ".size", f"How many octets of {field} follow.", clause)
        if size > limit:
            self.fail(field + ".size", f"{size} octets announced, at most {limit} can be meant", at=start)
        return self.octets(size, field, note, clause)

    @contextmanager
    def group(self, field: str, note: str = "", clause: str = "") -> Iterator[None]:
        """Prefix the fields read inside with `field.`, and give the whole of them a span of its own."""
        if not self._record:
            before, self._prefix = self._prefix, f"{self._prefix}{field}."
            yield
            self._prefix = before
            return
        start, place, before = self.offset, len(self.spans), self._prefix
        self._prefix = f"{before}{field}."
        yield
        self._prefix = before
        self.spans.insert(place, Span(before + field, start, self.offset, "", note, clause))

    def finish(self) -> None:
        """Demand that every octet has been read."""
        if self.offset != len(self.raw):
            left = len(self.raw) - self.offset
            raise CodecError(self.structure, "(end)", self.offset, f"{left} octets left over after the last field")

    def _take(self, size: int, field: str) -> bytes:
        end = self.offset + size
        if end > len(self.raw):
            left = len(self.raw) - self.offset
            self.fail(field, f"needs {size} octets, {left} are left")
        octets = self.raw[self.offset : end]
        self.offset = end
        return octets

    def _span(self, field: str, start: int, value: str, note: str, clause: str) -> None:
        self.spans.append(Span(self._prefix + field, start, self.offset, value, note, clause))
