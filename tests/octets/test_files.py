"""A file that somebody named is read up to a length, also one without end."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path

import pytest

from trustlab.octets import LONGEST_RECORDING, read_file
from trustlab.octets.files import MEBIBYTE, UNPACKING_ERRORS, PackedFile, unpacking_error
from trustlab.trace import Trace, TraceFormatError
from trustlab.trace import trace as trace_module


def test_a_file_as_long_as_allowed_is_read_whole_and_a_longer_one_not_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    assert read_file(path, 8) == b"12345678"
    with pytest.raises(OSError, match="it is longer than 7 octets") as caught:
        read_file(str(path), 7)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full"])
def test_a_device_without_end_is_too_long(path):
    with pytest.raises(OSError, match="it is longer than 16 MiB"):
        read_file(path)


def test_a_trace_without_end_is_none(monkeypatch):
    assert trace_module.LONGEST == LONGEST_RECORDING == 512 * 2**20
    monkeypatch.setattr(trace_module, "LONGEST", 1 << 20)
    with pytest.raises(TraceFormatError, match="more than 1 MiB"):
        Trace.load(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("longest", "told"),
    [(5, "5 octets"), (MEBIBYTE - 1, "1048575 octets"), (MEBIBYTE, "1 MiB"), (3 * MEBIBYTE, "3 MiB")],
)
def test_a_file_that_is_too_long_is_told_with_the_bound(tmp_path, longest, told):
    path = tmp_path / "file"
    path.write_bytes(bytes(longest))
    assert len(read_file(path, longest)) == longest
    path.write_bytes(bytes(longest + 1))
    with pytest.raises(OSError, match=f"it is longer than {told}"):
        read_file(path, longest)


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_is_read_the_same_packed_or_not(tmp_path, packed):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"what is in it") if packed else b"what is in it")
    with PackedFile(path) as file:
        assert (file.regular, file.size) == (True, path.stat().st_size)
        assert file.beginning(4) == b"what"
        assert file.octets.read() == b"what is in it"
        assert file.done == file.size


def test_a_pipe_is_read_once_and_has_no_size(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"by the pipe")
    os.close(writing)
    with PackedFile(f"/proc/self/fd/{reading}") as file:
        os.close(reading)
        assert (file.regular, file.size, file.octets.read(), file.done) == (False, 0, b"by the pipe", 0)


def test_a_file_that_cannot_be_read_is_the_systems_error():
    """The first page of a process's memory: it can be opened, but not read."""
    with pytest.raises(OSError, match="Input/output error"):
        PackedFile("/proc/self/mem")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda o: o[:-9], "the gzip file ends too early"),
        (lambda o: o[:-8] + bytes(8), "the gzip file is damaged"),
    ],
)
def test_a_damaged_gzip_file_is_told(tmp_path, damage, told):
    path = tmp_path / "file"
    path.write_bytes(damage(gzip.compress(bytes(100))))
    with PackedFile(path) as file, pytest.raises(UNPACKING_ERRORS) as caught:
        file.octets.read()
    assert unpacking_error(caught.value) == told
