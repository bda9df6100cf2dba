"""What runs inside a channel: an application is sans-IO too, octets in and octets out."""

from __future__ import annotations

from typing import Protocol


class Application(Protocol):
    """The program at one end of a channel."""

    @property
    def finished(self) -> bool:
        """Whether it wants the channel closed."""

    def connected(self) -> bytes:
        """Return what to say first, now that the channel stands (and every demanded Evidence was accepted)."""

    def received(self, data: bytes) -> bytes:
        """Take octets from the peer and return the answer; both may be partial."""

    def closed(self, error: Exception | None) -> None:
        """Learn that the channel is over: `error` says why where it did not end in peace."""
