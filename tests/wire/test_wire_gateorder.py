"""Between virtual machines a gate holds records, not frames; copies that TCP sends again are treated alike."""

from __future__ import annotations

import pytest

from trustlab.trace import Trace
from trustlab.wire import (
    Flag,
    FlightField,
    GateOrder,
    Host,
    Item,
    Segment,
    Steering,
    SwitchCore,
    build_frame,
    checksums_right,
    parse_frame,
)

TELLER = Host("teller", "02:00:00:00:00:02", "10.0.0.2")
BANK = Host("bank", "02:00:00:00:00:04", "10.0.0.4")
FIRST = 1000


class Lines:
    """A cutter: each line is an item, named for its first letter; a name may come late."""

    def __init__(self):
        self.at, self.late, self.unnamed = 0, False, []

    def whole(self, _connection, octets):
        return octets.rfind(b"\n") + 1

    def cut(self, connection, direction, octets):
        items = []
        for line in octets.splitlines(keepends=True):
            name, at = chr(line[0]), self.at
            self.at += len(line)
            item = Item(
                "message",
                connection,
                direction,
                at,
                line,
                called="line",
                messages=[] if self.late else [(name, 1)],
                fields=lambda line=line, at=at, name=name: [
                    FlightField(name, 1, "text", line[:-1], ((at, at + len(line) - 1),))
                ],
            )
            self.unnamed.append((item, name))
            items.append(item)
        return items

    def poll(self, _connection):
        while self.unnamed and not self.late:
            item, name = self.unnamed.pop(0)
            item.messages[:] = [(name, 1)]


class Bench:
    """A switch with a gate, on which the teller says lines to the bank."""

    def __init__(self, *, paused=True):
        self.trace = Trace("gate", "uml")
        self.core = SwitchCore(self.trace)
        for host in (TELLER, BANK):
            self.core.attach(host)
        self.lines = Lines()
        self.steering = Steering(self.lines)
        self.timers = []
        self.order = self.core.give(GateOrder(self.core, self.steering, self._later, lambda go: go()))
        self.say(b"", FIRST - 1, Flag.SYN)
        if paused:
            self.steering.pause()

    def _later(self, _seconds, function):
        self.timers.append(function)

    def fire(self):
        due, self.timers = self.timers, []
        for function in due:
            function()
        return self.out()

    def say(self, payload, seq=FIRST, flags=Flag.ACK | Flag.PSH):
        ends = TELLER.mac, BANK.mac, TELLER.ip, BANK.ip, 50000, 443
        self.core.receive("teller", build_frame(Segment(*ends, seq, 0, flags, payload)), 0.0)
        return self.out()

    def out(self):
        """Return what reached the bank since: (stream offset, octets)."""
        arrived = []
        seen = getattr(self, "_seen", 0)
        events = self.trace.select("frame")
        for event in events[seen:]:
            segment = parse_frame(event.raw)
            assert checksums_right(event.raw)
            if segment.payload and event.data.get("fate") != "dropped":
                assert segment.seq - FIRST == event.offset
                arrived.append((event.offset, segment.payload))
        self._seen = len(events)
        return arrived

    def step(self):
        self.steering.step()
        return self.out()


def test_a_frame_that_carries_two_messages_is_cut_between_them():
    bench = Bench()
    assert bench.say(b"aaa\nbb\n") == []
    assert [item.name for item in bench.steering.waiting] == ["a", "b"]
    assert bench.step() == [(0, b"aaa\n")]
    assert bench.step() == [(4, b"bb\n")]
    flags = [parse_frame(e.raw).flags for e in bench.trace.select("frame")][1:]
    assert flags == [Flag.ACK, Flag.ACK | Flag.PSH]  # only the last part says that there is no more


def test_a_message_over_two_frames_waits_for_both_and_goes_with_both():
    bench = Bench()
    bench.say(b"aaa")
    assert bench.steering.state == "running"
    assert bench.order.busy
    bench.say(b"aa\n", FIRST + 3)
    assert not bench.order.busy
    assert bench.steering.at == ("teller-bank-1", "a")
    assert bench.step() == [(0, b"aaa"), (3, b"aa\n")]


def test_a_beginning_whose_rest_never_comes_goes_on_in_the_end(monkeypatch):
    monkeypatch.setattr("trustlab.wire.gateorder.LATEST", 0.0)
    bench = Bench(paused=False)
    assert bench.say(b"aaa") == []
    assert bench.fire() == [(0, b"aaa")]
    assert not bench.order.busy


def test_a_beginning_waits_for_its_rest_until_its_time_has_come(monkeypatch):
    bench, time = Bench(paused=False), [0.0]
    monkeypatch.setattr(bench.steering, "now", lambda: time[0])
    bench.say(b"aaa")
    time[0] = 0.39
    assert bench.fire() == []
    time[0] = 0.4
    assert bench.fire() == [(0, b"aaa")]


def test_frames_out_of_order_are_asked_about_in_order():
    bench = Bench()
    bench.say(b"b\n", FIRST + 2)
    assert bench.steering.state == "running"
    bench.say(b"a\n")
    assert [item.name for item in bench.steering.waiting] == ["a", "b"]
    assert bench.step() == [(0, b"a\n")]
    assert bench.step() == [(2, b"b\n")]


def test_copies_of_what_is_held_are_not_kept():
    bench = Bench()
    for _ in range(3):
        bench.say(b"a\nb\n")
    assert bench.order.again == 2
    assert bench.step() == [(0, b"a\n")]
    assert bench.say(b"a\nb\n") == []  # the front has gone, the rest is held
    assert bench.order.again == 3
    assert bench.step() == [(2, b"b\n")]


def test_copies_of_what_has_gone_are_edited_alike():
    bench = Bench()
    bench.say(b"aaa\nbbb\n")
    bench.steering.edit("text", b"X", octet=1)
    assert bench.step() == [(0, b"aXa\n")]
    assert bench.step() == [(4, b"bbb\n")]
    assert bench.say(b"aaa\nbbb\n") == [(0, b"aXa\nbbb\n")]
    assert bench.say(b"a\nb", FIRST + 2) == [(2, b"a\nb")]
    originals = [e.data.get("original") for e in bench.trace.select("frame") if e.data.get("fate") == "edited"]
    assert originals == [b"aaa\n".hex(), b"aaa\nbbb\n".hex()]


def test_copies_of_what_was_dropped_fall_too():
    bench = Bench(paused=False)
    bench.steering.drop("b")
    assert bench.say(b"a\nb\nc\n") == [(0, b"a\n"), (4, b"c\n")]
    assert bench.say(b"b\nc\n", FIRST + 2) == [(4, b"c\n")]
    dropped = [(e.offset, e.data["payload_length"]) for e in bench.trace.select("frame") if e.data.get("fate")]
    assert dropped == [(2, 2), (2, 2)]


def test_nobody_who_steers_lets_frames_through_as_they_are():
    bench = Bench(paused=False)
    assert bench.say(b"a\nb\n") == [(0, b"a\nb\n")]
    (frame,) = [e for e in bench.trace.select("frame") if e.data["payload_length"]]
    assert "fate" not in frame.data


def test_a_record_waits_a_moment_for_its_name_if_somebody_wants_to_know_it():
    bench = Bench(paused=False)
    bench.lines.late = True
    assert bench.say(b"a\n") == [(0, b"a\n")]  # nobody does
    bench.steering.break_on("b")
    assert bench.say(b"b\nc\n", FIRST + 2) == []
    assert bench.order.busy
    assert bench.fire() == []
    assert bench.steering.state == "running"
    bench.lines.late = False
    bench.fire()
    assert bench.steering.at == ("teller-bank-1", "b")
    bench.steering.play()
    assert bench.out() == [(2, b"b\n"), (4, b"c\n")]


def test_a_name_that_never_comes_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("trustlab.wire.gateorder.LATEST", 0.0)
    bench = Bench()
    bench.lines.late = True
    bench.say(b"a\n")
    bench.fire()
    assert bench.steering.at == ("teller-bank-1", "line")


def test_a_run_that_was_cancelled_lets_nothing_more_through():
    bench = Bench()
    bench.say(b"a\n")
    bench.steering.cancel()
    assert bench.say(b"b\n", FIRST + 2) == []
    assert bench.steering.state == "running"


def test_an_order_that_is_taken_back_lets_all_go():
    bench = Bench()
    bench.say(b"a\nb\n")
    bench.order.undo()
    assert bench.out() == [(0, b"a\nb\n")]
    assert bench.say(b"c\n", FIRST + 4) == [(4, b"c\n")]


@pytest.mark.parametrize("fin", [Flag.FIN | Flag.ACK | Flag.PSH])
def test_the_end_of_a_stream_stays_with_its_last_octets(fin):
    bench = Bench()
    bench.say(b"a\nb\n", FIRST, fin)
    bench.step()
    bench.step()
    flags = [parse_frame(e.raw).flags for e in bench.trace.select("frame")][1:]
    assert flags == [Flag.ACK, fin]
