"""Other people's programs as peers: a server that says where it listens, a client that is fed and read."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ours import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABEL = "EXPORTER-trustlab"
EXPORTED = 24


class Program:
    """A running program: its input a pipe, its output a file that grows."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as sink:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self.log.read_bytes().decode("utf-8", "replace")

    def say(self, text: bytes) -> None:
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def says(self, pattern: str) -> str:
        """Wait until the program has said this; return the pattern's group, or all it matches."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.said)):
            assert time.monotonic() < end, f"it never says {pattern!r}:\n{self.said}"
            assert self.process.poll() is None or re.search(pattern, self.said), f"it ended without {pattern!r}"
            time.sleep(0.002)
        return found[found.lastindex or 0]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[Program]:
    """Run a program while the block lasts."""
    program = Program(command, log)
    try:
        yield program
    except AssertionError as error:
        error.add_note(f"{' '.join(command)}\n{program.said[-4000:]}")
        raise
    finally:
        program.process.stdin.close()
        program.process.kill()
        program.process.wait(PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)
