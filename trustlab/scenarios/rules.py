"""The rules that are no checks: each attack played on its base, with the rule and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import RULE_ROWS
from trustlab.scenarios.played import play

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class RuleResult(msgspec.Struct, frozen=True):
    """What became of one attack with its rule, and without: outcomes as an act tells them.

    `refused_by` lists all checks that failed where it was first refused; none where the rule itself ended it.
    """

    rule: str
    attack: str
    design: str
    base: str
    outcome: str
    refused_by: tuple[str, ...]
    without: str

    @property
    def decisive(self) -> bool:
        """Whether the rule, and it alone, stops the attack on this base."""
        return self.outcome in {"refused", "failed"} and self.without == "succeeded"


def run_rules(without: Sequence[str] = ()) -> Iterator[RuleResult]:
    """Play every row twice, the second time without its rule, or without what is named."""
    for row in RULE_ROWS:
        whole = play(row.design, row.attack)
        less = play(row.design, row.attack, without=tuple(without) or (row.rule,))
        yield RuleResult(row.rule, row.attack, row.design.name, row.base, *whole, less.outcome)
