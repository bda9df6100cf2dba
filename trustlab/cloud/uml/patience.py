"""Waiting for a guest while whoever steers may hold the run: the clock stands still, and the end comes at once."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import TYPE_CHECKING, TypeVar

from trustlab.wire import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from trustlab.trace import Span
    from trustlab.wire import Steering

LOOK = 0.1
"""Seconds after which somebody who waits looks whether the run is held, or ended."""
T = TypeVar("T")


def result_of(future: Future[T], seconds: float, gate: Steering | None) -> T:
    """Return a future's result; TimeoutError after `seconds` of the gate's clock, `Cancelled` if the run is ended."""
    if gate is None:
        return future.result(seconds)
    until = gate.now() + seconds
    while not concurrent.futures.wait([future], LOOK).done:
        if gate.cancelled:
            raise Cancelled
        if gate.now() > until:
            raise TimeoutError
    return future.result()


class GateBesideLoop:
    """A `tpm.CommandGate` that never waits on the thread that moves the frames: what that thread sends to a TPM passes.

    HyperSafe boots on it. Everything else reaches a TPM from a thread of the TPM's own.
    """

    def __init__(self, gate: Steering, loop_thread: threading.Thread) -> None:
        self._gate = gate
        self._loop_thread = loop_thread

    def command(self, machine: str, name: str, octets: bytes, spans: Callable[[], Iterable[Span]]) -> bytes:
        """Return the octets that are sent."""
        if threading.current_thread() is self._loop_thread:
            return octets
        return self._gate.command(machine, name, octets, spans)

    def now(self) -> float:
        """Return the seconds of the gate's clock."""
        return self._gate.now()
