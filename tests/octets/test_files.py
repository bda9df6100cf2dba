"""A file that somebody named is read up to a length, also one without end."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from trustlab.octets import LONGEST_RECORDING, read_file
from trustlab.octets.files import MEBIBYTE
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
