"""`trustlab goals`: what the evidence of each design is tied to, judged by runs."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from trustlab.scenarios.goals import BINDING_GOALS, GOAL_ATTACKS, JUDGED, PUBLISHED, judge_goals, judged_design

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.scenarios.goals import GoalResult


def goals(
    designs: Annotated[
        list[str] | None, typer.Argument(help="Designs on TLS 1.3; all of them, if none is given.")
    ] = None,
    *,
    keep: Annotated[Path | None, typer.Option(help="Write the trace of every run to this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Play attacks that tell apart what evidence is tied to, and say which goals each design holds.

    G1: the evidence that the teller accepts was made by the bank for the same secret of the key agreement. G2: for the
    same handshake key of the client. G3: for the same application key of the client. The goals, and a result for seven
    binders, are those of Intra-handshake.fail (2026); the table shows where our runs differ from it.

    `held` means that none of the attacks broke a goal. That is not a proof.

    Exits with 0 only if every goal comes out as in docs/goals.md.
    """
    chosen = [judged_design(name) for name in designs or JUDGED]
    console = Console(stderr=as_json, highlight=False)
    results: list[GoalResult] = []
    with Progress(console=console, transient=True) as bar:
        for design in bar.track(chosen, description="running"):
            results += judge_goals(design, keep=keep)
    if as_json:
        told = [msgspec.to_builtins(r) | {"verdict": r.verdict, "published": r.published} for r in results]
        typer.echo(json.dumps({"goals": told}))
    else:
        show(console, results)
    if not all(result.as_expected for result in results):
        raise typer.Exit(1)


def show(console: Console, results: Iterable[GoalResult]) -> None:
    """Print a line for each design, and what the letters mean."""
    by_design: dict[str, list[GoalResult]] = {}
    for result in results:
        by_design.setdefault(result.design, []).append(result)
    table = Table(box=SIMPLE_HEAD)
    for heading in ("design", "no.", *(goal.name for goal in BINDING_GOALS), "published"):
        table.add_column(heading, no_wrap=heading == "design")
    for name, found in by_design.items():
        number = found[0].mechanism
        marks = [
            f"{'held' if r.verdict == 'held' else '[red]broken[/red]'}{'' if r.as_expected else ' !'}" for r in found
        ]
        table.add_row(name, str(number or ""), *marks, published_words(number))
    console.print(table)
    for goal in BINDING_GOALS:
        console.print(f"{goal.name}: made for {goal.words} of the teller's own connection.", style="dim")
    console.print(f"Played against each: {', '.join(GOAL_ATTACKS)}. `held` is not a proof.", style="dim")


def published_words(number: int | None) -> str:
    """Return what the published result says about a binder, in words."""
    if number is None:
        return ""
    return "only " + " ".join(PUBLISHED[number]) if PUBLISHED[number] else "none"
