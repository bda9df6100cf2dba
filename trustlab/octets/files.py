"""Read a file that somebody named, and never more of it than makes sense: `/dev/zero` is a file too."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

if TYPE_CHECKING:
    import io
    from types import TracebackType

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


GZIP = b"\x1f\x8b"
"""What gzip's files begin with (RFC 1952 2.3.1)."""
UNPACKING_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a damaged gzip file raises."""


class PackedFile:
    """A file that is read from its beginning to its end, unpacked if it is gzip's; a context manager.

    `octets` is what to read from. `done` and `size` are octets of the file on disk, for telling how far reading has
    come; the size of a pipe is 0. OSError if the file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed by __exit__
        try:
            status = os.fstat(self._file.fileno())
            packed = self._file.peek(2)[:2] == GZIP
        except OSError:
            self._file.close()
            raise
        self.regular = stat.S_ISREG(status.st_mode)
        """Whether the file can be read a second time: a pipe cannot."""
        self.size = status.st_size if self.regular else 0
        self.octets: BinaryIO = cast("BinaryIO", gzip.GzipFile(fileobj=self._file)) if packed else self._file

    @property
    def done(self) -> int:
        """Octets of the file that have been read."""
        return self._file.tell() if self.regular else 0

    def beginning(self, length: int) -> bytes:
        """Return up to `length` first octets without reading past them."""
        return cast("io.BufferedReader", self.octets).peek(length)[:length]  # GzipFile has it, too

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()


def unpacking_error(error: Exception) -> str:
    """Say in a sentence what is wrong with a gzip file."""
    return "the gzip file ends too early" if isinstance(error, EOFError) else "the gzip file is damaged"
