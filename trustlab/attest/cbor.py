"""A strict reader for the deterministic CBOR of Evidence (RFC 8949, 4.2.1): integers, strings, arrays, maps.

Evidence is small and of one shape, so this reader takes no tags, floats or indefinite lengths, wants the shortest form
of every length and map keys in ascending order, each once. Then one Evidence has exactly one encoding, and
nothing a sender writes makes the receiver allocate more than what it sent. Encoding is `cbor2`'s canonical form.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

import cbor2

from trustlab.attest.errors import CodecError, shown
from trustlab.trace import Span

Path = tuple["Path", int | str] | None
"""Where an item lies: its container's path and its label or index. Written out only when it has to be shown."""
Item = int | bytes | str | list["Item"] | dict[int | str, "Item"]

RFC = "RFC 8949, 3.1"
HEAD = "The kind of item, and its length or, for a number, the number itself."
CONTENT = "The bytes of a string."
KEY = "(key)"
"""Stands in a path for the label of a map's entry."""
MAX_DEPTH = 8
UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)
STRINGS = (BYTES, TEXT)
KINDS = ("unsigned", "negative", "byte string", "text", "array", "map", "tag", "simple")
SHORTEST = {1: 24, 2: 0x100, 4: 0x10000, 8: 0x100000000}


def encode(item: object) -> bytes:
    """Return the deterministic encoding of dicts, lists, strings and integers."""
    return cbor2.dumps(item, canonical=True)


def decode(raw: bytes, structure: str) -> Item:
    """Read exactly one data item; CodecError for what is not deterministic or not of these kinds."""
    return _whole(_Source(raw, structure, None))


def spans(raw: bytes, structure: str) -> list[Span]:
    """Name every octet of one data item: heads, lengths, labels, values; CodecError as `decode`."""
    found, error = parts(raw, structure)
    if error is not None:
        raise error
    return [
        Span(
            ".".join(("collection", *(shown(label) for label in part.path), *(("head",) if part.head else ()))),
            part.start,
            part.end,
            part.value,
            HEAD if part.head else CONTENT,
            RFC,
        )
        for part in found
    ]


class CborPart(NamedTuple):
    """A run of octets of a data item: a head, which is its kind and its length or number, or a string's content.

    `path` leads to the item (labels and indices; `KEY` stands for the label itself), `value` says it in words.
    """

    path: tuple[int | str, ...]
    head: bool
    start: int
    end: int
    major: int
    argument: int
    value: str


def parts(raw: bytes, structure: str) -> tuple[list[CborPart], CodecError | None]:
    """Cut a data item into heads and contents as far as it can be read; also return the error that stopped it."""
    found: list[CborPart] = []
    try:
        _whole(_Source(raw, structure, found))
    except CodecError as error:
        return found, error
    return found, None


class _Source:
    """The octets, where reading is, and the parts if they are wanted."""

    __slots__ = ("at", "parts", "raw", "structure")

    def __init__(self, raw: bytes, structure: str, parts: list[CborPart] | None) -> None:
        self.raw, self.structure, self.parts, self.at = raw, structure, parts, 0

    def fail(self, path: Path, reason: str, at: int) -> NoReturn:
        raise CodecError(self.structure, _written(path), at, reason)

    def note(self, path: Path, start: int, major: int, argument: int, content: str | None = None) -> None:
        if self.parts is not None and start < self.at:
            value = f"{KINDS[major]}, {argument}" if content is None else content
            self.parts.append(CborPart(_labels(path), content is None, start, self.at, major, argument, value))


def _whole(s: _Source) -> Item:
    item = _item(s, None, 0)
    if s.at != len(s.raw):
        s.fail((None, "(end)"), f"{len(s.raw) - s.at} octets left over after the last field", s.at)
    return item


def _labels(path: Path) -> tuple[int | str, ...]:
    """Return the labels and indices that lead to an item, outermost first."""
    labels: list[int | str] = []
    while path is not None:
        path, label = path
        labels.append(label)
    return tuple(reversed(labels))


def _written(path: Path) -> str:
    if path is None:
        return "collection"
    within, label = path
    return f"{_written(within)}.{shown(label)}"


def _item(s: _Source, path: Path, depth: int) -> Item:
    raw, start = s.raw, s.at
    if start >= len(raw):
        s.fail(path, "needs a data item, 0 octets are left", start)
    initial = raw[start]
    major, argument = initial >> 5, initial & 0x1F
    end = s.at = start + 1
    if argument >= 24:
        argument = _long_argument(s, path, start, argument)
        end = s.at
    if s.parts is not None:
        s.note(path, start, major, argument)
    elif major == BYTES and end + argument <= len(raw):  # most of any evidence: nothing to show, nothing to decode
        s.at = end + argument
        return raw[end : s.at]
    if major in STRINGS:
        return _string(s, path, major, argument)
    if major == UNSIGNED:
        return argument
    return -1 - argument if major == NEGATIVE else _container(s, path, start, major, argument, depth)


def _container(s: _Source, path: Path, start: int, major: int, count: int, depth: int) -> Item:
    if major > MAP:
        s.fail(path, f"major type {major} (a tag, float or simple value) has no place here", start)
    if count > len(s.raw) - s.at:
        s.fail(path, f"{count} elements announced, {len(s.raw) - s.at} octets are left", start)
    if depth >= MAX_DEPTH:
        s.fail(path, f"nested deeper than {MAX_DEPTH}", start)
    if major == ARRAY:
        return [_item(s, (path, n), depth + 1) for n in range(count)]
    return _map(s, path, count, depth)


def _long_argument(s: _Source, path: Path, start: int, additional: int) -> int:
    if additional > 27:
        s.fail(path, "an indefinite length or a reserved value", start)
    size = 1 << (additional - 24)
    end = s.at = start + 1 + size
    octets = s.raw[start + 1 : end]
    if len(octets) < size:
        s.fail(path, f"needs {size} octets of length, {len(octets)} are left", start + 1)
    argument = int.from_bytes(octets, "big")
    if argument < SHORTEST[size]:
        s.fail(path, f"{argument} is not in its shortest form", start)
    return argument


def _string(s: _Source, path: Path, major: int, size: int) -> bytes | str:
    start = s.at
    end = s.at = start + size
    octets = s.raw[start:end]
    if len(octets) < size:
        s.fail(path, f"needs {size} octets, {len(octets)} are left", start)
    if major == BYTES and s.parts is None:
        return octets
    try:
        text = octets.hex() if major == BYTES else octets.decode()
    except UnicodeDecodeError:
        s.fail(path, "not UTF-8", start)
    if s.parts is not None:
        s.note(path, start, major, size, shown(text, 1 << 16))
    return octets if major == BYTES else text


def _map(s: _Source, path: Path, count: int, depth: int) -> dict[int | str, Item]:
    items: dict[int | str, Item] = {}
    before = b""
    for _ in range(count):
        start = s.at
        key = _item(s, (path, KEY), depth + 1)
        if not isinstance(key, int | str):
            s.fail((path, KEY), "a label is an integer or a text", start)
        encoded = s.raw[start : s.at]
        if encoded <= before:
            s.fail((path, KEY), f"{shown(repr(key))} occurs twice, or not in ascending order of its octets", start)
        before = encoded
        items[key] = _item(s, (path, key), depth + 1)
    return items
