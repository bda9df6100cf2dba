"""The errors of the wire, one type for each case."""

from __future__ import annotations


class WireError(Exception):
    """Something went wrong on the wire; the message names the connection, the host or the octets."""


class FrameError(WireError, ValueError):
    """An Ethernet frame is cut short or contradicts itself."""


class PcapngError(WireError, ValueError):
    """A file is not a capture that this version can read; the message names the octet at which it breaks."""


class ConnectionRefusedOnWireError(WireError):
    """Nobody listens at the address to which a connection was opened (or redirected)."""


class OrderError(WireError):
    """An order of Alice's failed on a frame (chained as `__cause__`); the frame went nowhere."""


class EndpointError(WireError):
    """An endpoint raised an exception of its own (chained as `__cause__`); its connection was reset."""

    def __init__(self, connection: str, end: str, message: str) -> None:
        super().__init__(message)
        self.connection = connection
        """The connection that was reset."""
        self.end = end
        """The name of the party whose endpoint raised."""


class QuietError(WireError):
    """The network did not become quiet within the limit of chunks: two ends may be talking forever."""


class HeldError(WireError):
    """A run is held, and cannot do what it was asked; or is not held, and was to be."""
