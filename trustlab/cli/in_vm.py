"""`trustlab serve --in-vm`, `trustlab connect --in-vm`: the passage between two virtual machines on Alice's switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from trustlab.cli.failure import Failure
from trustlab.cli.watching import Watch, watching
from trustlab.cloud.uml import why_not
from trustlab.scenarios.rental_service import RentalOrder, RentalService, order
from trustlab.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path

    from trustlab.passage import Design


def serve(lab: Path, design: Design, count: int, *, quiet: bool) -> None:
    """Run the cloud, with the bank in a virtual machine, until it has answered `count` times (0: forever)."""
    reason = why_not()
    if reason is not None:
        raise Failure(f"virtual machines cannot run here: {reason}")
    trace = Trace("trustlab serve --in-vm", "uml")
    typer.echo("Booting the bank's virtual machine (a few seconds) ...", err=True)
    with watching(trace, quiet=quiet), RentalService(lab, design, trace) as service:
        typer.echo("serving in a virtual machine: bank")
        answered = 0
        while not count or answered < count:
            delivery = service.serve()
            answered += bool(delivery.answer)
            if delivery.problem:
                typer.echo(f"a customer got no answer: {delivery.problem}", err=True)


def ask(lab: Path, design: Design, target: str, path: str, *, quiet: bool) -> str:
    """Have the teller's virtual machine ask the bank's; return the HTTP answer."""
    if target != "bank":
        raise Failure(f"there is no virtual machine {target!r} to connect to; with --in-vm, give bank")
    delivery = order(lab, RentalOrder(path, design.name), taken=_taken)
    if not quiet:
        watch = Watch(Trace("trustlab connect --in-vm", "uml"))
        for event in delivery.events:
            watch.feed(event)
        watch.end()
    if delivery.problem:
        raise Failure(delivery.problem)
    return delivery.answer


def _taken() -> None:
    typer.echo("The cloud has the order. If the teller's machine is not up yet, it boots first ...", err=True)
