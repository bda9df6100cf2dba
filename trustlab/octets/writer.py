"""Writing octets: a growing buffer, and the fields by themselves."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustlab.octets.reader import Order

u8: Callable[[int], bytes] = Struct(">B").pack
"""Return an integer as one octet; struct.error if it does not fit. The others: two, four and eight, big-endian."""
u16: Callable[[int], bytes] = Struct(">H").pack
u32: Callable[[int], bytes] = Struct(">I").pack
u64: Callable[[int], bytes] = Struct(">Q").pack


def sized(octets: bytes) -> bytes:
    """Return octets with their number in front of them, in two octets; struct.error for more than 65,535."""
    return u16(len(octets)) + octets


class Writer:
    """Pushes fields onto a growing buffer."""

    __slots__ = ("buffer", "order")

    def __init__(self, order: Order = "big") -> None:
        self.buffer = bytearray()
        self.order = order

    def uint(self, size: int, value: int) -> None:
        """Push an unsigned integer of `size` octets."""
        self.buffer += value.to_bytes(size, self.order)

    def octets(self, value: bytes) -> None:
        """Push octets as they are."""
        self.buffer += value

    def vector(self, size: int, value: bytes) -> None:
        """Push octets with their length in `size` octets in front."""
        self.buffer += len(value).to_bytes(size, self.order)
        self.buffer += value

    def uints(self, size: int, width: int, values: tuple[int, ...]) -> None:
        """Push a vector of integers of `width` octets each."""
        order = self.order
        self.vector(size, b"".join([value.to_bytes(width, order) for value in values]))

    def vectors(self, size: int, width: int, values: Iterable[bytes]) -> None:
        """Push a list of octets, each with its length in `width` octets in front, and the list's in `size`."""
        self.vector(size, b"".join([len(value).to_bytes(width, self.order) + value for value in values]))

    def block(self, size: int) -> Block:
        """`with writer.block(2):` puts the length of what is pushed inside in front of it."""
        return Block(self, size)

    def result(self) -> bytes:
        """Everything pushed so far."""
        return bytes(self.buffer)


class Block:
    """The context manager behind `Writer.block`."""

    __slots__ = ("size", "start", "writer")

    def __init__(self, writer: Writer, size: int) -> None:
        self.writer = writer
        self.size = size

    def __enter__(self) -> None:
        self.start = len(self.writer.buffer)
        self.writer.buffer += bytes(self.size)

    def __exit__(self, *_: object) -> None:
        inside = len(self.writer.buffer) - self.start - self.size
        self.writer.buffer[self.start : self.start + self.size] = inside.to_bytes(self.size, self.writer.order)
