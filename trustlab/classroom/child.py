"""A check runs in a child process: whatever the student's code does costs that one exercise and nothing more.

The child is forked, so the answer needs no copy: helper functions, imports and variables of the notebook are there. It
has a session of its own, a limit on memory, no input, and no way to signal the notebook. When the time is over, or its
report is there, it is killed with everything of its session. Nobody is kept from harm on purpose by this: the code runs
as the student, with the student's files.
"""

from __future__ import annotations

import ctypes
import gc
import io
import os
import resource
import select
import signal
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from trustlab.classroom.answers import HandedIn
from trustlab.classroom.exercise import Exercise, Ruling, Student, wrong
from trustlab.classroom.faults import after, before
from trustlab.trace import Trace, TraceFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY = 512 << 20
"""Bytes that a check may take beyond what the notebook holds already."""
PRINTED = 2000
"""Characters of what the student's code prints that are kept."""
LONGEST = 1 << 20
PATIENCE = 18.0
"""Seconds that a check on a busy machine may take beyond its limit, as far as it waited for the CPU. With the limit
they stay below the 30 seconds that nbgrader gives a cell."""
LOOK_AGAIN = 0.25
PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""
LAST_BREATH = 1.0
"""Seconds in which a child that said nothing may end, so that it can be told how it ended."""
OWN_FAULT = (
    "This check failed by itself ({}). The fault is trustlab's, not yours. Save it for your teacher: "
    'disagree("{}", "it failed").'
)


class Report(msgspec.Struct):
    """What comes back from the child."""

    right: bool
    sentence: str
    look: str = ""
    printed: str = ""
    trace: bool = False


def judged(exercise: Exercise, answer: Any, student: Student) -> Ruling:  # noqa: ANN401 - whatever a student hands in
    """Judge an answer in this process: what is wrong before, the judge's ruling, or what was raised."""
    try:
        given = answer.load() if isinstance(answer, HandedIn) else answer
        said = before(exercise, given)
        return wrong(said) if said else exercise.judge(given, student)
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - whatever a student's code raises
        return wrong(after(error) or OWN_FAULT.format(type(error).__name__, exercise.id))


def run(exercise: Exercise, answer: Any, student: Student) -> tuple[Ruling, str]:  # noqa: ANN401
    """Judge an answer in a child process; return the ruling, and what the student's code printed."""
    with tempfile.TemporaryDirectory(prefix="trustlab-check-") as folder:
        kept = Path(folder) / "trace.jsonl"
        reading, writing = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        notebook = os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns that other threads' locks stay locked in the child. Ours are made anew by the judge.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _child(exercise, answer, student, writing, kept, notebook)
        os.close(writing)
        octets: bytes | None = None
        ended: int | None = None
        try:
            octets = _read(reading, pid, exercise.limit)
        finally:  # also if the reader is interrupted
            os.close(reading)
            ended = _end(pid, LAST_BREATH if octets == b"" else 0)
        if octets is None:
            return wrong(_too_long(exercise)), ""
        return _ruling(octets, ended, kept)


def _too_long(exercise: Exercise) -> str:
    return f"Your code was still running after {exercise.limit:g} seconds. Is there a loop that never ends?"


def _ruling(octets: bytes, ended: int | None, kept: Path) -> tuple[Ruling, str]:
    try:
        report = msgspec.json.decode(octets, type=Report)
    except msgspec.MsgspecError:
        return wrong(_how_it_ended(ended)), ""
    trace = None
    if report.trace:
        with suppress(OSError, TraceFormatError):  # a full disk costs the picture, not the verdict
            trace = Trace.load(kept)
    return Ruling(report.right, report.sentence, report.look, trace), report.printed


def _how_it_ended(status: int | None) -> str:
    if status is not None and os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL:
            return "The process that ran your code was killed: by your code, or because the memory ran out."
        return f"The process that ran your code was ended by a signal ({signal.Signals(number).name})."
    return "Your code ended the process that ran it. A function must return something; it must not exit."


def _read(reading: int, pid: int, limit: float) -> bytes | None:
    """Return all that the child writes; None if that takes too long, not counting its time in the queue for the CPU."""
    until, octets = time.monotonic() + limit, b""
    while True:
        left = until - time.monotonic()
        if left <= 0:
            left = min(_queued(pid), PATIENCE) + left
            if left <= 0:
                return None
            left = min(left, LOOK_AGAIN)
        if not select.select([reading], [], [], left)[0]:
            continue
        piece = os.read(reading, 65536)
        octets += piece
        if not piece or len(octets) > LONGEST:
            return octets


def _queued(pid: int) -> float:
    """Return the seconds that a process and its children (the TPMs) waited for the CPU; 0 where nobody counts them."""
    waited = 0
    with suppress(OSError, ValueError, IndexError):
        processes = [pid]
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            processes += [int(child) for child in path.read_text("ascii").split()]
        for process in processes:
            for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
                waited += int(path.read_text("ascii").split()[1])
    return waited / 1e9


def _end(pid: int, patience: float) -> int | None:
    """Kill the child and what it started; return how it had ended by itself, None if it had not."""
    until = time.monotonic() + patience
    while not (ended := _has_ended(pid)) and time.monotonic() < until:
        time.sleep(0.005)
    try:
        os.killpg(pid, signal.SIGKILL)  # before it is waited for: until then nobody else can have this number
    except OSError:  # it had not come to make its session
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return status if ended else None


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _child(exercise: Exercise, answer: Any, student: Student, writing: int, kept: Path, notebook: int) -> NoReturn:  # noqa: ANN401
    """Judge, report, and leave without any of the notebook's endings."""
    try:
        os.setsid()
        _dies_with(notebook)
        gc.freeze()  # what the notebook holds is not ours to finish: no finalizer of it may run here
        printed = _quiet()
        _limited()
        sys.addaudithook(_rules({notebook, -1}))
        ruling = judged(exercise, answer, student)
        report = Report(ruling.right, ruling.sentence, ruling.look, printed.getvalue()[:PRINTED])
        if ruling.trace is not None:
            ruling.trace.save(kept, secrets=True)
            report.trace = True
        _write(writing, msgspec.json.encode(report))
    except BaseException as error:  # noqa: BLE001 - nothing may go back into the notebook's code
        said = after(error) or OWN_FAULT.format(type(error).__name__, exercise.id)
        fault = Report(right=False, sentence=said)
        _write(writing, msgspec.json.encode(fault))
    finally:
        os._exit(0)


def _dies_with(notebook: int) -> None:
    """Have the kernel of the system kill this process when the notebook's ends, even by `kill -9`.

    The signal follows the thread that forked; that one waits for us as long as we live.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != notebook:  # it ended before that
        os._exit(1)


def _write(writing: int, octets: bytes) -> None:
    with suppress(OSError):
        while octets:
            octets = octets[os.write(writing, octets) :]


class _Printed(io.StringIO):
    """Keeps the beginning of what is printed; an endless print costs no memory."""

    def write(self, text: str) -> int:
        if self.tell() < PRINTED:
            super().write(text[:PRINTED])
        return len(text)


def _quiet() -> io.StringIO:
    """Take input and output away from the notebook's; return what is printed in Python."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - until the end of the process
    sys.stdout = sys.stderr = printed = _Printed()
    return printed


def _limited() -> None:
    with suppress(OSError, ValueError):
        held = next(
            int(line.split()[1]) << 10
            for line in Path("/proc/self/status").read_text("utf-8").splitlines()
            if line.startswith("VmData:")
        )
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = held + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _rules(protected: set[int]) -> Any:  # noqa: ANN401 - an audit hook
    """Return a hook that keeps the student's code from ending the notebook, or from becoming two processes."""

    def hook(event: str, arguments: Sequence[Any]) -> None:
        if event in {"os.kill", "os.killpg"} and arguments[0] in protected:
            raise PermissionError("a check may not send a signal to the notebook's own process")
        if event in {"os.fork", "os.forkpty"}:
            raise PermissionError("a check may not fork")

    return hook
