"""Where the emulated TPMs keep their state, and how all of it goes away whatever happens to us.

swtpm needs a directory for its non-volatile memory. All directories of one process lie under one folder, which a
clean exit removes. A process that is killed can do nothing any more, so three things are arranged beforehand:

- an emulator ends by itself when its data socket closes, and that happens when we die;
- a *janitor* waits, an `sh` that holds the reading end of a pipe of ours: when we are gone, so is the writing end.
  It kills what still runs on our folder (an emulator that was stopped or hung) and removes the folder;
- the next start *sweeps* the folders whose owner no longer holds their lock, for when the janitor was killed too.

The contents are encrypted with keys that only ever lay in memory.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from trustlab.tpm.errors import TpmStartError

PREFIX = "tpm-"
_JANITOR = f"""
read -r _
grep -lsa -- "/$2/{PREFIX[:-1]}[-]" /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ pid _; do kill -9 "$pid"; done
n=0
until rm -rf -- "$1" 2>/dev/null || [ $n -ge 50 ]; do n=$((n+1)); sleep 0.1; done
"""
"""The brackets keep grep from finding itself."""


class _Owner:
    """This process's folder, its lock and its janitor."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        base = base_directory()
        self.path = base / f"{self.pid}-{secrets.token_hex(4)}"
        reading, self.pipe = os.pipe()
        self.janitor = subprocess.Popen(  # before there is anything to clean up
            ["sh", "-c", _JANITOR, "trustlab-janitor", str(self.path), self.path.name],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in our terminal is for us, not for the janitor
            cwd="/",
        )
        os.close(reading)
        lock = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # nobody sweeps a folder between its making and its locking
            sweep(base)
            self.path.mkdir(mode=0o700)
            self.lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(lock)
        atexit.register(self.close)

    def close(self) -> None:
        """Let the janitor do its work now, and wait for it. A forked child must not clean up after its parent."""
        if self.pid != os.getpid():
            return
        os.close(self.pipe)
        self.janitor.wait()
        os.close(self.lock)

    def disown(self) -> None:
        """Let go in a forked child: the parent's janitor and lock follow the parent alone."""
        os.close(self.pipe)
        os.close(self.lock)


_lock = threading.Lock()
_owner: _Owner | None = None


def base_directory() -> Path:
    """Return the folder of all state of this user, made with mode 0700; TpmStartError if it is someone else's."""
    base = Path(tempfile.gettempdir()) / f"trustlab-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise TpmStartError(f"{base} must be a directory of this user with mode 0700: remove it and try again")
    return base


def sweep(base: Path) -> list[Path]:
    """Remove the folders under `base` that no living process has locked, end what runs on them, and return them."""
    swept = []
    for path in base.iterdir():
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone meanwhile, or nothing of ours
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            _end_processes_on(path)
            shutil.rmtree(path, ignore_errors=True)
            swept.append(path)
        finally:
            os.close(lock)
    return swept


def _end_processes_on(folder: Path) -> None:
    mark = f"/{folder.name}/{PREFIX}".encode()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # gone meanwhile, or not ours
            if mark in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)


def new_state_directory() -> Path:
    """Make an empty directory for one TPM; it goes at the latest when this process does."""
    global _owner  # noqa: PLW0603 - one per process, made at first use
    with _lock:
        if _owner is None:
            _owner = _Owner()
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=_owner.path))


def _after_fork_in_child() -> None:
    global _owner, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    if _owner is not None:
        _owner.disown()
        _owner = None


os.register_at_fork(after_in_child=_after_fork_in_child)
