"""Where the emulated TPMs keep their state, and how all of it goes away whatever happens to us.

swtpm needs a directory for its non-volatile memory. All directories of one process lie under one folder, which a
clean exit removes. The folder has mode 0700 and a name that nobody can guess, so no other user of the machine can
read it, or take its place beforehand. A process that is killed can do nothing any more, so three things are arranged
when it starts:

- an emulator ends by itself when its data socket closes, and that happens when we die;
- a *janitor* waits, an `sh` that holds the reading end of a pipe of ours: when we are gone, so is the writing end.
  It kills what still runs on our folder (an emulator that was stopped or hung) and removes the folder;
- the next start *sweeps* this user's folders whose owner no longer holds their lock, for when the janitor was killed
  too. A folder, file or link with such a name that is another user's is left alone.

The contents are encrypted with keys that only ever lay in memory.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from trustlab.tpm.errors import TpmStartError

PREFIX = "tpm-"
_TRIES = 100
"""How often a folder is made anew because another start's sweep was quicker than its lock."""
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
        base = temporary_directory()
        sweep(base)
        self.path, self.lock = _new_folder(base)
        reading, self.pipe = os.pipe()
        self.janitor = subprocess.Popen(  # before there is anything in it
            ["sh", "-c", _JANITOR, "trustlab-janitor", str(self.path), self.path.name],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in our terminal is for us, not for the janitor
            cwd="/",
        )
        os.close(reading)
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


def temporary_directory() -> Path:
    """Return the directory for temporary files; TpmStartError if there is none that can be written."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise TpmStartError("no directory for temporary files can be written: set TMPDIR to one that can") from None


def _ours() -> str:
    return f"trustlab-{os.getuid()}-"


def _new_folder(base: Path) -> tuple[Path, int]:
    """Make a folder and lock it; return it and its lock, a descriptor."""
    for _ in range(_TRIES):
        path = base / f"{_ours()}{os.getpid()}-{secrets.token_hex(8)}"
        path.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            with suppress(BlockingIOError, FileNotFoundError):  # a sweep was quicker than we
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(path.lstat(), os.fstat(lock)):
                    return path, lock
            os.close(lock)
    raise TpmStartError(f"folders in {base} disappear as soon as they are made: set TMPDIR to another directory")


def sweep(base: Path) -> list[Path]:
    """Remove this user's folders in `base` that no living process has locked, end what runs on them, return them."""
    swept = []
    for path in base.glob(f"{_ours()}*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone meanwhile, or nothing of ours
        try:
            if os.fstat(lock).st_uid != os.getuid():  # we may be root
                continue
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
