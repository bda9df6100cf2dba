"""Two legs, one comparison: a message and its twin field by field, with a reason for what differs and what does not.

Fields are compared by their paths, and only then byte by byte: two certificates of one run differ in length, so the
same offset means another field. The rules are data: a message, a path, a word and a sentence.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from trustlab.inspector.document import Compared
from trustlab.inspector.legrules import DIFFERS, SAME
from trustlab.inspector.tree import is_leaf, paths

if TYPE_CHECKING:
    from trustlab.inspector.book import Book
    from trustlab.inspector.document import MessageRow, Piece

HAS_TO = "has to differ"


class Reason(NamedTuple):
    """Why a field differs between the legs, or does not."""

    word: str
    text: str


NO_REASON = Reason("", "")


def compare(book: Book, row: MessageRow, twin: MessageRow) -> None:
    """Compare two messages and write into each what is to be said of its fields."""
    mine, theirs = _octets(book, row.parts[0]), _octets(book, twin.parts[0])
    row.differs = twin.differs = row.parts[0].hex != twin.parts[0].hex
    row.compared = _compared(row.name, mine, theirs)
    twin.compared = _compared(twin.name, theirs, mine)
    for each in (row, twin):
        first = next((c.field for c in each.compared if c.word == HAS_TO), None)
        if first is not None:
            each.first = _first_leaf(each, first)


def _first_leaf(row: MessageRow, group: int) -> int:
    """Return the longest differing field inside a group: the one that makes the difference plain."""
    fields = row.parts[0].fields
    end = next((n for n in range(group + 1, len(fields)) if fields[n].depth <= fields[group].depth), len(fields))
    leaves = [c.field for c in row.compared if group <= c.field < end and c.differs and is_leaf(fields, c.field)]
    return max(leaves, key=lambda n: fields[n].end - fields[n].start, default=group)


def changed(book: Book, row: MessageRow) -> list[str]:
    """Return the labels of the innermost fields that differ from the other leg, those that have to differ first."""
    piece = row.parts[0] if row.parts else None
    if piece is None:
        return []
    labels = book.labels(piece)
    leaves = [c for c in row.compared if c.differs and is_leaf(piece.fields, c.field)]
    leaves.sort(key=lambda c: c.word != HAS_TO)
    return list(dict.fromkeys(labels[c.field].rpartition(".")[2] for c in leaves))


def _octets(book: Book, piece: Piece) -> dict[str, str]:
    """Return the octets of each field by its path, in reading order."""
    names = paths(book.labels(piece), piece.fields)
    return {name: piece.hex[2 * field.start : 2 * field.end] for name, field in zip(names, piece.fields, strict=True)}


def _compared(message: str, mine: dict[str, str], theirs: dict[str, str]) -> list[Compared]:
    result = []
    for number, (path, octets) in enumerate(mine.items()):
        differs = theirs.get(path) != octets
        reason = why(message, path, differs=differs)
        if differs or reason.word:
            result.append(Compared(field=number, differs=differs, word=reason.word, text=reason.text))
    return result


@lru_cache(maxsize=4096)
def why(message: str, path: str, *, differs: bool) -> Reason:
    """Return the reason for a field of a message that differs between the legs, or does not; empty if there is none.

    `path` has its labels joined by slashes; dots inside labels count as slashes, and numbers of repetition not at all.
    """
    way = re.sub(r"#\d+", "", f"{message}/{path}").replace(".", "/")
    for pattern, word, text in DIFFERS if differs else SAME:
        if re.search(pattern, way):
            return Reason(word, text)
    return NO_REASON
