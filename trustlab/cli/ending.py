"""How a command is ended from outside: Ctrl-C, and SIGTERM alike; and what they may not cut in two."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_seen: list[int] = []


def arm() -> None:
    """Have SIGTERM end the command as Ctrl-C does: by KeyboardInterrupt, so that everything is cleaned up."""
    _seen.clear()
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def disarm() -> None:
    """Ignore both from now on: nothing is left that could be ended."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def code() -> int:
    """Return the exit code of a command that was interrupted: 128 and the signal's number, as shells have it."""
    return 128 + (_seen[0] if _seen else signal.SIGINT)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a short piece of work come to its end; a signal that comes meanwhile interrupts behind it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda got, _frame: held.append(got))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            _seen.append(held[0])
            raise KeyboardInterrupt


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _seen.append(number)
    raise KeyboardInterrupt
