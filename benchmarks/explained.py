"""How much of a run is explained: the share of its octets under a sentence that says what they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trustlab.explain import fields_of
from trustlab.octets import leaves
from trustlab.octets.tree import ENTRY, TOGETHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustlab.trace import Span, TraceEvent

LONG = 64
"""Octets of a leaf that needs a reason for not being taken apart."""
REASONS = re.compile(r"signature|modulus|[Cc]iphertext|encrypted|random|\bMAC\b|padding|hash's input")
SILENT = re.compile(r"no sentence|nothing in this lab|^\d[\d,]* (bytes|octets)")
"""Sentences that say nothing, or only how many octets there are."""
KINDS = ("tls.message", "authenticator", "tpm.command", "tpm.response", "secret")
"""What a reader may choose. Frames carry the same octets once more; their pieces of records point to the rows."""


def contents(events: Iterable[TraceEvent]) -> dict[tuple[str, int], int]:
    """Return how many octets of plaintext each record holds, where the trace knows."""
    return {
        (link.party, link.seq): len(event.raw)
        for event in events
        if event.name == "application data"
        for link in event.links
    }


def trees(events: list[TraceEvent]) -> Iterator[tuple[TraceEvent, tuple[Span, ...]]]:
    """Return every event that a reader may choose, with its fields."""
    known = contents(events)
    for event in events:
        if event.kind in KINDS and event.raw:
            yield event, fields_of(event, content=known.get((event.party, event.seq)))


def is_opaque(leaf: Span) -> bool:
    """Whether a leaf is long and does not say why it is not taken apart."""
    return leaf.end - leaf.start > LONG and not REASONS.search(leaf.note)


def share_explained(events: list[TraceEvent]) -> float:
    """Return the share of octets whose innermost field says what they are; opaque leaves do not count."""
    total = explained = 0
    for event, fields in trees(events):
        total += len(event.raw)
        said = bytearray(len(event.raw))
        bottom = set(leaves(fields))
        for span in fields:  # parents first, so that the innermost has the last word
            silent = SILENT.search(span.note) or span.note in (ENTRY, TOGETHER)
            mark = b"\0" if silent or (span in bottom and is_opaque(span)) else b"\1"
            said[span.start : span.end] = mark * (span.end - span.start)
        explained += said.count(1)
    return explained / total if total else 1.0
