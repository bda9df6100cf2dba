"""A trace that forgets."""

from __future__ import annotations

from trustlab.trace import Trace


def test_a_trace_that_keeps_only_so_many_events_still_tells_every_one():
    trace, told = Trace(keep=10), []
    trace.subscribe(told.append)
    for _ in range(95):
        trace.party("bank").emit("note")
    assert len(told) == 95
    assert 10 <= len(trace) <= 20
    assert [event.seq for event in trace] == list(range(95 - len(trace), 95))
