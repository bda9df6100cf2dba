"""The one thread that starts children.

A parent-death signal (prctl PR_SET_PDEATHSIG) is sent when the *thread* that made the child ends, so every child is
made by a thread that lives as long as the process. `setpriv --pdeathsig` sets the signal between fork and exec
without any Python code running there.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from trustlab.tpm.errors import TpmNotInstalled, TpmStartError

if TYPE_CHECKING:
    from collections.abc import Sequence

_Job = tuple["Future[subprocess.Popen[bytes]]", "list[str]", "tuple[int, ...]"]
_WHERE = "/usr/sbin:/usr/bin:/sbin:/bin"
_PACKAGES = {"swtpm": "swtpm", "setpriv": "util-linux", "swtpm_setup": "swtpm-tools"}


class _Spawner:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="trustlab-spawner", daemon=True).start()

    def _run(self) -> None:
        while True:
            future, argv, descriptors = self.jobs.get()
            try:
                process = subprocess.Popen(
                    argv,
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for us; we stop our TPMs in order
                    cwd="/",
                )
            except OSError as error:
                future.set_exception(TpmStartError(f"cannot start {argv[0]}: {error}"))
            else:
                future.set_result(process)


_lock = threading.Lock()
_spawner: _Spawner | None = None
_found: dict[str, str] = {}


def find_program(name: str) -> str:
    """Return the path of `name`; TpmNotInstalled names the package to install."""
    path = _found.get(name) or shutil.which(name) or shutil.which(name, path=_WHERE)
    if path is None:
        raise TpmNotInstalled(
            f"the program '{name}' is not installed: run `apt-get install {_PACKAGES.get(name, name)}`"
            " (Debian, Ubuntu) and try again"
        )
    _found[name] = path
    return path


def spawn(argv: Sequence[str], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start a child that dies with this process, also by kill -9; it inherits only `descriptors`."""
    global _spawner  # noqa: PLW0603 - one per process, made at first use
    line = [find_program("setpriv"), "--pdeathsig", "KILL", find_program(argv[0]), *argv[1:]]
    with _lock:
        if _spawner is None or _spawner.pid != os.getpid():
            _spawner = _Spawner()
    future: Future[subprocess.Popen[bytes]] = Future()
    _spawner.jobs.put((future, line, tuple(descriptors)))
    return future.result(timeout=30)
