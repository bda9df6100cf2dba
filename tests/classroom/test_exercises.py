"""Every exercise: its solution is right for everybody, an empty answer gets its sentence, and so does each wrong one.

A new exercise is found here by itself. Judges run in this process, which is quicker; `test_child.py` has the child.
"""

from __future__ import annotations

import os
import time
import types

import pytest

from trustlab.classroom import EXERCISES
from trustlab.classroom.child import judged
from trustlab.classroom.faults import NO_ANSWER
from trustlab.classroom.material import remembering

STUDENTS = ("ada", "bert", "käthe") if "TRUSTLAB_SOAK" in os.environ else ("ada",)
PLAIN = 300
"""Characters within which a verdict says what it has to say."""


@pytest.fixture(autouse=True, scope="module")
def _once():
    with remembering():
        yield


@pytest.fixture(params=EXERCISES.values(), ids=lambda exercise: exercise.id)
def exercise(request):
    return request.param


def hollow(exercise):
    """Return the solution without its body."""
    if not callable(exercise.solution):
        return None
    code = (lambda: None).__code__.replace(
        co_argcount=exercise.solution.__code__.co_argcount,
        co_nlocals=exercise.solution.__code__.co_argcount,
        co_varnames=exercise.solution.__code__.co_varnames[: exercise.solution.__code__.co_argcount],
    )
    return types.FunctionType(code, {}, exercise.solution.__name__)


def test_it_says_all_that_an_exercise_says(exercise):
    module = exercise.judge.__module__.rpartition(".")[2]
    assert module == "ex" + exercise.id.replace("-", "_"), "an exercise's module has its name"
    assert exercise.task.endswith(("?", ".", '"'))
    assert len(exercise.hints) == 3
    assert len(exercise.wrong) >= 2
    assert not callable(exercise.solution) or exercise.solution.__doc__


def as_in_a_notebook(exercise):
    """Return the solution as a student has it: with the lines that it is given and nothing else."""
    cell: dict[str, object] = {"__name__": "__main__"}
    exec(exercise.given, cell)  # noqa: S102 - ours
    exec(exercise.source(), cell)  # noqa: S102 - ours
    return cell[exercise.name]


@pytest.mark.parametrize("student", STUDENTS)
def test_its_solution_is_right_for_everybody_and_stands_alone(exercise, student):
    began = time.process_time()
    ruling = judged(exercise, as_in_a_notebook(exercise), exercise.student(student))
    assert ruling.right, ruling.sentence
    assert time.process_time() - began < exercise.limit, "on a quiet machine; its TPMs work beside it"


def test_an_empty_answer_gets_a_sentence(exercise):
    ruling = judged(exercise, hollow(exercise), exercise.student("ada"))
    assert not ruling.right
    assert ruling.sentence == NO_ANSWER or "is still empty" in ruling.sentence


def test_each_wrong_answer_gets_its_sentence(exercise):
    said = {}
    for name, (answer, words) in exercise.wrong.items():
        ruling = judged(exercise, answer, exercise.student("bert"))
        assert not ruling.right, name
        assert words in ruling.sentence, f"{name}: {ruling.sentence}"
        assert "failed by itself" not in ruling.sentence
        said[name] = ruling.sentence
    assert max(map(len, said.values())) <= 2 * PLAIN
