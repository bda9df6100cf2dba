"""The lists of `trustlab matrix`: every check, rule and binder field, with the attack that needs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from trustlab.attacks import FIELD_ROWS, OVERLAP_ROWS, RULE_ROWS, STOPPED_BY_NO_CHECK
from trustlab.attacks.on_verifier import ATTACKS_ON_VERIFIER, ablate
from trustlab.passage import NOT_LEFT_OUT
from trustlab.scenarios import run_fields, run_overlaps, run_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from trustlab.scenarios import FieldResult, OverlapResult, RuleResult

Row = TypeVar("Row")


def checks(console: Console, without: Sequence[str], *, as_json: bool) -> bool:
    """Run every attack on the Verifier with all checks, and without its own (or without those named).

    Whether every check is decisive, as for the others.
    """
    attacks = list(ATTACKS_ON_VERIFIER.values())
    pairs = ((ablate([attack], ())[0], ablate([attack], without or None)[0]) for attack in attacks)
    rows = _watched(console, pairs, len(attacks))
    if as_json:
        cells = [
            msgspec.to_builtins(whole) | {"succeeds_without": less.without, "succeeded": less.succeeded}
            for whole, less in rows
        ]
        typer.echo(json.dumps({"checks": cells}))
    else:
        table = _table("check, and the attack that needs it", ("check", "attack", "refused"), without)
        for whole, less in rows:
            table.add_row(whole.check, whole.attack, _by(whole.check, whole.refused_by), _got(got=less.succeeded))
        console.print(table)
    return all(less.succeeded and whole.refused_by == (whole.check,) for whole, less in rows)


def rules(console: Console, without: Sequence[str], *, as_json: bool) -> bool:
    """Play every attack on a rule, with the rule and without it."""
    rows = _watched(console, run_rules(without), len(RULE_ROWS))
    if as_json:
        typer.echo(json.dumps({"rules": msgspec.to_builtins(rows)}))
    else:
        table = _table("rule, and the attack that needs it", ("rule", "attack, on this design", "with it"), without)
        for row in rows:
            stopped = row.outcome != "succeeded"
            told = Text("stopped" if stopped else "SUCCEEDS", style="green" if stopped else "red")
            table.add_row(row.rule, _place(row), told, _got(got=row.without == "succeeded"))
        console.print(table)
    return all(row.decisive for row in rows)


def fields(console: Console, without: Sequence[str], *, as_json: bool) -> bool:
    """Play every attack on a binder, over its design and over the same design without the field."""
    rows = _watched(console, run_fields(without=without), len(FIELD_ROWS))
    if as_json:
        typer.echo(json.dumps({"fields": msgspec.to_builtins(rows), "not_left_out": NOT_LEFT_OUT}))
        return all(row.decisive for row in rows)
    headings = ("field", "attack, on this design", "refused by")
    table = _table("binder field, and the attack that needs it", headings, without)
    for row in rows:
        refused = Text(", ".join(row.refused_by) or "NOBODY", style="green" if row.refused_by else "red")
        table.add_row(row.field, _place(row), refused, _got(got=row.without == "succeeded"))
    console.print(table)
    if not without:
        _formulas(console, rows)
    return all(row.decisive for row in rows)


def overlaps(console: Console, without: Sequence[str], *, as_json: bool) -> bool:  # noqa: ARG001 - as the other lists
    """Play every attack that stands in no other list: with all that stops it, without each, and without all."""
    rows = _watched(console, run_overlaps(), len(OVERLAP_ROWS))
    if as_json:
        typer.echo(json.dumps({"overlaps": msgspec.to_builtins(rows), "stopped_by_no_check": STOPPED_BY_NO_CHECK}))
        return all(row.decisive for row in rows)
    table = Table(title="attack, and all that stops it", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("attack, on this design", "left out", "outcome"):
        table.add_column(heading)
    for row in rows:
        table.add_row(_place(row), "nothing", _got(got=row.outcome == "succeeded"))
        for name, outcome in row.without_each.items() if len(row.together) > 1 else ():
            table.add_row("", name, _got(got=outcome == "succeeded"))
        table.add_row("", " and ".join(row.together), _got(got=row.without_all == "succeeded"), end_section=True)
    console.print(table)
    for name, why in STOPPED_BY_NO_CHECK.items():
        console.print(f"  {name}", markup=False)
        console.print(Padding(Text(f"{why}.", style="dim"), (0, 0, 0, 4)))
    return all(row.decisive for row in rows)


def _formulas(console: Console, rows: Sequence[FieldResult]) -> None:
    """Print each binder with its field and without, and why some fields have no line."""
    for row in rows:
        console.print(f"  {row.field}, in {row.design}", markup=False)
        for word, formula in (("with", row.binder), ("without", row.binder_without)):
            console.print(Padding(Text(f"{word:8} {formula}", style="dim"), (0, 0, 0, 4)))
    for name, why in NOT_LEFT_OUT.items():
        console.print(f"  {name} is not left out", markup=False)
        console.print(Padding(Text(f"It {why}.", style="dim"), (0, 0, 0, 4)))


def _place(row: FieldResult | OverlapResult | RuleResult) -> Text:
    return Text.assemble(row.attack, "\n", (row.design, "dim"))


def _watched(console: Console, rows: Iterable[Row], total: int) -> list[Row]:
    with Progress(console=console, transient=True) as bar:
        return list(bar.track(rows, total=total, description="running"))


def _table(title: str, headings: Sequence[str], without: Sequence[str]) -> Table:
    if without:
        title += f"; all without {' and '.join(without)}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in (*headings, "without that" if without else "without it"):
        table.add_column(heading)
    return table


def _by(check: str, refused_by: Sequence[str]) -> Text:
    only = tuple(refused_by) == (check,)
    return Text("by it" if only else ", ".join(refused_by) or "NO", style="green" if only else "red")


def _got(*, got: bool) -> Text:
    return Text("succeeds", style="bold red") if got else Text("refused", style="green")


LISTS = {"checks": checks, "rules": rules, "fields": fields, "overlaps": overlaps}
"""The lists by the option that asks for each."""
