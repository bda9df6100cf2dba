"""How Ctrl-C and SIGTERM end a command, and how a piece of work is protected from them."""

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
    """Make SIGTERM end the command as Ctrl-C does: by KeyboardInterrupt, so that everything is cleaned up."""
    _seen.clear()
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def disarm() -> None:
    """Ignore both signals from now on: nothing is left to clean up."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def code() -> int:
    """Return the exit code of an interrupted command: 128 plus the signal's number, as in shells."""
    return 128 + (_seen[0] if _seen else signal.SIGINT)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a short piece of work finish; a signal that arrives meanwhile interrupts after it."""
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
