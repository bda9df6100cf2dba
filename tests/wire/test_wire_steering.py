"""A run is steered at the gate: held, stepped, edited, cut, cancelled; and a network without a gate is as it was."""

from __future__ import annotations

import threading
import time

import pytest

from trustlab.trace import Span, Trace
from trustlab.wire import Cancelled, FlightField, HeldError, Item, MemoryNetwork, Steering, parse_frame
from trustlab.wire.gate import overwritten


class Letters:
    """A cutter: each letter is a message of its own name, with one field."""

    def __init__(self):
        self.ends = {}

    def cut(self, connection, direction, octets):
        start = self.ends.get((connection, direction), 0)
        self.ends[connection, direction] = start + len(octets)
        return [
            Item(
                "message",
                connection,
                direction,
                at,
                octets[at - start : at - start + 1],
                called="letter",
                messages=[(chr(octets[at - start]), 1)],
                fields=lambda at=at, octet=octets[at - start]: [
                    FlightField(chr(octet), 1, "code", bytes([octet]), ((at, at + 1),))
                ],
            )
            for at in range(start, start + len(octets))
        ]


class Says:
    """An endpoint that writes one text, and keeps what it hears."""

    def __init__(self, text=b""):
        self.text, self.heard, self.closed = text, b"", False

    def receive(self, data):
        self.heard += data

    def data_to_send(self):
        text, self.text = self.text, b""
        self.closed = True
        return text

    def eof_received(self):
        self.closed = True


class Run:
    """A client that says `text` to a server over a steered network, on a thread of its own."""

    def __init__(self, steering, text=b"abcab"):
        self.trace = Trace("steered")
        self.server = Says()
        self.error = None
        self.steering = steering
        network = MemoryNetwork(self.trace, steering)
        network.attach("a")
        network.attach("b")
        network.listen("b", 7, lambda _connection: self.server)
        network.connect("a", "b", 7, Says(text), name="a-b-1")
        self.network = network
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        self.steering.run_here()
        try:
            self.network.run()
        except BaseException as error:  # noqa: BLE001 - it is looked at
            self.error = error
        finally:
            self.steering.over()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.steering.cancel()
        self.thread.join(10)
        assert not self.thread.is_alive()

    def ends(self):
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self


def test_a_network_with_a_gate_that_nobody_works_writes_the_same_frames():
    def frames(gate):
        run = Run(gate or Steering(Letters()), b"abc")
        run.network._gate = gate
        run.network.run()
        return [(e.raw, e.data) for e in run.trace.select("frame")], run.server.heard

    assert frames(None) == frames(Steering())  # which cuts nothing
    _, heard = frames(Steering(Letters()))
    assert heard == b"abc"


def test_each_step_lets_one_message_pass():
    steering = Steering(Letters())
    steering.pause()
    with Run(steering) as run:
        seen = []
        while (at := steering.wait(5)) is not None:
            assert steering.state == "held"
            assert steering.at == at
            assert len(run.server.heard) == len(seen)  # what is held has not arrived
            seen.append(at)
            steering.step()
        assert seen == [("a-b-1", letter) for letter in "abcab"]
        assert run.ends().server.heard == b"abcab"
    assert steering.state == "ended"
    assert steering.at is None


def test_steps_that_come_before_the_message_are_counted():
    steering = Steering(Letters())
    for _ in range(3):
        steering.step()
    with Run(steering) as run:
        assert steering.wait(5) == ("a-b-1", "c")  # the first only pauses, the others let pass
        assert run.server.heard == b"ab"


def test_play_lets_all_pass_up_to_a_break():
    steering = Steering(Letters())
    steering.break_on("b")
    with Run(steering) as run:
        assert steering.wait(5) == ("a-b-1", "b")
        steering.play()
        assert steering.wait(5) == ("a-b-1", "b")
        assert run.server.heard == b"abca"
        steering.play()
        assert steering.wait(5) is None
        assert run.ends().server.heard == b"abcab"


def test_a_break_on_another_connection_holds_nothing():
    steering = Steering(Letters())
    steering.break_on("b", connection="c-d-1")
    with Run(steering) as run:
        assert run.ends().server.heard == b"abcab"


def test_the_nth_message_of_a_name_is_edited_and_the_frame_says_so():
    steering = Steering(Letters())
    steering.tamper("b", "code", b"X", nth=2)
    with Run(steering) as run:
        assert run.ends().server.heard == b"abcaX"
    (edited,) = [e for e in run.trace.select("frame") if e.data.get("fate")]
    assert (edited.data["fate"], edited.data["original"], edited.raw[-1:]) == ("edited", b"b".hex(), b"X")


def test_what_is_held_now_is_edited_now_and_again():
    steering = Steering(Letters())
    steering.break_on("c")
    with Run(steering) as run:
        steering.wait(5)
        steering.tamper("c", "code", b"Y")
        steering.edit("code", b"Z")
        with pytest.raises(ValueError, match="has no field 'kode'; it has: code"):
            steering.edit("kode", b"Z")
        steering.play()
        assert run.ends().server.heard == b"abZab"


def test_a_value_of_another_length_is_a_value_error_that_says_so():
    steering = Steering(Letters())
    steering.break_on("a")
    with Run(steering):
        steering.wait(5)
        with pytest.raises(ValueError, match=r"c?a\.code has 1 octet, and the new value has 2 octets.*change a length"):
            steering.tamper("a", "code", b"XY")
        with pytest.raises(ValueError, match="1 octet from octet 1 on do not fit"):
            steering.edit("code", b"X", octet=1)
        with pytest.raises(TypeError, match="bytes, not int"):
            steering.edit("code", 5)
        with pytest.raises(ValueError, match="counted from 1, not 0"):
            steering.drop("a", nth=0)


@pytest.mark.parametrize(("field", "value", "told"), [("code", b"XY", "change a length"), ("c", b"X", "no field 'c'")])
def test_an_edit_that_does_not_fit_when_its_message_comes_ends_the_run(field, value, told):
    steering = Steering(Letters(), Trace("notes").party("network"))
    steering.tamper("c", field, value)
    with Run(steering) as run:
        assert isinstance(run.ends().error, Cancelled)
        assert run.server.heard == b"ab"
    assert steering._party.trace.select("note") == [], "nothing was edited"
    assert told in str(steering.error)


def test_a_dropped_message_is_cut_out_and_what_follows_takes_its_place():
    steering = Steering(Letters())
    steering.drop("b", nth=1)
    with Run(steering) as run:
        assert run.ends().server.heard == b"acab"
    frames = [e for e in run.trace.select("frame") if e.data["payload_length"]]
    assert [(e.data.get("fate", ""), e.raw[-1:], e.offset) for e in frames] == [
        ("", b"a", 0),
        ("dropped", b"b", 1),
        ("", b"c", 2),
        ("", b"a", 3),
        ("", b"b", 4),
    ]
    seqs = [parse_frame(e.raw).seq for e in frames]
    assert [seq - seqs[0] for seq in seqs] == [0, 1, 1, 2, 3]
    assert run.trace.select("note") == []  # nobody was given to write one


def test_what_is_held_is_dropped_and_goes_no_further():
    steering = Steering(Letters(), Trace("notes").party("network"))
    steering.break_on("c")
    with Run(steering) as run:
        steering.wait(5)
        steering.drop_held()
        assert steering.wait(5) == ("a-b-1", "a")
        steering.play()
        assert run.ends().server.heard == b"abab"
    assert [e.name for e in steering._party.trace.select("note")] == ["dropped in flight"]
    with pytest.raises(HeldError, match="nothing is held now"):
        steering.drop_held()


@pytest.mark.parametrize("stop", range(5))
def test_a_run_is_cancelled_wherever_it_is_held(stop):
    steering = Steering(Letters())
    for _ in range(stop + 1):
        steering.step()
    with Run(steering) as run:
        steering.wait(5)
        steering.cancel()
        assert isinstance(run.ends().error, Cancelled)
        assert len(run.server.heard) == stop
    assert steering.state == "ended"


def test_other_threads_are_refused_while_the_run_is_held_and_the_runs_own_is_not():
    steering = Steering(Letters())
    steering.break_on("b")
    steering.refuse_others()  # nothing is held yet
    with Run(steering):
        steering.wait(5)
        with pytest.raises(HeldError, match="held at b on a-b-1: play, step or close it first"):
            steering.refuse_others()
        steering.run_here()
        steering.refuse_others()


def test_the_clock_stands_still_while_the_run_is_held():
    steering = Steering(Letters())
    steering.break_on("b")
    with Run(steering):
        steering.wait(5)
        then = steering.now()
        time.sleep(0.05)
        assert steering.now() == then
        steering.play()
        steering.wait(5)
        assert steering.now() - then < 0.05
    time.sleep(0.01)
    assert steering.now() > then


def test_watchers_hear_of_each_change_and_may_ask_back():
    steering = Steering(Letters())
    steering.pause()
    heard = []
    leave = steering.subscribe(lambda: heard.append((steering.state, steering.at)))
    with Run(steering, b"ab"):
        steering.wait(5)
        steering.step()
        steering.wait(5)
        steering.play()
        steering.wait(5)
    assert ("held", ("a-b-1", "a")) in heard
    assert heard[-1] == ("ended", None)
    leave()
    count = len(heard)
    steering.pause()
    steering.play()
    assert len(heard) == count


def test_waiting_ends_in_time():
    with pytest.raises(TimeoutError, match=r"neither held nor over within 0\.01 s"):
        Steering().wait(0.01)


def test_a_tpm_command_is_held_only_by_a_step_that_asks_for_it():
    steering, sent = Steering(), []
    spans = [Span("tag", 0, 2), Span("size", 2, 6)]

    def run():
        steering.run_here()
        sent.extend(steering.command("bank", name, b"abcdef", lambda: spans) for name in ("One", "Two", "Three"))
        steering.over()

    def started():
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    steering.pause()
    started().join(5)
    assert sent == [b"abcdef"] * 3
    steering._ended = False
    sent.clear()
    steering.play()
    steering.step("tpm")
    thread = started()
    assert steering.wait(5) == ("TPM of bank", "One")
    steering.edit("size", b"WXYZ")
    with pytest.raises(ValueError, match="One cannot be dropped: whoever sent it waits"):
        steering.drop_held()
    steering.step("tpm")
    assert steering.wait(5) == ("TPM of bank", "Two")
    steering.step()  # to the next message: there is none
    thread.join(5)
    assert sent == [b"abWXYZ", b"abcdef", b"abcdef"]
    with pytest.raises(ValueError, match="'message' or a 'tpm' command, not 'byte'"):
        steering.step("byte")


def test_bits_under_a_protection_are_turned_over_where_they_lie():
    octets = bytes(range(16))
    item = Item("message", "c", "client", 100, octets, called="record")
    field = FlightField("Finished", 1, "verify_data", b"\x11\x22\x33", ((104, 106), (110, 111)), encrypted=True)
    changed = overwritten(item, octets, field, b"\x10\x22\x3f")
    assert [n for n in range(16) if changed[n] != octets[n]] == [4, 10]
    assert (changed[4], changed[10]) == (4 ^ 0x01, 10 ^ 0x0C)
    gone = field._replace(places=((96, 99),))
    with pytest.raises(ValueError, match="does not lie in this record alone"):
        overwritten(item, octets, gone, b"\0\0\0")


@pytest.mark.parametrize(("octet", "after"), [(None, b"XY"), (0, b"XYcd"), (1, b"aXYd"), (2, b"abXY")])
def test_a_note_says_what_a_field_became(octet, after):
    old = b"ab" if octet is None else b"abcd"
    steering = Steering(party=Trace("notes").party("network"))
    steering.tamper("m", "text", b"XY", octet=octet)
    field = FlightField("m", 1, "text", old, ((7, 7 + len(old)),))
    item = Item("message", "c", "client", 7, old, called="m", messages=[("m", 1)], fields=lambda: [field])
    assert steering.passing(item) == after
    (note,) = steering._party.trace.select("note")
    assert (note.data["before"], note.data["after"]) == (old.hex(), after.hex())
