"""Reading a VM's memory from outside, as the owner of the machine can: the file that holds its RAM, searched."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from trustlab.cloud.errors import CloudError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_HITS = 256
MAX_HIT = 65_536


def extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the parts of a sparse file that hold data: what the guest never touched costs nothing."""
    end = 0
    while True:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def search(ram: Path, pattern: bytes, before: int = 0) -> list[bytes]:
    """Return what a regular expression (over octets, dot matches all) finds in memory; CloudError if it is not one.

    With `before` each hit begins so many octets earlier, as far as there is data. Neighbours in a guest's memory are
    neighbours in this file within a page of 4096 octets only.
    """
    try:
        expression = re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise CloudError(f"not a regular expression: {error}") from error
    hits: list[bytes] = []
    descriptor = os.open(ram, os.O_RDONLY)
    try:
        for start, end in extents(descriptor):
            data = _read(descriptor, start, end)
            for found in expression.finditer(data):
                hits.append(data[max(0, found.start() - before) : found.end()][:MAX_HIT])
                if len(hits) >= MAX_HITS:
                    return hits
    finally:
        os.close(descriptor)
    return hits


def _read(descriptor: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (part := os.pread(descriptor, end - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)
