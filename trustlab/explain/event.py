"""The one way from an event to its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.explain.application import plaintext_fields
from trustlab.explain.frame import frame_fields
from trustlab.explain.groups import group_words
from trustlab.explain.handshake import message_fields, record_fields
from trustlab.explain.secrets import secret_words
from trustlab.explain.tpm import tpm_fields
from trustlab.octets import leaves, nested
from trustlab.trace import Span
from trustlab.wire import LinkType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.trace import TraceEvent

APPLICATION_DATA = "ApplicationData"
REMEMBERED, REMEMBERED_SIZE = 4096, 2**16
"""How many trees are kept, and of what size of octets."""
UNNAMED = "Bytes that nothing in this lab takes apart."
_known: dict[tuple[object, ...], tuple[tuple[Span, ...], tuple[Span, ...]]] = {}


def fields_of(event: TraceEvent, *, content: int | None = None) -> tuple[Span, ...]:
    """Return the fields of an event's `raw` as a tree: each name once, parents first, every field inside its parent.

    Every field has a sentence and a clause, and together they cover all octets. Never raises, whatever the trace
    holds. `content` is how many octets of plaintext a record holds, if that is known: it tells the inner type of a
    TLS 1.3 record from its padding.
    """
    if not event.raw:
        return ()
    key = (event.kind, event.name, event.raw, _word(event, "version"), _word(event, "label"), _link(event), content)
    known = _known.get(key)
    if known is not None and (known[0] is event.spans or known[0] == event.spans):
        return known[1]
    fields = _covered(_NAMERS.get(event.kind, _plain)(event, content), len(event.raw))
    if len(event.raw) <= REMEMBERED_SIZE:
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[key] = (event.spans, fields)
    return fields


def forget() -> None:
    """Forget all trees (measurements do this)."""
    _known.clear()


def _word(event: TraceEvent, key: str) -> str:
    """Return a text of an event's data; an old or foreign trace may have something else there, or nothing."""
    value = event.data.get(key)
    return value if isinstance(value, str) else ""


def _link(event: TraceEvent) -> int:
    """Return the link type of a frame. The lab's own wire is Ethernet, and says nothing."""
    value = event.data.get("link")
    return value if isinstance(value, int) else LinkType.ETHERNET


def _inside(spans: Sequence[Span], size: int) -> list[Span]:
    """Return the spans that lie within the octets: a trace is a file, and may say anything."""
    return [span for span in spans if 0 <= span.start < span.end <= size]


def _message(event: TraceEvent, content: int | None) -> list[Span]:
    spans = _inside(event.spans, len(event.raw))
    if event.name == APPLICATION_DATA:
        spans = spans or list(tls.describe_record(event.raw, protected=True))
        return record_fields(spans, _word(event, "version"), content)
    return message_fields(event.raw, spans)


def _command(event: TraceEvent, _: int | None) -> list[Span]:
    response = event.kind == "tpm.response"
    return tpm_fields(event.name, _inside(event.spans, len(event.raw)), response=response)


def _frame(event: TraceEvent, _: int | None) -> list[Span]:
    return frame_fields(event.raw, _link(event))


def _secret(event: TraceEvent, _: int | None) -> list[Span]:
    if event.name == "application data":
        return list(plaintext_fields(event.raw))
    if event.spans:
        return _plain(event, None)
    note, clause = secret_words(event.name)
    return [Span(event.name.replace(".", "-") or "secret", 0, len(event.raw), event.raw[:32].hex(), note, clause)]


def _plain(event: TraceEvent, _: int | None) -> list[Span]:
    return nested(_inside(event.spans, len(event.raw)))


_NAMERS: dict[str, Callable[[TraceEvent, int | None], list[Span]]] = {
    "tls.message": _message,
    "authenticator": _message,
    "tpm.command": _command,
    "tpm.response": _command,
    "frame": _frame,
    "secret": _secret,
}


def _covered(spans: Sequence[Span], size: int) -> tuple[Span, ...]:
    """Return the spans with what may be missing: a sentence, a clause, and a field for octets that have none."""
    clause = next((span.clause for span in spans if span.clause), "trustlab trace")
    result = [_worded(span, clause) for span in spans]
    at, gaps = 0, []
    for span in sorted(leaves(spans), key=lambda s: s.start):
        if span.start > at and not any(s.start <= at and span.start <= s.end for s in spans):
            gaps.append((at, span.start))
        at = max(at, span.end)
    if at < size and not any(s.start <= at and size <= s.end for s in spans):
        gaps.append((at, size))
    result += [Span(f"unnamed[{n}]", start, end, "", UNNAMED, clause) for n, (start, end) in enumerate(gaps)]
    return tuple(sorted(result, key=lambda s: s.start) if gaps else result)


def _worded(span: Span, clause: str) -> Span:
    note = group_words(span.name, span.note) or _otherwise(span)
    if note is span.note and span.clause:
        return span
    return Span(span.name, span.start, span.end, span.value, note, span.clause or clause)


def _otherwise(span: Span) -> str:
    """Return a sentence for a field that an old trace, or a room without one, gives none."""
    if span.name.endswith(("_size", "_length")):
        return f"How many bytes of {span.name.rpartition('.')[2].rpartition('_')[0]} follow."
    return f"The field {span.name.rpartition('.')[2]}, for which this lab has no sentence."
