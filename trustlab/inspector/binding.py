"""The binding as an equation: what the verifier recomputed, field by field, beside what the attester signed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustlab.inspector.rows import LadderRow, RowPart


class Field(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One field under the hash, in hex, as either side put it there; None where that side had no such field."""

    name: str
    verifier: str | None = None
    attester: str | None = None

    @property
    def same(self) -> bool:
        """Whether both sides hashed the same octets."""
        return self.verifier == self.attester


class Equation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`H(fields) = binder`, to be compared with the `extraData` inside the signed quote.

    `compared` says whether the attester's own fields are known, so that each field can be compared.
    """

    design: str
    role: str
    fields: list[Field]
    binder: str
    extra_data: str
    holds: bool
    compared: bool = False


def equation(
    appraisal: LadderRow, verdicts: Sequence[LadderRow], binders: Sequence[LadderRow]
) -> dict[str, Any] | None:
    """Return the equation behind an appraisal in JSON values, or None where nothing was bound."""
    judged = next((row for row in reversed(verdicts) if row.name == "extraData"), None)
    mine = _last(
        row for row in binders if _side(row) == "verifier" and row.at == appraisal.at and _near(row, appraisal)
    )
    if judged is None or mine is None:
        return None
    role = str(mine.meta.get("role", ""))
    theirs = _last(row for row in binders if _side(row) == "attester" and row.meta.get("role") == role)
    fields = _fields(mine.meta, theirs.meta if theirs else None)
    found = str(judged.meta.get("found") or "")
    binder = str(mine.meta.get("binder") or "")
    result = Equation(
        design=mine.name,
        role=role,
        fields=fields,
        binder=binder,
        extra_data=found,
        holds=bool(binder) and binder == found,
        compared=theirs is not None,
    )
    value: dict[str, Any] = msgspec.to_builtins(result)
    return value


def pairs(meta: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a binder's (name, hex) fields; entries of another shape are left out."""
    fields = meta.get("fields")
    if not isinstance(fields, list):
        return []
    return [(str(x[0]), str(x[1])) for x in fields if isinstance(x, (list, tuple)) and len(x) == 2]


def changed_fields(before: RowPart, after: RowPart) -> list[str]:
    """Return the names of the innermost fields whose octets differ between two messages of the same name."""
    mine, theirs = _leaves(before), _leaves(after)
    names = dict.fromkeys([*theirs, *mine])
    return list(dict.fromkeys(name for name, n in names if mine.get((name, n)) != theirs.get((name, n))))


def _leaves(part: RowPart) -> dict[tuple[str, int], str]:
    """Return the octets of each innermost field, keyed by its name and by how often that name came before."""
    seen: Counter[str] = Counter()
    result = {}
    parents = {prefix for span in part.spans for prefix in _prefixes(span.name)}
    for span in part.spans:
        if span.name in parents:
            continue
        result[span.name, seen[span.name]] = part.hex[2 * span.start : 2 * span.end]
        seen[span.name] += 1
    return result


def _prefixes(name: str) -> list[str]:
    words = name.split(".")
    return [".".join(words[:n]) for n in range(1, len(words))]


def _fields(mine: dict[str, Any], theirs: dict[str, Any] | None) -> list[Field]:
    if theirs is None:
        return [Field(name=name, verifier=value) for name, value in pairs(mine)]
    other = dict(pairs(theirs))
    fields = [Field(name=name, verifier=value, attester=other.pop(name, None)) for name, value in pairs(mine)]
    return [*fields, *(Field(name=name, attester=value) for name, value in other.items())]


def _last(rows: Iterable[LadderRow]) -> LadderRow | None:
    result = None
    for row in rows:
        result = row
    return result


def _side(row: LadderRow) -> str:
    return str(row.meta.get("side", ""))


def _near(row: LadderRow, appraisal: LadderRow) -> bool:
    return not row.connection or not appraisal.connection or row.connection == appraisal.connection
