"""The table of what is expected: every design against every attack, with a sentence and a source for each cell.

It is data: `expected/*.toml`, a file for each family of attacks. A row says what one attack does to one design, or to
the designs from one to another in the order of the ladders. Marks: `S` the attack succeeds, `x` it is stopped, `-` it
makes no sense there (the sentence says why). The matrix is run and held against the table; where they differ, one of
the two is wrong.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.attacks.catalogue import CatalogueError, attack_on, read_toml
from trustlab.passage import DESIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.attacks.attack import Attack

FOLDER = Path(__file__).with_name("expected")
Mark = Literal["S", "x", "-"]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a file: an attack, a design or `first to last`, what becomes of it, and why.

    `stopped_by` are the checks that refuse, in their order, or what else stops it. `source` is said if it is another
    than the attack's and the design's own. `only` names the substrate that the row takes, if not every one will do;
    `elsewhere` is what is said on the others.
    """

    attack: str
    designs: str
    mark: Mark
    sentence: str
    stopped_by: tuple[str, ...] = ()
    source: str = ""
    only: str = ""
    elsewhere: str = ""


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: attacks of one kind, under a title."""

    title: str
    row: tuple[Row, ...]

    @property
    def attacks(self) -> tuple[str, ...]:
        """The names of its attacks, in the file's order."""
        return tuple(dict.fromkeys(row.attack for row in self.row))


class Cell(msgspec.Struct, frozen=True):
    """What is expected of one attack against one design; fields as in `Row`."""

    mark: Mark
    sentence: str
    stopped_by: tuple[str, ...]
    source: str
    only: str = ""
    elsewhere: str = ""


Table = dict[tuple[str, str], Cell]


def known(attack: str, tls: str) -> Attack:
    """Return the attack of a row as it is played on a version of TLS; CatalogueError if no program plays it."""
    found = attack_on(attack, tls)
    if found is None:
        raise CatalogueError(
            f"a row of attacks/expected/ names the attack {attack!r}, and no program plays it: "
            f"write attacks/programs/{attack.replace('-', '_')}.py with ATTACKS = (Attack(name={attack!r}, ...),)"
        )
    return found


def named(designs: str) -> tuple[str, ...]:
    """Return the designs that `name` or `first to last` stands for; CatalogueError if there is no such design."""
    first, _, last = designs.partition(" to ")
    names = tuple(DESIGNS)
    for name in (first, last or first):
        if name not in names:
            raise CatalogueError(f"a row of attacks/expected/ names no design: {name!r}; there are: {', '.join(names)}")
    return names[names.index(first) : names.index(last or first) + 1]


def spread(rows: Iterable[Row]) -> Table:
    """Return (design, attack) to the cell; CatalogueError if two rows speak of one place, or none of some design."""
    table: Table = {}
    for row in rows:
        for design in named(row.designs):
            if (design, row.attack) in table:
                raise CatalogueError(f"two rows of attacks/expected/ speak of {design} against {row.attack}")
            table[design, row.attack] = _cell(design, row)
    for attack in dict.fromkeys(attack for _, attack in table):
        if missing := [design for design in DESIGNS if (design, attack) not in table]:
            raise CatalogueError(
                f"no row of attacks/expected/ says what {attack} does to {', '.join(missing)}: "
                "add one, with mark '-' and the reason if it makes no sense there"
            )
    return {
        (design, attack): table[design, attack] for design in DESIGNS for attack in dict.fromkeys(a for _, a in table)
    }


def _cell(design: str, row: Row) -> Cell:
    """Return the cell with its source: the row's, or the attack's, and the design's if that is another."""
    found = DESIGNS[design]
    sources = dict.fromkeys((known(row.attack, found.tls).source, found.source))
    return Cell(row.mark, row.sentence, row.stopped_by, row.source or "; ".join(sources), row.only, row.elsewhere)


@cache
def families() -> tuple[Family, ...]:
    """Return the families in the order of their files."""
    return tuple(read_toml(path, Family) for path in sorted(FOLDER.glob("*.toml")))


@cache
def table() -> Table:
    """Return (design, attack) to the cell: every design of both ladders, in their order, against every attack."""
    return spread(row for family in families() for row in family.row)
