"""The parts of binders: each attack played over its design, and over the same design without that one part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import FIELD_ROWS
from trustlab.attacks.on_binder import ATTACKS_ON_BINDERS
from trustlab.attacks.on_verifier import Stage
from trustlab.passage import design_without
from trustlab.scenarios.left_out import left_out
from trustlab.scenarios.played import Played, play

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from trustlab.attacks import FieldRow
    from trustlab.passage import Binder, Design
    from trustlab.scenarios.left_out import LeftOut


NOT_COMPARED = "not compared"


class FieldResult(msgspec.Struct, frozen=True):
    """What became of one attack over its design, and without the part: outcomes as an act tells them.

    `refused_by` lists all checks of the Verifier that refused with it, `binder` what is computed with it, and
    `binder_without` what is left.
    """

    field: str
    attack: str
    design: str
    base: str
    binder: str
    binder_without: str
    outcome: str
    refused_by: tuple[str, ...]
    without: str

    @property
    def decisive(self) -> bool:
        """Whether the attack is refused with the part, and succeeds without it."""
        return self.outcome == "refused" and bool(self.refused_by) and self.without == "succeeded"


def run_fields(rows: Collection[FieldRow] = FIELD_ROWS, *, without: Sequence[str] = ()) -> Iterator[FieldResult]:
    """Play every row twice, the second time without its part, or without what is named."""
    for row in rows:
        yield run_field(row, without=without)


def run_field(row: FieldRow, *, without: Sequence[str] = ()) -> FieldResult:
    """Play one row twice; checks, rules and parts may be named."""
    whole_run, less_run = play_row(row), play_row(row, without=without or (row.part,))
    whole: Binder | None = getattr(row.design, row.binder)
    left: Binder | None = getattr(design_without(row.design, [row.part]), row.binder)
    return FieldResult(
        row.part,
        row.attack,
        row.design.name,
        row.base,
        whole.formula if whole else NOT_COMPARED,
        left.formula if left else NOT_COMPARED,
        *whole_run,
        less_run.outcome,
    )


def play_row(row: FieldRow, *, without: Sequence[str] = ()) -> Played:
    """Play a row's attack, in a cloud or on the stage it needs."""
    if (attack := ATTACKS_ON_BINDERS.get(row.attack)) is None:
        return play(row.design, row.attack, without=tuple(without))
    with Stage() as stage:
        result = attack.carry_out(stage, _less(row.design, left_out(without)))
    return Played("succeeded" if result.accepted else "refused", tuple(result.failed))


def _less(design: Design, names: LeftOut) -> Design:
    """Return the design without parts of its binders, and with checks that nobody makes; rules are not at stake."""
    unasked = (*design.not_demanded, *names.checks)
    return msgspec.structs.replace(design_without(design, names.parts), not_demanded=unasked)
