"""A classroom in a folder of its own, with one exercise that costs no time."""

from __future__ import annotations

import pytest

from trustlab.classroom import EXERCISES, ClassroomSession, Exercise
from trustlab.classroom.exercise import right, wrong
from trustlab.trace import Trace


def add(number):
    """Return the number after this one."""
    return number + 1


def _judge(answer, student):
    if answer(1) == 2:
        return right(f"{student.name} can count", look="the only row", trace=Trace("a run"))
    return wrong(f"that is {answer(1)}, {student.name}")


@pytest.fixture
def counting(monkeypatch):
    """Return an exercise that the classroom knows for the time of a test."""
    hints = ("think", "think again", "number + 1")
    exercise = Exercise(id="00-add", task="Add 1.", hints=hints, judge=_judge, solution=add, wrong={})
    monkeypatch.setitem(EXERCISES, exercise.id, exercise)
    return exercise


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """Take away what the environment says of a student, a seed or a grader."""
    for name in ("TRUSTLAB_STUDENT", "JUPYTERHUB_USER", "TRUSTLAB_COURSE_SEED", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def session(tmp_path, counting):
    return ClassroomSession(tmp_path)
