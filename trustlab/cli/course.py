"""`trustlab grade` and `trustlab answers`: what a teacher of the course needs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlab.cli.failure import Failure, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.classroom.grade import Mark

SeedOption = Annotated[
    Path | None,
    typer.Option(help="The file with the course's seed (default: the public one, or what TRUSTLAB_COURSE_SEED names)."),
]
COLUMNS = ("student", "exercise", "right", "token_ok", "attempts")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


def grade(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the students' trustlab-progress.json are.")],
    *,
    seed: SeedOption = None,
    out: Annotated[
        Path | None, typer.Option("--csv", help="Write the table to this file, not to the terminal.")
    ] = None,
) -> None:
    """Run every answer again that students handed in, and write a table: who has what right.

    It looks for trustlab-progress.json in DIR and below, a folder a student. Marks come from this run alone; what a
    file says about itself does not count. The answers are programs of your students, and run as you: grade on a
    machine that holds nothing else of value.

    Exits with 1 if a file could not be graded.
    """
    from trustlab.classroom.exercise import ClassroomError  # noqa: PLC0415 - other commands need no exercises
    from trustlab.classroom.grade import handed_in, marks  # noqa: PLC0415

    try:
        key = _seed(seed)
        found, trouble = handed_in(folder)
    except ClassroomError as error:
        raise Failure(str(error)) from error
    text = table(mark for name, record in found.items() for mark in marks(name, record, key))
    if out is None:
        typer.echo(text, nl=False)
    else:
        try:
            out.write_text(text, "utf-8")
        except OSError as error:
            raise Failure(f"cannot write {out}: {(error.strerror or 'no reason is known').lower()}") from error
        typer.echo(f"{len(found)} {'student' if len(found) == 1 else 'students'} graded, in {plain(str(out))}.")
    for sentence in trouble:
        typer.echo(f"trustlab: {plain(sentence)}", err=True)
    if trouble:
        raise typer.Exit(1)


def table(graded: Iterable[Mark]) -> str:
    """Return the marks as CSV."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for mark in graded:
        name = plain(mark.student).replace("\n", " ")
        name = f"'{name}" if name.startswith(FORMULA) else name
        rows.writerow(
            [name, mark.exercise, *(str(said).lower() for said in (mark.right, mark.token_ok)), mark.attempts]
        )
    return written.getvalue()


def answers(
    *,
    student: Annotated[str, typer.Option(help="The student's name, as in the first cell of their notebook.")],
    seed: SeedOption = None,
    exercise: Annotated[str, typer.Option(help="One exercise only, by its id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
) -> None:
    """Print the key to a student's course: each exercise with a solution, what varies, and the student's token."""
    from trustlab.classroom.exercise import ClassroomError  # noqa: PLC0415 - other commands need no exercises
    from trustlab.classroom.grade import keys  # noqa: PLC0415

    try:
        found = keys(student, _seed(seed))
    except ClassroomError as error:
        raise Failure(str(error)) from error
    chosen = [key for key in found if exercise in {"", key.exercise}]
    if not chosen:
        raise Failure(f"there is no exercise {exercise!r}; choose from: {', '.join(key.exercise for key in found)}")
    if as_json:
        typer.echo(json.dumps([key._asdict() for key in chosen]))
        return
    for key in chosen:
        differs = f" Differs by student: {key.varies}." if key.varies else ""
        typer.echo(f"{key.exercise}  {key.task}{differs}\ntoken {key.token}\n\n{key.source}\n")


def _seed(path: Path | None) -> bytes:
    from trustlab.classroom.tokens import course_seed, read_seed  # noqa: PLC0415

    return course_seed() if path is None else read_seed(path)
