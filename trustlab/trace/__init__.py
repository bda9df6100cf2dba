"""The one record of what happened.

Every party of a run emits `Event`s into one append-only `Trace`; the inspector, the terminal ladder, the
pcapng export, the judgement of an attack are all views of it. This room knows no TLS and no TPM: the rooms that do
fill in names, bytes and spans.
"""

from trustlab.trace.controller import Controller
from trustlab.trace.event import Event, Link, Span, Value
from trustlab.trace.roles import Role, other_role
from trustlab.trace.trace import Party, Pen, Trace, TraceFormatError

__all__ = [
    "Controller",
    "Event",
    "Link",
    "Party",
    "Pen",
    "Role",
    "Span",
    "Trace",
    "TraceFormatError",
    "Value",
    "other_role",
]
