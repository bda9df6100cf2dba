"""The matrix: every attack against every rung where it makes sense, from real runs with real TPMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import CATALOGUE
from trustlab.attacks.expected import EXPECTED, Cell
from trustlab.attacks.expected13 import EXPECTED13
from trustlab.scenarios.acts import rung

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from trustlab.trace import Trace


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """One cell: what was expected, what a run gave, and the facts it rests on.

    `outcome` is `succeeded`, `refused`, `failed`, or `senseless` where the cell was not run; `evidence` says in words
    which facts of `trace` (a file, where one was kept) decide it.
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

    @property
    def as_expected(self) -> bool:
        """Whether the run agrees with the signed table."""
        marks = {"succeeded": "S", "refused": "x", "failed": "x", "senseless": "-"}
        return marks[self.outcome] == self.expected


TABLES: dict[str, dict[tuple[str, str], Cell]] = {"1.2": EXPECTED, "1.3": {**EXPECTED13}}
"""The two signed tables, by the version of TLS: (design, attack) to the cell."""


def cells(
    designs: Collection[str] = (), attacks: Collection[str] = (), *, tls: str = "1.2"
) -> list[tuple[str, str, Cell]]:
    """Return the cells of the chosen rows and columns (all, where none are named) of one table, design by design."""
    chosen = [
        (design, attack, cell)
        for (design, attack), cell in TABLES[tls].items()
        if (not designs or design in designs) and (not attacks or attack in attacks)
    ]
    order = list(dict.fromkeys(design for design, _ in TABLES[tls]))
    return sorted(chosen, key=lambda place: order.index(place[0]))


def run_cell(
    design: str, attack: str, cell: Cell, *, without: tuple[str, ...] = (), keep: Path | None = None
) -> Result:
    """Run one cell. With `keep`, a folder, its trace is written there."""
    known = CATALOGUE[attack]
    policy = "lax client" if known.lax_client else "no machine pinned" if known.unpinned else "strict"
    if cell.mark == "-":
        return Result(design, attack, cell.mark, "senseless", cell.sentence, policy, leaks=known.leaks)
    with rung(design, attack, without=without) as act:
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
    )


def run_matrix(
    designs: Collection[str] = (),
    attacks: Collection[str] = (),
    *,
    tls: str = "1.2",
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    progress: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Run every chosen cell; `progress` is called after each. `without` leaves checks out of every verifier."""
    results = []
    for result in _run(cells(designs, attacks, tls=tls), without, keep):
        progress(result)
        results.append(result)
    return results


def _run(chosen: list[tuple[str, str, Cell]], without: tuple[str, ...], keep: Path | None) -> Iterator[Result]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    for design, attack, cell in chosen:
        yield run_cell(design, attack, cell, without=without, keep=keep)


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
