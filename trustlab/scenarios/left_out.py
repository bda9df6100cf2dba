"""What an experiment may leave out, by name: checks of the Verifier, rules of a passage, parts of a binder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustlab.attest import CHECKS
from trustlab.passage import PARTS, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = {"checks": CHECKS[1:], "rules": tuple(RULES), "binder fields": tuple(PARTS)}
"""Every name there is, by its kind; no name is of two kinds."""


class LeftOut(NamedTuple):
    """Names that are left out, by kind."""

    checks: tuple[str, ...]
    rules: tuple[str, ...]
    parts: tuple[str, ...]


def left_out(names: Iterable[str]) -> LeftOut:
    """Sort names by kind; ValueError where one is of none, with those there are."""
    chosen = tuple(dict.fromkeys((names,) if isinstance(names, str) else names))
    sorted_names = LeftOut(*(tuple(name for name in chosen if name in known) for known in KINDS.values()))
    if unknown := [name for name in chosen if not any(name in kind for kind in sorted_names)]:
        there_are = "; ".join(f"{kind}: {', '.join(known)}" for kind, known in KINDS.items())
        raise ValueError(f"nothing that could be left out is called {unknown[0]!r}; there are {there_are}")
    return sorted_names
