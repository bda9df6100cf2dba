"""Tamper maps played side by side, each in a process of its own: a map keeps one processor busy.

The processes belong to whoever iterates: they end with the iteration, with `close`, and with this process, even if it
is killed (`tamperworker`).
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self

import msgspec

from trustlab.cloud import CloudError
from trustlab.passage import design_named
from trustlab.scenarios.tamperrow import PATIENCE, TamperJob, TamperNews

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustlab.scenarios.tamperrow import TamperRow

COMMAND = (sys.executable, "-W", "ignore", "-m", "trustlab.scenarios.tamperworker")


class _Worker:
    """A process, the job it works at, and a thread that passes on what it says."""

    def __init__(self, heard: queue.SimpleQueue[tuple[_Worker, TamperNews | None]]) -> None:
        self.job: TamperJob | None = None
        self._process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._heard = heard
        self._reader = threading.Thread(target=self._read, name="tamper map", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def give(self, job: TamperJob) -> None:
        """Give it a job."""
        self.job = job
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it has gone: that is heard from its other end
                self._process.stdin.write(msgspec.json.encode(job) + b"\n")
                self._process.stdin.flush()

    def _read(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as said:
                for line in said:
                    self._heard.put((self, msgspec.json.decode(line, type=TamperNews)))
        self._heard.put((self, None))

    def leave(self) -> None:
        """Let it know that no more is wanted."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def wait(self) -> int:
        """Wait until it is gone; what has not gone in time is killed."""
        try:
            code = self._process.wait(PATIENCE + 2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        return code


class TamperMaps:
    """Iterate to play the maps of several designs at once; rows come as they are played, of each design in its order.

    `processes` is how many at most; if None, as many as there are processors. `totals` says how many rows each map will
    have, as far as that is known. `close` ends it at once, from any thread, and so does the end of a `with`. ValueError
    if there is no such design; CloudError if a map cannot be played.
    """

    def __init__(
        self, designs: Sequence[str], *, every: bool = False, keys: bool = False, processes: int | None = None
    ) -> None:
        for design in designs:
            design_named(design)
        self.designs = tuple(dict.fromkeys(designs))
        self.every = every
        self.keys = keys
        self.totals: dict[str, int] = {}
        self._many = min(len(self.designs), processes or len(os.sched_getaffinity(0)))
        self._heard: queue.SimpleQueue[tuple[_Worker, TamperNews | None]] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def total(self) -> int | None:
        """How many rows there will be; None until every map has begun."""
        return sum(self.totals.values()) if len(self.totals) == len(self.designs) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[TamperRow]:
        # The designs at the end of the ladder have the longest maps: they begin, so that no process is left with one.
        jobs = [TamperJob(design, self.every, self.keys) for design in self.designs]
        try:
            for _ in range(self._many):
                self._begin(jobs.pop())
            while any(worker.job for worker in self._workers):
                worker, news = self._heard.get()
                if self._closed:
                    return
                if news is not None and news.row is not None:
                    yield news.row
                elif worker.job is not None:
                    self._take(worker, worker.job, news, jobs)
        finally:
            self.close()

    def _begin(self, job: TamperJob) -> None:
        with self._lock:
            if not self._closed:
                worker = _Worker(self._heard)
                self._workers.append(worker)
                worker.give(job)

    def _take(self, worker: _Worker, job: TamperJob, news: TamperNews | None, jobs: list[TamperJob]) -> None:
        """Hear what is not a row: a map's size, its end, or that it cannot be played."""
        if news is None:
            raise CloudError(f"the process that played the map of {job.design} ended ({worker.wait()}): play it again")
        if news.error:
            raise CloudError(news.error)
        if news.total:
            self.totals[job.design] = news.total
        if news.done:
            worker.job = None
            if jobs:
                worker.give(jobs.pop())
            else:
                worker.leave()

    def close(self) -> None:
        """End every process, and wait until it is gone."""
        with self._lock:
            self._closed = True
            workers = list(self._workers)
        for worker in workers:
            worker.leave()
        for worker in workers:
            worker.wait()
