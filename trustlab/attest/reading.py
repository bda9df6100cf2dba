"""The cursor of `octets` as TPM structures and event logs have it: a `CodecError` for what does not fit, TPM2Bs.

Integers are big-endian in TPM structures (Part 1, 5.6), little-endian in TCG event logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from trustlab import octets
from trustlab.attest.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.octets import Order
    from trustlab.trace import Span


class StructureReader(octets.Reader):
    """Pulls the fields of a structure; what does not fit is a CodecError with the offset at which it begins."""

    __slots__ = ()
    error = CodecError

    def length_name(self, name: str) -> str:
        """Name the size of a TPM2B."""
        return f"{name}.size"

    def misfit(self, name: str, count: int, low: int, high: int) -> NoReturn:  # noqa: ARG002 - a TPM2B may be empty
        """Say first that a size cannot be meant, then that its octets are not there."""
        if count > high:
            reason = f"{count} octets announced; the limit is {high}"
            self.fail(self.length_name(name), reason, self.position - 2)
        self.short(count, name)

    def sized(self, name: str, note: str = "", clause: str = "", limit: int = 0xFFFF) -> bytes:
        """Pull a TPM2B: a size of two octets and as many octets; more than `limit` is an error of the sender's."""
        return self.vector(2, name, 0, limit, None, note, clause)

    def finish(self, name: str = "(end)") -> None:
        """Demand that every octet has been read."""
        if self.left:
            self.fail(name, f"{self.left} octets left over after the last field")


def spans_of(raw: bytes, structure: str, pull: Callable[[StructureReader], object], order: Order = "big") -> list[Span]:
    """Name every octet of a structure that `pull` reads to its end; CodecError as `pull` raises it."""
    spans: list[Span] = []
    pull(StructureReader(raw, prefix=structure, spans=spans, order=order))
    return spans
