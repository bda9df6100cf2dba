"""Order, selection, subscription: the Trace while it grows."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab.trace import Trace, TraceEvent


def cross(trace: Trace, party: str, offset: int, *, sent: bool, name: str = "") -> TraceEvent:
    return trace.party(party).emit("tls.message", name, connection="c", direction="client", offset=offset, sent=sent)


def test_each_party_counts_its_own_events() -> None:
    trace = Trace()
    seqs = [trace.party(p).emit("note").seq for p in ("teller", "bank", "teller", "teller")]
    assert seqs == [0, 0, 1, 2]


def test_nothing_is_received_before_it_was_sent() -> None:
    trace = Trace()
    read = cross(trace, "bank", 0, sent=False)
    written = cross(trace, "teller", 0, sent=True)
    assert trace.ordered() == [written, read]


def test_a_reader_waits_for_all_messages_that_one_record_carries() -> None:
    trace = Trace()
    late = [cross(trace, "bank", 0, sent=False, name=n) for n in ("ServerHello", "Certificate")]
    early = [cross(trace, "teller", 0, sent=True, name=n) for n in ("ServerHello", "Certificate")]
    assert trace.ordered() == early + late


def test_a_party_keeps_its_own_order_while_it_waits() -> None:
    trace = Trace()
    first = cross(trace, "bank", 0, sent=False)
    second = trace.party("bank").emit("note", "after")
    sender = trace.party("teller").emit("note", "before")
    written = cross(trace, "teller", 0, sent=True)
    assert trace.ordered() == [sender, written, first, second]


def test_a_reader_whose_writer_is_not_in_the_trace_does_not_wait() -> None:
    trace = Trace()
    events = [cross(trace, "bank", 7, sent=False), trace.party("lab").emit("note")]
    assert trace.ordered() == events


def test_events_that_wait_in_a_circle_are_not_lost() -> None:
    trace = Trace()
    events = [
        cross(trace, "bank", 0, sent=False),
        cross(trace, "bank", 9, sent=True),
        cross(trace, "teller", 9, sent=False),
        cross(trace, "teller", 0, sent=True),
    ]
    assert sorted(trace.ordered(), key=lambda e: (e.party, e.seq)) == sorted(events, key=lambda e: (e.party, e.seq))


def test_what_may_come_in_any_order_keeps_that_of_appending() -> None:
    trace = Trace()
    events = [trace.party(name).emit("note") for name in ("teller", "bank", "alice", "bank", "teller")]
    assert trace.ordered() == events


def test_a_writers_event_stays_before_what_was_appended_later_than_it() -> None:
    """Only who has to wait is moved, and no further than behind whom it waits for."""
    trace = Trace()
    early = trace.party("zoe").emit("note", "appended first")
    read = cross(trace, "bank", 0, sent=False)
    between = trace.party("alice").emit("note", "appended before it was written")
    written = cross(trace, "teller", 0, sent=True)
    later = trace.party("alice").emit("note", "appended last")
    assert trace.ordered() == [early, between, written, read, later]


def test_events_that_wait_in_a_circle_come_in_the_order_of_appending() -> None:
    trace = Trace()
    events = [
        cross(trace, "teller", 9, sent=False),
        cross(trace, "bank", 0, sent=False),
        cross(trace, "bank", 9, sent=True),
        cross(trace, "teller", 0, sent=True),
    ]
    assert trace.ordered() == [events[0], events[3], events[1], events[2]]


@pytest.mark.parametrize(
    ("connection", "direction", "offset"), [("d", "client", 0), ("c", "server", 0), ("c", "client", 1)]
)
def test_a_reader_waits_for_no_other_connection_direction_or_offset(
    connection: str, direction: str, offset: int
) -> None:
    trace = Trace()
    read = cross(trace, "bank", 0, sent=False)
    other = trace.append(
        "alice", "tls.message", "", connection=connection, direction=direction, offset=offset, sent=True
    )
    written = cross(trace, "teller", 0, sent=True)
    assert trace.ordered() == [other, written, read]
    alone = Trace()
    events = [
        cross(alone, "bank", 0, sent=False),
        alone.append("alice", "tls.message", "", connection=connection, direction=direction, offset=offset, sent=True),
    ]
    assert alone.ordered() == events


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from([True, False, None])), max_size=30
)


@given(STEPS)
def test_ordering_keeps_every_event_and_every_partys_sequence(steps: list[tuple[str, int, bool | None]]) -> None:
    trace = Trace()
    for party, offset, sent in steps:
        trace.append(party, "tls.message", "", connection="c", direction="client", offset=offset, sent=sent)
    ordered = trace.ordered()
    assert len(ordered) == len(steps)
    for party in "abc":
        assert [e.seq for e in ordered if e.party == party] == list(range(len(trace.select(party=party))))


def test_selection_by_kind_includes_its_subkinds_only() -> None:
    trace = Trace()
    for kind in ("tls.message", "tls.state", "tlsx", "frame"):
        trace.party("lab").emit(kind)
    assert [e.kind for e in trace.select("tls")] == ["tls.message", "tls.state"]


def test_selection_matches_all_that_is_given() -> None:
    trace = Trace()
    wanted = cross(trace, "teller", 0, sent=True, name="ClientHello")
    cross(trace, "bank", 0, sent=False, name="ClientHello")
    cross(trace, "teller", 9, sent=True, name="Finished")
    assert trace.select("tls", party="teller", name="ClientHello", connection="c") == [wanted]


def test_a_link_finds_its_event_or_says_that_there_is_none() -> None:
    trace = Trace()
    event = trace.party("lab").emit("note")
    assert trace.find("lab", 0) is event
    with pytest.raises(KeyError, match="lab#1"):
        trace.find("lab", 1)


def test_a_subscriber_hears_every_event_until_it_leaves() -> None:
    trace = Trace()
    heard: list[str] = []
    leave = trace.subscribe(lambda e: heard.append(e.name))
    trace.party("lab").emit("note", "one")
    leave()
    leave()
    trace.party("lab").emit("note", "two")
    assert heard == ["one"]


def test_who_subscribes_twice_leaves_twice() -> None:
    trace = Trace()
    heard: list[str] = []

    def hear(event: TraceEvent) -> None:
        heard.append(event.name)

    trace.subscribe(hear)
    leave = trace.subscribe(hear)
    leave()
    leave()
    trace.party("lab").emit("note", "one")
    assert heard == ["one"]


def test_all_subscribers_hear_events_in_order_even_when_one_of_them_appends() -> None:
    trace = Trace()
    heard: list[str] = []

    def answer(event: TraceEvent) -> None:
        if event.name == "frame":
            trace.party("capture").emit("note", "decoded")

    trace.subscribe(answer)
    trace.subscribe(lambda e: heard.append(e.name))
    trace.party("network").emit("note", "frame")
    assert heard == ["frame", "decoded"]


def test_a_subscriber_that_raises_does_not_silence_the_trace() -> None:
    trace = Trace()
    heard: list[str] = []

    def fail(_: TraceEvent) -> None:
        raise ValueError("broken view")

    leave = trace.subscribe(fail)
    trace.subscribe(lambda e: heard.append(e.name))
    with pytest.raises(ValueError, match="broken view"):
        trace.party("lab").emit("note", "one")
    leave()
    trace.party("lab").emit("note", "two")
    assert heard[-1] == "two"
    assert len(trace) == 2


def test_threads_may_append_at_once() -> None:
    trace = Trace()

    def work(name: str) -> None:
        for _ in range(200):
            trace.party(name).emit("note")

    threads = [threading.Thread(target=work, args=(n,)) for n in ("a", "b", "a")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(e.seq for e in trace if e.party == "a") == list(range(400))
    assert len(trace) == 600


def test_an_event_holds_the_data_it_was_given_and_the_keywords_beside_it() -> None:
    lab = Trace().party("lab")
    assert lab.emit("note", data={"count": 2}, why="asked").data == {"count": 2, "why": "asked"}
    assert lab.emit("note", data={"count": 2}).data == {"count": 2}
    assert lab.emit("note", why="asked").data == {"why": "asked"}
    assert lab.emit("note").data == {}


def test_only_the_thread_inside_a_subscriber_is_telling() -> None:
    trace, inside, elsewhere = Trace(), [], []

    def hear(_: TraceEvent) -> None:
        inside.append(trace.telling_here)
        other = threading.Thread(target=lambda: elsewhere.append(trace.telling_here))
        other.start()
        other.join()

    assert not trace.telling_here
    trace.subscribe(hear)
    trace.party("lab").emit("note")
    assert (inside, elsewhere) == ([True], [False])
    assert not trace.telling_here


@pytest.mark.parametrize("offset", [7, None])
def test_readers_of_one_place_whose_writer_is_not_in_the_trace_do_not_wait_for_each_other(offset: int | None) -> None:
    trace = Trace()
    events = [
        trace.append("bank", "tls.message", "", connection="c", direction="client", offset=offset, sent=sent)
        for sent in (True if offset is None else None, False, False)
    ]
    events.append(trace.party("alice").emit("note"))
    assert trace.ordered() == events
