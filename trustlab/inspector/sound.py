"""What a view may rely on in an event: a trace is read from a file, and a file may say anything.

`Trace.load` checks the event's own fields. What `data` holds is free: old and foreign traces, and those that somebody
edited, have other types there than ours have. `sound` drops what has not the type that views ask for, so that every
view can read without asking again; it leaves the trace as it is.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import TraceEvent, Value

_FARTHEST = 1 << 53
"""Beyond it a browser's numbers are not exact."""
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")


def _text(value: object) -> bool:
    return isinstance(value, str)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _FARTHEST


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _name(value: object) -> bool:
    return _text(value) or _count(value)


def _hex(value: object) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _pairs(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(x, list) and len(x) == 2 and _texts(x) for x in value)


def _ranges(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(x, list) and len(x) == 2 and all(map(_count, x)) and x[0] <= x[1] for x in value
    )


def _never(_value: object) -> bool:
    return False


_Rules = dict[str, "Callable[[object], bool]"]
_EVERYWHERE: _Rules = {"sentence": _text}
_FRAME: _Rules = {"from": _text, "to": _text, "src": _text, "dst": _text, "payload_length": _count}
_TPM: _Rules = {"ms": _number, "rc": _count, "rc_name": _text, "client": _text, "locality": _name}
_RULES: dict[str, _Rules] = {
    "tls.message": {
        "content_type": _count,
        "version": _text,
        "encrypted": _flag,
        "passive": _flag,
        "readable": _flag,
        "records": _ranges,
    },
    "tls.state": {"role": _text},
    "tpm.command": _TPM,
    "tpm.response": _TPM,
    "frame": _FRAME,
    "connection": _FRAME,
    "binder": {"fields": _pairs, "binder": _hex, "role": _text, "side": _text},
    "verdict": {
        "verdict": _text,
        "expected": _hex,
        "found": _hex,
        "clause": _text,
        "about": _text,
        "appraisal": _never,
    },
    "appraisal": {"refused_by": _text, "failed": _texts, "about": _text, "verdicts": _never, "binding": _never},
    "secret": {"inputs": _texts, "connection": _text, "client_random": _hex},
    "attack": {"step": _text},
    "machine": {"step": _text},
    "note": {"act": _name},
    "capture": {"frames": _count, "links": _texts},
}
"""What each kind's data must be; `_never` marks the names that a view gives to findings of its own."""


def sound(event: TraceEvent) -> TraceEvent:
    """Return the event without what has another type than views ask for: itself, if all is well."""
    rules = _RULES.get(event.kind, {})
    wrong = [key for key, value in event.data.items() if not _holds(key, value, rules)]
    spans = event.spans
    if any(not 0 <= span.start <= span.end <= len(event.raw) for span in spans):
        spans = tuple(span for span in spans if 0 <= span.start <= span.end <= len(event.raw))
    offset = event.offset if event.offset is None or _count(event.offset) else None
    if not wrong and spans is event.spans and offset == event.offset:
        return event
    data: dict[str, Value] = {key: value for key, value in event.data.items() if key not in wrong}
    return msgspec.structs.replace(event, data=data, spans=spans, offset=offset)


def _holds(key: str, value: object, rules: _Rules) -> bool:
    rule = rules.get(key) or _EVERYWHERE.get(key)
    return rule is None or value is None or rule(value)
