"""The classroom of one notebook: check, hint, predict, progress, restore, reset, disagree.

There is one session in a kernel, and the functions of `trustlab.classroom` are its methods. A test may make its own.
"""

from __future__ import annotations

import difflib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustlab.classroom import child
from trustlab.classroom.answers import as_source
from trustlab.classroom.exercise import ClassroomError, Exercise, name_of
from trustlab.classroom.exercises import EXERCISES, PATHS
from trustlab.classroom.overview import Overview
from trustlab.classroom.progress import Progress
from trustlab.classroom.tokens import course_seed, token
from trustlab.classroom.verdict import CheckedRun, Note, Verdict

if TYPE_CHECKING:
    from trustlab.classroom.progress import KeptProgress

GRADING = "NBGRADER_EXECUTION"
"""Set by nbgrader while it validates or grades: then a check that fails has to fail the cell."""
ASK_AGAIN = 3
"""Wrong tries after which a new prediction is asked for."""
ANONYMOUS = "student"
NAME_VARIABLES = ("TRUSTLAB_STUDENT", "JUPYTERHUB_USER")
DISAGREEMENTS = "trustlab-disagreements"


class NotRightYetError(AssertionError):
    """Raised by `check` under nbgrader only, where a wrong answer must fail its cell."""


class ClassroomSession:
    """One student at work in one folder, the current one unless told otherwise."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._progress: Progress | None = None
        self._name = ""
        self._last: dict[str, tuple[Verdict, str]] = {}
        self._warned = ""

    def check(self, id: str, answer: Any = None, student: str | None = None) -> Verdict:  # noqa: A002, ANN401 - the interface's names
        """Judge an answer and return a verdict within the exercise's time limit, ten seconds as a rule.

        The answer runs in a child process: an endless loop, an exit or too much memory costs this one exercise.
        `student` is the name given to `restore`, unless another is given here. The name of a path, such as
        "90-minutes", is no exercise: it says what is done on the path.
        """
        if id in PATHS:
            return self._walked(id)
        exercise = self._exercise(id)
        who = name_of(student or self.student)
        seed = course_seed(self.folder)
        began = time.monotonic()
        ruling, printed = child.run(exercise, answer, exercise.student(who, seed))
        made = token(seed, who, exercise.id) if ruling.right else ""
        source = as_source(answer, exercise.name)

        def keep(record: KeptProgress) -> None:
            done = record.of(exercise.id)
            done.attempts += 1
            if ruling.right or not done.right:
                done.answer, done.sentence = source, ruling.sentence
            done.right, done.token = done.right or ruling.right, made or done.token
            if self.student != ANONYMOUS:
                record.student = record.student or self.student

        if not os.environ.get(GRADING):
            self._own_progress.change(keep)
        done = self._own_progress.record.of(exercise.id)
        verdict = Verdict(
            right=ruling.right,
            sentence=ruling.sentence,
            token=made,
            act=CheckedRun(ruling.trace) if ruling.trace is not None else None,
            exercise=exercise.id,
            look=ruling.look,
            printed=printed,
            predicted=done.predictions[-1] if done.predictions else "",
            note=self._note(exercise, ruling.right, done.attempts, len(done.predictions)),
            seconds=time.monotonic() - began,
        )
        self._last[exercise.id] = verdict, source
        if os.environ.get(GRADING) and not verdict.right:
            raise NotRightYetError(verdict.sentence)
        return verdict

    def hint(self, id: str) -> Note:  # noqa: A002
        """Return the next of an exercise's three hints; after the third, all of them from the first on again."""
        exercise = self._exercise(id)
        total = len(exercise.hints)

        def count(record: KeptProgress) -> None:
            record.of(exercise.id).hints += 1

        self._own_progress.change(count)
        at = (self._own_progress.record.of(exercise.id).hints - 1) % total
        return Note(f"Hint {at + 1} of {total}.", exercise.hints[at])

    def predict(self, id: str, text: str = "") -> Note:  # noqa: A002
        """Keep what you expect, before you run it. Never graded; without a text, quote what you said."""
        name, said = str(id), " ".join(str(text).split())

        def keep(record: KeptProgress) -> None:
            record.of(name).predictions.append(said[:2000])

        if said and said not in self._own_progress.record.of(name).predictions[-1:]:
            self._own_progress.change(keep)
        predictions = self._own_progress.record.of(name).predictions
        if said:
            return Note("Kept.", f"You predict: {said}")
        if predictions:
            return Note("You predicted:", predictions[-1])
        return Note("No prediction yet.", f'Write one before you run the cell: predict("{name}", "I think ...")')

    def progress(self) -> Overview:
        """Return a table of the exercises: what is right, in how many tries."""
        return Overview(self.student, self._own_progress)

    def restore(self, student: str | None = None) -> Overview:
        """Take up what is kept beside the notebook, and return the table of it. The first cell of a notebook calls it.

        `student` is your name, which chooses your numbers. ClassroomError if the file cannot be read.
        """
        self._progress = Progress(self.folder)
        found = self._progress.restore()
        if student and student.strip():
            self._name = name_of(student)
        if found and self._progress.record.student and self._name not in {"", self._progress.record.student}:
            other = self._progress.record.student
            raise ClassroomError(
                f"{self._progress.path} is the progress of {other}. Say restore({other!r}), "
                "or call reset() first to begin anew as somebody else."
            )
        self._name = self._name or self._progress.record.student
        return self.progress()

    def reset(self, id: str | None = None) -> Note:  # noqa: A002
        """Forget one exercise, or everything; the old file is kept beside the new one."""
        if id is None:
            old = self._own_progress.put_away()
            self._last.clear()
            self._name = ""
            self._own_progress.record.student = ""
            return Note(
                "Begun anew.", f"What you had is kept in {old.name}." if old else "There was nothing to forget."
            )
        exercise = self._exercise(id)

        def forget(record: KeptProgress) -> None:
            record.exercises.pop(exercise.id, None)

        self._own_progress.change(forget)
        self._last.pop(exercise.id, None)
        return Note("Begun anew:", exercise.id)

    def disagree(self, id: str, why: str) -> Note:  # noqa: A002
        """Say that you think a check is wrong: your answer, its verdict and the run are saved for your teacher."""
        exercise = self._exercise(id)
        if exercise.id not in self._last:
            raise ClassroomError(f'nothing was checked yet: run check("{exercise.id}", ...) first, then disagree')
        verdict, source = self._last[exercise.id]
        folder = self.folder / DISAGREEMENTS
        base = f"{exercise.id}-{time.strftime('%Y%m%d-%H%M%S')}"
        told = {
            "student": self.student,
            "exercise": exercise.id,
            "why": str(why),
            "right": verdict.right,
            "sentence": verdict.sentence,
            "answer": source,
            "printed": verdict.printed,
        }
        try:
            folder.mkdir(exist_ok=True)
            written = folder / f"{base}.json"
            written.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
            if verdict.trace is not None:
                verdict.trace.save(folder / f"{base}.jsonl", secrets=True)
        except OSError as error:
            reason = (error.strerror or "no reason is known").lower()
            raise ClassroomError(
                f"nothing can be written to {folder} ({reason}): show your teacher the cell"
            ) from error
        run = ", and the run beside it" if verdict.trace is not None else ""
        return Note("Saved for your teacher:", f"{DISAGREEMENTS}/{written.name}{run}. Hand it in with your notebook.")

    @property
    def folder(self) -> Path:
        """Where the notebook is."""
        return self._folder or Path.cwd()

    @property
    def student(self) -> str:
        """The name of whoever works here."""
        named = next((os.environ[name] for name in NAME_VARIABLES if os.environ.get(name)), "")
        return self._name or named or ANONYMOUS

    @property
    def _own_progress(self) -> Progress:
        if self._progress is None:
            self._progress = Progress(self.folder)
        return self._progress

    def _exercise(self, name: str) -> Exercise:
        found = EXERCISES.get(name) if isinstance(name, str) else None
        if found is None:
            near = difflib.get_close_matches(str(name), EXERCISES, 1, 0.3)
            there = f"; did you mean {near[0]!r}?" if near else f"; choose from: {', '.join(EXERCISES)}"
            raise ClassroomError(f"there is no exercise {name!r}{there}")
        return found

    def _walked(self, path: str) -> Verdict:
        """Say how far somebody has come on a path through the course."""
        steps = [name for name in PATHS[path] if name in EXERCISES]
        left = [name for name in steps if not self._own_progress.record.of(name).right]
        said = f"{len(steps) - len(left)} of {len(steps)} exercises of this path are right."
        if left:
            said += f" The next one is {left[0]}, in notebook {left[0][:2]}."
        return Verdict(right=not left, sentence=said, exercise=path)

    def _note(self, exercise: Exercise, done: bool, attempts: int, predictions: int) -> str:  # noqa: FBT001
        said = []
        trouble = self._own_progress.trouble
        if trouble and trouble != self._warned:
            self._warned = trouble
            said.append(trouble)
        if not done and attempts % ASK_AGAIN == 0 and attempts:
            again = "a new prediction" if predictions else "a prediction"
            said.append(f'Before you try again, write {again}: predict("{exercise.id}", "I think ...").')
        return " ".join(said)
