"""`trustlab third-party`: Carol and Bob's bank judge each other, and somebody cheats."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from trustlab.attacks import BY_CAROL, table
from trustlab.attacks.catalogue import attack_on
from trustlab.cli.demo import DEFAULT_OUT, act_as_json, make_folder, play_act
from trustlab.cli.failure import Failure
from trustlab.passage import design_named
from trustlab.scenarios import third_party as act_of
from trustlab.scenarios.third_party import TRICKS

if TYPE_CHECKING:
    from trustlab.passage import Design


class Asks(StrEnum):
    """Who wants to know something."""

    CAROL = "carol"
    BOB = "bob"


QUESTIONS = {
    Asks.CAROL: "Carol is Bob's customer. She wants to know what Bob's bank runs before she sends her PIN.",
    Asks.BOB: "Before his bank pays, Bob wants to know whether Carol's machine runs an antivirus that is up to date.",
}


def third_party(
    *,
    direction: Annotated[
        Asks,
        typer.Option(help="Who wants to know: carol asks about Bob's bank, bob asks about Carol's machine."),
    ] = Asks.CAROL,
    attack: Annotated[
        str,
        typer.Option(
            help=f"What goes wrong. For bob, a trick of Carol's: {', '.join(TRICKS)}. For carol, an attack of Alice's "
            "on the bank, such as evil-workload, rogue-certificate or own-genuine-machine-pinned."
        ),
    ] = "",
    design: Annotated[
        str, typer.Option(help="The design that they use; the client has to attest in it.")
    ] = "trusted-passage",
    out: Annotated[Path, typer.Option(help="Folder for the trace and the capture, with keys inside.")] = DEFAULT_OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the outcome, as one JSON object.")] = False,
    substrate: Annotated[
        str, typer.Option(help="Where it runs: memory (one process), uml (virtual machines) or auto.")
    ] = "memory",
) -> None:
    """Let a third party ask what the other side runs: one passage answers both directions.

    Carol sends her PIN only after she has accepted the evidence of Bob's bank. Bob's bank pays only if the measured
    agent on Carol's machine reports an antivirus that is new enough. Without --attack both are as they should be.

    Exits with 0 only if the act ends as it should: an honest payment goes through, a trick of Carol's is refused, and
    an attack of Alice's ends as in `trustlab matrix`.
    """
    chosen = design_named(design)
    if chosen.client is None:
        raise Failure(f"in {design} the client attests nothing, so Bob cannot ask Carol: try trusted-passage")
    if direction is Asks.BOB and attack and attack not in TRICKS:
        raise Failure(f"Carol has no trick {attack!r}; choose from: {', '.join(TRICKS)}")
    alices = _playable(attack, chosen) if direction is Asks.CAROL and attack else None
    make_folder(out)
    console = Console(stderr=as_json, quiet=as_json, highlight=False)
    console.print(Text(QUESTIONS[direction], style="bold"))
    trick = attack or None if direction is Asks.BOB else None
    act = act_of(trick, attack=alices, design=chosen, substrate=substrate)
    outcome, kept = play_act(act, out, console, 0.0)
    if as_json:
        typer.echo(json.dumps(act_as_json(outcome, kept) | {"attack": attack or None}))
    else:
        console.print(Text(f"\n{outcome.outcome}: {outcome.sentence}", style="bold"))
        console.print(Text(f"Saved, with the secrets of this run: {kept.trace} and {kept.capture}"), soft_wrap=True)
    if not outcome.as_told:
        raise typer.Exit(1)


def _playable(attack: str, design: Design) -> str:
    """Return the attack that plays a row of the matrix on this design; Failure if none does, or if it makes no sense.

    An attack on two machines that would accept each other has no third party in it.
    """
    cells = {name: cell for (on, name), cell in table().items() if on == design.name}
    played = {name: attack_on(name, design.tls) for name in cells if name not in BY_CAROL}
    names = {name: found.name for name, found in played.items() if found and not found.assumes.peers}
    if attack not in names:
        raise Failure(f"there is no attack {attack!r} on {design.name}; choose from: {', '.join(names)}")
    if cells[attack].mark == "-":
        raise Failure(f"{attack} makes no sense on {design.name}: {cells[attack].sentence}")
    return names[attack]
