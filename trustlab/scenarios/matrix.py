"""The matrix: every attack against every design where it makes sense, from real runs with real TPMs."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.table import ONLY_BETWEEN_VMS, TABLE, Cell, attack_on
from trustlab.attacks.unwilling import BY_CAROL
from trustlab.cloud import choose
from trustlab.passage import DESIGNS
from trustlab.passage.designs import SLIDES
from trustlab.scenarios.acts import rung
from trustlab.scenarios.facts import facts
from trustlab.scenarios.peers import Peers
from trustlab.scenarios.third_party import third_party

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from trustlab.attacks import Attack
    from trustlab.scenarios.stage import Act

VERSIONS = ("1.2", "1.3")
SHORT = "Trusted Passages (2011)"
"""How the attacks name the slides, which the designs name with their authors."""
AT_MOST = 4
"""Cells at once, however many processors there are: what is not a TPM runs one after the other in Python."""


class Result(msgspec.Struct, frozen=True):
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


TABLES: dict[str, dict[tuple[str, str], Cell]] = {
    "all": TABLE,
    **{
        version: {place: cell for place, cell in TABLE.items() if DESIGNS[place[0]].tls == version}
        for version in VERSIONS
    },
}
"""The table, whole and by the version of TLS: (design, attack) to the cell."""


def cells(
    designs: Collection[str] = (), attacks: Collection[str] = (), *, tls: str = "all"
) -> list[tuple[str, str, Cell]]:
    """Return the cells of the chosen designs and attacks (all, where none are named), design by design."""
    return [
        (design, attack, cell)
        for (design, attack), cell in TABLES[tls].items()
        if (not designs or design in designs) and (not attacks or attack in attacks)
    ]


def act_of(design: str, attack: str, *, without: tuple[str, ...] = (), substrate: str = "memory") -> Act:
    """Return the act that plays a cell: who takes part, and what the relying parties demand, is the attack's word."""
    chosen = DESIGNS[design]
    if attack in BY_CAROL:
        return third_party(attack, without=without, design=chosen, substrate=substrate)
    played = attack_on(attack, chosen.tls)
    if played.peers:
        return Peers(chosen, played.name, without=without, substrate=substrate)
    return rung(design, played.name, without=without, substrate=substrate)


def run_cell(
    design: str,
    attack: str,
    cell: Cell,
    *,
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
) -> Result:
    """Run one cell, in a cloud of its own. With `keep`, a folder, its trace is written there."""
    known, substrate = attack_on(attack, DESIGNS[design].tls), choose(substrate)
    result = partial(
        Result,
        design,
        attack,
        cell.mark,
        policy=policy_of(known),
        source=said_once(cell.source),
        leaks=known.leaks,
        substrate=substrate,
    )
    if cell.mark == "-":
        return result(outcome="senseless", sentence=cell.sentence)
    if cell.only and substrate != cell.only:
        return result(outcome="unplayed", sentence=ONLY_BETWEEN_VMS[design, attack])
    with act_of(design, attack, without=without, substrate=substrate) as act:
        outcome = act.run()
        kept = str(act.trace.save(keep / f"{design}-{attack}.jsonl", secrets=True)) if keep else ""
    became = "succeeded" if outcome.outcome == "completed" else outcome.outcome
    return result(
        outcome=became,
        sentence=cell.sentence if (became == "succeeded") == (cell.mark == "S") else outcome.sentence,
        evidence=facts(act.trace, known, outcome.alice_knows),
        refused_by=outcome.refused_by,
        trace=kept,
        failed=outcome.failed,
    )


def said_once(sources: str) -> str:
    """Return a cell's sources, each said once; a work is not named beside a place in it, or what it rests on."""
    named = dict.fromkeys(sources.replace(SHORT, SLIDES).split("; "))
    return "; ".join(one for one in named if not any(other.startswith(f"{one}, ") for other in named))


def policy_of(attack: Attack) -> str:
    """Name the relying parties' policy under which an attack is played."""
    if attack.lax_client:
        return "lax client"
    if attack.peers:
        return "strict; either end would accept a machine like itself"
    return "strict; no machine pinned" if attack.unpinned else "strict"


def run_matrix(
    designs: Collection[str] = (),
    attacks: Collection[str] = (),
    *,
    tls: str = "all",
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
    progress: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
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
    run: Callable[[str, str, Cell], Result], chosen: list[tuple[str, str, Cell]], *, side_by_side: bool
) -> Iterator[Result]:
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
