"""What an experiment can leave out, by name: checks of the Verifier, rules of a passage, parts of a binder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustlab.attest import CHECKS
from trustlab.passage import PARTS, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = {"checks": CHECKS[1:], "rules": tuple(RULES), "binder fields": tuple(PARTS)}
"""Every name, by its kind; no name has two kinds."""


class LeftOut(NamedTuple):
    """Names that are left out, by kind."""

    checks: tuple[str, ...]
    rules: tuple[str, ...]
    parts: tuple[str, ...]


def left_out(names: Iterable[str]) -> LeftOut:
    """Sort names by kind; ValueError for an unknown name, with the known ones."""
    chosen = tuple(dict.fromkeys((names,) if isinstance(names, str) else names))
    sorted_names = LeftOut(*(tuple(name for name in chosen if name in known) for known in KINDS.values()))
    if unknown := [name for name in chosen if not any(name in kind for kind in sorted_names)]:
        choices = "; ".join(f"{kind}: {', '.join(known)}" for kind, known in KINDS.items())
        raise ValueError(f"there is no check, rule or binder field {unknown[0]!r}; choose from {choices}")
    return sorted_names
