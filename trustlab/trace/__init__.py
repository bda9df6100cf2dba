"""The one record of what happened.

Every party of a run emits `TraceEvent`s into one append-only `Trace`; the inspector, the terminal ladder, the
pcapng export, the judgement of an attack are all views of it. This room knows no TLS and no TPM: the rooms that do
fill in names, bytes and spans.
"""

from trustlab.trace.controller import Controller
from trustlab.trace.event import Link, Span, TraceEvent, Value
from trustlab.trace.roles import Role, other_role
from trustlab.trace.trace import Emitter, Party, Trace, TraceFormatError

__all__ = [
    "Controller",
    "Emitter",
    "Link",
    "Party",
    "Role",
    "Span",
    "Trace",
    "TraceEvent",
    "TraceFormatError",
    "Value",
    "other_role",
]
