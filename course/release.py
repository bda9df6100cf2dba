"""Make `labs/*.ipynb`, without solutions, from the sources in this folder; with `--teacher DIR` nbgrader's sources too.

    python course/release.py                 writes labs/
    python course/release.py --check         says what differs, and exits with 1 if something does
    python course/release.py --teacher DIR   writes DIR/source/NN-slug/NN-slug.ipynb with solutions and hidden tests

A source is Markdown. Text becomes text cells: a heading begins a new one, and so does a line `+++`. A block
```` ```python ```` becomes a code cell. A block ```` ```exercise 01-verify-data ```` becomes two: the student's cell,
whose function comes from the exercise's module, and the cell that checks it; lines in the block stand below the
function. A block ```` ```teacher ```` is Markdown for the teacher's version only. `id=` behind a block's language or
behind `+++` names a cell; cells without it are named after their heading.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from trustlab.classroom import EXERCISES, Exercise

COURSE = Path(__file__).parent
LABS = COURSE.parent / "labs"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
BLOCK = re.compile(r"^(```+)(python|exercise|teacher)\b([^\n]*)\n(.*?)^\1 *$", re.MULTILINE | re.DOTALL)
BREAK = re.compile(r"^\+\+\+ *(?:id=([\w-]+))? *$|^(?=#{1,3} )", re.MULTILINE)
FENCE = re.compile(r"^(```+).*?^\1 *$", re.MULTILINE | re.DOTALL)
FOR_TOOLS = re.compile(r"  # (?:type: ignore|noqa)[^\n]*")
"""Remarks for our linters, which are nothing to a student."""
YOURS = "...  # your lines"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN = "### BEGIN HIDDEN TESTS\nassert verdict.right, verdict.sentence\n### END HIDDEN TESTS"
POINTS = 1


class CourseError(ValueError):
    """A source that cannot become a notebook; the message names the source and what is wrong."""


class Cells:
    """The cells of one notebook, each with a name of its own."""

    def __init__(self, *, teacher: bool) -> None:
        self.teacher = teacher
        self.made: list[dict[str, Any]] = []
        self._section = "top"
        self._count: Counter[str] = Counter()

    def text(self, source: str, name: str = "") -> None:
        if not source.strip():
            return
        heading = re.match(r"#{1,3} +(.*)", source.strip())
        if heading:
            self._section = slug(heading[1]) or self._section
        self._add("markdown", source.strip(), name or f"{self._section}-text", {})

    def code(self, source: str, name: str = "", metadata: dict[str, Any] | None = None) -> None:
        cell = self._add("code", source.strip("\n"), name or f"{self._section}-code", metadata or {})
        cell |= {"execution_count": None, "outputs": []}

    def exercise(self, exercise: Exercise, below: str) -> None:
        """Add the student's cell and the cell that checks it."""
        first = f"{exercise.given}\n\n\n" if exercise.given and callable(exercise.solution) else ""
        rest = f"\n\n{below.strip()}" if below.strip() else ""
        begun = solved(exercise) if self.teacher else starter(exercise)
        self.code(f"{first}{begun}{rest}", exercise.id, nbgrader(exercise.id, solution=True))
        test = f'verdict = check("{exercise.id}", {exercise.name})\nverdict'
        if self.teacher:
            test += f"\n{HIDDEN}"
        self.code(test, f"{exercise.id}-check", nbgrader(f"{exercise.id}-check", grade=True))

    def _add(self, kind: str, source: str, name: str, metadata: dict[str, Any]) -> dict[str, Any]:
        self._count[name] += 1
        number = self._count[name]
        identity = name if number == 1 else f"{name}-{number}"
        cell = {
            "cell_type": kind,
            "id": identity[:64],
            "metadata": metadata,
            "source": source.splitlines(keepends=True),
        }
        self.made.append(cell)
        return cell


def slug(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    named = "-".join(words)[:36].strip("-")
    return named if re.search("[a-z]", named) else f"part-{named}"


def nbgrader(name: str, *, solution: bool = False, grade: bool = False) -> dict[str, Any]:
    """Return a cell's metadata for nbgrader, schema 3."""
    told: dict[str, Any] = {
        "cell_type": "code",
        "grade": grade,
        "grade_id": name,
        "locked": grade,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return {"nbgrader": told | ({"points": POINTS} if grade else {})}


def starter(exercise: Exercise) -> str:
    """Return what the student begins with: signature and docstring, and room."""
    if not callable(exercise.solution):
        return f"{exercise.name} = {exercise.starter}  # your answer"
    head, _ = parted(exercise)
    return f"{head}    {YOURS}"


def solved(exercise: Exercise) -> str:
    """Return the teacher's cell: the solution between nbgrader's marks."""
    if not callable(exercise.solution):
        return f"{BEGIN}\n{exercise.source().strip()}\n{END}"
    head, body = parted(exercise)
    return f"{head}    {BEGIN}\n{body.rstrip()}\n    {END}"


def parted(exercise: Exercise) -> tuple[str, str]:
    """Part the solution's source into signature with docstring, and body."""
    source = FOR_TOOLS.sub("", textwrap.dedent(exercise.source()))
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef) or ast.get_docstring(function) is None or len(function.body) < 2:
        raise CourseError(f"{exercise.id}: the solution must be a function with a docstring and a body")
    lines = source.splitlines(keepends=True)
    end = function.body[0].end_lineno
    return "".join(lines[:end]), "".join(lines[end:])


def option(words: str, name: str) -> str:
    found = re.search(rf"\b{name}=([\w-]+)", words)
    return found[1] if found else ""


def cells_of(text: str, *, teacher: bool) -> list[dict[str, Any]]:
    """Return the cells of a source."""
    cells = Cells(teacher=teacher)
    place = 0
    for block in BLOCK.finditer(text):
        prose(cells, text[place : block.start()])
        place = block.end()
        kind, words, body = block[2], block[3], block[4]
        if kind == "python":
            cells.code(body, option(words, "id"))
        elif kind == "exercise":
            wanted = words.split()[0] if words.split() else ""
            if wanted not in EXERCISES:
                raise CourseError(f"there is no exercise {wanted!r}")
            cells.exercise(EXERCISES[wanted], body)
        elif teacher:
            cells.text(body)
    prose(cells, text[place:])
    return cells.made


def prose(cells: Cells, text: str) -> None:
    """Add text cells: one a heading, or one from `+++` to `+++`."""
    quoted = [range(*block.span()) for block in FENCE.finditer(text)]
    name, place = "", 0
    for mark in BREAK.finditer(text):
        if any(mark.start() in block for block in quoted):
            continue
        before = text[place : mark.start()]
        cells.text(before, name)
        name, place = mark[1] or (name if not before.strip() else ""), mark.end()
    cells.text(text[place:], name)


def notebook(path: Path, *, teacher: bool = False) -> str:
    """Return the notebook that a source becomes, as text."""
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text("utf-8"), flags=re.DOTALL)
    try:
        cells = cells_of(text, teacher=teacher)
    except CourseError as error:
        raise CourseError(f"{path.name}: {error}") from error
    made = {
        "cells": cells,
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def sources() -> list[Path]:
    return sorted(path for path in COURSE.glob("*.md") if path.name != "README.md")


def release(labs: Path = LABS) -> dict[Path, str]:
    """Return every notebook of the release by its path."""
    return {labs / f"{path.stem}.ipynb": notebook(path) for path in sources()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the students' notebooks from the sources in course/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if labs/ is not up to date")
    parser.add_argument("--teacher", type=Path, metavar="DIR", help="write nbgrader's sources, with solutions, to DIR")
    asked = parser.parse_args()
    if asked.teacher:
        for path in sources():
            there = asked.teacher / "source" / path.stem
            there.mkdir(parents=True, exist_ok=True)
            (there / f"{path.stem}.ipynb").write_text(notebook(path, teacher=True), "utf-8")
        return 0
    made = release()
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
    strange = sorted(set(LABS.glob("*.ipynb")) - made.keys())
    for path in stale:
        print(f"{path.name}: {'differs from its source' if asked.check else 'written'}")
        if not asked.check:
            path.write_text(made[path], "utf-8")
    for path in strange:
        print(f"{path.name}: has no source in course/")
    return 1 if strange or (asked.check and stale) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as error:
        sys.exit(str(error))
