"""Files with secrets are for their owner alone, whatever the umask: a machine may have several users, as in a class."""

from __future__ import annotations

import os
import stat
from contextlib import suppress


def private(path: str, flags: int) -> int:
    """Open a file so that nobody else can read it: `open(path, "wb", opener=private)`.

    A file that is there already and is appended to keeps its mode: somebody may have chosen it.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    if flags & os.O_TRUNC and stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(PermissionError):  # another user's file, or a file system without modes: as its owner wants it
            os.fchmod(descriptor, 0o600)
    return descriptor
