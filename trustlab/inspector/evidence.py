"""The event log in Evidence, replayed for a row of the ladder, wherever the Evidence travels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.attest import AttestError, steps_of

if TYPE_CHECKING:
    from trustlab.inspector.rows import RowPart
    from trustlab.trace import Span

LOG = ".event-log.value"
PCR = ".pcr-values.value.PCR"


def replayed(part: RowPart) -> dict[str, Any]:
    """Return the event log that a part carries, replayed step by step; nothing if it carries none that can be read."""
    log = next((span for span in part.spans if span.name.endswith(LOG)), None)
    if log is None:
        return {}
    raw = bytes.fromhex(part.hex)
    try:
        return {"log": steps_of(raw[log.start : log.end], _sent(part.spans, log.name.removesuffix(LOG) + PCR, raw))}
    except AttestError:
        return {}


def _sent(spans: tuple[Span, ...], prefix: str, raw: bytes) -> dict[int, bytes]:
    """Return the PCR values that travel with the log."""
    values = {}
    for span in spans:
        number, _, last = span.name.removeprefix(prefix).partition(".")
        if span.name.startswith(prefix) and last == "value" and number.isdecimal():
            values[int(number)] = raw[span.start : span.end]
    return values
