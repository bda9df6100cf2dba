"""Frames as scapy packets, of a trace that has ended or of one that still grows."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any, Self

from trustlab.capture.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trustlab.trace import Trace, TraceEvent


def packets(events: Iterable[TraceEvent]) -> Iterator[Any]:
    """Yield a scapy packet for every `frame` among `events`; its `time` is the event's, in seconds.

    CaptureError if scapy is not installed: the lab does without, because its licence (GPL-2.0-only) is not ours.
    """
    try:
        from scapy.layers import inet  # noqa: F401, PLC0415 - binds IP and TCP to Ethernet
        from scapy.layers.l2 import Ether  # noqa: PLC0415 - a quarter of a second, and files in the user's home
    except ModuleNotFoundError as error:
        raise CaptureError(
            "the Python package scapy is not installed, and packets are its: run `python3 -m pip install scapy`"
        ) from error

    for event in events:
        if event.kind == "frame":
            packet = Ether(event.raw)
            packet.time = event.time
            yield packet


class Sniffer:
    """Follow a trace and hand out its frames as scapy packets while they pass, as `scapy.sniff` does.

    Iterating waits for the next frame and ends after `count` packets or `timeout` seconds, whichever comes first;
    frames that passed since the sniffer was made are kept for it. `match` picks frame events. A context manager:
    leaving it stops the following.
    """

    def __init__(
        self,
        trace: Trace,
        *,
        count: int | None = None,
        timeout: float | None = None,
        match: Callable[[TraceEvent], bool] | None = None,
    ) -> None:
        self._count = count
        self._until = None if timeout is None else time.monotonic() + timeout
        self._match = match
        self._queue: queue.SimpleQueue[TraceEvent] = queue.SimpleQueue()
        self._leave = trace.subscribe(self._observe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop following the trace; packets seen so far can still be read."""
        self._leave()
        self._until = time.monotonic()

    def __iter__(self) -> Iterator[Any]:
        while self._count is None or self._count > 0:
            event = self._next()
            if event is None:
                break
            if self._count is not None:
                self._count -= 1
            yield from packets([event])
        self.stop()

    def _observe(self, event: TraceEvent) -> None:
        if event.kind == "frame" and (self._match is None or self._match(event)):
            self._queue.put(event)

    def _next(self) -> TraceEvent | None:
        left = None if self._until is None else max(0.0, self._until - time.monotonic())
        try:
            return self._queue.get(timeout=left) if left != 0.0 else self._queue.get_nowait()
        except queue.Empty:
            return None
