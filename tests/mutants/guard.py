"""What a mutant must not do: end processes or remove files that are not its own.

Our code sweeps the folders of dead owners and kills what still runs on them. With its condition turned round it would
kill every process of the user. So each child has an audit hook (PEP 578) that refuses the signal or the removal; the
tests' own processes and the child's own temporary folder stay free.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

REMOVING = {"os.remove": (0,), "os.rmdir": (0,), "os.rename": (0, 1), "shutil.rmtree": (0,)}
"""Events by name, and which of their arguments are paths; the last argument is a folder that they are relative to."""


class Guard:
    """An audit hook for the process that makes it and all that it forks."""

    def __init__(self, scratch: Path) -> None:
        self._root = os.getpid()
        self._scratch = scratch.resolve()

    def install(self) -> None:
        """Begin; nothing can end it but the process."""
        os.environ["TMPDIR"] = tempfile.tempdir = str(self._scratch)
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("os.kill", "os.killpg"):
            pid = int(arguments[0])  # type: ignore[call-overload]
            if not all(map(self._own, [pid] if event == "os.kill" or pid <= 0 else _members(pid))):
                raise PermissionError(f"{event} of {arguments[0]}: not a process of this mutant")
        elif event in REMOVING:
            folder = arguments[-1]
            for place in REMOVING[event]:
                if not self._within(arguments[place], folder if isinstance(folder, int) else -1):
                    raise PermissionError(f"{event} of {arguments[place]!r}: not in the folder of this mutant")

    def _own(self, pid: int) -> bool:
        """Tell whether a process descends from ours, is of its session or works in its folder; 0 is our own group."""
        if pid <= 0:
            return pid == 0
        mark = os.fsencode(self._scratch) + b"/"
        try:
            told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes() + b"/"
            if os.getsid(pid) == self._root or mark in told.replace(b"\0", b"/"):
                return True
            while pid > 1 and pid != self._root:
                pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except PermissionError:  # another user's
            return False
        except OSError:  # it has ended: let the call say so
            return True
        return pid == self._root

    def _within(self, path: object, folder: int) -> bool:
        if isinstance(path, int):
            return True
        base = Path(f"/proc/self/fd/{folder}").readlink() if folder >= 0 else Path.cwd()
        whole = os.path.normpath(base / os.fsdecode(path))  # type: ignore[arg-type]
        return Path(whole).is_relative_to(self._scratch) or "__pycache__" in whole


def _members(group: int) -> list[int]:
    """Return the processes of a group: its leader may have ended while others live on."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == group:
                found.append(int(path.name))
        except OSError:  # it has just ended
            continue
    return found
