"""Read a file that somebody named, and never more of it than makes sense: `/dev/zero` is a file too."""

from __future__ import annotations

import errno
from pathlib import Path

MEBIBYTE = 2**20
LONGEST = 16 * MEBIBYTE
"""Octets of a key, a certificate chain, an evidence or a program; whatever reads longer files says so."""
LONGEST_RECORDING = 512 * MEBIBYTE
"""Octets of a trace, a capture or a key log."""


def read_file(path: str | Path, longest: int = LONGEST) -> bytes:
    """Return a file's octets; OSError if it cannot be read or has more than `longest` (EFBIG)."""
    with Path(path).open("rb") as file:
        octets = file.read(longest + 1)
    if len(octets) > longest:
        size = f"{longest // MEBIBYTE} MiB" if longest >= MEBIBYTE else f"{longest} octets"
        raise OSError(errno.EFBIG, f"it is longer than {size}", str(path))
    return octets
