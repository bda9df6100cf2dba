"""What may be inspected: a trace, an act, or the path of a file that holds one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trustlab.capture import open_trace
from trustlab.capture.opening import kind_in_words
from trustlab.trace import Trace

if TYPE_CHECKING:
    from trustlab.trace import Controller

WANTED = "give a Trace, an act, or the path of a trace (.jsonl) or a capture (.pcapng, .pcap)"


def trace_of(source: object) -> tuple[Trace, Controller | None]:
    """Return the trace of a source and, if it is an act that can still be steered, its controller.

    TypeError says in a sentence what the source cannot be; CaptureError or TraceFormatError say why its file cannot be
    read.
    """
    if isinstance(source, Trace):
        return source, None
    if isinstance(source, str | os.PathLike):
        return open_trace(source), None
    trace = getattr(source, "trace", None)
    if isinstance(trace, Trace):
        over = getattr(source, "outcome", None) is not None
        return trace, None if over else getattr(source, "controller", None)
    raise TypeError(f"{kind_in_words(source)} cannot be inspected: {WANTED}")
