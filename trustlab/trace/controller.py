"""What an inspector's buttons may do to a run; a run that can be steered offers one of these beside its Trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Controller(Protocol):
    """Pause, step, break, edit and drop. Every button of the inspector is one of these calls; none of them waits."""

    @property
    def state(self) -> str:
        """`running`, `held` or `ended`."""

    @property
    def at(self) -> tuple[str, str] | None:
        """The connection and the message (or whose TPM, and the command) where the run is held; None if it is not."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` whenever the state or the place has changed; the returned function ends that."""

    def pause(self) -> None:
        """Hold the run before the next message."""

    def play(self) -> None:
        """Let everything that is held go on."""

    def step(self, what: str = "message") -> None:
        """Let what is held go, and hold before the next message; with `what="tpm"` before the next TPM command too."""

    def break_on(self, name: str, *, connection: str = "") -> None:
        """Hold whenever a message or command of this name is about to pass."""

    def tamper(
        self, name: str, field: str, value: bytes, *, nth: int = 1, connection: str = "", octet: int | None = None
    ) -> None:
        """Change a field of the `nth` message of this name as it passes; ValueError if the length would change."""

    def change(self, fields: Mapping[str, bytes]) -> None:
        """Change fields of what is held now, all or none; ValueError if one of them does not fit."""

    def drop(self, name: str, *, nth: int = 1, connection: str = "") -> None:
        """Let the `nth` message of this name fall."""

    def drop_held(self) -> None:
        """Let what is held now fall, and hold before the next message."""

    def cancel(self) -> None:
        """End the run where it is."""
