"""`trustlab matrix`: every design against every attack, from real runs."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from trustlab.attacks import ATTACKS, CATALOGUE, SLIDES
from trustlab.cli.failure import Failure
from trustlab.cli.matrix_page import save_html, save_png
from trustlab.cli.matrix_table import show_table
from trustlab.cli.power_table import show_powers
from trustlab.cloud import choose
from trustlab.inspector.screenshot import NoPictureError, browser
from trustlab.scenarios import cells, left_out, run_matrix, table_of
from trustlab.scenarios.matrix import VERSIONS
from trustlab.scenarios.powers import power_cells, rows_with_needs


def matrix(  # noqa: PLR0913 - the options of the command
    *,
    tls: Annotated[str, typer.Option(help="Which designs: 1.2, 1.3 or all.")] = "all",
    checks: Annotated[bool, typer.Option("--checks", hidden=True)] = False,
    rules: Annotated[bool, typer.Option("--rules", hidden=True)] = False,
    fields: Annotated[bool, typer.Option("--fields", hidden=True)] = False,
    overlaps: Annotated[bool, typer.Option("--overlaps", hidden=True)] = False,
    powers: Annotated[
        bool,
        typer.Option(
            "--powers",
            help="Show for each set of powers, and each goal, the best that any of our attacks does.",
        ),
    ] = False,
    slides: Annotated[
        bool,
        typer.Option(
            help=f"Only the part of the slides of 2011: the ladder on TLS 1.2, and their {len(SLIDES)} attacks "
            f"(the {len(ATTACKS)} signed ones, and memory-scrape)."
        ),
    ] = False,
    design: Annotated[list[str] | None, typer.Option(help="Only these designs (may be repeated).")] = None,
    attack: Annotated[list[str] | None, typer.Option(help="Only these attacks (may be repeated).")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave out a check (in every verifier), or a rule or binder field (at both ends)."),
    ] = None,
    substrate: Annotated[
        str,
        typer.Option(
            help="Where it runs: memory (one process), uml (virtual machines; some seconds for each cell) or auto."
        ),
    ] = "memory",
    keep: Annotated[
        Path | None, typer.Option(help="Write the trace of every cell to this folder (half a megabyte each).")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the table as an HTML page (with --keep it links to every trace).")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the table as a picture; needs Chromium.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cells as JSON.")] = False,
) -> None:
    """Run every attack against every design on which it makes sense, and show who won.

    S: Alice has the secret, or whatever else she was after. x: she was refused, or got nothing. -: the attack makes
    no sense there. A cell is judged by the facts of its own run: what she can decrypt, and who refused whom.

    `--without extraData` shows what a check is for, and `--without "H(EPMS)"` what a field of the binder is for.
    `trustlab ablation` lists them all, each with its attack.

    With `--substrate uml` every machine is a virtual machine, booted again for each cell (with `--slides`, some minutes
    for all). Only there can Alice search an ordinary machine's memory. A cell that a substrate cannot play is marked o,
    with the reason.

    Exits with 0 only if every cell is as the table of expectations says (with --without: always).
    """
    designs, attacks, without_names = design or [], attack or [], tuple(without or ())
    _moved({"checks": checks, "rules": rules, "fields": fields, "overlaps": overlaps})
    try:
        left_out(without_names)
    except ValueError as error:
        raise Failure(str(error)) from error
    if slides and (attacks or tls != "all"):
        raise Failure("--slides already chooses the attacks and the version: leave out --attack and --tls")
    if slides:
        attacks, tls = list(SLIDES), "1.2"
    substrate = choose(substrate)
    _known([tls], VERSIONS, "table for TLS version")
    table = table_of(tls)
    _known(designs, list(dict.fromkeys(d for d, _ in table)), "design")
    _in_table(attacks, list(dict.fromkeys(a for _, a in table)))
    console = Console(stderr=as_json, highlight=False)
    _writable(html, png)
    if powers:
        narrowed = attacks or without_names or html or png or substrate != "memory"
        _show_by_powers(console, designs, tls, keep, as_json=as_json, narrowed=bool(narrowed))
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("running", total=len(cells(designs, attacks, tls=tls)))
        results = run_matrix(
            designs,
            attacks,
            tls=tls,
            without=without_names,
            keep=keep,
            substrate=substrate,
            progress=lambda _: bar.advance(task),
        )
        if html is not None:
            pages = bar.add_task("writing", total=len(results))
            save_html(html, results, tls=tls, without=without_names, progress=lambda _: bar.advance(pages))
    if png is not None:
        save_png(png, results, tls=tls, without=without_names)
    if as_json:
        typer.echo(json.dumps({"cells": [msgspec.to_builtins(r) | {"as_expected": r.as_expected} for r in results]}))
    else:
        show_table(console, results, without_names)
    if not without_names and not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _moved(kinds: dict[str, bool]) -> None:
    """Refuse an option that is a command of its own by now."""
    for kind, asked in kinds.items():
        if asked:
            raise typer.BadParameter(f"--{kind} is now a separate command: trustlab ablation {kind}")


def _show_by_powers(
    console: Console, designs: list[str], tls: str, keep: Path | None, *, as_json: bool, narrowed: bool
) -> None:
    """Run what the table by powers needs, and print it; exit with 1 if a run is not as the table of attacks expects."""
    if narrowed:
        raise Failure("--powers plays every attack that it needs, in memory: give it only --design, --tls and --keep")
    rows = rows_with_needs(tls)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("running", total=len(cells(designs, rows, tls=tls)))
        results = run_matrix(designs, rows, tls=tls, keep=keep, progress=lambda _: bar.advance(task))
    found = power_cells(results)
    if as_json:
        typer.echo(json.dumps({"cells": [msgspec.to_builtins(cell) for cell in found]}))
    else:
        show_powers(console, found)
    if not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _writable(html: Path | None, png: Path | None) -> None:
    """Raise Failure before the runs if a file could not be written after them."""
    for path in filter(None, (html, png)):
        if not path.absolute().parent.is_dir():
            raise Failure(f"cannot write {path.name}: there is no folder {path.parent}; create it first")
    if png is not None:
        try:
            browser()
        except NoPictureError as error:
            raise Failure(str(error)) from error


def _in_table(attacks: list[str], rows: list[str]) -> None:
    """Raise Failure for an attack without a row; for a known attack, say which row it plays."""
    for name in attacks:
        if name in CATALOGUE and name not in rows:
            row = CATALOGUE[name].plays
            plays = (
                f"it plays the row {row} on TLS {CATALOGUE[name].tls}" if row else "add a row to have it in the table"
            )
            raise Failure(f"{name} does not have its own row in attacks/expected/: {plays}")
    _known(attacks, rows, "attack")


def _known(given: list[str] | tuple[str, ...], known: list[str] | tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            raise Failure(f"there is no {what} {name!r}; choose from: {', '.join(known)}")
