"""The table of expectations: every design against every attack, with a sentence and a source for each cell.

It is data: `expected/*.toml`, a file for each family of attacks. A row says what one attack does to one design, or to
a range of designs in the order of the ladders. Marks: `S` the attack succeeds, `x` it is stopped, `-` it makes no sense
there (the sentence says why). A design beside the ladders is in `columns.toml`: it is like a design of a ladder, except
for its own rows. The matrix is run and compared with the table; if they differ, one of the two is wrong.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.attacks.catalogue import CatalogueError, attack_on, read_toml
from trustlab.passage import DESIGNS, LADDER, LADDER13

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trustlab.attacks.attack import Attack

FOLDER = Path(__file__).with_name("expected")
COLUMNS = Path(__file__).with_name("columns.toml")
Mark = Literal["S", "x", "-"]


class ExpectationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a file: an attack, a design or `first to last`, the expected outcome, and the reason.

    `stopped_by` are the checks that refuse, in their order, or what else stops it. `source` is given if it differs from
    the attack's and the design's own. `only` names a substrate if the row can be played on that one alone; `elsewhere`
    is the sentence for the others.
    """

    attack: str
    designs: str
    mark: Mark
    sentence: str
    stopped_by: tuple[str, ...] = ()
    source: str = ""
    only: str = ""
    elsewhere: str = ""


class ColumnRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a column: fields as in `ExpectationRow`, for the column's own designs."""

    attack: str
    mark: Mark
    sentence: str
    stopped_by: tuple[str, ...] = ()
    source: str = ""

    def about(self, design: str) -> ExpectationRow:
        """Return the row for one design."""
        return ExpectationRow(self.attack, design, self.mark, self.sentence, self.stopped_by, self.source)


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Designs beside the ladders: they fare as the design that they are `like`, but for the rows given here."""

    designs: tuple[str, ...]
    like: str
    row: tuple[ColumnRow, ...] = ()


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `columns.toml`."""

    column: tuple[Column, ...]


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: attacks of one kind, under a title."""

    title: str
    row: tuple[ExpectationRow, ...]

    @property
    def attacks(self) -> tuple[str, ...]:
        """The names of its attacks, in the file's order."""
        return tuple(dict.fromkeys(row.attack for row in self.row))


class Cell(msgspec.Struct, frozen=True):
    """The expectation for one attack against one design; fields as in `ExpectationRow`."""

    mark: Mark
    sentence: str
    stopped_by: tuple[str, ...]
    source: str
    only: str = ""
    elsewhere: str = ""


Table = dict[tuple[str, str], Cell]


def known(attack: str, tls: str) -> Attack:
    """Return the attack that plays a row on a version of TLS; CatalogueError if no program plays it."""
    found = attack_on(attack, tls)
    if found is None:
        raise CatalogueError(
            f"a row of attacks/expected/ names the attack {attack!r}, but no program plays it: correct the name, or "
            f"write attacks/programs/{attack.replace('-', '_')}.py with ATTACK = Attack(name={attack!r}, ...)"
        )
    return found


def named(designs: str) -> tuple[str, ...]:
    """Return the designs that `name` or `first to last` stands for; CatalogueError for an unknown design.

    A range is of the ladders: no design beside them is in it.
    """
    first, _, last = designs.partition(" to ")
    rungs = tuple(design.name for design in (*LADDER, *LADDER13))
    known_here = rungs if last else tuple(DESIGNS)
    for name in (first, last or first):
        if name not in known_here:
            raise CatalogueError(
                f"a row of attacks/expected/ names an unknown design {name!r}; choose from: {', '.join(known_here)}"
            )
    return rungs[rungs.index(first) : rungs.index(last) + 1] if last else (first,)


def spread(rows: Iterable[ExpectationRow]) -> Table:
    """Return (design, attack) to the cell; CatalogueError if a cell has two rows, or none."""
    table: Table = {}
    for row in rows:
        for design in named(row.designs):
            if (design, row.attack) in table:
                raise CatalogueError(
                    f"two rows of attacks/expected/ are about {design} against {row.attack}: remove one"
                )
            table[design, row.attack] = _cell(design, row)
    attacks = tuple(dict.fromkeys(attack for _, attack in table))
    missing = [(design, attack) for design in DESIGNS for attack in attacks if (design, attack) not in table]
    if missing:
        raise CatalogueError(
            f"no row of attacks/expected/ says what happens to {_by_attack(missing)}: "
            "add a row for each, with mark '-' and the reason if it makes no sense there"
        )
    return {(design, attack): table[design, attack] for design in DESIGNS for attack in attacks}


def widened(rows: Sequence[ExpectationRow], columns: Iterable[Column]) -> Iterator[ExpectationRow]:
    """Yield the rows, and those of the columns; CatalogueError for a column's row about an attack that has no rows."""
    yield from rows
    for column in columns:
        likes = {row.attack: row for row in rows if column.like in named(row.designs)}
        own = {row.attack: row for row in column.row}
        if unknown := own.keys() - likes.keys():
            raise CatalogueError(
                f"attacks/columns.toml has a row about {min(unknown)} under {', '.join(column.designs)}, and no row of "
                f"attacks/expected/ says what that attack does to {column.like}: correct the name, or add that row"
            )
        for design in column.designs:
            for attack, row in likes.items():
                yield own[attack].about(design) if attack in own else msgspec.structs.replace(row, designs=design)


def _by_attack(places: list[tuple[str, str]]) -> str:
    """Name places of the table, attacks that lack the same designs together: a new design lacks all of them."""
    designs: dict[str, tuple[str, ...]] = {}
    for design, attack in places:
        designs[attack] = (*designs.get(attack, ()), design)
    attacks: dict[tuple[str, ...], list[str]] = {}
    for attack, lacks in designs.items():
        attacks.setdefault(lacks, []).append(attack)
    return "; or to ".join(f"{', '.join(lacks)} under {', '.join(names)}" for lacks, names in attacks.items())


def _cell(design: str, row: ExpectationRow) -> Cell:
    """Return the cell with its source: the row's, or else the attack's and the design's."""
    found = DESIGNS[design]
    sources = dict.fromkeys((known(row.attack, found.tls).source, found.source))
    return Cell(row.mark, row.sentence, row.stopped_by, row.source or "; ".join(sources), row.only, row.elsewhere)


@cache
def families() -> tuple[Family, ...]:
    """Return the families in the order of their files."""
    return tuple(read_toml(path, Family) for path in sorted(FOLDER.glob("*.toml")))


@cache
def table() -> Table:
    """Return (design, attack) to the cell: every design, in the catalogue's order, against every attack."""
    rows = [row for family in families() for row in family.row]
    return spread(widened(rows, read_toml(COLUMNS, Columns).column))
