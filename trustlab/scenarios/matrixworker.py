"""A process that plays cells of the matrix for another: `python -m trustlab.scenarios.matrixworker`.

It reads cells from its standard input and writes their results to its standard output, one JSON object a line. When its
input ends, whoever started it wants no more or is gone: it plays the cell at hand to its end, and goes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from trustlab.attacks.expectations import table
from trustlab.cloud import CloudError
from trustlab.scenarios.cell import CellResult, run_cell

if TYPE_CHECKING:
    from trustlab.attacks.expectations import Table

COMMAND = (sys.executable, "-W", "ignore", "-m", "trustlab.scenarios.matrixworker")


class CellJob(msgspec.Struct, frozen=True):
    """A cell to play in memory: design and attack by name, what is left out, and the folder for its trace."""

    design: str
    attack: str
    without: tuple[str, ...]
    keep: str | None


class CellNews(msgspec.Struct, frozen=True):
    """What became of a job: the result, or the error that ended it."""

    result: CellResult | None = None
    error: str = ""


class MatrixWorker:
    """A worker as its owner sees it: a context manager, which plays one cell after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def play(self, job: CellJob) -> CellResult:
        """Have a cell played; CloudError, with the worker's own words, if it could not be."""
        stdin, stdout = self._process.stdin, self._process.stdout
        line = b""
        if stdin is not None and stdout is not None:
            with contextlib.suppress(BrokenPipeError):  # then it has ended, and there is no line
                stdin.write(msgspec.json.encode(job) + b"\n")
                stdin.flush()
                line = stdout.readline()
        if not line:
            raise CloudError(f"the process that plays {job.design} / {job.attack} has ended: try again")
        news = msgspec.json.decode(line, type=CellNews)
        if news.result is None:
            raise CloudError(f"{job.design} / {job.attack}: {news.error}")
        return news.result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go: its input ends, and it ends by itself."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()


def main() -> None:
    """Play one cell after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its owner's business
    expected = table()
    try:
        for line in sys.stdin.buffer:
            job = msgspec.json.decode(line, type=CellJob)
            sys.stdout.buffer.write(msgspec.json.encode(_news(job, expected)) + b"\n")
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more, so nothing can be flushed either


def _news(job: CellJob, expected: Table) -> CellNews:
    keep = Path(job.keep) if job.keep else None
    cell = expected[job.design, job.attack]
    try:
        return CellNews(run_cell(job.design, job.attack, cell, without=job.without, keep=keep))
    except Exception as error:  # noqa: BLE001 - whatever it is, its owner says it
        return CellNews(error=str(error) or type(error).__name__)


if __name__ == "__main__":
    main()
