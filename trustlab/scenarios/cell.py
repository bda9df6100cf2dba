"""One cell of the matrix: an attack on a design, played in a cloud of its own, and compared with the table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.expectations import known
from trustlab.cloud import choose
from trustlab.passage import DESIGNS
from trustlab.passage.designs import SLIDES
from trustlab.scenarios.experiments import play

if TYPE_CHECKING:
    from pathlib import Path

    from trustlab.attacks import Attack
    from trustlab.attacks.expectations import Cell

SHORT = "Trusted Passages (2011)"
"""The slides' name in the attacks; the designs name them with their authors."""
MARKS = {"succeeded": "S", "refused": "x", "failed": "x", "senseless": "-"}
"""The mark of each outcome; a run that broke has none."""


class CellResult(msgspec.Struct, frozen=True):
    """One cell: what was expected, what happened in a run, and the facts that decide it.

    `outcome` is `succeeded`, `refused`, `failed` or `broke` (see `Outcome`), `senseless` if the attack makes no sense
    there, or `unplayed` if the substrate cannot play it. `sentence` says what happened in the run, or why there was
    none; `why` is the table's own sentence about the cell. `goal` is what the mark is about. `stopped_by` is what
    stopped her in this run, `must_stop` what the table expects; `reached` are all goals that the run reached.
    `evidence` says in words which facts of the trace decide it; `trace` is the trace's file, if it was kept. `policy`
    is the relying parties', `leaks` what the lab assumes to have leaked. `failed` are all checks that failed when it
    was first refused, and `refused_by` is the first of them.
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
    goal: str = ""
    why: str = ""
    stopped_by: tuple[str, ...] = ()
    must_stop: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether the run agrees with the table, in its mark and in what stopped her.

        A cell that was not played counts as agreeing, and a run that broke never does.
        """
        if self.outcome == "unplayed":
            return True
        stopped = self.stopped_by == self.must_stop
        if self.substrate != "memory":  # both ends judge at once there, and either may be the first to refuse
            stopped = stopped or not set(self.stopped_by).isdisjoint(self.must_stop)
        return MARKS.get(self.outcome) == self.expected and stopped


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
        goal=played_as.goal,
        why=cell.sentence,
    )
    if cell.mark == "-":
        return result(outcome="senseless", sentence=cell.sentence)
    if cell.only and substrate != cell.only:
        return result(outcome="unplayed", sentence=cell.elsewhere)
    file = keep / f"{design}-{attack}.jsonl" if keep else None
    played = play(played_as.name, chosen, without=without, substrate=substrate, keep=file)
    return result(
        outcome=played.outcome,
        sentence=played.sentence,
        evidence=played.evidence,
        refused_by=played.refused_by,
        trace=played.trace,
        failed=played.failed,
        stopped_by=played.stopped_by,
        must_stop=played.stopped_by if without else cell.stopped_by,  # less is in place, so something else may
        reached=played.reached,
    )


def said_once(sources: str) -> str:
    """Return a cell's sources without repetitions; a work is left out if a place in it is named too."""
    named = dict.fromkeys(sources.replace(SHORT, SLIDES).split("; "))
    return "; ".join(one for one in named if not any(other.startswith(f"{one}, ") for other in named))


def policy_of(attack: Attack) -> str:
    """Return the relying parties' policy for an attack, in words."""
    if attack.assumes.lax_client:
        return "lax client"
    if attack.assumes.peers:
        return "strict; either end would accept a machine like itself"
    return "strict; no machine is pinned" if attack.assumes.unpinned else "strict"
