"""The two ends of benchmarked passages; also as processes of their own, so that each end has its own interpreter.

`python -m benchmarks.passage_ends serve FOLDER` serves until its standard input ends and prints its port first;
`python -m benchmarks.passage_ends ask FOLDER PORT COUNT AT_ONCE` opens passages and prints the seconds they took.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.cloud import SERVER_NAME, Station, World
from trustlab.passage import TRUSTED_PASSAGE, RateLimiter, connect, serve
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.passage import PassageStream

HOST = "127.0.0.1"
KEEP = 5000
"""Events of a served trace that are kept: enough to look at the last passages, and bounded."""


@contextlib.contextmanager
def bank(folder: Path, trace: Trace) -> Iterator[Station]:
    """Boot the bank's machine in the lab of `folder`, its key certified."""
    with station(folder, "bank", trace) as booted:
        booted.certify(SERVER_NAME)
        yield booted


def station(folder: Path, name: str, trace: Trace) -> Station:
    """Boot the machine of the bank or of the teller."""
    world = World(folder)
    images = {
        "bank": world.image("bank", "teller", "trustlab.scenarios.bank", TRUSTED_PASSAGE),
        "teller": world.image("teller", "bank", "trustlab.scenarios.teller", TRUSTED_PASSAGE),
    }
    return Station(world, TRUSTED_PASSAGE, images[name], world.references(*images.values()), trace.party(name))


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Serve in a process of its own; gives its process id and port."""
    command = [sys.executable, "-m", "benchmarks.passage_ends", "serve", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process with pipes has pipes")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start")
        yield process.pid, int(line)
        process.stdin.close()
        process.wait(30)


def ask(folder: Path, port: int, count: int, at_once: int) -> subprocess.Popen[str]:
    """Open `count` passages from a process of its own, `at_once` at a time; it prints the seconds they took."""
    command = [sys.executable, "-m", "benchmarks.passage_ends", "ask", str(folder), str(port), str(count), str(at_once)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _serve(folder: Path) -> None:
    async def say_nothing(stream: PassageStream) -> None:
        await stream.read(1)

    with bank(folder, Trace("benchmark", "tcp", keep=KEEP)) as policy:
        server = await serve(say_nothing, HOST, 0, policy=policy, limiter=RateLimiter(math.inf))
        async with server:
            print(server.sockets[0].getsockname()[1], flush=True)
            await asyncio.to_thread(sys.stdin.read)


async def _ask(folder: Path, port: int, count: int, at_once: int) -> None:
    with station(folder, "teller", Trace("benchmark", "tcp", keep=KEEP)) as policy:
        async with await connect(HOST, port, policy=policy):
            pass  # both machines have met now
        turns = asyncio.Semaphore(at_once)

        async def one() -> None:
            async with turns, await connect(HOST, port, policy=policy):
                pass

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(count)))
        print(time.perf_counter() - began)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", folder]:
            asyncio.run(_serve(Path(folder)))
        case ["ask", folder, port, count, at_once]:
            asyncio.run(_ask(Path(folder), int(port), int(count), int(at_once)))
        case _:
            sys.exit(__doc__)
