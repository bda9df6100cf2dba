"""The classroom: exercises that answer, hints, predictions, progress, and what a teacher needs to grade.

In a notebook::

    from trustlab.classroom import check, disagree, hint, predict, progress, reset, restore

    restore(student="ada")          # takes up what is kept beside the notebook
    check("01-verify-data", verify_data)
    hint("01-verify-data")          # three of them, one at a time

A check never stops the notebook: it runs the answer in a child process and returns a `Verdict`, whatever happens.
"""

from trustlab.classroom.exercise import ClassroomError, Exercise, Ruling, Student, right, wrong
from trustlab.classroom.exercises import EXERCISES
from trustlab.classroom.playing import close, play
from trustlab.classroom.session import ClassroomSession, NotRightYetError
from trustlab.classroom.verdict import CheckedRun, Note, Verdict

__all__ = [
    "EXERCISES",
    "CheckedRun",
    "ClassroomError",
    "ClassroomSession",
    "Exercise",
    "NotRightYetError",
    "Note",
    "Ruling",
    "Student",
    "Verdict",
    "check",
    "close",
    "disagree",
    "hint",
    "play",
    "predict",
    "progress",
    "reset",
    "restore",
    "right",
    "wrong",
]

_HERE = ClassroomSession()
check = _HERE.check
hint = _HERE.hint
predict = _HERE.predict
progress = _HERE.progress
restore = _HERE.restore
reset = _HERE.reset
disagree = _HERE.disagree
