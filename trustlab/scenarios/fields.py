"""The parts of binders: each attack played over its design, and over the same design without that one part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import FIELD_ROWS
from trustlab.attacks.on_binder import ATTACKS_ON_BINDERS
from trustlab.attacks.on_verifier import Stage
from trustlab.passage import design_without
from trustlab.scenarios.acts import rung
from trustlab.scenarios.peers import Peers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trustlab.attacks import FieldRow
    from trustlab.passage import Binder, Design


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


def run_fields(rows: Collection[FieldRow] = FIELD_ROWS) -> Iterator[FieldResult]:
    """Play every row twice."""
    for row in rows:
        yield run_field(row)


def run_field(row: FieldRow) -> FieldResult:
    """Play one row twice."""
    less = design_without(row.design, [row.part])
    outcome, refused_by = play(row, row.design)
    without, _ = play(row, less)
    whole: Binder | None = getattr(row.design, row.binder)
    left: Binder | None = getattr(less, row.binder)
    return FieldResult(
        row.part,
        row.attack,
        row.design.name,
        row.base,
        whole.formula if whole else NOT_COMPARED,
        left.formula if left else NOT_COMPARED,
        outcome,
        refused_by,
        without,
    )


def play(row: FieldRow, design: Design) -> tuple[str, tuple[str, ...]]:
    """Play a row's attack over a design; what became of it, and all checks that failed where it was refused first."""
    if (attack := ATTACKS_ON_BINDERS.get(row.attack)) is not None:
        with Stage() as stage:
            result = attack.carry_out(stage, design)
        return ("succeeded" if result.accepted else "refused"), tuple(result.failed)
    with (Peers if row.peers else rung)(design, row.attack) as act:
        told = act.run()
    return told.outcome, told.failed
