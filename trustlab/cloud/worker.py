"""The cloud's one background thread: it runs the asyncio loop, spawns every child, and everything that moves the wire.

A parent-death signal follows the thread that spawned a child, so this thread must live as long as the cloud; and a
notebook cell that waits for a result must not stop the wire.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from trustlab.cloud.errors import CloudClosedError
from trustlab.wire import HeldError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.wire import Steering

P = ParamSpec("P")
R = TypeVar("R")
LOOK = 0.1
"""Seconds after which a call that waits looks whether the run is held."""
CLOSED = "this cloud is closed: create a new one"


class Worker:
    """Runs functions one after the other on its own thread. `close` ends it: at any time, from any thread.

    A `gate` may hold what runs there. Meanwhile calls of all threads but the run's own are refused with HeldError, also
    those that wait already; they would wait until somebody lets the run go.
    """

    def __init__(self, name: str, gate: Steering | None = None) -> None:
        self._gate = gate
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._closed = False
        self._queued: set[concurrent.futures.Future[Any]] = set()
        self._last: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    @property
    def thread(self) -> threading.Thread:
        return self._thread

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function there and return its result, or raise what it raised. From the thread itself: at once.

        CloudClosedError if `close` was called before the function began.
        """
        if threading.current_thread() is self._thread:
            return function(*args, **kwargs)
        if self._gate is not None:
            self._gate.refuse_others()
        future: concurrent.futures.Future[R] = concurrent.futures.Future()

        def run() -> None:
            with self._lock:
                if future not in self._queued:
                    return  # `close` has told the caller so
                self._queued.remove(future)
            if future.set_running_or_notify_cancel():
                _settle(future, function, *args, **kwargs)

        with self._lock:  # `close` takes the same lock: what is queued here it runs or fails
            if self._closed:
                raise CloudClosedError(CLOSED)
            self._queued.add(future)
            self._loop.call_soon_threadsafe(run)
        try:
            return future.result() if self._gate is None else self._result(future, self._gate)
        except KeyboardInterrupt:
            future.cancel()
            raise

    def _result(self, future: concurrent.futures.Future[R], gate: Steering) -> R:
        """Wait for the end of a call that has not begun yet when the run is held: then it is refused."""
        while True:
            done, _ = concurrent.futures.wait([future], LOOK)
            if done:
                return future.result()
            if not future.running():
                try:
                    gate.refuse_others()
                except HeldError:
                    if future.cancel():
                        raise

    def close(self, last: Callable[[], None] = lambda: None, *, wait: bool = True) -> None:
        """Let what runs end, run `last` there, and end the thread; calls that wait get CloudClosedError.

        Whoever closes first names what is last, and gets what it raises; whoever closes again only waits for the end.
        Without `wait`, and from the thread itself, it returns at once: the end comes when what runs there has ended.
        """
        with self._lock:
            first, self._closed = not self._closed, True
            failed, self._queued = self._queued, set()
            if first:
                self._loop.call_soon_threadsafe(self._end, last)
        for future in failed:
            if future.set_running_or_notify_cancel():
                future.set_exception(CloudClosedError(CLOSED))
        if not wait or threading.current_thread() is self._thread:
            return
        self._thread.join()
        if first:
            self._last.result()

    def _live(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _end(self, last: Callable[[], None]) -> None:
        _settle(self._last, last)
        self._loop.stop()


def _settle(future: concurrent.futures.Future[R], function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a function; the future gets what it returns or raises."""
    try:
        future.set_result(function(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
        future.set_exception(error)
