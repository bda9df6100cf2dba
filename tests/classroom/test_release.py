"""`make release`: the students' notebooks are what the sources say, and hold no solution."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import nbformat
import pytest
from course_sources import ROOT, asked_in, release

from trustlab.classroom import EXERCISES

SOURCES = release.sources()


def cells(text, tmp_path, *, teacher=False):
    path = tmp_path / "00-a.md"
    path.write_text(text, "utf-8")
    made = json.loads(release.notebook(path, teacher=teacher))
    nbformat.validate(nbformat.from_dict(made))
    return [(cell["cell_type"], cell["id"], "".join(cell["source"])) for cell in made["cells"]]


def test_the_labs_are_what_the_sources_say():
    stale = [path.name for path, text in release.release().items() if path.read_text("utf-8") != text]
    assert not stale, f"run `make release`: {stale}"
    assert {path.stem for path in SOURCES} == {path.stem for path in release.LABS.glob("*.ipynb")}


def test_the_command_says_whether_they_are():
    done = subprocess.run(
        [sys.executable, ROOT / "course" / "release.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_solution_is_released(path):
    text = release.notebook(path)
    notebook = json.loads(text)
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    for name in asked_in(path.read_text("utf-8")):
        exercise = EXERCISES[name]
        if callable(exercise.solution):
            body = release.parted(exercise)[1].strip().splitlines()
            assert body[-1].strip() not in code, f"{name}: the end of its solution is in {path.stem}"


def test_no_exercise_is_asked_twice():
    asked = [name for path in SOURCES for name in asked_in(path.read_text("utf-8"))]
    assert len(set(asked)) == len(asked)
    assert all(path.stem[:2] == name[:2] for path in SOURCES for name in asked_in(path.read_text("utf-8")))


def test_text_is_parted_at_headings_and_breaks(tmp_path):
    text = "# One\n\na\n\n## Two\n\n+++\n\nb\n\n+++ id=mine\n\nc\n\n```\n# no heading\n```\n"
    assert cells(text, tmp_path) == [
        ("markdown", "one-text", "# One\n\na"),
        ("markdown", "two-text", "## Two"),
        ("markdown", "two-text-2", "b"),
        ("markdown", "mine", "c\n\n```\n# no heading\n```"),
    ]


def test_code_keeps_its_comments_and_its_name(tmp_path):
    text = "## A part\n\n```python\n# a remark\nx = 1\n```\n\n```python id=second\ny\n```\n"
    assert cells(text, tmp_path)[1:] == [("code", "a-part-code", "# a remark\nx = 1"), ("code", "second", "y")]


def test_an_exercise_is_two_cells_and_the_teacher_has_more(tmp_path):
    text = "```exercise 02-relay\nextra = 1\n```\n\n```teacher\nFor you.\n```\n"
    student, check = cells(text, tmp_path)
    assert student[:2] == ("code", "02-relay")
    assert re.search(r'"""\n    \.\.\.  # your lines\n\nextra = 1$', student[2])
    assert check[2] == 'verdict = check("02-relay", relay)\nverdict'
    solved, tested, told = cells(text, tmp_path, teacher=True)
    assert "### BEGIN SOLUTION\n    return {" in solved[2]
    assert "assert verdict.right" in tested[2]
    assert told[2] == "For you."


def test_the_cells_carry_what_nbgrader_wants(tmp_path):
    path = tmp_path / "00-a.md"
    path.write_text("```exercise 02-relay\n```\n", "utf-8")
    student, check = (cell["metadata"]["nbgrader"] for cell in json.loads(release.notebook(path))["cells"])
    assert (student["solution"], student["grade"], student["locked"], student["schema_version"]) == (
        True,
        False,
        False,
        3,
    )
    assert (check["solution"], check["grade"], check["locked"], check["points"]) == (False, True, True, 1)


def test_an_exercise_that_is_not_there_is_named(tmp_path):
    with pytest.raises(release.CourseError, match=r"00-a\.md: there is no exercise '99-none'"):
        cells("```exercise 99-none\n```\n", tmp_path)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_remarks_for_linters_are_not_released(path):
    text = release.notebook(path)
    assert "noqa" not in text
    assert "type: ignore" not in text
