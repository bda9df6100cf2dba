"""A strict reader for the deterministic CBOR of Evidence (RFC 8949, 4.2.1): integers, strings, arrays, maps.

Evidence is small and of one shape, so this reader takes no tags, floats or indefinite lengths, wants the shortest form
of every length and map keys in ascending order, each once. Then one Evidence has exactly one encoding, and
nothing a sender writes makes the receiver allocate more than what it sent. Encoding is `cbor2`'s canonical form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2

if TYPE_CHECKING:
    from trustlab.attest.reader import Reader

Item = int | bytes | str | list["Item"] | dict[int | str, "Item"]

RFC = "RFC 8949, 3.1"
MAX_DEPTH = 8
UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)
SHORTEST = {1: 24, 2: 0x100, 4: 0x10000, 8: 0x100000000}


def encode(item: object) -> bytes:
    """Return the deterministic encoding of dicts, lists, strings and integers."""
    return cbor2.dumps(item, canonical=True)


def read_item(r: Reader, field: str, note: str = "", clause: str = RFC, depth: int = 0) -> Item:
    """Read one data item at the reader's place; CodecError for what is not deterministic or not of these kinds."""
    if depth > MAX_DEPTH:
        r.fail(field, f"nested deeper than {MAX_DEPTH}")
    at = r.offset
    major, argument = _head(r, field)
    if major == UNSIGNED:
        return argument
    if major == NEGATIVE:
        return -1 - argument
    if major == BYTES:
        return r.octets(argument, field, note, clause)
    if major == TEXT:
        return _text(r, argument, field, note, clause)
    if major not in {ARRAY, MAP}:
        r.fail(field, f"major type {major} (a tag, float or simple value) has no place here", at=at)
    if argument > len(r.raw) - r.offset:
        r.fail(field, f"{argument} elements announced, {len(r.raw) - r.offset} octets are left", at=at)
    if major == ARRAY:
        with r.group(field, note, clause):
            return [read_item(r, f"[{n}]", depth=depth + 1) for n in range(argument)]
    with r.group(field, note, clause):
        return _map(r, argument, depth)


def _map(r: Reader, count: int, depth: int) -> dict[int | str, Item]:
    items: dict[int | str, Item] = {}
    before = b""
    for _ in range(count):
        at = r.offset
        key = read_item(r, "(key)", "The entry's label.", depth=depth + 1)
        if not isinstance(key, int | str):
            r.fail("(key)", "a label is an integer or a text", at=at)
        encoded = r.raw[at : r.offset]
        if encoded <= before:
            r.fail("(key)", f"{key!r} again, or not in ascending order of its octets", at=at)
        before = encoded
        items[key] = read_item(r, str(key), depth=depth + 1)
    return items


def _head(r: Reader, field: str) -> tuple[int, int]:
    at = r.offset
    initial = r.integer(1, f"{field}.head", "Major type and length.", RFC, _show_head)
    major, additional = initial >> 5, initial & 0x1F
    if additional < 24:
        return major, additional
    if additional > 27:
        r.fail(field, "an indefinite length or a reserved value", at=at)
    size = 1 << (additional - 24)
    argument = r.integer(size, f"{field}.length", "The length, or the number itself.", RFC)
    if argument < SHORTEST[size]:
        r.fail(field, f"{argument} is not in its shortest form", at=at)
    return major, argument


def _text(r: Reader, size: int, field: str, note: str, clause: str) -> str:
    at = r.offset
    octets = r.octets(size, field, note, clause, _show_text(r.raw[at : at + size]))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        r.fail(field, "not UTF-8", at=at)


def _show_text(octets: bytes) -> str:
    return octets.decode(errors="replace")


KINDS = ("unsigned", "negative", "byte string", "text", "array", "map", "tag", "simple")


def _show_head(initial: int) -> str:
    return KINDS[initial >> 5]
