"""What can be asked of a message's spans, whoever named them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.trace.event import Span


def leaves(spans: Iterable[Span]) -> list[Span]:
    """Return the spans that no other divides, in the order of the octets; of equal ones the one with the longest name.

    A span without octets names nothing that could be shown or changed, and is left out.
    """
    ordered = sorted((s for s in spans if s.end > s.start), key=lambda s: (s.start, -s.end, len(s.name)))
    found = [a for a, b in pairwise(ordered) if b.start >= a.end or b.end > a.end]
    return found + ordered[-1:]
