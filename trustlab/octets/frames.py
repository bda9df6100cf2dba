"""Frames in a stream: a length of two octets, and that many octets."""

from __future__ import annotations


class Frames:
    """Cuts a stream into frames; the octets of an incomplete frame stay in `rest`."""

    def __init__(self) -> None:
        self.rest = b""

    def next(self) -> bytes | None:
        """Return the next complete frame; None if there is none."""
        end = 2 + int.from_bytes(self.rest[:2], "big")
        if len(self.rest) < max(2, end):
            return None
        octets, self.rest = self.rest[2:end], self.rest[end:]
        return octets

    def feed(self, data: bytes, most: int) -> list[bytes]:
        """Take octets and return at most `most` complete frames."""
        self.rest += data
        found: list[bytes] = []
        while len(found) < most and (octets := self.next()) is not None:
            found.append(octets)
        return found
