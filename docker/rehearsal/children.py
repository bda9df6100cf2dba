"""The programs that a rehearsal starts: each in a session of its own, ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TAIL = 30
"""Lines of a log that an error quotes."""


class RehearsalError(Exception):
    """The rehearsal cannot go on; the text says why, and what to do."""


class CannotRehearseError(RehearsalError):
    """Something that a rehearsal needs is not here; the text says what, and what installs it."""


def run(
    argv: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    only_log: bool = False,
) -> str:
    """Run a program and return what it wrote to its standard output; both outputs go to the log, after what is there.

    With `only_log` they go there as they come, and nothing is returned.
    RehearsalError quotes the log's last lines if it fails or takes longer than `seconds`. It never outlives the call.
    """
    began = log.stat().st_size if log.exists() else 0
    with log.open("ab") as errors:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=errors if only_log else subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        ) as child:
            try:
                output, _ = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                raise RehearsalError(f"{argv[0]} took longer than {seconds:g} s.\n{_tail(log, began)}") from None
            finally:
                end(child)
        errors.write(output or b"")
    if child.returncode:
        raise RehearsalError(f"{argv[0]} ended with {child.returncode}.\n{_tail(log, began)}")
    return (output or b"").decode("utf-8", "replace")


def pipe(source: Sequence[str], sink: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
    """Run two programs, the output of the first being the input of the second."""
    with log.open("ab") as errors:
        first = subprocess.Popen(source, stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
        second = None
        try:
            second = subprocess.Popen(
                sink, stdin=first.stdout, stdout=errors, stderr=errors, env=environment, start_new_session=True
            )
            if first.stdout:
                first.stdout.close()  # so that the first notices when the second ends early
            codes = second.wait(), first.wait()
        finally:
            for child in filter(None, (first, second)):
                end(child)
    if any(codes):
        raise RehearsalError(f"{source[0]} | {sink[0]} failed.\n{_tail(log, 0)}")


def end(child: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, if it still runs: first asked, then killed."""
    if child.poll() is not None:
        return
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return


def _tail(log: Path, began: int) -> str:
    with log.open("rb") as file:
        file.seek(began)
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join([*(f"    {line}" for line in lines[-TAIL:]), f"The whole log: {log}"])
