"""Commands and responses of a TPM: what the command log named, as a tree, with a sentence for every field."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab.explain.tpm_words import CLAUSES, FIELDS, PART2, PART3
from trustlab.octets import nested
from trustlab.octets.tree import ENTRY, TOGETHER
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDEX = re.compile(r"\[\d+\]")
SIZE = "_size"


def tpm_fields(name: str, spans: Sequence[Span], *, response: bool) -> list[Span]:
    """Return the fields of a command or response as a tree; `name` is the command's (`TPM2_Quote`).

    Fields of the structures inside come with a sentence, and keep it.
    """
    command = name.removeprefix("TPM2_")
    tree = nested(spans)
    clause = next((span.clause for span in spans if span.name == "commandCode" and span.clause), f"{PART3}, {name}")
    return [_explained(span, command, clause, response=response) for span in tree]


def _explained(span: Span, command: str, clause: str, *, response: bool) -> Span:
    note, where = span.note, span.clause
    if not note or note == ENTRY or (note == TOGETHER and "." not in span.name):
        found, defined = words(command, _INDEX.sub("", span.name), response=response)
        note, where = found or note, where or defined
    return Span(span.name, span.start, span.end, span.value, note, where or clause)


@lru_cache(maxsize=4096)
def words(command: str, path: str, *, response: bool) -> tuple[str, str]:
    """Return the sentence for a field of a command, and where it is defined if it is no parameter; empty if unknown."""
    if path.endswith(SIZE):
        return f"How many bytes of {path.removesuffix(SIZE).rpartition('.')[2]} follow.", f"{PART2}, 10.4"
    parts = path.split(".")
    keys = (f"{command}.{path}", f"{path}.answer" if response else path, path, ".".join(parts[-2:]), parts[-1])
    found = next((FIELDS[key] for key in keys if key in FIELDS), "")
    return found, CLAUSES.get(parts[-1], "")
