"""The atlas: every client binder over six fields, against a strict teller and against a lax one.

The server's side is that of `trusted-passage`. For each of the 64 sets of fields two searches say whether Alice can
read the balance. A minimal binder is one that holds, and holds no longer if any of its fields is left out.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.finder.search import find
from trustlab.passage import TRUSTED_PASSAGE, Binder, Design

if TYPE_CHECKING:
    from collections.abc import Iterable

ATLAS_FIELDS = ("nonce_S", "client_random", "server_random", "H(SPKI_S)", "HMAC(PMS)", "H(EPMS)")
"""The fields from which the binders are made; each also has L and the role C."""
Verdict = Literal["attack", "none"]


class BinderVerdicts(msgspec.Struct, frozen=True):
    """One binder: what was found against a strict and against a lax teller."""

    fields: tuple[str, ...]
    strict: Verdict
    lax: Verdict


class Atlas(msgspec.Struct, frozen=True):
    """All binders over `fields`, and the minimal ones that hold, by the teller's policy."""

    fields: tuple[str, ...]
    binders: tuple[BinderVerdicts, ...]
    minimal: dict[str, tuple[tuple[str, ...], ...]]


def atlas(fields: tuple[str, ...] = ATLAS_FIELDS, *, like: Design = TRUSTED_PASSAGE) -> Atlas:
    """Search all subsets of the fields, smallest first."""
    subsets = [chosen for size in range(len(fields) + 1) for chosen in combinations(fields, size)]
    binders = tuple(_searched(chosen, like) for chosen in subsets)
    strict = minimal(binder.fields for binder in binders if binder.strict == "none")
    lax = minimal(binder.fields for binder in binders if binder.lax == "none")
    return Atlas(fields, binders, {"strict": strict, "lax": lax})


def _searched(fields: tuple[str, ...], like: Design) -> BinderVerdicts:
    design = Design.custom(f"client binder {'+'.join(fields) or 'L+C'}", like=like, client=Binder(("L", "C", *fields)))
    strict, lax = (find(design, powers, "balance").verdict for powers in (("ca",), ("ca", "lax-peer")))
    return BinderVerdicts(fields, strict, lax)


def minimal(holding: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return those sets of fields of which no smaller one holds."""
    sets = [(fields, frozenset(fields)) for fields in holding]
    return tuple(fields for fields, chosen in sets if not any(other < chosen for _, other in sets))
