"""`trustlab ablation`: every check, rule and binder field with the attack that it stops, each played now."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from trustlab.attacks import experiments, stopped_by_no_check
from trustlab.cli.failure import Failure
from trustlab.passage import NOT_LEFT_OUT
from trustlab.scenarios import formulas, left_out, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.scenarios import Played, Result


class Kind(StrEnum):
    """What is left out."""

    CHECKS = "checks"
    RULES = "rules"
    FIELDS = "fields"
    OVERLAPS = "overlaps"


TABLES = {
    Kind.CHECKS: ("checks, and the attacks that they stop", ("check", "attack", "refused")),
    Kind.RULES: ("rules, and the attacks that they stop", ("rule", "attack, on this design", "with it")),
    Kind.FIELDS: ("binder fields, and the attacks that they stop", ("field", "attack, on this design", "refused by")),
    Kind.OVERLAPS: ("attacks, and everything that stops them", ("attack, on this design", "left out", "outcome")),
}
"""The title and the headings of each table."""


def ablation(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="checks of the Verifier; rules that are not checks; fields of the binders; or overlaps: the attacks "
            "in none of these lists, with everything that stops them.",
            metavar="LIST",
        ),
    ],
    *,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave this out instead of what each line names (may be repeated)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as JSON.")] = False,
) -> None:
    """Play every attack of a list twice: with everything in place, and without the one thing that stops it.

    Each line has a base: a design, a policy and an attacker for which this one thing decides the outcome.

    Exits with 0 only if every attack is stopped, and succeeds when that thing is left out (with --without: always).
    """
    names = tuple(without or ())
    _possible(kind, names)
    rows = experiments()[kind.value]
    console = Console(stderr=as_json, highlight=False)
    with Progress(console=console, transient=True) as bar:
        results = list(bar.track(run(rows, without=names), total=len(rows), description="running"))
    if as_json:
        typer.echo(json.dumps({kind.value: [LINES[kind](result) for result in results]} | _beside(kind)))
    else:
        _show(console, kind, results, names)
    if not names and not all(result.decisive for result in results):
        raise typer.Exit(1)


def _possible(kind: Kind, without: tuple[str, ...]) -> None:
    """Raise Failure if one of these names cannot be left out of this list."""
    if kind is Kind.OVERLAPS and without:
        raise Failure(
            "overlaps already leaves out whatever stops an attack, one by one and together: do not give --without"
        )
    try:
        names = left_out(without)
    except ValueError as error:
        raise Failure(str(error)) from error
    if kind is Kind.CHECKS and (names.rules or names.parts):
        raise Failure(
            f"`checks` plays on evidence alone, and {(*names.rules, *names.parts)[0]!r} is not a check: use --without "
            "with trustlab matrix, or with the lists rules or fields"
        )


def _check_line(result: Result) -> dict[str, Any]:
    return {
        "attack": result.experiment.attack,
        "check": result.experiment.without[0],
        "base": result.experiment.base,
        "without": (),
        "refused_by": result.whole.failed,
        "succeeds_without": result.left_out,
        "succeeded": result.less.succeeded,
    }


def _line(result: Result) -> dict[str, Any]:
    """Return the entries that all lines with a design have."""
    experiment = result.experiment
    return {
        "attack": experiment.attack,
        "design": experiment.place,
        "base": experiment.base,
        "outcome": result.whole.outcome,
        "refused_by": result.whole.failed,
    }


def _rule_line(result: Result) -> dict[str, Any]:
    return {"rule": result.experiment.without[0], **_line(result), "without": result.less.outcome}


def _field_line(result: Result) -> dict[str, Any]:
    binder, binder_without = formulas(result.experiment)
    binders = {"binder": binder, "binder_without": binder_without}
    return {"field": result.experiment.without[0], **_line(result), **binders, "without": result.less.outcome}


def _overlap_line(result: Result) -> dict[str, Any]:
    return {
        **_line(result),
        "together": result.experiment.without,
        "without_each": {name: played.outcome for name, played in result.each.items()},
        "without_all": result.less.outcome,
    }


LINES = {
    Kind.CHECKS: _check_line,
    Kind.RULES: _rule_line,
    Kind.FIELDS: _field_line,
    Kind.OVERLAPS: _overlap_line,
}
"""For each list, the function that makes the JSON of a line."""


def _beside(kind: Kind) -> dict[str, dict[str, str]]:
    """Return what belongs beside a list: the things that are not in it, and why."""
    match kind:
        case Kind.FIELDS:
            return {"not_left_out": NOT_LEFT_OUT}
        case Kind.OVERLAPS:
            return {"stopped_by_no_check": stopped_by_no_check()}
        case _:
            return {}


def _show(console: Console, kind: Kind, results: Sequence[Result], without: Sequence[str]) -> None:
    """Print a list, and below it the things that are not in it."""
    title, headings = TABLES[kind]
    if without:
        title += f"; all without {' and '.join(without)}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    last = "without that" if without else "without it"
    for heading in headings if kind is Kind.OVERLAPS else (*headings, last):
        table.add_column(heading)
    for result in results:
        if kind is Kind.OVERLAPS:
            _add_overlap(table, result)
        else:
            name, whole = result.experiment.without[0], result.whole
            table.add_row(name, _place(result), _with_it(kind, name, whole), _got(result.less))
    console.print(table)
    if kind is Kind.FIELDS and not without:
        _formulas(console, results)
    if kind is Kind.OVERLAPS:
        for name, why in stopped_by_no_check().items():
            _note(console, name, f"{why}.")


def _add_overlap(table: Table, result: Result) -> None:
    names = result.experiment.without
    table.add_row(_place(result), "nothing", _got(result.whole))
    for name in names if len(names) > 1 else ():
        table.add_row("", name, _got(result.each[name]))
    table.add_row("", " and ".join(names), _got(result.less), end_section=True)


def _with_it(kind: Kind, name: str, whole: Played) -> Text:
    """Say in the words of its list how an attack ended with nothing left out."""
    if kind is Kind.CHECKS:
        only = whole.failed == (name,)
        return Text("by it" if only else ", ".join(whole.failed) or "NO", style="green" if only else "red")
    if kind is Kind.FIELDS:
        return Text(", ".join(whole.failed) or "NOBODY", style="green" if whole.failed else "red")
    return Text("SUCCEEDS", style="red") if whole.succeeded else Text("stopped", style="green")


def _formulas(console: Console, results: Sequence[Result]) -> None:
    """Print each binder with its field and without, and why some fields have no line."""
    for result in results:
        told = zip(("with", "without"), formulas(result.experiment), strict=True)
        lines = [f"{word:8} {formula}" for word, formula in told]
        _note(console, f"{result.experiment.without[0]}, in {result.experiment.place}", *lines)
    for name, why in NOT_LEFT_OUT.items():
        _note(console, f"{name} is not left out", f"It {why}.")


def _note(console: Console, title: str, *lines: str) -> None:
    console.print(f"  {title}", markup=False)
    for line in lines:
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))


def _place(result: Result) -> Text:
    experiment = result.experiment
    return Text.assemble(experiment.attack, *([("\n" + experiment.place, "dim")] if experiment.place else []))


def _got(played: Played) -> Text:
    return Text("succeeds", style="bold red") if played.succeeded else Text("refused", style="green")
