"""What an inspector's buttons may do to a run; a run that can be steered offers one of these beside its Trace."""

from __future__ import annotations

from typing import Protocol


class Controller(Protocol):
    """Pause, step, break and tamper. Every button of the inspector is one of these calls."""

    def pause(self) -> None:
        """Hold the wire before the next message."""

    def play(self) -> None:
        """Let everything held go on."""

    def step(self) -> None:
        """Let exactly one message pass."""

    def break_on(self, name: str) -> None:
        """Pause whenever a message of this name (`ClientKeyExchange`, ...) is about to pass."""

    def tamper(self, name: str, offset: int, value: bytes) -> None:
        """Overwrite octets at `offset` of the next message of this name as it passes."""
