"""Follows a trace that other threads append to: every event is delivered once, in order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.trace import Trace, TraceEvent


class TraceTail:
    """Hands every event of `trace` to `take`, in order, once: those there already and then each new one.

    `take` runs in the appending thread, under `lock`. The trace's own lock is never asked for while `lock` is held, so
    that the two cannot block each other.
    """

    def __init__(self, trace: Trace, take: Callable[[Sequence[TraceEvent]], None]) -> None:
        self.lock = threading.RLock()
        self._trace = trace
        self._take = take
        self._next = 0
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Take what is there and go on with what comes."""
        self._pull()
        if self._unsubscribe is None:
            self._unsubscribe = self._trace.subscribe(lambda _event: self._pull())
            self._pull()  # what came between the two lines above

    def stop(self) -> None:
        """Let go of the trace; no event is taken afterwards."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _pull(self) -> None:
        while True:
            start = self._next
            events = self._trace[start:]
            with self.lock:
                if start != self._next:
                    continue  # another thread was faster: look again
                self._next += len(events)
                if events:
                    self._take(events)
                return
