"""`trustlab find`, `atlas` and `models`: a binder as data; Alice's steps, or the bounds within which there are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from trustlab.cli.failure import Failure
from trustlab.finder import DEFAULT, GOALS, POWERS, Found, atlas, find
from trustlab.finder.models import Proof, prove, write_models
from trustlab.passage import Design, design_named, design_of
from trustlab.studio import save_studio_page

NO_VERDICT = 3
PowerOption = Annotated[
    list[str] | None,
    typer.Option(help=f"A power of Alice's besides {' and '.join(DEFAULT)} (may be repeated): {', '.join(POWERS)}."),
]
DesignArgument = Annotated[
    str, typer.Argument(help="A design by its name, or a file with your own as JSON.", metavar="DESIGN")
]


def find_attack(  # noqa: PLR0913 - the options of the command
    design: DesignArgument,
    *,
    power: PowerOption = None,
    goal: Annotated[str, typer.Option(help=f"What Alice is after: {', '.join(GOALS)}.")] = "pin",
    replay: Annotated[bool, typer.Option("--replay", help="The bank is gone before the teller comes.")] = False,
    states: Annotated[int, typer.Option(min=1, help="Search at most so many states.")] = 60_000,
    run: Annotated[bool, typer.Option("--run", help="Play what was found with real TPMs, and have it judged.")] = False,
    substrate: Annotated[str, typer.Option(help="Where it is played: memory, uml or auto.")] = "memory",
    keep: Annotated[Path | None, typer.Option(help="Write the trace of the run to this file.")] = None,
    proof: Annotated[
        bool, typer.Option("--proof", help="Also ask ProVerif, if it is on the PATH, for any number of sessions.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Search an attack on a design: print Alice's steps, or the bounds within which there are none.

    "none" is not a proof: it says that nothing was found within the bounds that stand beside it. With --run every step
    that was found is played; for "none", every attack of the catalogue with these powers and this goal.

    Exits with 0 if something was found or nothing was, and with --run only if the run comes out as the search says;
    with 3 if nothing could be played.
    """
    found = find(chosen(design), (*DEFAULT, *(power or ())), goal, replay=replay, states=states)
    ran = None
    if run:
        from trustlab.scenarios.found import run_finding  # noqa: PLC0415 - a search needs no TPM library, a run does

        ran = run_finding(found, substrate=substrate, keep=keep)
    proved = prove(found.design, found.powers, goal) if proof else None
    if as_json:
        told = {"outcome": ran.outcome, "sentence": ran.sentence, "trace": ran.trace} if ran else None
        typer.echo(json.dumps(as_data(found) | {"run": told, "proof": msgspec.to_builtins(proved)}))
    else:
        show(Console(highlight=False), found, proved)
        if ran:
            typer.echo(f"The run: {ran.outcome}. {ran.sentence}")
    if ran and ran.outcome == "unplayed":
        raise typer.Exit(NO_VERDICT)
    if ran and not ran.as_found:
        raise typer.Exit(1)


def chosen(text: str) -> Design:
    """Return the design by its name, or from a file; Failure says why a file cannot be read."""
    if not text.endswith(".json"):
        return design_of(text) if text.startswith("{") else design_named(text)
    try:
        return design_of(Path(text).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read the design in {text}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error


def as_data(found: Found) -> dict[str, object]:
    """Return an answer as the interface has it: the design by its name, and no keys that are not in it."""
    told: dict[str, object] = msgspec.to_builtins(found)
    return told | {"design": found.design.name, "seconds": round(found.seconds, 4)}


def show(console: Console, found: Found, proof: Proof | None) -> None:
    """Print an answer for a reader."""
    console.print(f"[bold]{found.design.name}[/bold]: can Alice ({', '.join(found.powers)}) reach this?")
    console.print(f"{GOALS[found.goal]}.")
    if found.verdict == "attack":
        console.print("[bold red]attack[/bold red]: these are her steps.")
        for number, step in enumerate(found.steps, 1):
            console.print(f"{number:3}. {step.sentence}")
    else:
        console.print("[bold green]none[/bold green]: nothing was found. This is not a proof.")
    console.print(f"Bounds: {found.bounds.sentence} ({found.states} seen, {found.seconds:.2f} s).")
    if proof is not None:
        console.print(f"{proof.tool} {proof.version}: {proof.verdict} ({proof.seconds:.1f} s).")


def show_atlas(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the atlas as JSON.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write the studio to this file, as a page on the atlas.")] = None,
) -> None:
    """Search all 64 client binders over six fields, against a strict and a lax teller, and print the minimal ones.

    With --page no search is made: the page holds answers that were searched beforehand, and works without a network.
    """
    if page is not None:
        kept = save_studio_page(page)
        typer.echo(f"{kept}: the studio, {kept.stat().st_size // 1000} kB. Open it in a browser.")
        return
    found = atlas()
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(found)))
        return
    table = Table(box=SIMPLE_HEAD, title="Can Alice read the balance?")
    for heading in ("client binder: L, C and", "strict teller", "lax teller"):
        table.add_column(heading, overflow="fold")
    for binder in found.binders:
        table.add_row(", ".join(binder.fields) or "(nothing)", binder.strict, binder.lax)
    console = Console(highlight=False)
    console.print(table)
    for policy, binders in found.minimal.items():
        listed = "; ".join(" with ".join(fields) for fields in binders)
        console.print(f"Minimal binders against a {policy} teller: {listed}.")


def models(
    design: DesignArgument,
    *,
    out: Annotated[Path, typer.Option(help="The folder for the models and results.json.")],
    power: PowerOption = None,
) -> None:
    """Write ProVerif models of a design, one for each goal; with `proverif` on the PATH, run them too.

    A result in results.json counts only as long as the hash beside it is that of the model's text.
    """
    results = write_models(chosen(design), (*DEFAULT, *(power or ())), out)
    for name, result in results.items():
        told = (
            f"{result.verdict} ({result.seconds:.1f} s)" if result.verdict else "written; proverif is not on the PATH"
        )
        typer.echo(f"{out / name}: {told}")
