"""What runs inside a channel. An application is sans-IO too: octets in, octets out."""

from __future__ import annotations

from typing import Protocol


class Application(Protocol):
    """The program at one end of a channel."""

    @property
    def finished(self) -> bool:
        """Whether it wants the channel closed."""

    def connected(self) -> bytes:
        """Return what to say first: the channel is open, and every demanded Evidence was accepted."""

    def received(self, data: bytes) -> bytes:
        """Take octets from the peer and return the answer; each may be only a part of a message."""

    def closed(self, error: Exception | None) -> None:
        """Learn that the channel is over; `error` says why, if it did not end normally."""
