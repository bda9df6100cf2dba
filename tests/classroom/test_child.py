"""Whatever an answer does costs one exercise: the check comes back with a sentence, and leaves nothing running."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from trustlab.classroom import EXERCISES, Exercise, child, right
from trustlab.classroom.answers import HandedIn
from trustlab.classroom.exercise import wrong
from trustlab.scenarios import rung
from trustlab.trace import Trace


def solution(number):
    """Return something."""
    return number + 1


def judge(answer, student):
    got = answer(1)
    return right("it is 2", trace=Trace("a run")) if got == 2 else wrong(f"it is {got}")


def exercise(limit=5.0, judge=judge):
    hints = ("one", "two", "three")
    return Exercise(id="00-test", task="Add 1.", hints=hints, judge=judge, solution=solution, wrong={}, limit=limit)


def said_of(answer, **more):
    ruling, _ = child.run(exercise(**more), answer, exercise().student("ada"))
    assert not ruling.right
    return ruling.sentence


def children() -> set[int]:
    lists = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    return {int(pid) for pids in lists for pid in pids}


def endless(number):
    while True:
        pass


def endless_print(number):
    while True:
        print("x" * 1000)  # noqa: T201


def kills_the_notebook(number):
    os.kill(os.getppid(), 0)  # signal 0 is no harm if the hook is broken, and the hook sees it as it sees SIGKILL


def kills_everybody(number):
    os.kill(-1, 0)


def kills_itself(number):
    os.kill(os.getpid(), signal.SIGKILL)


def crashes(number):
    os.kill(os.getpid(), signal.SIGTERM)


def leaves(number):
    os._exit(3)


def exits(number):
    sys.exit("enough")


def memory(number):
    return len(b"x" * 10**12)


def memory_slowly(number):
    kept = []
    while True:
        kept.append(bytes(10**8))


def forks(number):
    return os.fork()


def nonsense(number):
    import there_is_no_such_module  # noqa: F401, PLC0415

    return 2


def asks(number):
    return int(input("How many? "))


def recursive(number):
    return recursive(number)


def divides(number):
    return number // 0


def two_arguments(one, other):
    return one + other


def interrupts(number):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (kills_the_notebook, "may not send a signal to the notebook's own process. It was your line"),
        (kills_everybody, "may not send a signal"),
        (kills_itself, "The process that ran your code was killed"),
        (crashes, "ended by a signal (SIGTERM)"),
        (leaves, "Your code ended the process that ran it"),
        (exits, "instead of returning something. It was your line"),
        (interrupts, "instead of returning something"),
        (memory, "more memory than a check may have. It was your line"),
        (memory_slowly, "more memory than a check may have. It was your line"),
        (forks, "a check may not fork. It was your line"),
        (nonsense, "No module named 'there_is_no_such_module'. It was your line"),
        (asks, "EOFError"),
        (recursive, "calls itself without end"),
        (divides, "Your code raised ZeroDivisionError"),
        (two_arguments, "cannot be called as this exercise calls it: solution(number)"),
        (solution(1), "Hand in the function itself"),
        (None, "There is no answer yet"),
        (lambda number: None, "still empty"),
        (lambda number: 5, "it is 5"),
        (HandedIn("def solution(number:\n", "solution"), "SyntaxError"),
        (HandedIn("x = 1", "solution"), "There is no answer yet"),
        (HandedIn("import os\nos._exit(0)", "solution"), "Your code ended the process"),
    ],
)
def test_what_an_answer_does_costs_one_exercise(answer, sentence):
    before = children()
    began = time.monotonic()
    assert sentence in said_of(answer)
    assert time.monotonic() - began < 5
    assert children() <= before


@pytest.mark.parametrize("answer", [endless, endless_print])
def test_an_endless_loop_ends_when_the_time_is_over(answer, monkeypatch):
    monkeypatch.setattr(child, "PATIENCE", 0)  # other tests may be busy
    before, began = children(), time.monotonic()
    assert "not done after 0.5 seconds" in said_of(answer, limit=0.5)
    assert time.monotonic() - began < 2
    assert children() <= before


def slow(number):
    time.sleep(0.8)
    return number + 1


def test_time_in_the_queue_for_the_cpu_is_not_the_students(monkeypatch):
    assert "not done after" in said_of(slow, limit=0.3)
    monkeypatch.setattr(child, "_queued", lambda pid: 5.0)
    ruling, _ = child.run(exercise(limit=0.3), slow, exercise().student("ada"))
    assert ruling.right
    monkeypatch.setattr(child, "PATIENCE", 0.1)
    assert "not done after" in said_of(slow, limit=0.3)


def test_the_queue_is_counted():
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        until = time.monotonic() + 20
        while not child._queued(spinning[0].pid):
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        for process in spinning:
            process.kill()
            process.wait()
    assert child._queued(spinning[0].pid) == 0


KILLED = """
import os, sys, time
from test_child import exercise
from trustlab.classroom import child

def endless(number):
    print(os.getpid(), file=open(sys.argv[1], "w"))
    while True:
        time.sleep(0.1)

child.run(exercise(limit=60.0), endless, exercise().student("ada"))
"""


def test_a_check_dies_with_its_notebook_even_by_kill(tmp_path):
    told = tmp_path / "pid"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    notebook = subprocess.Popen([sys.executable, "-c", KILLED, told], env=environment)
    until = time.monotonic() + 60
    while not (told.exists() and told.read_text().strip()):
        assert time.monotonic() < until
        time.sleep(0.05)
    notebook.kill()
    notebook.wait()
    until = time.monotonic() + 5
    while "State:\tZ" not in status(told.read_text().strip()):
        assert time.monotonic() < until
        time.sleep(0.02)


class Owned:
    """Something of the notebook that writes who has ended it; in a circle, so that only the collector can."""

    def __init__(self, told):
        self.told, self.me = told, self

    def __del__(self):
        with self.told.open("a") as file:
            file.write(f"{os.getpid()} ")


def test_what_the_notebook_holds_is_not_ended_in_the_check(tmp_path):
    told = tmp_path / "ended"

    def collects(number):
        gc.collect()
        return number + 1

    gc.disable()
    try:
        Owned(told)
        ruling, _ = child.run(exercise(), collects, exercise().student("ada"))
    finally:
        gc.enable()
        gc.collect()
    assert ruling.right
    assert told.read_text().split() == [str(os.getpid())]


def test_an_interrupted_cell_leaves_no_check_behind():
    before = children()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        said_of(endless)
    timer.join()
    assert children() <= before


def test_an_exception_quotes_the_students_own_line():
    line = divides.__code__.co_firstlineno + 1
    assert said_of(divides).endswith(f"It was your line {line}: return number // 0")


def test_a_fault_of_the_check_is_said_to_be_ours():
    ours: dict[str, object] = {}
    source = "def fails(answer, student):\n    raise LookupError\n"
    exec(compile(source, child.__file__, "exec"), ours)  # noqa: S102 - as if it stood in the package

    assert "The fault is trustlab's, not yours" in said_of(solution, judge=ours["fails"])


def test_a_right_answer_brings_its_run_and_what_it_printed():
    def talks(number):
        print("number is", number)  # noqa: T201
        return number + 1

    ruling, printed = child.run(exercise(), talks, exercise().student("ada"))
    assert ruling.right
    assert ruling.trace.title == "a run"
    assert printed == "number is 1\n"


def test_helpers_and_variables_of_the_notebook_are_there():
    one = threading.Lock()  # nothing that could be written down or sent elsewhere

    def holds(number):
        with one:
            return number + 1

    ruling, _ = child.run(exercise(), holds, exercise().student("ada"))
    assert ruling.right


def test_what_an_answer_starts_ends_with_it(tmp_path):
    told = tmp_path / "pid"

    def starts(number):
        process = subprocess.Popen(["sleep", "100"])
        told.write_text(str(process.pid))
        return number + 1

    ruling, _ = child.run(exercise(), starts, exercise().student("ada"))
    assert ruling.right
    until = time.monotonic() + 5
    while Path(f"/proc/{told.read_text()}").exists() and "State:\tZ" not in status(told.read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)


def status(pid):
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "State:\tZ"


def test_a_loop_amid_a_run_leaves_no_tpm(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with rung("plain-tls") as act:  # one of the notebook's own is there meanwhile, and is not touched
        act.run()

    def stuck(heard_from, data):
        while True:
            pass

    slow = EXERCISES["02-relay"]
    quick = type(slow)(**{**vars(slow), "limit": 2.0})
    ruling, _ = child.run(quick, stuck, quick.student("ada"))
    assert "not done after 2 seconds" in ruling.sentence
    until = time.monotonic() + 8
    while left := running_in(tmp_path):
        assert time.monotonic() < until, left
        time.sleep(0.05)


def running_in(folder: Path) -> list[str]:
    """Return the emulators of this process's folder that belong to nobody, and the folders that are left of them."""
    own = [path.name for path in folder.glob("trustlab-*") if f"-{os.getpid()}-" not in path.name]
    lines = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=False).stdout.splitlines()
    return own + [line for line in lines if "swtpm" in line and any(name in line for name in own)]


def test_many_checks_while_other_threads_work():
    """A fork beside threads that hold locks all the time: every check comes back."""
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            with rung("plain-tls") as act:
                act.run()

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        verify = EXERCISES["01-verify-data"]
        for _ in range(10):
            ruling, _ = child.run(verify, verify.solution, verify.student("ada"))
            assert ruling.right, ruling.sentence
    finally:
        stop.set()
        for thread in threads:
            thread.join()
