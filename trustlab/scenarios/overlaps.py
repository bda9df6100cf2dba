"""Attacks that several checks stop together: each played whole, without each of them, and without all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import OVERLAP_ROWS
from trustlab.scenarios.played import play

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trustlab.attacks import OverlapRow


class OverlapResult(msgspec.Struct, frozen=True):
    """What became of one attack: whole, without each of what stops it `together`, and without all: as an act tells."""

    attack: str
    design: str
    base: str
    together: tuple[str, ...]
    outcome: str
    refused_by: tuple[str, ...]
    without_each: dict[str, str]
    without_all: str

    @property
    def decisive(self) -> bool:
        """Whether the attack is stopped as long as one of them is there, and succeeds when none is."""
        left = [self.outcome, *(self.without_each.values() if len(self.together) > 1 else ())]
        return all(outcome in {"refused", "failed"} for outcome in left) and self.without_all == "succeeded"


def run_overlaps(rows: Collection[OverlapRow] = OVERLAP_ROWS) -> Iterator[OverlapResult]:
    """Play every row."""
    for row in rows:
        told = play(row.design, row.attack)
        each = {name: play(row.design, row.attack, without=(name,)).outcome for name in row.together}
        last = row.together[0]
        without_all = each[last] if len(each) == 1 else play(row.design, row.attack, without=row.together).outcome
        yield OverlapResult(row.attack, row.design.name, row.base, row.together, *told, each, without_all)
