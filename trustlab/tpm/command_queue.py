"""The queue in front of one TPM: one lock with few waiters and a bounded wait, and a worker for
callers that must not block.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from trustlab.tpm.errors import TpmBusy

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

MAX_WAITING = 64
"""More callers than this never wait for one TPM: the next is told TpmBusy."""


class CommandQueue:
    """The queue in front of one TPM; `name` is the machine's, and `clock` tells how long somebody has waited."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._starting = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._queue = threading.BoundedSemaphore(MAX_WAITING)

    def take(self, timeout: float) -> Turn:
        """Wait for at most `timeout` seconds, and hold the TPM to the end of a `with`; TpmBusy when it takes longer."""
        if not self._lock.acquire(blocking=False):
            self._wait(timeout)
        return Turn(self._lock.release)

    def _wait(self, timeout: float) -> None:
        if not self._waiting.acquire(blocking=False):
            raise TpmBusy(f"{MAX_WAITING} callers are already waiting for the TPM of {self._name}")
        try:
            until = self._clock() + timeout
            while not self._lock.acquire(timeout=max(until - self._clock(), 0)):
                if self._clock() >= until:  # else that clock stood still meanwhile
                    raise TpmBusy(f"the TPM of {self._name} has been busy for {timeout:g} s")
        finally:
            self._waiting.release()

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `work` on this TPM's own thread; TpmBusy when its queue is full."""
        if not self._queue.acquire(blocking=False):
            raise TpmBusy(f"{MAX_WAITING} tasks are already waiting for the TPM of {self._name}")
        with self._starting:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"tpm-{self._name}")
            future = self._worker.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._queue.release())
        return future

    def close(self) -> None:
        """End the worker; what it has not begun is cancelled."""
        with self._starting:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown(cancel_futures=True)


class Turn:
    """Releases at the end of a `with` what was taken before it; cheaper than a generator on the hot path."""

    __slots__ = ("_release",)

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def __enter__(self) -> None:
        """Hold."""

    def __exit__(self, *_: object) -> None:
        self._release()
