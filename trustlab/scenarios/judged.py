"""The table of judged fields: what may be changed in flight and nothing catches it, and the clause that says why."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec

TABLE = Path(__file__).with_name("judged.toml")


class JudgedField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One judged field.

    `message` and `field` are shell patterns; `designs` names the designs (all if empty), `keys` the layer: true for
    changes under the record protection.
    """

    message: str
    field: str
    why: str
    clause: str
    designs: tuple[str, ...] = ()
    keys: bool = False

    def means(self, design: str, message: str, field: str, *, keys: bool) -> bool:
        """Tell whether it judges this field."""
        return (
            keys == self.keys
            and (not self.designs or any(fnmatchcase(design, each) for each in self.designs))
            and fnmatchcase(message, self.message)
            and fnmatchcase(field, self.field)
        )


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    judged: tuple[JudgedField, ...]


@cache
def judgements() -> tuple[JudgedField, ...]:
    """Return the whole table."""
    return msgspec.toml.decode(TABLE.read_bytes(), type=_Table).judged


def judgement_of(design: str, message: str, field: str, *, keys: bool) -> JudgedField | None:
    """Return the judgement of a field that nothing catches; None if it was not judged."""
    return next((each for each in judgements() if each.means(design, message, field, keys=keys)), None)
