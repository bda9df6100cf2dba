"""What a teacher needs: the answers of one student's course, and marks from the grader's own run.

A student hands in `trustlab-progress.json`, which holds their last answer to each exercise as source text. The grader
runs each answer again, in a child process, with the course's seed and the student's name. What the file says about
itself (right, token) counts for nothing; whether the token fits is told beside.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from trustlab.classroom import child
from trustlab.classroom.answers import HandedIn
from trustlab.classroom.exercise import ClassroomError, name_of
from trustlab.classroom.exercises import EXERCISES
from trustlab.classroom.progress import FILE, Done, KeptProgress, read
from trustlab.classroom.tokens import is_token, token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustlab.classroom.exercise import Exercise


class Mark(NamedTuple):
    """One student in one exercise: `right` is what the grader's own run says."""

    student: str
    exercise: str
    right: bool
    token_ok: bool
    attempts: int
    sentence: str


class KeyToOne(NamedTuple):
    """The teacher's key to one exercise of one student."""

    exercise: str
    task: str
    varies: str
    token: str
    source: str


def handed_in(folder: Path) -> tuple[dict[str, KeptProgress], list[str]]:
    """Return the progress of each student under a folder, and a sentence for each file that cannot be graded.

    ClassroomError if there is no such folder, or no file in it.
    """
    if not folder.is_dir():
        raise ClassroomError(f"there is no folder {folder}: name the one with your students' {FILE}")
    files = sorted(path for path in folder.rglob("*.json") if path.name == FILE or path.stem.startswith(FILE[:-5]))
    if not files:
        raise ClassroomError(f"there is no {FILE} in {folder} or below it: collect what the students handed in")
    found: dict[str, KeptProgress] = {}
    trouble, places = [], defaultdict(list)
    for path in files:
        try:
            record = read(path)
        except ClassroomError as error:
            trouble.append(str(error))
            continue
        name = _name(record.student or path.parent.name)
        places[name].append(str(path.relative_to(folder)))
        found.setdefault(name, record)
    trouble += [
        f"{name} handed in {len(paths)} files; graded is the first: {', '.join(paths)}"
        for name, paths in places.items()
        if len(paths) > 1
    ]
    return found, trouble


def _name(text: str) -> str:
    """Return a name that can be graded; a file may say anything."""
    try:
        return name_of(text)
    except ClassroomError:
        return "nobody"


def marks(student: str, record: KeptProgress, seed: bytes) -> Iterator[Mark]:
    """Grade every exercise of one student; each answer is run again here."""
    for exercise in EXERCISES.values():
        done = record.exercises.get(exercise.id, Done())
        yield _mark(student, exercise, done, seed)


def _mark(student: str, exercise: Exercise, done: Done, seed: bytes) -> Mark:
    right, sentence = False, "Nothing was handed in."
    if done.answer.strip():
        answer = HandedIn(done.answer, exercise.name)
        ruling, _ = child.run(exercise, answer, exercise.student(student, seed))
        right, sentence = ruling.right, ruling.sentence
    fits = is_token(done.token, seed, student, exercise.id)
    return Mark(student, exercise.id, right, fits, done.attempts, sentence)


def keys(student: str, seed: bytes) -> list[KeyToOne]:
    """Return the teacher's key to every exercise of one student. ClassroomError if that is no name."""
    student = name_of(student)
    return [
        KeyToOne(
            exercise.id,
            exercise.task,
            exercise.varies,
            token(seed, student, exercise.id),
            f"{exercise.given}\n\n\n{exercise.source()}".lstrip("\n").rstrip(),
        )
        for exercise in EXERCISES.values()
    ]
