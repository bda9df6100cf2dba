"""A process that plays tamper maps for another: `python -m trustlab.scenarios.tamperworker`.

It reads jobs from its standard input and writes what comes of them to its standard output, one JSON object a line. When
its input ends, whoever started it wants no more or is gone, however that came about: then it switches off what it runs
and goes, in the middle of a payment too.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading

import msgspec

from trustlab.scenarios.tampermap import TamperMap
from trustlab.scenarios.tamperrow import PATIENCE, TamperJob, TamperNews


def _listen(jobs: queue.SimpleQueue[TamperJob]) -> None:
    """Take jobs until the input ends; then end this process as its owner would."""
    for line in sys.stdin.buffer:
        jobs.put(msgspec.json.decode(line, type=TamperJob))
    threading.Timer(PATIENCE, os._exit, [1]).start()
    os.kill(os.getpid(), signal.SIGTERM)


def _say(news: TamperNews) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(news) + b"\n")
    sys.stdout.buffer.flush()


def _play(job: TamperJob) -> None:
    tampering = TamperMap(job.design, every=job.every, keys=job.keys)
    told = False
    for row in tampering:
        if not told:
            told = True
            _say(TamperNews(total=tampering.total or 0))
        _say(TamperNews(row=row))
    _say(TamperNews(done=True))


def _go(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows cleans up
    raise SystemExit(0)


def main() -> None:
    """Play one job after the other."""
    signal.signal(signal.SIGTERM, _go)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its owner's business
    jobs: queue.SimpleQueue[TamperJob] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    try:
        while True:
            job = jobs.get()
            try:
                _play(job)
            except Exception as error:  # noqa: BLE001 - whatever it is, its owner says it
                _say(TamperNews(error=str(error) or type(error).__name__))
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more, so nothing can be flushed either


if __name__ == "__main__":
    main()
