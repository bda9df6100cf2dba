"""What the processes of a class take: memory shared out among those who share it (PSS), and CPU seconds."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TICKS = os.sysconf("SC_CLK_TCK")
HUB = ""
"""Under this name stand the hub and its proxy."""


class Usage(NamedTuple):
    """Of one student, or of the hub."""

    memory_mb: float = 0
    cpu_s: float = 0


def usage(mark: str) -> dict[str, Usage]:
    """Return what each student's living processes take, and have taken with the children they waited for."""
    taken: dict[str, Usage] = {}
    for student, process in _processes(mark):
        with suppress(OSError):  # gone meanwhile
            # after the name in brackets: state is field 3, then utime, stime, cutime and cstime are 14 to 17
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
            rollup = (process / "smaps_rollup").read_text()
            pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            before = taken.get(student, Usage())
            cpu = sum(map(int, fields[11:15])) / TICKS
            taken[student] = Usage(before.memory_mb + pss / 1024, before.cpu_s + cpu)
    return taken


def end_all(mark: str) -> None:
    """Kill what still runs, and what it starts meanwhile."""
    while found := [process for _, process in _processes(mark)]:
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def _processes(mark: str) -> Iterator[tuple[str, Path]]:
    """Find this class's processes by their environment, which they hand down to all that they start."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or not ours
            environment = (process / "environ").read_bytes().split(b"\0")
            if f"TRUSTLAB_CLASS={mark}".encode() in environment:
                names = [word.partition(b"=")[2] for word in environment if word.startswith(b"TRUSTLAB_CLASS_STUDENT=")]
                yield (names[0].decode() if names else HUB), process
