"""The matrix: every attack against every rung where it makes sense, from real runs with real TPMs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import CATALOGUE
from trustlab.attacks.expected import BETWEEN_VMS, EXPECTED, Cell
from trustlab.attacks.expected13 import EXPECTED13
from trustlab.cloud import choose
from trustlab.scenarios.acts import rung
from trustlab.scenarios.between_vms import NOT_BETWEEN_VMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from trustlab.trace import Trace


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """One cell: what was expected, what a run gave, and the facts it rests on.

    `outcome` is `succeeded`, `refused`, `failed`, `senseless` where there is nothing to run, or `unplayed` where the
    substrate has no way to (`sentence` says why); `evidence` says in words which facts of `trace` (a file, where one
    was kept) decide it.
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
    substrate: str = "memory"

    @property
    def as_expected(self) -> bool:
        """Whether the run agrees with the signed table; where there was none, nothing disagrees."""
        if self.outcome == "unplayed":
            return True
        marks = {"succeeded": "S", "refused": "x", "failed": "x", "senseless": "-"}
        return marks[self.outcome] == self.expected


TABLES: dict[str, dict[tuple[str, str], Cell]] = {"1.2": EXPECTED, "1.3": {**EXPECTED13}}
"""The two signed tables, by the version of TLS: (design, attack) to the cell."""
ADDED = {"uml": {"1.2": BETWEEN_VMS}}
"""What a substrate adds to a table."""


def cells(
    designs: Collection[str] = (), attacks: Collection[str] = (), *, tls: str = "1.2", substrate: str = "memory"
) -> list[tuple[str, str, Cell]]:
    """Return the cells of the chosen rows and columns (all, where none are named) of one table, design by design."""
    table = TABLES[tls] | ADDED.get(substrate, {}).get(tls, {})
    chosen = [
        (design, attack, cell)
        for (design, attack), cell in table.items()
        if (not designs or design in designs) and (not attacks or attack in attacks)
    ]
    order = list(dict.fromkeys(design for design, _ in TABLES[tls]))
    return sorted(chosen, key=lambda place: order.index(place[0]))


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
    known, substrate = CATALOGUE[attack], choose(substrate)
    policy = "lax client" if known.lax_client else "no machine pinned" if known.unpinned else "strict"
    idle = partial(Result, design, attack, cell.mark, policy=policy, leaks=known.leaks, substrate=substrate)
    if cell.mark == "-":
        return idle(outcome="senseless", sentence=cell.sentence)
    if substrate == "uml" and attack in NOT_BETWEEN_VMS:
        return idle(outcome="unplayed", sentence=NOT_BETWEEN_VMS[attack])
    with rung(design, attack, without=without, substrate=substrate) as act:
        outcome = act.run()
        kept = str(act.trace.save(keep / f"{act.slug}.jsonl", secrets=True)) if keep else ""
    return Result(
        design,
        attack,
        cell.mark,
        outcome.outcome,
        cell.sentence if (outcome.outcome == "succeeded") == (cell.mark == "S") else outcome.sentence,
        policy,
        _evidence(act.trace, outcome.alice_knows),
        outcome.refused_by,
        kept,
        known.leaks,
        substrate,
    )


def run_matrix(
    designs: Collection[str] = (),
    attacks: Collection[str] = (),
    *,
    tls: str = "1.2",
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
    progress: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Run every chosen cell; `progress` is called after each. `without` leaves checks out of every verifier.

    `substrate` is that of an act; CloudError where it does not work here.
    """
    substrate = choose(substrate)
    chosen = cells(designs, attacks, tls=tls, substrate=substrate)
    results = []
    for result in _run(chosen, without, keep, substrate):
        progress(result)
        results.append(result)
    return results


def _run(
    chosen: list[tuple[str, str, Cell]], without: tuple[str, ...], keep: Path | None, substrate: str
) -> Iterator[Result]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    for design, attack, cell in chosen:
        yield run_cell(design, attack, cell, without=without, keep=keep, substrate=substrate)


def _evidence(trace: Trace, known: tuple[str, ...]) -> str:
    """Say which facts of the trace decide: what Alice can read, who refused whom, and where connections ended."""
    facts = [f"Alice holds the canary {name!r}" for name in known]
    facts += [f"{e.party} refused by {e.data['refused_by']!r}" for e in trace.select("appraisal", name="refused")]
    facts += [
        f"{e.connection} addressed {e.data['addressed']}, held by {e.data['server']}"
        for e in trace.select("ground-truth")
        if e.data["addressed"] != e.data["server"]
    ]
    return "; ".join(facts) or "Alice holds no canary, and every connection ended where it was addressed"
