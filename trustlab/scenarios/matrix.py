"""The matrix: every attack against every design where it makes sense, from real runs with real TPMs."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.expectations import known, table
from trustlab.cloud import choose
from trustlab.passage import DESIGNS
from trustlab.passage.designs import SLIDES
from trustlab.scenarios.experiments import play

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from trustlab.attacks import Attack
    from trustlab.attacks.expectations import Cell, Table

VERSIONS = ("all", "1.2", "1.3")
"""Which part of the table there is: the whole, or the designs on one version of TLS."""
SHORT = "Trusted Passages (2011)"
"""How the attacks name the slides, which the designs name with their authors."""
AT_MOST = 4
"""Cells at once, however many processors there are: what is not a TPM runs one after the other in Python."""


class CellResult(msgspec.Struct, frozen=True):
    """One cell: what was expected, what a run gave, and the facts it rests on.

    `outcome` is `succeeded`, `refused`, `failed`, `senseless` where there is nothing to run, or `unplayed` where the
    substrate has no way to (`sentence` says why); `evidence` says in words which facts of `trace` (a file, where one
    was kept) decide it. `policy` is the relying parties', `leaks` is what the lab assumes to have leaked. `failed` are
    all checks that failed where it was first refused, of which `refused_by` is the first.
    """

    design: str
    attack: str
    expected: str
    outcome: str
    sentence: str
    policy: str
    evidence: str = ""
    refused_by: str | None = None
    trace: str = ""
    leaks: tuple[str, ...] = ()
    source: str = ""
    substrate: str = "memory"
    failed: tuple[str, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether the run agrees with the signed table; where there was none, nothing disagrees."""
        if self.outcome == "unplayed":
            return True
        marks = {"succeeded": "S", "refused": "x", "failed": "x", "senseless": "-"}
        return marks[self.outcome] == self.expected


def table_of(tls: str) -> Table:
    """Return the table, whole (`all`) or of one version of TLS: (design, attack) to the cell."""
    return {place: cell for place, cell in table().items() if tls in ("all", DESIGNS[place[0]].tls)}


def cells(
    designs: Collection[str] = (), attacks: Collection[str] = (), *, tls: str = "all"
) -> list[tuple[str, str, Cell]]:
    """Return the cells of the chosen designs and attacks (all, where none are named), design by design."""
    return [
        (design, attack, cell)
        for (design, attack), cell in table_of(tls).items()
        if (not designs or design in designs) and (not attacks or attack in attacks)
    ]


def run_cell(
    design: str,
    attack: str,
    cell: Cell,
    *,
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
) -> CellResult:
    """Run one cell, in a cloud of its own. With `keep`, a folder, its trace is written there."""
    chosen, substrate = DESIGNS[design], choose(substrate)
    played_as = known(attack, chosen.tls)
    result = partial(
        CellResult,
        design,
        attack,
        cell.mark,
        policy=policy_of(played_as),
        source=said_once(cell.source),
        leaks=played_as.assumes.leaks,
        substrate=substrate,
    )
    if cell.mark == "-":
        return result(outcome="senseless", sentence=cell.sentence)
    if cell.only and substrate != cell.only:
        return result(outcome="unplayed", sentence=cell.elsewhere)
    file = keep / f"{design}-{attack}.jsonl" if keep else None
    played = play(played_as.name, chosen, without=without, substrate=substrate, keep=file)
    return result(
        outcome=played.outcome,
        sentence=cell.sentence if played.succeeded == (cell.mark == "S") else played.sentence,
        evidence=played.evidence,
        refused_by=played.refused_by,
        trace=played.trace,
        failed=played.failed,
    )


def said_once(sources: str) -> str:
    """Return a cell's sources, each said once; a work is not named beside a place in it, or what it rests on."""
    named = dict.fromkeys(sources.replace(SHORT, SLIDES).split("; "))
    return "; ".join(one for one in named if not any(other.startswith(f"{one}, ") for other in named))


def policy_of(attack: Attack) -> str:
    """Name the relying parties' policy under which an attack is played."""
    if attack.assumes.lax_client:
        return "lax client"
    if attack.assumes.peers:
        return "strict; either end would accept a machine like itself"
    return "strict; no machine pinned" if attack.assumes.unpinned else "strict"


def run_matrix(
    designs: Collection[str] = (),
    attacks: Collection[str] = (),
    *,
    tls: str = "all",
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
    progress: Callable[[CellResult], None] = lambda _result: None,
) -> list[CellResult]:
    """Run every chosen cell; `progress` is called after each. `without` leaves checks out of every verifier.

    `substrate` is that of an act; CloudError where it does not work here. In memory several cells run at once, each in
    a cloud of its own, for the TPMs are processes; the results come in the table's order.
    """
    substrate = choose(substrate)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    run = partial(run_cell, without=without, keep=keep, substrate=substrate)
    results = []
    for result in _each(run, cells(designs, attacks, tls=tls), side_by_side=substrate != "uml"):
        results.append(result)
        progress(result)
    return results


def _each(
    run: Callable[[str, str, Cell], CellResult], chosen: list[tuple[str, str, Cell]], *, side_by_side: bool
) -> Iterator[CellResult]:
    """Yield the results in order. Virtual machines would be in each other's way: their cells run here, one by one."""
    if not side_by_side:
        yield from (run(*place) for place in chosen)
        return
    with ThreadPoolExecutor(min(AT_MOST, os.cpu_count() or 1), "matrix") as pool:
        waiting = [pool.submit(run, *place) for place in chosen]
        try:
            yield from (done.result() for done in waiting)
        finally:
            pool.shutdown(cancel_futures=True)
