"""The walk over DER: spans in the order of the octets, names that occur once, and damage that stays where it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from trustlab.octets import SpanTree
from trustlab.octets.der import Element, NotDer

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREADABLE = "unreadable"
SHOWN = 32
"""Octets of a value that are shown in full; of a longer one, so many and its length."""
MOST_FIELDS = 5_000
"""A certificate has some fifty fields; one with thousands was made to be slow to draw."""
LONGEST_TEXT = 256
"""Characters of a text that are shown; a name may be as long as its sender likes."""

_TEXTS = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1A: "ascii", 0x1E: "utf-16-be"}
"""Tags of texts: UTF8String, NumericString, PrintableString, TeletexString, IA5String, VisibleString, BMPString."""


class Walk(SpanTree):
    """Writes down the fields of one DER structure; whatever is wrong inside a field stays inside it."""

    def __init__(self, octets: bytes) -> None:
        super().__init__()
        self.octets = octets

    def add(self, name: str, start: int, end: int, value: str = "", note: str = "", clause: str = "") -> str:
        """Name octets; NotDer if there are more fields than any certificate has."""
        if name != UNREADABLE:
            self.check_room()
        return super().add(name, start, end, value, note, clause)

    def check_room(self) -> None:
        """Complain if there are more fields than any certificate has."""
        if len(self.spans) >= MOST_FIELDS:
            raise NotDer(f"more than {MOST_FIELDS} fields")

    def leaf(self, name: str, element: Element, value: str, note: str, clause: str) -> None:
        """Name an element whose parts are not named."""
        self.add(name, element.start, element.end, value, note, clause)

    @contextmanager
    def field(self, name: str, element: Element, value: str, note: str, clause: str) -> Iterator[None]:
        """Name an element and, inside the block, its parts; where they stop being DER, the rest is `unreadable`."""
        with self.inside(name, element.start, element.end, value, note, clause):
            place = len(self.spans)
            try:
                yield
            except ValueError as error:
                done = max((s.end for s in self.spans[place:]), default=element.content)
                self.unreadable(done, element.end, str(error))

    def unreadable(self, start: int, end: int, why: str) -> None:
        """Name octets that do not have the form they should have; `why` says what is wrong with them."""
        if start < end:
            note = "These bytes do not have the form that the standard gives this field."
            self.add(UNREADABLE, start, end, why, note, "X.690")

    def parts(self, element: Element, what: str, least: int = 0) -> list[Element]:
        """Return the elements inside an element; NotDer if one does not end where it should, or one is missing."""
        found: list[Element] = []
        at = element.content
        while at < element.end:
            found.append(self.child(at, element.end, what))
            at = found[-1].end
        if len(found) < least:
            raise NotDer(f"{what} has {len(found)} parts and needs {least}")
        return found

    def child(self, start: int, end: int, what: str) -> Element:
        """Return the element at `start`; NotDer if there is none that ends within `end`."""
        return Element(self.octets, start, end, what)


def expect(element: Element, tag: int, what: str) -> None:
    """Demand a tag; NotDer with both of them otherwise."""
    if element.tag != tag:
        raise NotDer(f"{what} has the tag 0x{element.tag:02x}, not 0x{tag:02x}")


def hexadecimal(octets: bytes) -> str:
    """Return octets in hex, the first of them if they are many."""
    return octets.hex() if len(octets) <= SHOWN else f"{octets[:SHOWN].hex()}… ({len(octets)} bytes)"


def text(element: Element) -> str:
    """Return the text of a string type, or hex for anything else."""
    encoding = _TEXTS.get(element.tag)
    if encoding is None:
        return hexadecimal(element.value)
    said = element.value.decode(encoding, "replace")
    return said if len(said) <= LONGEST_TEXT else f"{said[:LONGEST_TEXT]}… ({len(said)} characters)"


def integer(element: Element) -> str:
    """Return a small INTEGER in digits, a larger one in hex."""
    value = int.from_bytes(element.value, "big", signed=True)
    return str(value) if -(2**63) <= value < 2**63 else hexadecimal(element.value.removeprefix(b"\0"))


def time(element: Element) -> str:
    """Return a UTCTime or GeneralizedTime as people write it (RFC 5280, 4.1.2.5); ValueError if it is none."""
    digits = element.value.decode("ascii", "replace")
    if element.tag == 0x17 and len(digits) == 13:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    if element.tag not in (0x17, 0x18) or len(digits) != 15 or not digits[:14].isdecimal() or digits[14] != "Z":
        raise ValueError("not a UTCTime or GeneralizedTime of RFC 5280 4.1.2.5")
    year, month, day, hour, minute, second = digits[:4], *(digits[n : n + 2] for n in range(4, 14, 2))
    return f"{year}-{month}-{day} {hour}:{minute}:{second} UTC"
