"""A class on one JupyterHub: each student runs a notebook and an exercise; then a second notebook beside it."""

from __future__ import annotations

import asyncio
import compileall
import json
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.hub import ROOT, HubError, running_hub
from benchmarks.student import Student, StudentFailed
from benchmarks.usage import HUB, usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.hub import Hub

OPTIONS = ("students", "stagger")
GOALS = {"failed": 0, "memory_per_student_mb": 200, "cpu_s_per_student": 9, "two_notebooks_failed": 0}
NOTES = {
    "students": "how many, each with a server, a uid and a TMPDIR of their own",
    "failed": "students for whom anything went wrong with notebook 00 and an exercise of three attacks",
    "first_result_median_s": "from a student's arrival to the first words printed by a cell of notebook 00",
    "first_result_max_s": "the same for the student who waited longest",
    "memory_per_student_mb": "PSS of server, kernel and TPMs: the class's highest sample / students",
    "cpu_s_per_student": "CPU seconds of the same, from the start of the server to the end of the exercise",
    "seconds": "from the first arrival until the last student was done",
    "two_notebooks_failed": "students for whom anything went wrong, the tour of the ladder in a second kernel included",
    "two_notebooks_memory_per_student_mb": "PSS with two kernels, as above",
    "two_notebooks_cpu_s_per_student": "CPU seconds with the tour of the ladder too",
    "hub_memory_mb": "PSS of JupyterHub and its proxy",
    "hub_cpu_s": "CPU seconds of both, for all students",
}
EXERCISE = (
    "from trustlab.scenarios import rung",
    """
# Which of these attacks does a key that only HyperSafe can use stop? Say True or False for each.
def stopped(attack):
    return attack in ("tunnel-relay", "deployed-key", "key-abuse")
""",
    """
for attack in ("tunnel-relay", "deployed-key", "key-abuse"):
    with rung("tcb-key", attack) as act:
        outcome = act.run()
    assert stopped(attack) == (outcome.outcome == "refused" or outcome.outcome == "failed"), outcome.sentence
    print(attack, outcome.outcome, outcome.sentence)
""",
)
SAMPLE_SECONDS = 10


def run(
    students: int = 30, stagger: float = 0, *, spawn_limit: int | None = None, second: bool = True
) -> dict[str, float]:
    """Hold the class, with a `second` notebook beside the first one; SystemExit says why it cannot be held."""
    if students < 1:
        raise SystemExit("a class has at least one student: give --students 1 or more")
    compileall.compile_dir(str(ROOT / "trustlab"), quiet=2)  # students cannot write there
    try:
        return asyncio.run(_class(students, stagger, spawn_limit, second=second))
    except HubError as error:
        raise SystemExit(f"class: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit("class: interrupted; all that it started has ended") from None


async def _class(students: int, stagger: float, spawn_limit: int | None, *, second: bool) -> dict[str, float]:
    if os.getuid() != 0:
        _tell("you are not root, so all students have your uid")
    async with running_hub(students, spawn_limit=spawn_limit) as hub:
        attending = [Student(hub, name) for name in sorted(p.name for p in hub.folder.glob("student-*"))]
        first = _cells("00-start-here") + list(EXERCISE)
        began = time.monotonic()

        async def first_notebook(student: Student) -> None:
            await asyncio.sleep(stagger * attending.index(student))
            await student.arrive()
            await student.run(first)

        try:
            for student in attending:
                await student.open()
            failed, memory, cpu = await _all(hub, attending, first_notebook)
            seconds = time.monotonic() - began
            waited = [student.first_result for student in attending if student.first_result]
            first_median = statistics.median(waited) if waited else 0.0
            _tell(f"one notebook: {len(failed)} of {students} failed, first result {first_median:.0f} s (median)")
            _tell(f"{seconds:.0f} s, {memory / students:.0f} MB and {cpu / students:.2f} CPU s a student")
            well = [student for student in attending if student.name not in failed]
            tour = _cells("tour-the-ladder") if second else []
            also_failed, both_memory, both_cpu = await _all(hub, well, lambda student: student.run(tour))
        finally:
            for student in attending:
                await student.close()
        of_hub = usage(hub.mark)[HUB]
    return {
        "students": students,
        "failed": len(failed),
        "first_result_median_s": first_median,
        "first_result_max_s": max(waited, default=0.0),
        "memory_per_student_mb": memory / students,
        "cpu_s_per_student": cpu / students,
        "seconds": seconds,
        "two_notebooks_failed": len(failed | also_failed),
        "two_notebooks_memory_per_student_mb": both_memory / students,
        "two_notebooks_cpu_s_per_student": both_cpu / students,
        "hub_memory_mb": of_hub.memory_mb,
        "hub_cpu_s": of_hub.cpu_s,
    }


async def _all(
    hub: Hub, students: list[Student], work: Callable[[Student], Awaitable[None]]
) -> tuple[set[str], float, float]:
    """Let all students work at once; return who failed, the highest memory (MB) and all CPU seconds so far."""
    failed = set()
    highest = cpu = 0.0

    async def one(student: Student) -> None:
        try:
            await work(student)
        except (StudentFailed, aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
            _tell(f"{student.name}: {str(error) or type(error).__name__}")
            failed.add(student.name)

    async def sample() -> None:
        nonlocal highest, cpu
        taken = await asyncio.to_thread(usage, hub.mark)
        together = [amount for name, amount in taken.items() if name != HUB]
        highest = max(highest, sum(amount.memory_mb for amount in together))
        cpu = sum(amount.cpu_s for amount in together)

    async def watch() -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            await sample()

    watching = asyncio.create_task(watch())
    try:
        await asyncio.gather(*map(one, students))
    finally:
        watching.cancel()
    await sample()
    return failed, highest, cpu


def _tell(sentence: str) -> None:
    """Say how it goes on: a class takes minutes."""
    print(f"class: {sentence}", file=sys.stderr, flush=True)


def _cells(notebook: str) -> list[str]:
    read = json.loads((ROOT / "labs" / f"{notebook}.ipynb").read_text("utf-8"))
    return ["".join(cell["source"]) for cell in read["cells"] if cell["cell_type"] == "code"]
