"""What every tree of fields has to be, wherever it comes from."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from trustlab.octets import leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.trace import Span


def assert_a_tree(spans: Sequence[Span], octets: bytes) -> None:
    """Names occur once; a field lies inside the one above it, and beside its neighbours; each has sentence and clause."""
    by_name = {span.name: span for span in spans}
    assert len(by_name) == len(spans), [s.name for n, s in enumerate(spans) if by_name[s.name] is not spans[n]]
    for span in spans:
        assert 0 <= span.start < span.end <= len(octets)
        assert span.note, span
        assert span.clause, span
        above = by_name.get(span.name.rpartition(".")[0])
        assert above is not None or "." not in span.name, f"{span.name} has nothing above it"
        assert above is None or above.start <= span.start <= span.end <= above.end, (span, above)
    for left, right in pairwise(sorted(leaves(spans), key=lambda s: s.start)):
        assert left.end <= right.start, (left, right)


def uncovered(spans: Sequence[Span], size: int) -> int:
    """Return how many octets no span covers."""
    named = bytearray(size)
    for span in spans:
        named[span.start : span.end] = b"\1" * (span.end - span.start)
    return named.count(0)
