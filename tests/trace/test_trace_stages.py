"""Written, on the wire, read: each from the events alone, whatever order they come in."""

from __future__ import annotations

import pytest

from trustlab.trace import Stages, Trace, leaves
from trustlab.trace.event import Span


class Told:
    def __init__(self):
        self.trace, self.stages = Trace(), Stages()

    def message(self, party, offset, end, *, sent, name="Finished", records=None):
        event = self.trace.party(party).emit(
            "tls.message",
            name,
            raw=bytes(end - offset - 5),
            connection="c",
            direction="client",
            offset=offset,
            sent=sent,
            records=[[offset, end]] if records is None else records,
        )
        return event, self.stages.feed(event)

    def frame(self, offset, length, **data):
        event = self.trace.party("network").emit(
            "frame", "TCP", connection="c", direction="client", offset=offset, payload_length=length, **data
        )
        return self.stages.feed(event)


def test_a_message_is_written_then_on_the_wire_then_read():
    told = Told()
    written, changed = told.message("a", 0, 40, sent=True)
    key = ("a", written.seq)
    assert (changed, told.stages.of(written)) == ([key], "written")
    assert told.frame(0, 30) == []
    assert told.stages.of(written) == "written"  # a part of it has left
    assert told.frame(30, 10) == [key]
    assert told.stages.of(written) == "on the wire"
    read, changed = told.message("b", 0, 40, sent=False)
    assert (changed, told.stages.of(written), told.stages.of(read)) == ([key], "read", "read")


def test_a_frame_may_come_before_the_event_of_a_guest():
    told = Told()
    told.frame(0, 40)
    written, changed = told.message("a", 0, 40, sent=True)
    assert (changed, told.stages.of(written)) == ([("a", written.seq)], "on the wire")


def test_of_two_messages_in_one_record_each_is_read_by_itself():
    told = Told()
    first, _ = told.message("a", 0, 40, sent=True, name="Certificate")
    second, _ = told.message("a", 0, 40, sent=True, name="Finished")
    assert told.frame(0, 40) == [("a", first.seq), ("a", second.seq)]
    told.message("b", 0, 40, sent=False, name="Certificate")
    assert (told.stages.of(first), told.stages.of(second)) == ("read", "on the wire")


def test_what_is_dropped_stays_written_and_what_follows_it_does_not():
    told = Told()
    first, _ = told.message("a", 0, 40, sent=True)
    second, _ = told.message("a", 40, 80, sent=True)
    told.frame(0, 40, fate="dropped")
    assert told.frame(40, 40) == [("a", second.seq)]
    assert (told.stages.of(first), told.stages.of(second)) == ("written", "on the wire")


def test_without_frames_a_message_is_read_all_the_same():
    told = Told()
    written, _ = told.message("a", 0, 40, sent=True)
    told.message("b", 0, 40, sent=False)
    assert told.stages.of(written) == "read"


@pytest.mark.parametrize("records", ["odd", [], [5], [["x", "y"]], [[1]], None, 7])
def test_odd_records_of_a_loaded_trace_are_passed_over(records):
    told = Told()
    event = told.trace.party("a").emit(
        "tls.message", "x", raw=b"12345", connection="c", direction="client", offset=0, sent=True, records=records
    )
    told.stages.feed(event)
    assert told.frame(0, 5) == [("a", event.seq)]
    assert told.frame(0, None) == []


def test_what_is_no_message_has_no_stage():
    told = Told()
    note = told.trace.party("a").emit("note", "x")
    assert told.stages.feed(note) == []
    assert told.stages.of(note) is None


def test_leaves_are_the_spans_that_no_other_divides():
    spans = [
        Span("m", 0, 9),
        Span("m.a", 0, 4),
        Span("m.a.x", 0, 2),
        Span("m.a.y", 2, 4),
        Span("m.b", 4, 9),
        Span("m.b.whole", 4, 9),
        Span("m.nothing", 9, 9),
    ]
    assert [s.name for s in leaves(reversed(spans))] == ["m.a.x", "m.a.y", "m.b.whole"]
    assert leaves([]) == []


def test_where_a_message_ends_is_said_by_its_records_and_not_by_its_own_length():
    """A record has octets around the message: while the last of them is missing, the message has not left."""
    told = Told()
    written, _ = told.message("a", 0, 40, sent=True)
    assert len(written.raw) == 35
    assert told.frame(0, 39) == []
    assert told.frame(39, 1) == [("a", written.seq)]
