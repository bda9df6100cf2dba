"""Streams put together again from frames in any order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab.trace import Trace
from trustlab.wire import (
    Flag,
    FrameError,
    Gap,
    Host,
    Reassembler,
    Segment,
    TcpConversation,
    build_frame,
    parse_frame,
    reassembly,
)
from trustlab.wire.ethernet import MSS

if TYPE_CHECKING:
    from collections.abc import Iterable

TELLER = Host("teller", "02:00:00:00:00:02", "10.0.0.2")
BANK = Host("bank", "02:00:00:00:00:03", "10.0.0.3")


def frame(
    seq: int, payload: bytes = b"", flags: Flag = Flag.ACK, *, back: bool = False, ports: tuple[int, int] = (50000, 443)
) -> bytes:
    source, destination = (BANK, TELLER) if back else (TELLER, BANK)
    source_port, destination_port = reversed(ports) if back else ports
    return build_frame(
        Segment(
            source.mac,
            destination.mac,
            source.ip,
            destination.ip,
            source_port,
            destination_port,
            seq & 0xFFFFFFFF,
            0,
            flags,
            payload,
        )
    )


def streams(frames: Iterable[bytes], reassembler: Reassembler | None = None) -> dict[str, bytes]:
    reassembler = reassembler or Reassembler()
    result: dict[str, bytes] = {"client": b"", "server": b""}
    for octets in frames:
        for piece in reassembler.feed(octets):
            assert piece.offset == len(result[piece.direction])
            result[piece.direction] += piece.data
    return result


def test_a_reconstructed_conversation_gives_back_both_streams() -> None:
    trace = Trace()
    conversation = TcpConversation(trace.party("network"), "c", TELLER, BANK, 50000, 443)
    conversation.open()
    conversation.data("client", b"a" * 4000)
    conversation.data("server", b"b" * 5000)
    conversation.data("client", b"c" * 100)
    conversation.close("client")
    assert streams(e.raw for e in trace) == {"client": b"a" * 4000 + b"c" * 100, "server": b"b" * 5000}


def conversation(trace: Trace) -> TcpConversation:
    written = TcpConversation(trace.party("network"), "c", TELLER, BANK, 50000, 443, mss=100)
    written.open()
    return written


def test_sequence_numbers_begin_with_the_digest_of_the_connections_name() -> None:
    trace = Trace()
    conversation(trace)
    digest = hashlib.sha256(b"c").digest()
    syn, answer, _ = (parse_frame(e.raw) for e in trace)
    assert syn is not None
    assert answer is not None
    assert (syn.ack, answer.ack) == (0, (syn.seq + 1) & 0xFFFFFFFF), "the first SYN has nothing to acknowledge"
    assert syn.seq.to_bytes(4, "big") + answer.seq.to_bytes(4, "big") == digest[:8]


def test_only_the_last_segment_of_what_is_written_is_pushed() -> None:
    events = conversation(Trace()).data("client", bytes(250))
    assert [e.data["flags"] for e in events] == ["ACK", "ACK", "PSH|ACK"]
    assert [e.data["payload_length"] for e in events] == [100, 100, 50]


def test_packets_of_one_end_are_numbered_without_a_gap() -> None:
    trace = Trace()
    conversation(trace).data("client", bytes(250))
    numbers = [s.identification for e in trace.select() if e.direction == "client" and (s := parse_frame(e.raw))]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(5)]


def test_after_22_full_segments_the_other_end_acknowledges() -> None:
    trace = Trace()
    written = conversation(trace)
    window = 22 * MSS
    written.data("client", bytes(window - 1))
    assert trace[-1].direction == "client", "one octet is missing"
    written.data("client", b"x")
    assert (trace[-1].direction, trace[-1].data["flags"]) == ("server", "ACK")
    acknowledgement = parse_frame(trace[-1].raw)
    last = parse_frame(trace[-2].raw)
    assert acknowledgement is not None
    assert last is not None
    assert acknowledgement.ack == (last.seq + 1) & 0xFFFFFFFF


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=6), st.integers(0, 2**32 - 1))
def test_order_and_repetition_do_not_matter(order: list[int], again: list[int], first: int) -> None:
    octets = bytes(range(120))
    frames = [frame(first, flags=Flag.SYN)]
    frames += [frame(first + 1 + 10 * n, octets[10 * n : 10 * n + 10]) for n in order + again]
    assert streams(frames)["client"] == octets


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1, max_size=30))
def test_overlapping_segments_give_each_octet_once(cuts: list[tuple[int, int]]) -> None:
    octets = bytes(range(80))
    frames = [frame(100, flags=Flag.SYN), *[frame(101 + start, octets[start : start + size]) for start, size in cuts]]
    result = streams(frames)["client"]
    assert octets.startswith(result)
    covered = {n for start, size in cuts for n in range(start, start + size)}
    assert len(result) == next(n for n in range(81) if n not in covered)


def test_where_copies_differ_the_first_counts() -> None:
    assert (
        streams([frame(0, flags=Flag.SYN), frame(1, b"true"), frame(1, b"fake"), frame(1, b"fake!")])["client"]
        == b"true!"
    )


@pytest.mark.parametrize(
    ("copies", "stream"),
    [
        ([(3, b"first"), (3, b"SECOND")], b"abcfirstD"),
        ([(3, b"SHORT"), (3, b"longer")], b"abcSHORTr"),
        ([(5, b"rst"), (3, b"SECOND")], b"abcSErstD"),
        ([(3, b"one"), (8, b"two"), (3, b"-ALL-OF-THEM-")], b"abconeL-twoTHEM-"),
        ([(4, b"f"), (3, b"SEC"), (2, b"......")], b"ab.SfC.."),
    ],
)
def test_also_behind_a_gap_the_first_copy_of_each_octet_counts(copies: list[tuple[int, bytes]], stream: bytes) -> None:
    frames = [frame(0, flags=Flag.SYN), *(frame(1 + at, octets) for at, octets in copies), frame(1, b"abc")]
    assert streams(frames)["client"] == stream


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=1, max_size=12)), max_size=12))
def test_every_octet_is_that_of_its_first_copy_whatever_overlaps(copies: list[tuple[int, bytes]]) -> None:
    expected: dict[int, int] = {}
    copies = [*copies, (0, bytes(45))]  # the last one leaves no gap
    for at, octets in copies:
        for place, octet in enumerate(octets, start=at):
            expected.setdefault(place, octet)
    frames = [frame(0, flags=Flag.SYN), *(frame(1 + at, octets) for at, octets in copies)]
    assert streams(frames)["client"] == bytes(expected[n] for n in range(45))


def test_a_gap_is_named() -> None:
    reassembler = Reassembler()
    streams([frame(0, flags=Flag.SYN), frame(1, b"abc"), frame(11, b"xyz")], reassembler)
    assert reassembler.flows[0].gap("client") == Gap(3, 10)
    assert reassembler.flows[0].gap("server") is None


def test_a_capture_that_begins_late_guesses_the_server_by_its_port() -> None:
    reassembler = Reassembler()
    result = streams([frame(77, b"from the bank", back=True), frame(5, b"from the teller")], reassembler)
    assert result == {"client": b"from the teller", "server": b"from the bank"}
    assert not reassembler.flows[0].complete
    assert reassembler.flows[0].server == (BANK.ip, 443)


@pytest.mark.parametrize(("first", "back"), [(b"from the bank", True), (b"from the teller", False)])
def test_a_capture_that_begins_late_is_not_complete_whoever_is_seen_first(first: bytes, *, back: bool) -> None:
    reassembler = Reassembler()
    result = streams([frame(77, first, back=back)], reassembler)
    assert result["server" if back else "client"] == first
    (flow,) = reassembler.flows
    assert (flow.complete, flow.server) == (False, (BANK.ip, 443))


def test_a_new_syn_on_the_same_ports_is_a_new_connection() -> None:
    reassembler = Reassembler()
    for first in (100, 9000):
        assert streams([frame(first, flags=Flag.SYN), frame(first + 1, b"hello")], reassembler)["client"] == b"hello"
    assert [flow.complete for flow in reassembler.flows] == [True, True]


def test_a_repeated_syn_is_not() -> None:
    reassembler = Reassembler()
    assert (
        streams([frame(1, flags=Flag.SYN), frame(2, b"he"), frame(1, flags=Flag.SYN), frame(4, b"y")], reassembler)[
            "client"
        ]
        == b"hey"
    )
    assert len(reassembler.flows) == 1


def test_a_stream_may_begin_at_sequence_number_0() -> None:
    frames = [frame(0xFFFFFFFF, flags=Flag.SYN), frame(3, b"def"), frame(0, b"abc")]
    assert streams(frames)["client"] == b"abcdef"


def test_names_keep_apart_what_shares_addresses() -> None:
    reassembler = Reassembler()
    for name in ("teller-bank-1", "alice-bank-1"):
        reassembler.feed(frame(0, flags=Flag.SYN), name=name)
        (piece,) = reassembler.feed(frame(1, b"x"), name=name)
        assert (piece.flow.name, piece.offset) == (name, 0)


def test_segments_behind_a_gap_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlab.wire.reassembly.HELD_SEGMENTS", 3)
    reassembler = Reassembler()
    streams([frame(0, flags=Flag.SYN), *[frame(100 + n, b"x") for n in range(5)]], reassembler)
    assert reassembler.flows[0].given_up("client") == 2
    assert streams([frame(1, b"-" * 99)], reassembler)["client"] == b"-" * 99 + b"xxx", "those that were kept"


def test_as_many_segments_as_the_bound_are_kept_behind_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlab.wire.reassembly.HELD_SEGMENTS", 3)
    reassembler = Reassembler()
    streams([frame(0, flags=Flag.SYN), *[frame(2 + 2 * n, b"x") for n in range(3)]], reassembler)
    assert reassembler.flows[0].given_up("client") == 0
    streams([frame(2, b"x"), frame(4, b"x")], reassembler)
    assert reassembler.flows[0].given_up("client") == 0, "what waits already costs no room"
    streams([frame(8, b"x")], reassembler)
    assert reassembler.flows[0].given_up("client") == 1


def test_what_waits_behind_gaps_has_one_room_for_all_connections() -> None:
    reassembler = Reassembler(room=4)
    for ports in ((50000, 443), (50001, 443)):
        streams([frame(0, flags=Flag.SYN, ports=ports)], reassembler)
    streams([frame(9, b"four")], reassembler)
    streams([frame(9, b"more", ports=(50001, 443))], reassembler)
    assert [flow.given_up("client") for flow in reassembler.flows] == [0, 1]
    (piece,) = reassembler.feed(frame(1, b"next", ports=(50001, 443)))
    assert piece.data == b"next", "what leaves no gap needs no room"


class _Counted(int):
    """A stream offset that counts how often it is compared with another one."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        _Counted.compared += 1
        return int(self) < int(other)


def comparisons(segments: int) -> int:
    """Return how often offsets are compared for that many segments behind a gap, which the last frame fills."""
    _Counted.compared = 0
    waiting = [frame(2 + 10 * n, b"0123456789") for n in range(segments)]
    result = streams([frame(0, flags=Flag.SYN), *waiting, frame(1, b"x")])["client"]
    assert len(result) == 1 + 10 * segments
    return _Counted.compared


def test_the_work_behind_a_gap_does_not_grow_with_the_square_of_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    unwrapped = reassembly._HalfFlow._unwrapped
    monkeypatch.setattr(reassembly._HalfFlow, "_unwrapped", lambda half, seq: _Counted(unwrapped(half, seq)))
    few, many = comparisons(500), comparisons(4000)
    assert few > 500
    assert many < 8 * few * 2  # n log n: 8 times the segments, 1.3 times the logarithm; the square would be 64


def test_both_what_was_written_and_what_arrived_are_put_together() -> None:
    reassembler = Reassembler()
    frames = [(frame(0, flags=Flag.SYN), b""), (frame(7, b"bob 50"), b"bob 05"), (frame(1, b"please pay "[5:]), b"")]
    found = [piece for octets, original in frames for piece in reassembler.feed(octets, original=original)]
    assert b"".join(piece.data for piece in found) == b"e pay bob 50"
    assert b"".join(piece.written for piece in found) == b"e pay bob 05"


def test_an_edit_that_changed_the_length_is_a_frame_error() -> None:
    with pytest.raises(FrameError, match="3 octets were written and 2 arrived"):
        Reassembler().feed(frame(0, b"ab"), original=b"abc")


def test_a_malformed_frame_is_a_frame_error() -> None:
    with pytest.raises(FrameError):
        Reassembler().feed(frame(0, b"payload")[:-1])
