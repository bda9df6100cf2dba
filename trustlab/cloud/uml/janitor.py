"""What becomes of VMs when their owner is killed: the kernel dies by its parent-death signal, its helpers do not.

User Mode Linux starts helper processes that outlive a killed kernel. So an `sh` that holds the reading end of a pipe
of ours keeps a list of the process groups that run; when we are gone, so is the writing end, and it ends them all.
"""

from __future__ import annotations

import os
import subprocess
import threading

_SCRIPT = """
groups=" "
while read -r what group; do
  case $what in
    add) groups="$groups$group " ;;
    drop) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
"""


class Janitor:
    """One janitor process; `add` and `drop` process groups."""

    def __init__(self) -> None:
        reading, self._pipe = os.pipe()
        self.owner = os.getpid()
        self._process = subprocess.Popen(
            ["sh", "-c", _SCRIPT, "trustlab-janitor"],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in our terminal is for us
            cwd="/",
        )
        os.close(reading)

    @property
    def alive(self) -> bool:
        """Whether it is there, and ours: a forked child needs one of its own."""
        return self.owner == os.getpid() and self._process.poll() is None

    def add(self, group: int) -> None:
        """Put a process group on the list."""
        os.write(self._pipe, b"add %d\n" % group)

    def drop(self, group: int) -> None:
        """Take a process group off the list: it has ended, and its number may be given to others."""
        os.write(self._pipe, b"drop %d\n" % group)

    def close(self) -> None:
        """Let it go: it ends what is still on its list."""
        os.close(self._pipe)
        if self.owner == os.getpid():
            self._process.wait()


_lock = threading.Lock()
_users = 0
_janitor: Janitor | None = None


def engage() -> Janitor:
    """Return the janitor of this process, started at first use; `release` it when done."""
    global _janitor, _users  # noqa: PLW0603 - one a process
    with _lock:
        if _janitor is None or not _janitor.alive:
            _janitor, _users = Janitor(), 0
        _users += 1
        return _janitor


def release(janitor: Janitor) -> None:
    """Give it back; with its last user it ends."""
    global _janitor, _users  # noqa: PLW0603 - one a process
    with _lock:
        if janitor is not _janitor:
            return
        _users -= 1
        if _users == 0:
            _janitor = None
            janitor.close()
