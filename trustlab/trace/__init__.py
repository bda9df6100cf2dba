"""The trace: one append-only record of everything that happens in a run.

Theory of operation
-------------------

A run has parties (teller, bank, Alice, each machine's TPM platform, ...). Each party gets a `Party` from the `Trace`
and emits `TraceEvent`s through it. An event has a `kind`, dotted, with the room that emits it first (`tls.message`,
`tpm.command`, `frame`, `verdict`), the party's name, and a number that counts this party's events from 0. It may
carry octets (`raw`), and `Span`s that name every field in them.

Rule 1: nobody changes or removes an event. Terminal, inspector, pcapng export, the judgement of an attack and what
Alice knows are views: functions of the trace, computed when somebody asks. A view that needs a fact which is not in
the trace is wrong, and so is a party that keeps such a fact to itself.

Rule 2: a guest program gets an `Emitter`, which can only write. Otherwise a program of Alice's could read the other
parties' secrets from the trace.

Rule 3: secrets are events of their own kind, `secret`. So one test (`TraceEvent.secret`) keeps them out of files,
pictures and logs unless they are asked for.

Order. Events are held in the order in which they were appended. With several threads or machines that order may show
a message before it was sent; `Trace.ordered` sorts by what is certain: each party's own numbers, and that an octet is
written before it is read, which `connection`, `direction` and `offset` make comparable at both ends. Time is never
used: clocks of virtual machines disagree.

Three stages. A message is *written* (the writer's event, `sent` is true), *on the wire* (a `frame` event whose stream
positions reach its end) and *read* (the reader's event, `sent` is false). Ends write a whole flight before its first
octet leaves, so while a run is held the trace already holds messages that nobody has sent; `Stages` tells the three
apart. A frame's `fate` says what happened to it on its way: `held`, `edited` (then `original` is what was written, in
hex), `dropped`, `delayed`, `duplicate`. A frame is recorded when it leaves.

Subscribers run in the thread that appends, one event at a time. All other threads wait there with their next event.
So a subscriber must not wait for another party (`Trace.telling_here` tells code that might).

On disk a trace is JSON Lines: a header, then one event a line. Field names do not change, so that old traces load.

This room knows neither TLS nor TPMs. The rooms that do fill in names, octets and spans.
"""

from trustlab.trace.controller import Controller
from trustlab.trace.event import Link, Span, TraceEvent, Value
from trustlab.trace.private import private
from trustlab.trace.roles import Role, other_role
from trustlab.trace.spans import leaves
from trustlab.trace.stages import Stage, Stages
from trustlab.trace.trace import Emitter, Party, Trace, TraceFormatError

__all__ = [
    "Controller",
    "Emitter",
    "Link",
    "Party",
    "Role",
    "Span",
    "Stage",
    "Stages",
    "Trace",
    "TraceEvent",
    "TraceFormatError",
    "Value",
    "leaves",
    "other_role",
    "private",
]
