"""A frame is read by the link type of its capture, as the reader of captures reads it."""

from __future__ import annotations

import pytest
from field_trees import assert_a_tree, uncovered
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as SEGMENT
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether

from trustlab.explain import fields_of, frame_fields
from trustlab.explain.handshake import message_fields
from trustlab.trace import Span, Trace
from trustlab.wire import LinkType, Segment, dissect

V4 = IP(src="10.0.0.2", dst="10.0.0.3")
V6 = IPv6(src="fe80::2", dst="fe80::3")
TCP = SEGMENT(sport=50000, dport=443, flags="PA") / b"\x15\x03\x03\x00\x02\x01\x00"
ETHER = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:03")
LINKS = {
    "ethernet": (LinkType.ETHERNET, bytes(ETHER / V4 / TCP), "ethernet.source", "02:00:00:00:00:02"),
    "ethernet, IPv6": (LinkType.ETHERNET, bytes(ETHER / V6 / TCP), "ip.source", "fe80::2"),
    "VLAN": (LinkType.ETHERNET, bytes(ETHER / Dot1Q(vlan=7, prio=3) / V4 / TCP), "vlan[0].tag", "priority 3, VLAN 7"),
    "QinQ": (LinkType.ETHERNET, bytes(ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=9) / V6 / TCP), "vlan[1].tag", "priority 0, VLAN 9"),
    "NULL": (LinkType.NULL, (2).to_bytes(4, "little") + bytes(V4 / TCP), "ip.source", "10.0.0.2"),
    "NULL, IPv6 of macOS": (LinkType.NULL, (30).to_bytes(4, "little") + bytes(V6 / TCP), "ip.destination", "fe80::3"),
    "LOOP": (LinkType.LOOP, (24).to_bytes(4, "big") + bytes(V6 / TCP), "ip.destination", "fe80::3"),
    "raw IP": (LinkType.RAW, bytes(V4 / TCP), "ip.destination", "10.0.0.3"),
    "raw IPv6": (LinkType.IPV6, bytes(V6 / TCP), "ip.hop_limit", "64"),
    "SLL": (LinkType.LINUX_SLL, bytes(CookedLinux(src=b"\2\0\0\0\0\2", lladdrlen=6, proto=0x800) / V4 / TCP), "sll.address", "02:00:00:00:00:02"),
    "SLL2": (LinkType.LINUX_SLL2, bytes(CookedLinuxV2(ifindex=3, proto=0x86DD) / V6 / TCP), "sll2.interface", "3"),
    "IPv6 with extensions": (LinkType.RAW, bytes(V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / TCP), "ip.extension[1].next_header", "6"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
def test_a_frame_is_read_by_its_link_type(name: str) -> None:
    link, raw, field, value = LINKS[name]
    event = Trace().append("network", "frame", "TCP", raw=raw, data={"link": int(link)})
    fields = {span.name: span for span in fields_of(event)}
    assert fields[field].value == value
    assert fields["payload"].end == len(raw)
    assert "payload.record.type" in fields
    assert fields["tcp.destination_port"].value == "443"
    assert_a_tree(frame_fields(raw, link), raw)
    assert uncovered(frame_fields(raw, link), len(raw)) == 0
    packet = dissect(raw, link)
    assert isinstance(packet, Segment)
    assert packet.payload_offset == fields["payload"].start == len(raw) - 7


def test_the_same_octets_on_two_links_are_two_trees() -> None:
    raw = bytes(V4 / TCP)
    seen = [
        [span.name for span in fields_of(Trace().append("network", "frame", "TCP", raw=raw, data=data))]
        for data in ({"link": int(LinkType.RAW)}, {}, {"link": 127}, {"link": "odd"})
    ]
    assert seen[0][0] == "ip"
    assert seen[1][0] == seen[3][0] == "ethernet"
    assert seen[2] == ["data"]
    (foreign,) = frame_fields(raw, 127)
    assert foreign.note == "A frame of a kind that is not taken apart here: IEEE 802.11 with radiotap."
    (neither, *_) = [span for span in frame_fields(bytes(12) + b"\x08\x06" + b"who has?") if span.name == "data"]
    assert neither.note == "Something other than IP."


def test_a_later_fragment_has_no_tcp_header() -> None:
    for later in (
        V4.__class__(src="10.0.0.2", dst="10.0.0.3", frag=5, proto=6) / b"middle of a segment",
        V6 / IPv6ExtHdrFragment(offset=9, nh=6) / b"middle of a segment",
    ):
        fields = {span.name: span for span in frame_fields(bytes(later), LinkType.RAW)}
        assert "tcp" not in fields
        assert fields["data"].note == "Something other than TCP."


@pytest.mark.parametrize(("packet", "at"), [(V4 / TCP, 2), (V6 / TCP, 4)])
def test_a_length_that_the_network_card_fills_in_reaches_to_the_end(packet: object, at: int) -> None:
    raw = bytearray(bytes(packet))  # type: ignore[call-overload]
    raw[at : at + 2] = b"\0\0"
    payload = {span.name: span for span in frame_fields(bytes(raw), LinkType.RAW)}["payload"]
    assert (payload.start, payload.end) == (len(raw) - 7, len(raw))


@given(st.binary(max_size=90), st.sampled_from([*LinkType, 127]), st.sampled_from(sorted(LINKS)))
def test_any_frame_of_any_link_is_a_tree(octets: bytes, link: int, name: str) -> None:
    own, whole, *_ = LINKS[name]
    for raw, kind in ((octets, link), (whole[: len(octets)] + octets, link), (whole[: len(octets)] + octets, own)):
        assert_a_tree(frame_fields(raw, kind), raw)
        assert uncovered(frame_fields(raw, kind), len(raw)) == 0


def test_a_record_says_whether_all_of_it_is_here_and_a_hello_in_clear_is_taken_apart() -> None:
    hello = bytes.fromhex("010000280303") + bytes(32) + bytes.fromhex("00000213010100")
    hello = hello[:1] + (len(hello) - 4).to_bytes(3, "big") + hello[4:]
    record = b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello
    segment = SEGMENT(sport=50000, dport=443, flags="PA")
    whole = {span.name: span for span in frame_fields(bytes(V4 / segment / record), LinkType.RAW)}
    assert whole["payload.record"].value == "handshake"
    assert "payload.record.ClientHello.random" in whole
    cut = {span.name: span for span in frame_fields(bytes(V4 / segment / record[:-9]), LinkType.RAW)}
    assert cut["payload.record"].value == "handshake, goes on in the next frame"
    assert not [name for name in cut if "ClientHello" in name]
    alert = {span.name: span for span in frame_fields(bytes(V4 / TCP), LinkType.RAW)}
    assert alert["payload.record"].value == "alert"
    assert alert["payload.record.fragment"].note == "An alert, encrypted once keys are in use."


def test_an_ipv6_packet_ends_where_its_length_says() -> None:
    whole = bytes(V6 / TCP)
    fields = {span.name: span for span in frame_fields(whole + bytes(4), LinkType.RAW)}
    assert (fields["payload"].end, fields["trailer"].start, fields["trailer"].end) == (
        len(whole),
        len(whole),
        len(whole) + 4,
    )


def test_octets_that_begin_nothing_are_said_to_go_on() -> None:
    raw = bytes(V4 / SEGMENT(sport=50000, dport=443, flags="PA") / b"\xff\xfe in the middle")
    data = {span.name: span for span in frame_fields(raw, LinkType.RAW)}["payload.data"]
    assert data.note.startswith("Bytes of a message or record that began in an earlier frame")


def test_spans_beyond_a_message_are_left_out() -> None:
    assert [s.name for s in message_fields(b"abcd", [Span("a", 0, 9), Span("b", 0, 2), Span("c", -1, 2)])] == ["b"]
