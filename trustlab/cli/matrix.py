"""`trustlab matrix`: every rung against every attack, from real runs."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from trustlab.attacks import CATALOGUE, RULE_ROWS
from trustlab.attacks.on_verifier import ATTACKS_ON_VERIFIER, ablate
from trustlab.attest import CHECKS
from trustlab.cli.failure import Failure
from trustlab.cli.matrix_page import save_html, save_png
from trustlab.inspector.screenshot import NoPictureError, browser
from trustlab.passage import RULES
from trustlab.scenarios import TABLES, Result, cells, run_matrix, run_rules

SIGNS = {"succeeded": ("S", "bold red"), "refused": ("x", "green"), "failed": ("x", "green"), "senseless": ("-", "dim")}


def matrix(  # noqa: PLR0913 - the options of the command
    *,
    tls: Annotated[str, typer.Option(help="Which table: the ladder on TLS 1.2, or the designs on 1.3.")] = "1.2",
    checks: Annotated[
        bool, typer.Option(help="Instead: every check of the Verifier, and the attack that needs it.")
    ] = False,
    rules: Annotated[
        bool, typer.Option(help="Instead: every rule that is no check, and the attack that needs it.")
    ] = False,
    design: Annotated[list[str] | None, typer.Option(help="Only these rungs (may be given again).")] = None,
    attack: Annotated[list[str] | None, typer.Option(help="Only these attacks (may be given again).")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave this check out of every verifier, or this rule out of every end.")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Write the trace of every cell into this folder.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the table as a page (with --keep it leads to every trace).")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the table as a picture; wants a Chromium.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cells as JSON.")] = False,
) -> None:
    """Run every attack against every rung of the ladder where it makes sense, and show what became of it.

    S: Alice holds the secret. x: she was refused, or got nothing. -: the attack makes no sense there. A cell is judged
    by the facts of its own run: what she can decrypt, and who refused whom. `--without extraData` shows what a check
    is good for.

    Exits with 0 only when every cell is as the signed table says (with --without: always).
    """
    designs, attacks, left_out = design or [], attack or [], tuple(without or ())
    _known([tls], list(TABLES), "table for TLS")
    _known(designs, list(dict.fromkeys(d for d, _ in TABLES[tls])), "design")
    _known(attacks, list(dict.fromkeys(a for _, a in TABLES[tls])), "attack")
    _known(left_out, CHECKS[1:] if checks else (*CHECKS[1:], *RULES), "check")
    if rules and (checks or left_out):
        raise Failure("--rules leaves every rule out in its turn: it goes with neither --checks nor --without")
    console = Console(stderr=as_json, highlight=False)
    _writable(html, png, checks=checks or rules)
    if checks:
        _ablation(console, left_out, as_json=as_json)
        return
    if rules:
        _rules(console, as_json=as_json)
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("running", total=len(cells(designs, attacks, tls=tls)))
        results = run_matrix(
            designs, attacks, tls=tls, without=left_out, keep=keep, progress=lambda _: bar.advance(task)
        )
    if html is not None:
        save_html(html, results, tls=tls)
    if png is not None:
        save_png(png, results, tls=tls)
    if as_json:
        typer.echo(json.dumps({"cells": [msgspec.to_builtins(r) | {"as_expected": r.as_expected} for r in results]}))
    else:
        _show(console, results)
    if not left_out and not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _writable(html: Path | None, png: Path | None, *, checks: bool) -> None:
    """Say before the runs what would fail after them."""
    for path in filter(None, (html, png)):
        if checks:
            raise Failure("--checks and --rules are lists, not tables: they have no --html and no --png")
        if not path.absolute().parent.is_dir():
            raise Failure(f"there is no folder {path.parent} to write {path.name} into: make it first")
    if png is not None:
        try:
            browser()
        except NoPictureError as error:
            raise Failure(str(error)) from error


def _ablation(console: Console, without: tuple[str, ...], *, as_json: bool) -> None:
    """Run every attack on the Verifier with all checks, and without its own (or without those named)."""
    attacks = list(ATTACKS_ON_VERIFIER.values())
    with Progress(console=console, transient=True) as bar:
        tracked = bar.track(attacks, description="running")
        rows = [(ablate([attack], ())[0], ablate([attack], without or None)[0]) for attack in tracked]
    if as_json:
        cells = [
            msgspec.to_builtins(whole) | {"succeeds_without": less.without, "succeeded": less.succeeded}
            for whole, less in rows
        ]
        typer.echo(json.dumps({"checks": cells}))
    else:
        table = Table(title="check, and the attack that needs it", title_justify="left", box=SIMPLE_HEAD)
        for heading in ("check", "attack", "refused", "without " + (", ".join(without) or "it")):
            table.add_column(heading)
        for whole, less in rows:
            only = whole.refused_by == (whole.check,)
            refused = Text("by it" if only else ", ".join(whole.refused_by) or "NO", style="green" if only else "red")
            told = Text("succeeds", style="bold red") if less.succeeded else Text("refused", style="green")
            table.add_row(whole.check, whole.attack, refused, told)
        console.print(table)
    if not without and not all(less.succeeded and whole.refused_by == (whole.check,) for whole, less in rows):
        raise typer.Exit(1)


def _rules(console: Console, *, as_json: bool) -> None:
    """Play every attack on a rule, with the rule and without it."""
    with Progress(console=console, transient=True) as bar:
        rows = list(bar.track(run_rules(), total=len(RULE_ROWS), description="running"))
    if as_json:
        typer.echo(json.dumps({"rules": msgspec.to_builtins(rows)}))
    else:
        table = Table(title="rule, and the attack that needs it", title_justify="left", box=SIMPLE_HEAD)
        for heading in ("rule", "attack", "design", "with it", "without it"):
            table.add_column(heading)
        for row in rows:
            stopped, got = row.outcome != "succeeded", row.without == "succeeded"
            table.add_row(
                row.rule,
                row.attack,
                row.design,
                Text("stopped" if stopped else "SUCCEEDS", style="green" if stopped else "red"),
                Text("succeeds" if got else "stopped", style="bold red" if got else "green"),
            )
        console.print(table)
    if not all(row.decisive for row in rows):
        raise typer.Exit(1)


def _show(console: Console, results: list[Result]) -> None:
    attacks = list(dict.fromkeys(r.attack for r in results))
    table = Table(title="S Alice wins   x she does not   - makes no sense", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("design", no_wrap=True)
    for number in range(len(attacks)):
        table.add_column(str(number + 1), justify="center")
    by_place = {(r.design, r.attack): r for r in results}
    for design in dict.fromkeys(r.design for r in results):
        table.add_row(design, *(_cell(by_place[design, attack]) for attack in attacks))
    console.print(table)
    for number, attack in enumerate(attacks, start=1):
        leaks = f" (assumes: {', '.join(CATALOGUE[attack].leaks)})" if CATALOGUE[attack].leaks else ""
        console.print(f"  {number}  {attack}{leaks}", markup=False)
    for result in results:
        if not result.as_expected:
            console.print(f"not as expected: {result.design} / {result.attack}: {result.evidence}", markup=False)


def _cell(result: Result) -> Text:
    sign, style = SIGNS[result.outcome]
    return Text(sign if result.as_expected else f"{sign} !", style=style)


def _known(given: list[str] | tuple[str, ...], known: list[str] | tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            raise Failure(f"no {what} {name!r}; there are: {', '.join(known)}")
