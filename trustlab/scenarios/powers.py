"""The matrix by powers: what Alice can do, and for each goal the best that any attack of ours does with it.

A row of the matrix is one attack, and an attack may fail because it was clumsy. Here a row is a set of powers, and all
attacks that need no more are tried: so whoever can do more never reaches less. That is a lower bound of what she can
reach. What she cannot reach is searched by the finder, within its bounds (`trustlab find`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import known
from trustlab.finder import GOALS, POWERS
from trustlab.passage import DESIGNS
from trustlab.scenarios.cell import MARKS
from trustlab.scenarios.found import NEEDS
from trustlab.scenarios.matrix import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustlab.scenarios.cell import CellResult


class PowerCell(msgspec.Struct, frozen=True):
    """What Alice reaches on a design with at most these powers.

    `mark` is S if some attack reaches the `goal`, x if some could and none does, - if none of ours asks for it. `by` is
    the attack: the first one that reaches it, or the last one that was stopped; `stopped_by` is what stopped it.
    """

    design: str
    powers: tuple[str, ...]
    goal: str
    mark: str
    by: str = ""
    stopped_by: tuple[str, ...] = ()


def power_sets() -> list[tuple[str, ...]]:
    """Return the sets of powers that are rows: what some attack needs, and everything; the smallest first.

    Every set contains `network`, which she always has.
    """
    needed = {frozenset({"network"}), *(needs | {"network"} for needs in NEEDS.values())}
    needed.add(frozenset().union(*needed))
    order = {power: place for place, power in enumerate(POWERS)}
    sets = [tuple(sorted(each, key=order.__getitem__)) for each in needed]
    return sorted(sets, key=lambda names: (len(names), [order[name] for name in names]))


def rows_with_needs(tls: str = "all") -> list[str]:
    """Return the rows of the table whose attack needs nothing but powers."""
    rows = dict.fromkeys(attack for design, attack in table_of(tls) if known(attack, DESIGNS[design].tls).name in NEEDS)
    return list(rows)


def power_cells(results: Iterable[CellResult]) -> list[PowerCell]:
    """Return the cells that follow from runs: for each design every set of powers, and for each set every goal."""
    runs: dict[str, list[tuple[frozenset[str], CellResult]]] = {}
    for result in results:
        needs = NEEDS.get(known(result.attack, DESIGNS[result.design].tls).name)
        if needs is not None:
            runs.setdefault(result.design, []).append((needs, result))
    return [
        _best(design, powers, goal, [run for needs, run in found if needs <= set(powers) and run.outcome in MARKS])
        for design, found in runs.items()
        for powers in power_sets()
        for goal in GOALS
    ]


def _best(design: str, powers: tuple[str, ...], goal: str, runs: Sequence[CellResult]) -> PowerCell:
    reached = next((run for run in runs if goal in run.reached), None)
    if reached is not None:
        return PowerCell(design, powers, goal, "S", reached.attack)
    stopped = [run for run in runs if run.stopped_by]
    in_the_channel = [run for run in stopped if run.goal in {"pin", "peer"}] if goal != "balance" else []
    tried = [run for run in stopped if run.goal == goal] or in_the_channel
    if not tried:
        return PowerCell(design, powers, goal, "-")
    return PowerCell(design, powers, goal, "x", tried[-1].attack, tried[-1].stopped_by)
