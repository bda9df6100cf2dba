"""The `trustlab` command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from trustlab import __version__
from trustlab.attest import AttestError
from trustlab.cloud import CloudError
from trustlab.inspector import TerminalLadder
from trustlab.scenarios import Act, Outcome, Recording, plain_tls, trusted_passage
from trustlab.tls import TlsError
from trustlab.tpm import TpmError
from trustlab.wire import WireError

app = typer.Typer(
    help=(
        "Watch the owner of a data centre break plain TLS, and a trusted passage hold: "
        "TLS handshakes bound to TPM attestation, with real TPM emulators and real TLS on the wire."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
INTERRUPTED = 130
DEFAULT_OUT = Path("trustlab-out")


@app.callback()
def _trustlab() -> None:
    """Keep `demo` a sub-command while it is the only one."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"trustlab {__version__}")


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the traces (JSON Lines) and the captures (pcapng, with keys inside).")
    ] = DEFAULT_OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the outcomes, as one JSON object.")] = False,  # noqa: FBT002 - typer's flag
    pace: Annotated[float, typer.Option(min=0, max=10, help="Seconds to wait after each line of the ladder.")] = 0.0,
) -> None:
    """Play both acts: plain TLS falls to Alice, a trusted passage holds.

    Act I: Bob's teller pays through Bob's bank over plain TLS, and Alice, who owns the network and has a certificate
    for the bank's name, reads the PIN. Act II: the same over a trusted passage, first without Alice, then with her.
    Every TLS message, TPM command and verdict of the run appears as it happens; traces and captures are kept in --out.

    Exits with 0 only when all three ended as told here.
    """
    console = Console(stderr=as_json, quiet=as_json, highlight=False)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot write to {out}: {error.strerror}. Name a folder of yours with --out.") from error
    played = [
        _play(act, out, console, pace) for act in (plain_tls(), trusted_passage(), trusted_passage("rogue-certificate"))
    ]
    if as_json:
        typer.echo(json.dumps({"acts": [_as_json(outcome, kept) for outcome, kept in played]}))
    else:
        _summary(console, played)
    if not all(outcome.as_told for outcome, _ in played):
        raise typer.Exit(1)


class Failure(Exception):  # noqa: N818 - what a person reads is its message
    """The command cannot do what it was asked; the message names the fix."""


def _play(act: Act, out: Path, console: Console, pace: float) -> tuple[Outcome, Recording]:
    with act, TerminalLadder(console, pace=pace) as ladder:
        if not console.quiet:
            ladder.attach(act.trace)
        outcome = act.run()
    if outcome.alice_read:
        console.print(Panel(Text(outcome.alice_read, style="bold red"), title="Alice prints", title_align="left"))
    return outcome, act.save(out)


def _as_json(outcome: Outcome, kept: Recording) -> dict[str, Any]:
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
            Text(told if outcome.as_told else f"{told} - NOT as told", style=style),
            ", ".join(outcome.alice_knows) or "nothing",
            outcome.refused_by or "-",
        )
    console.print()
    console.print(table)
    captures = "\n".join(f"  {kept.capture}" for _, kept in played)
    text = Text.assemble(
        ("Kept, with the secrets of these runs inside (this is a lab):\n", ""),
        (f"{captures}\n", "bold"),
        ("and the traces beside them as .jsonl. See a capture decrypted:\n", ""),
        (f"  tshark -r {played[1][1].capture} -Y tls", "bold"),
        ("\nThe same in JupyterLab, with every byte explained: ", ""),
        ("make lab", "bold"),
    )
    console.print(Panel(text, title="files", title_align="left", expand=False))


def main() -> None:
    """Run the command; a known failure is one sentence on stderr, Ctrl-C ends everything that was started."""
    errors = Console(stderr=True, highlight=False)
    try:
        code = app(standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (Failure, CloudError, TpmError, AttestError, TlsError, WireError) as error:
        errors.print(Text.assemble(("trustlab: ", "bold red"), str(error)))
        code = 1
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        errors.print(Text.assemble(("trustlab: ", "bold red"), error.format_message()))
        code = 2
    if code == INTERRUPTED:
        errors.print("[bold]interrupted[/bold]: everything that was started has been ended.")
    sys.exit(code)
