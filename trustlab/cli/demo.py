"""`trustlab demo`: both acts, live in the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from trustlab.cli.ending import uninterrupted
from trustlab.cli.failure import Failure
from trustlab.inspector import TerminalLadder
from trustlab.scenarios import Act, Outcome, Recording, plain_tls, trusted_passage

DEFAULT_OUT = Path("trustlab-out")


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the traces (JSON Lines) and the captures (pcapng, with keys inside).")
    ] = DEFAULT_OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the outcomes, as one JSON object.")] = False,  # noqa: FBT002 - typer's flag
    substrate: Annotated[
        str, typer.Option(help="Where it runs: memory (one process), uml (virtual machines) or auto.")
    ] = "memory",
    pace: Annotated[float, typer.Option(min=0, max=10, help="Seconds to wait after each line of the ladder.")] = 0.0,
) -> None:
    """Play both acts: Alice breaks plain TLS, and a trusted passage stops her.

    Act I: Bob's teller pays through Bob's bank over plain TLS, and Alice, who owns the network and has a certificate
    for the bank's name, reads the PIN. Act II: the same over a trusted passage, first without Alice, then with her.
    Every TLS message, TPM command and verdict appears as it happens. Traces and captures are kept in --out.

    Exits with 0 only if all three runs end as described here.
    """
    console = Console(stderr=as_json, quiet=as_json, highlight=False)
    make_folder(out)
    acts = (
        plain_tls(substrate=substrate),
        trusted_passage(substrate=substrate),
        trusted_passage("rogue-certificate", substrate=substrate),
    )
    played = [play_act(act, out, console, pace) for act in acts]
    if as_json:
        typer.echo(json.dumps({"acts": [act_as_json(outcome, kept) for outcome, kept in played]}))
    else:
        _summary(console, played)
    if not all(outcome.as_told for outcome, _ in played):
        raise typer.Exit(1)


def make_folder(out: Path) -> None:
    """Make the folder for what is kept; Failure if that cannot be done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"cannot write to {out}: {error.strerror}. Give a folder that you can write to with --out."
        ) from error


def play_act(act: Act, out: Path, console: Console, pace: float) -> tuple[Outcome, Recording]:
    """Play an act live in the terminal, unless the console is quiet, and keep its trace and capture in a folder."""
    with TerminalLadder(console, pace=pace) as ladder:
        if not console.quiet:
            ladder.attach(act.trace)
        try:
            outcome = act.run()
        finally:
            with uninterrupted():
                act.close()
    if outcome.alice_read:
        console.print(Panel(Text(outcome.alice_read, style="bold red"), title="Alice prints", title_align="left"))
    with uninterrupted():
        return outcome, act.save(out)


def act_as_json(outcome: Outcome, kept: Recording) -> dict[str, Any]:
    """Return what `--json` prints of an act."""
    return {
        "design": outcome.design,
        "attack": outcome.attack,
        "outcome": outcome.outcome,
        "alice_knows": list(outcome.alice_knows),
        "refused_by": outcome.refused_by,
        "trace": str(kept.trace),
        "capture": str(kept.capture),
    }


def _summary(console: Console, played: list[tuple[Outcome, Recording]]) -> None:
    table = Table(title="What happened", title_justify="left", expand=False, pad_edge=False)
    for heading in ("design", "attack", "outcome", "Alice knows", "refused by"):
        table.add_column(heading, no_wrap=heading == "design")
    for outcome, _ in played:
        marks = {"succeeded": ("✘ attack succeeded", "bold red"), "refused": ("✔ refused", "bold green")}
        told, style = marks.get(outcome.outcome, (f"✔ {outcome.outcome}", "bold green"))
        table.add_row(
            outcome.design,
            outcome.attack or "-",
            Text(told if outcome.as_told else f"{told} - NOT as expected", style=style),
            ", ".join(outcome.alice_knows) or "nothing",
            outcome.refused_by or "-",
        )
    console.print()
    console.print(table)
    captures = "\n".join(f"  {kept.capture}" for _, kept in played)
    text = Text.assemble(
        ("Saved, with the secrets of these runs (never do this outside a lab):\n", ""),
        (f"{captures}\n", "bold"),
        ("The traces are beside them, as .jsonl files. To see a capture decrypted:\n", ""),
        (f"  tshark -r {played[1][1].capture} -Y tls", "bold"),
        ("\nThe same in JupyterLab, with every byte explained: ", ""),
        ("trustlab lab", "bold"),
    )
    console.print(Panel(text, title="files", title_align="left", expand=False))
