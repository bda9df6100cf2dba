"""Files with secrets: for their owner alone, whatever the umask and whatever was there before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from trustlab.trace import Trace, private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_trace_with_secrets_is_for_its_owner_and_one_without_is_for_all(tmp_path: Path) -> None:
    assert mode(Trace().save(tmp_path / "with.jsonl", secrets=True)) == 0o600
    assert mode(Trace().save(tmp_path / "without.jsonl")) == 0o644


def test_a_file_that_is_written_anew_becomes_private_and_one_that_is_appended_to_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o644)
    with open(path, "a", encoding="ascii", opener=private) as file:
        file.write("after")
    assert (mode(path), path.read_text()) == (0o644, "beforeafter")
    with open(path, "wb", opener=private) as file:
        file.write(b"anew")
    assert (mode(path), path.read_text()) == (0o600, "anew")


def test_what_is_no_file_keeps_its_mode(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open(pipe, "wb", opener=private) as file:
        file.write(b"x")
    assert (mode(pipe), os.read(reading, 9)) == (0o644, b"x")
    os.close(reading)
