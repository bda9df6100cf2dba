"""Alice's switch as a state machine: learning, recording, and each of her orders."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import ARP, Ether

from trustlab.trace import Trace
from trustlab.wire import (
    Flag,
    FrameError,
    Host,
    Match,
    OrderError,
    Segment,
    SwitchCore,
    WireError,
    build_frame,
    checksums_right,
    parse_frame,
    patch_frame,
)

TELLER = Host("teller", "02:00:00:00:00:02", "10.0.0.2")
ALICE = Host("alice", "02:00:00:00:00:03", "10.0.0.3")
BANK = Host("bank", "02:00:00:00:00:04", "10.0.0.4")
MALLORY = Host("mallory", "02:00:00:00:00:05", "10.0.0.5")
HOSTS = (TELLER, ALICE, BANK)
BROADCAST = "ff:ff:ff:ff:ff:ff"


@pytest.fixture
def switch() -> SwitchCore:
    switch = SwitchCore(Trace("switch", "uml"))
    for host in HOSTS:
        switch.attach(host)
    return switch


@pytest.fixture
def taught(switch: SwitchCore) -> SwitchCore:
    """Let a switch hear every machine once."""
    for host in HOSTS:
        switch.receive(host.name, bytes(Ether(src=host.mac, dst=BROADCAST) / ARP(psrc=host.ip)), 0.0)
    return switch


def frame(
    source: Host,
    destination: Host,
    payload: bytes = b"",
    *,
    seq: int = 1000,
    flags: Flag = Flag.ACK,
    ports: tuple[int, int] = (50000, 443),
) -> bytes:
    return build_frame(
        Segment(
            source_mac=source.mac,
            destination_mac=destination.mac,
            source=source.ip,
            destination=destination.ip,
            source_port=ports[0],
            destination_port=ports[1],
            seq=seq,
            ack=0,
            flags=flags,
            payload=payload,
        )
    )


def opened(switch: SwitchCore, server: Host = BANK) -> SwitchCore:
    """Let the teller's SYN pass; its stream begins at sequence number 1000."""
    switch.receive("teller", frame(TELLER, server, seq=999, flags=Flag.SYN), 0.0)
    return switch


def tcp_events(switch: SwitchCore) -> list[tuple[str, str, int | None, object]]:
    return [
        (e.connection, e.direction, e.offset, e.data.get("fate"))
        for e in switch._party.trace.select("frame", name="TCP")
    ]


def test_an_unknown_destination_is_flooded_to_all_other_ports(switch: SwitchCore) -> None:
    going = switch.receive("teller", frame(TELLER, BANK), 0.0)
    assert {d.port for d in going} == {"alice", "bank"}


def test_a_learned_destination_gets_the_frame_alone(taught: SwitchCore) -> None:
    octets = frame(TELLER, BANK, b"x")
    assert taught.receive("teller", octets, 0.0) == [("bank", octets)]


def test_broadcast_reaches_everybody_else(taught: SwitchCore) -> None:
    arp = bytes(Ether(src=TELLER.mac, dst=BROADCAST) / ARP(psrc=TELLER.ip, pdst=BANK.ip))
    assert [d.port for d in taught.receive("teller", arp, 0.0)] == ["alice", "bank"]


def test_a_frame_to_the_port_it_came_from_goes_nowhere(taught: SwitchCore) -> None:
    assert taught.receive("teller", frame(BANK, TELLER), 0.0) == []


def test_a_machine_that_moves_is_learned_anew(taught: SwitchCore) -> None:
    taught.receive("alice", frame(BANK, TELLER), 0.0)
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK), 0.0)] == ["alice"]


def test_a_machine_is_learned_whatever_the_second_octet_of_its_address(taught: SwitchCore) -> None:
    carol = Host("carol", "02:01:00:00:00:09", "10.0.0.9")
    taught.attach(carol)
    taught.receive("carol", frame(carol, TELLER), 0.0)
    assert [d.port for d in taught.receive("teller", frame(TELLER, carol), 0.0)] == ["carol"]


def test_every_frame_is_recorded_with_connection_direction_and_offset(taught: SwitchCore) -> None:
    opened(taught)
    taught.receive("bank", frame(BANK, TELLER, seq=7, flags=Flag.SYN | Flag.ACK, ports=(443, 50000)), 0.0)
    taught.receive("teller", frame(TELLER, BANK, b"hello"), 0.0)
    taught.receive("teller", frame(TELLER, BANK, b"world", seq=1005), 0.0)
    taught.receive("bank", frame(BANK, TELLER, b"yes", seq=8, ports=(443, 50000)), 0.0)
    assert tcp_events(taught) == [
        ("teller-bank-1", "client", None, None),
        ("teller-bank-1", "server", None, None),
        ("teller-bank-1", "client", 0, None),
        ("teller-bank-1", "client", 5, None),
        ("teller-bank-1", "server", 0, None),
    ]
    last = taught._party.trace[-1]
    assert (last.data["from"], last.data["to"], last.data["payload_length"]) == ("bank", "teller", 3)
    assert "reconstructed" not in last.data
    events = taught._party.trace.select("frame", name="TCP")
    assert [e.data["flags"] for e in events] == ["SYN", "SYN|ACK", "ACK", "ACK", "ACK"]
    assert all(e.raw[e.data["payload_offset"] :] == e.raw[-5:] for e in events[2:4])


def test_other_protocols_are_recorded_by_name(taught: SwitchCore) -> None:
    assert {e.name for e in taught._party.trace.select("frame")} == {"ARP"}


def test_a_second_connection_has_a_name_of_its_own(taught: SwitchCore) -> None:
    opened(taught)
    taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN, ports=(50001, 443)), 0.0)
    assert [c for c, *_ in tcp_events(taught)] == ["teller-bank-1", "teller-bank-2"]


def test_redirected_frames_reach_alice_addressed_to_her(taught: SwitchCore) -> None:
    taught.redirect("bank", 443, to="alice")
    (delivery,) = taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN), 0.0)
    segment = parse_frame(delivery.frame)
    assert segment is not None
    assert delivery.port == "alice"
    assert (segment.destination, segment.destination_mac) == (ALICE.ip, ALICE.mac)
    assert checksums_right(delivery.frame)


def test_alices_answers_reach_the_client_in_the_banks_name(taught: SwitchCore) -> None:
    taught.redirect("bank", 443, to="alice")
    opened(taught)
    (delivery,) = taught.receive("alice", frame(ALICE, TELLER, b"trust me", seq=1, ports=(443, 50000)), 0.0)
    segment = parse_frame(delivery.frame)
    assert segment is not None
    assert delivery.port == "teller"
    assert (segment.source, segment.source_mac, segment.payload) == (BANK.ip, BANK.mac, b"trust me")
    assert checksums_right(delivery.frame)


def test_the_trace_has_the_clients_leg_and_the_real_ends(taught: SwitchCore) -> None:
    taught.redirect("bank", 443, to="alice")
    opened(taught)
    taught.receive("alice", frame(ALICE, TELLER, b"trust me", seq=1, ports=(443, 50000)), 0.0)
    first, last = taught._party.trace.select("frame", name="TCP")
    assert (first.connection, first.data["from"], first.data["to"]) == ("teller-bank-1", "teller", "alice")
    assert (last.connection, last.direction, last.data["from"], last.data["src"]) == (
        "teller-bank-1",
        "server",
        "alice",
        "10.0.0.4:443",
    )


def test_connections_of_alice_and_of_whom_she_spares_go_through(taught: SwitchCore) -> None:
    taught.redirect("bank", 443, to="alice", unless_from=("teller",))
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN), 0.0)] == ["bank"]
    assert [d.port for d in taught.receive("alice", frame(ALICE, BANK, flags=Flag.SYN), 0.0)] == ["bank"]


def test_a_connection_that_exists_stays_where_it_is(taught: SwitchCore) -> None:
    opened(taught)
    undo = taught.redirect("bank", 443, to="alice")
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, b"x"), 0.0)] == ["bank"]
    taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN, ports=(50001, 443)), 0.0)
    undo()
    going = taught.receive("teller", frame(TELLER, BANK, b"x", seq=1001, ports=(50001, 443)), 0.0)
    assert [d.port for d in going] == ["alice"]
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN, ports=(50002, 443)), 0.0)] == [
        "bank"
    ]


def test_another_port_of_the_bank_is_not_redirected(taught: SwitchCore) -> None:
    taught.redirect("bank", 443, to="alice")
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN, ports=(50000, 80)), 0.0)] == [
        "bank"
    ]


def test_the_newest_redirection_that_fits_takes_the_connection(taught: SwitchCore) -> None:
    taught.attach(MALLORY)
    taught.receive("mallory", bytes(Ether(src=MALLORY.mac, dst=BROADCAST) / ARP(psrc=MALLORY.ip)), 0.0)
    taught.redirect("bank", 443, to="alice")
    undo = taught.redirect("bank", 443, to="mallory", unless_from=("alice",))

    def takes(port: int, source: Host = TELLER) -> list[str]:
        return [
            d.port for d in taught.receive(source.name, frame(source, BANK, flags=Flag.SYN, ports=(port, 443)), 0.0)
        ]

    assert takes(50000) == ["mallory"]
    assert takes(50001, MALLORY) == ["alice"], "the newest does not fit her own: the next one does"
    undo()
    undo()
    assert takes(50002) == ["alice"]


def test_to_take_a_redirection_back_twice_is_nothing_new(taught: SwitchCore) -> None:
    taught.redirect("bank", 443, to="alice")
    undo = taught.redirect("bank", 443, to="alice")
    undo()
    undo()
    (delivery,) = taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN), 0.0)
    assert delivery.port == "alice", "the other one still stands"


def test_a_new_connection_over_the_same_ports_is_decided_anew(taught: SwitchCore) -> None:
    """Also for what the machine that took the earlier one still sends: that belongs to nobody's connection."""
    undo = taught.redirect("bank", 443, to="alice")
    opened(taught)
    undo()
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, flags=Flag.SYN), 0.0)] == ["bank"]
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, b"x", seq=1001), 0.0)] == ["bank"]
    (late,) = taught.receive("alice", frame(ALICE, TELLER, b"late", seq=1, ports=(443, 50000)), 0.0)
    segment = parse_frame(late.frame)
    assert segment is not None
    assert segment.source == ALICE.ip


def test_orders_are_asked_in_the_order_in_which_they_were_given(taught: SwitchCore) -> None:
    opened(taught)
    taught.edit(Match(payload=True), lambda payload: payload.replace(b"a", b"b"))
    taught.edit(Match(contains=b"b"), lambda payload: payload.replace(b"b", b"c"))
    (delivery,) = taught.receive("teller", frame(TELLER, BANK, b"a"), 0.0)
    assert parse_frame(delivery.frame).payload == b"c"  # type: ignore[union-attr]


@pytest.mark.parametrize("times", [0, 1, 3])
def test_an_order_acts_at_most_as_often_as_it_was_given(taught: SwitchCore, times: int) -> None:
    opened(taught)
    order = taught.drop(Match(payload=True), times=times)
    going = [len(taught.receive("teller", frame(TELLER, BANK, b"x", seq=1000 + n), 0.0)) for n in range(5)]
    assert going == [0] * times + [1] * (5 - times)
    assert order.hits == times


def test_dropped_frames_are_recorded_and_go_nowhere(taught: SwitchCore) -> None:
    opened(taught)
    order = taught.drop(Match(source="teller", payload=True), times=1)
    assert taught.receive("teller", frame(TELLER, BANK, b"x"), 0.0) == []
    assert tcp_events(taught)[-1] == ("teller-bank-1", "client", 0, "dropped")
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK, b"x"), 0.0)] == ["bank"]
    assert order.hits == 1


def test_delayed_frames_leave_when_their_time_has_come(taught: SwitchCore) -> None:
    opened(taught)
    taught.delay(Match(payload=True), 0.5, times=1)
    octets = frame(TELLER, BANK, b"slow")
    assert taught.receive("teller", octets, 10.0) == []
    assert taught.next_tick == pytest.approx(10.5)
    assert taught.tick(10.4) == []
    assert taught.tick(10.5) == [("bank", octets)]
    assert taught.next_tick is None
    assert tcp_events(taught)[-1][3] == "delayed"


def test_frames_delayed_alike_keep_their_order(taught: SwitchCore) -> None:
    opened(taught)
    taught.delay(Match(payload=True), 1.0)
    for n in range(5):
        taught.receive("teller", frame(TELLER, BANK, bytes([n]), seq=1000 + n), 1.0)
    assert [parse_frame(d.frame).payload[0] for d in taught.tick(2.0)] == [0, 1, 2, 3, 4]  # type: ignore[union-attr]


def test_duplicated_frames_leave_more_than_once(taught: SwitchCore) -> None:
    opened(taught)
    taught.duplicate(Match(payload=True), 2)
    octets = frame(TELLER, BANK, b"again")
    assert taught.receive("teller", octets, 0.0) == [("bank", octets)] * 3
    assert [fate for *_, fate in tcp_events(taught)][-3:] == [None, "duplicate", "duplicate"]


def test_held_frames_wait_until_they_are_released_one_by_one(taught: SwitchCore) -> None:
    opened(taught)
    hold = taught.hold(Match(connection="teller-bank-1", direction="client"))
    frames = [frame(TELLER, BANK, bytes([n]), seq=1000 + n) for n in range(3)]
    assert [taught.receive("teller", f, 0.0) for f in frames] == [[], [], []]
    assert [p.offset for p in hold.held] == [0, 1, 2]
    assert hold.release(1) == 1
    assert taught.take() == [("bank", frames[0])]
    hold.undo()
    assert taught.take() == [("bank", frames[1]), ("bank", frames[2])]
    assert [d.port for d in taught.receive("teller", frames[2], 0.0)] == ["bank"]


def test_a_released_frame_meets_only_the_orders_behind(taught: SwitchCore) -> None:
    opened(taught)
    earlier = taught.duplicate(Match(payload=True))
    hold = taught.hold(Match(payload=True))
    later = taught.edit(Match(payload=True), bytes.upper)
    taught.receive("teller", frame(TELLER, BANK, b"abc"), 0.0)
    assert (earlier.hits, hold.hits, later.hits) == (1, 2, 0)
    hold.release()
    assert [parse_frame(d.frame).payload for d in taught.take()] == [b"ABC", b"ABC"]  # type: ignore[union-attr]
    assert (earlier.hits, hold.hits, later.hits) == (1, 2, 2)


def test_edited_payloads_have_right_checksums_and_leave_the_rest_alone(taught: SwitchCore) -> None:
    opened(taught)
    taught.edit(Match(contains=b"pay bob"), lambda payload: payload.replace(b"bob", b"eve"))
    original = frame(TELLER, BANK, b"please pay bob 5")
    (delivery,) = taught.receive("teller", original, 0.0)
    assert delivery.frame == frame(TELLER, BANK, b"please pay eve 5")
    event = taught._party.trace[-1]
    assert (event.raw, event.data["fate"]) == (delivery.frame, "edited")
    assert bytes.fromhex(str(event.data["original"])) == b"please pay bob 5"


@pytest.mark.parametrize("payload", [b"", b"please pay carol 5"])
def test_a_frame_that_an_edit_leaves_as_it_is_is_not_called_edited(taught: SwitchCore, payload: bytes) -> None:
    opened(taught)
    taught.edit(Match(), lambda octets: octets.replace(b"bob", b"eve"))
    original = frame(TELLER, BANK, payload)
    (delivery,) = taught.receive("teller", original, 0.0)
    event = taught._party.trace[-1]
    assert (delivery.frame, event.raw, event.data.get("fate"), "original" in event.data) == (
        original,
        original,
        None,
        False,
    )


def test_an_edit_that_changes_the_length_is_refused(taught: SwitchCore) -> None:
    opened(taught)
    taught.edit(Match(payload=True), lambda payload: payload + b"!")
    with pytest.raises(OrderError, match=r"Edit on frame .* cannot become one of 3"):
        taught.receive("teller", frame(TELLER, BANK, b"hi"), 0.0)


def test_mirrored_frames_also_leave_at_another_port(taught: SwitchCore) -> None:
    opened(taught)
    taught.mirror(Match(payload=True), to="alice")
    octets = frame(TELLER, BANK, b"private")
    assert sorted(taught.receive("teller", octets, 0.0)) == [("alice", octets), ("bank", octets)]


def test_an_order_that_is_taken_back_acts_no_more(taught: SwitchCore) -> None:
    order = taught.drop(Match())
    assert taught.receive("teller", frame(TELLER, BANK), 0.0) == []
    order.undo()
    order.undo()
    assert len(taught.receive("teller", frame(TELLER, BANK), 0.0)) == 1


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        (Match(), True),
        (Match(source="teller"), True),
        (Match(source="bank"), False),
        (Match(destination="bank"), True),
        (Match(destination="alice"), False),
        (Match(connection="teller-bank-1", direction="client"), True),
        (Match(direction="server"), False),
        (Match(port=443), True),
        (Match(port=50000), True),
        (Match(port=80), False),
        (Match(payload=True), True),
        (Match(payload=False), False),
        (Match(contains=b"ell"), True),
        (Match(contains=b"elk"), False),
    ],
)
def test_a_match_picks_by_all_that_is_given(taught: SwitchCore, match: Match, *, meant: bool) -> None:
    opened(taught)
    order = taught.drop(match)
    taught.receive("teller", frame(TELLER, BANK, b"hello"), 0.0)
    assert (order.hits == 1) is meant


def test_unknown_machines_and_double_names_are_refused(switch: SwitchCore) -> None:
    with pytest.raises(WireError, match="nobody"):
        switch.receive("nobody", frame(TELLER, BANK), 0.0)
    with pytest.raises(WireError, match="already attached"):
        switch.attach(BANK)
    with pytest.raises(WireError, match="'bank' has it"):
        switch.attach(replace(BANK, name="evil"))
    with pytest.raises(WireError, match="nobody"):
        switch.mirror(Match(), to="nobody")


def test_a_detached_machine_gets_nothing(taught: SwitchCore) -> None:
    taught.detach("bank")
    assert [d.port for d in taught.receive("teller", frame(TELLER, BANK), 0.0)] == ["alice"]


def test_a_runt_goes_nowhere_and_is_noted(switch: SwitchCore) -> None:
    assert switch.receive("teller", b"short", 0.0) == []
    assert switch._party.trace.select("note", name="no frame") != []


@given(st.binary(min_size=14, max_size=80))
def test_garbage_is_forwarded_like_any_frame(garbage: bytes) -> None:
    switch = SwitchCore(Trace())
    for host in HOSTS:
        switch.attach(host)
    for octets in (garbage, garbage[:12] + b"\x08\x00" + garbage[14:]):
        switch.receive("teller", octets, 0.0)
    assert len(switch._party.trace.select("frame")) == 2


@given(st.binary(min_size=1, max_size=60), st.integers(0, 255))
def test_a_patched_frame_is_what_scapy_makes_of_it(payload: bytes, change: int) -> None:
    changed = bytes(octet ^ change for octet in payload)
    patched = patch_frame(
        frame(TELLER, BANK, payload),
        source_mac=ALICE.mac,
        destination_mac=TELLER.mac,
        source=ALICE.ip,
        destination=TELLER.ip,
        payload=changed,
    )
    packet = Ether(frame(TELLER, BANK, payload))
    packet.src, packet.dst, packet[IP].src, packet[IP].dst = ALICE.mac, TELLER.mac, ALICE.ip, TELLER.ip
    packet[TCP].remove_payload()
    packet = packet / changed
    del packet[IP].chksum, packet[TCP].chksum, packet[IP].len
    assert patched == bytes(packet)


def test_only_tcp_can_be_patched() -> None:
    with pytest.raises(FrameError, match="only a TCP frame"):
        patch_frame(bytes(Ether(src=TELLER.mac, dst=BANK.mac) / ARP()), payload=b"")


def test_what_is_known_of_a_connection_is_that_of_the_latest_over_its_ports(taught: SwitchCore) -> None:
    undo = taught.redirect("bank", 443, to="alice")
    opened(taught)
    undo()
    taught.receive("teller", frame(TELLER, BANK, seq=5000, flags=Flag.SYN), 0.0)
    known = taught.known((TELLER.ip, 50000), (BANK.ip, 443))
    assert known is not None
    assert (known.name, known.holder) == ("teller-bank-2", "bank")
    assert taught.known((TELLER.ip, 50001), (BANK.ip, 443)) is None


def test_a_connection_that_alice_answers_is_known_to_both_of_its_ends(taught: SwitchCore) -> None:
    """The teller sees the bank at its end, Alice herself: the addresses of both lead to the same connection."""
    taught.redirect("bank", 443, to="alice")
    opened(taught)
    for seen in (BANK.ip, ALICE.ip):
        known = taught.known((TELLER.ip, 50000), (seen, 443))
        assert known is not None
        assert (known.name, known.client, known.holder) == ("teller-bank-1", "teller", "alice")
