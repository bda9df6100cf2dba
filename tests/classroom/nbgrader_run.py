"""Runs nbgrader on one assignment, in a process of its own: prints what each submission gets, as JSON.

    python nbgrader_run.py COURSE ASSIGNMENT STUDENT...

COURSE has `source/ASSIGNMENT/` (with solutions) and `submitted/STUDENT/ASSIGNMENT/`. Before the submissions are graded,
the released notebook is printed as `release`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.validator import Validator
from traitlets.config import Config

course, assignment, *students = sys.argv[1:]
os.chdir(course)
config = Config()
config.CourseDirectory.root = course
config.CourseDirectory.course_id = "trustlab"
config.ClearSolutions.code_stub = {"python": "...  # your lines"}
api = NbGraderAPI(config=config)
told: dict[str, object] = {}
made = api.generate_assignment(assignment)
assert made["success"], made.get("log")
notebook = f"{assignment}.ipynb"
release = nbformat.read(Path("release") / assignment / notebook, 4)
told["release"] = [cell.source for cell in release.cells]
for student in students:
    there = Path("submitted") / student / assignment / notebook
    validator = Validator()
    validator.stream = io.StringIO()
    validator.validate_and_print(str(there))
    done = api.autograde(assignment, student)
    assert done["success"], done.get("log")
    with Gradebook("sqlite:///gradebook.db") as book:
        submission = book.find_submission_notebook(assignment, assignment, student)
        grades = {grade.name: grade.auto_score for grade in submission.grades if grade.auto_score is not None}
        told[student] = {
            "score": submission.score,
            "max": submission.max_score,
            "grades": grades,
            "validated": validator.stream.getvalue(),
        }
print(json.dumps(told))
