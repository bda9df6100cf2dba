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


def test_at_every_moment_it_holds_as_many_as_it_keeps_and_never_more_than_twice_as_many():
    trace, lengths = Trace(keep=10), []
    for n in range(60):
        trace.party("bank").emit("note")
        lengths.append(len(trace))
        assert min(n + 1, 10) <= len(trace) <= 20
        assert trace[-1].seq == n
    assert lengths[:20] == list(range(1, 21)), "nothing is forgotten before there are twice as many"
