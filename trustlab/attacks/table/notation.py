"""How the table is written: a row for each attack, and in it the designs from one to another that come out alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.expected import Cell, Mark
from trustlab.passage import LADDER, LADDER13

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = tuple[tuple[Mark, str, str], ...]
"""(mark, designs, sentence) each; the designs are a name, or `first to last` in the order of the ladders."""

DESIGN_NAMES = tuple(design.name for design in (*LADDER, *LADDER13))
ALL_12, ALL_13 = "plain-tls to session-hash", "tls13-nonce to tls13-exporter"
MEASURED = "attest-then-connect to tls13-exporter"
"""Every design but plain TLS."""


def named(designs: str) -> tuple[str, ...]:
    """Return the designs that `name` or `first to last` stands for; ValueError where there is no such design."""
    first, _, last = designs.partition(" to ")
    return DESIGN_NAMES[DESIGN_NAMES.index(first) : DESIGN_NAMES.index(last or first) + 1]


def spread(rows: Mapping[str, Row]) -> dict[tuple[str, str], Cell]:
    """Return (design, attack) to the cell; ValueError where a row says two things of one design."""
    table: dict[tuple[str, str], Cell] = {}
    for attack, row in rows.items():
        for mark, designs, sentence in row:
            for design in named(designs):
                if (design, attack) in table:
                    raise ValueError(f"two cells for {design} against {attack}")
                table[design, attack] = Cell(mark, sentence)
    return table
