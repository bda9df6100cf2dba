"""A fast path for Evidence of the usual form: one certificate, one AK, a key or none.

The encoding is deterministic, so nearly every octet of such Evidence is known beforehand. Reading it compares those
octets; writing it puts the values between them. Anything else falls through to the full codec in `evidence`, which is
also where errors are reported. A test reads and writes the same Evidence both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import cbor

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES_8, BYTES_16 = 0x58, 0x59
SHORT_BYTES = range(0x41, 0x58)
ARRAY_OF_3 = b"\x83"


class Unusual(Exception):  # noqa: N818 - not an error: the full reader takes over
    """The octets are not of the usual shape."""


def before(label: str, media_type: str) -> bytes:
    """Return the octets that stand before a record's value: its label, the array's head, its media type."""
    return cbor.encode(label) + ARRAY_OF_3 + cbor.encode(media_type)


def after(indicator: int) -> bytes:
    """Return the octets that stand after a record's value: its indicator."""
    return cbor.encode(indicator)


def read(raw: bytes, pieces: Iterable[tuple[bytes, bytes]], at: int = 0) -> tuple[list[bytes], int]:
    """Read byte strings, each between two pieces of known octets, and return them with the place behind the last.

    Unusual where the octets are not those, or a string is empty, longer than 65,535 octets or not in its shortest form.
    """
    values = []
    try:
        for head, tail in pieces:
            if not raw.startswith(head, at):
                raise Unusual
            start, size = _length(raw, at + len(head))
            at = start + size
            values.append(raw[start:at])
            if not raw.startswith(tail, at):
                raise Unusual
            at += len(tail)
    except IndexError:
        raise Unusual from None
    if at > len(raw):
        raise Unusual
    return values, at


def write(values: Iterable[bytes], pieces: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the octets from which `read` reads these values; Unusual where it would not."""
    parts: list[bytes] = []
    for value, (head, tail) in zip(values, pieces, strict=True):
        parts += (head, _head(len(value)), value, tail)
    return b"".join(parts)


def _head(size: int) -> bytes:
    """Return the head of a byte string (RFC 8949, 3.1), in its shortest form."""
    if 0 < size < 24:
        return bytes((0x40 + size,))
    if 24 <= size < 0x100:
        return bytes((BYTES_8, size))
    if 0x100 <= size < 0x10000:
        return bytes((BYTES_16, size >> 8, size & 0xFF))
    raise Unusual


def _length(raw: bytes, at: int) -> tuple[int, int]:
    first = raw[at]
    if first == BYTES_8 and raw[at + 1] >= 24:
        return at + 2, raw[at + 1]
    if first == BYTES_16 and raw[at + 1]:
        return at + 3, raw[at + 1] << 8 | raw[at + 2]
    if first in SHORT_BYTES:
        return at + 1, first - 0x40
    raise Unusual
