"""Packets of every link type and of any protocol: built by scapy, taken apart by us."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, GRE, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from trustlab.wire import Datagram, FrameError, LinkType, OtherPacket, Segment, dissect, link_title, tunnels

PAYLOAD = b"\x16\x03\x01 a client's hello"
ETHERNET = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:03")
"""With both addresses: scapy would ask the network for one that is left out, and wait for an answer."""
FOUR = IP(src="10.0.0.2", dst="10.0.0.3")
SIX = IPv6(src="2001:db8::2", dst="2001:db8::3")


def tcp() -> Packet:
    return TCP(sport=50_000, dport=443, seq=7, flags="PA") / Raw(PAYLOAD)


def ether(ethertype: int) -> Packet:
    return Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:03", type=ethertype)


LINKS = {
    "Ethernet": (LinkType.ETHERNET, ETHERNET),
    "a VLAN": (LinkType.ETHERNET, ether(0x8100) / Dot1Q(vlan=5)),
    "a VLAN before 802.1ad": (LinkType.ETHERNET, ether(0x9100) / Dot1Q(vlan=5)),
    "another of those": (LinkType.ETHERNET, ether(0x9200) / Dot1Q(vlan=5)),
    "QinQ": (LinkType.ETHERNET, ether(0x88A8) / Dot1AD(vlan=5) / Dot1Q(vlan=6)),
    "LOOP": (LinkType.LOOP, None),
    "raw IP": (LinkType.RAW, None),
    "raw IP of old BSD files": (LinkType.RAW_BSD, None),
    "raw IP of OpenBSD": (LinkType.RAW_OPENBSD, None),
    "SLL": (LinkType.LINUX_SLL, CookedLinux(proto=0)),
    "SLL2": (LinkType.LINUX_SLL2, CookedLinuxV2(proto=0)),
}


def framed(link: int, lower: Packet | None, packet: Packet) -> bytes:
    six = packet.name == "IPv6"
    if link == LinkType.LOOP:
        return (30 if six else 2).to_bytes(4, "big") + bytes(packet)
    if lower is None:
        return bytes(packet)
    lower = lower.copy()
    if hasattr(lower, "proto"):
        lower.proto = 0x86DD if six else 0x0800
    return bytes(lower / packet)


@pytest.mark.parametrize("lower", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("network", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_a_segment_comes_out_of_every_link_type(lower: tuple[int, Packet | None], network: Packet) -> None:
    frame = framed(*lower, network / tcp())
    segment = dissect(frame, lower[0])
    assert isinstance(segment, Segment)
    assert (segment.source, segment.destination) == (network.src, network.dst)
    assert (segment.source_port, segment.destination_port, segment.seq) == (50_000, 443, 7)
    assert segment.payload == PAYLOAD == frame[segment.payload_offset :]
    assert segment.source_mac == ("02:00:00:00:00:02" if lower[0] == LinkType.ETHERNET else "")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("family", [socket.AF_INET, 10, 24, 28, 30])
def test_a_loopback_frame_is_read_in_the_byte_order_of_whoever_captured_it(order: str, family: int) -> None:
    packet = FOUR if family == socket.AF_INET else SIX
    head = family.to_bytes(4, "little" if order == "<" else "big")
    segment = dissect(head + bytes(packet / tcp()), LinkType.NULL)
    assert isinstance(segment, Segment)
    assert segment.payload == PAYLOAD
    if order == "<" and family == socket.AF_INET:
        assert head == bytes(Loopback(type=2))[:4]


@pytest.mark.parametrize(("link", "number"), [(LinkType.IPV4, 228), (LinkType.IPV6, 229)])
def test_the_link_types_of_one_version_of_ip_are_raw_ip(link: LinkType, number: int) -> None:
    assert link == number
    assert isinstance(dissect(bytes((FOUR if number == 228 else SIX) / tcp()), link), Segment)


EXTENDED = {
    "hop-by-hop": IPv6ExtHdrHopByHop(),
    "destination options": IPv6ExtHdrDestOpt(),
    "routing": IPv6ExtHdrRouting(addresses=["2001:db8::9"], segleft=0),
    "authentication": AH(nh=6, payloadlen=4, spi=1, seq=1, icv=bytes(12)),
    "three at once": IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(addresses=[]) / IPv6ExtHdrDestOpt(),
    "an atomic fragment": IPv6ExtHdrFragment(offset=0, m=0),
}


@pytest.mark.parametrize("extension", EXTENDED.values(), ids=EXTENDED)
def test_extension_headers_are_passed_over(extension: Packet) -> None:
    segment = dissect(bytes(SIX / extension / tcp()), LinkType.RAW)
    assert isinstance(segment, Segment)
    assert segment.payload == PAYLOAD


TUNNELS = {
    "GRE": FOUR / GRE() / FOUR,
    "GRE with key and sequence number": FOUR / GRE(key_present=1, key=5, seqnum_present=1) / SIX,
    "GRE with Ethernet": SIX / GRE(proto=0x6558) / ETHERNET / FOUR,
    "VXLAN": FOUR / UDP() / VXLAN(vni=5) / ETHERNET / FOUR,
    "Geneve": FOUR / UDP(dport=6081) / GENEVE(vni=5) / ETHERNET / Dot1Q(vlan=3) / SIX,
    "IPv6 in IPv4": FOUR / SIX,
    "IPv4 in IPv6": SIX / FOUR,
    "VXLAN in GRE": FOUR / GRE() / FOUR / UDP() / VXLAN(vni=5) / ETHERNET / SIX,
}


@pytest.mark.parametrize("tunnel", TUNNELS.values(), ids=TUNNELS)
def test_a_tunnel_is_looked_into(tunnel: Packet) -> None:
    frame = bytes(ETHERNET / tunnel / tcp())
    segment = dissect(frame)
    assert isinstance(segment, Segment)
    assert segment.payload == PAYLOAD == frame[segment.payload_offset :]


def test_without_scapy_a_tunnel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnels, "_header", lambda tunnel: None)
    assert dissect(bytes(FOUR / GRE() / FOUR / tcp()), LinkType.RAW) == OtherPacket("GRE packet")
    assert isinstance(dissect(bytes(TUNNELS["VXLAN"] / tcp()), LinkType.RAW), Datagram)


@pytest.mark.parametrize("depth", [4, 5, 3000])
def test_tunnels_are_followed_four_deep(depth: int) -> None:
    inner = bytes(FOUR / tcp())
    for _ in range(depth):
        head = bytearray(bytes(IP(src="10.0.0.2", dst="10.0.0.3", proto=4, len=0)))
        inner = bytes(head) + inner
    found = dissect(inner, LinkType.RAW)
    assert isinstance(found, Segment) if depth == 4 else found == OtherPacket("IP protocol 4 packet")


def test_tunnels_of_datagrams_are_followed_four_deep_too() -> None:
    packet = FOUR / tcp()
    for depth in range(1, 6):
        packet = FOUR / UDP() / VXLAN(vni=5) / ETHERNET / packet
        found = dissect(bytes(packet), LinkType.RAW)
        assert isinstance(found, Segment if depth < 5 else Datagram)


OTHERS = {
    "ARP frame": ETHERNET / ARP(),
    "ICMP packet": ETHERNET / FOUR / ICMP(),
    "IPv4 fragment": ETHERNET / IP(flags="MF") / tcp(),
    "IPv6 fragment": ETHERNET / SIX / IPv6ExtHdrFragment(offset=0, m=1) / tcp(),
    "SCTP packet": ETHERNET / IP(proto=132) / Raw(b"x"),
    "IP protocol 253 packet": ETHERNET / IP(proto=253) / Raw(b"x"),
    "LLDP frame": ether(0x88CC) / Raw(b"x"),
    "frame of EtherType 0x1234": ether(0x1234) / Raw(b"x"),
    "frame without an EtherType": ether(60) / Raw(b"x"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_not_tcp_is_named(what: str) -> None:
    assert dissect(bytes(OTHERS[what])) == OtherPacket(what)


@pytest.mark.parametrize(
    ("ethertype", "name"),
    [
        (0x0806, "ARP frame"),
        (0x8847, "MPLS frame"),
        (0x8848, "MPLS frame"),
        (0x8863, "PPPoE frame"),
        (0x8864, "PPPoE frame"),
        (0x888E, "EAPOL frame (IEEE 802.1X)"),
        (0x88CC, "LLDP frame"),
        (0x88E5, "MACsec frame"),
    ],
)
def test_a_frame_is_named_for_its_ethertype(ethertype: int, name: str) -> None:
    assert dissect(bytes(ether(ethertype)) + b"x") == OtherPacket(name)


def test_link_types_have_the_numbers_that_files_have() -> None:
    """As https://www.tcpdump.org/linktypes.html lists them; 12 and 14 are in files of old BSD systems."""
    assert {link.name: link.value for link in LinkType} == {
        "NULL": 0, "ETHERNET": 1, "RAW_BSD": 12, "RAW_OPENBSD": 14, "RAW": 101, "LOOP": 108, "LINUX_SLL": 113,
        "IPV4": 228, "IPV6": 229, "LINUX_SLL2": 276,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("link", "head"),
    [
        (LinkType.ETHERNET, bytes(12) + b"\x08\x06"),
        (LinkType.LINUX_SLL, bytes(14) + b"\x08\x06"),
        (LinkType.LINUX_SLL2, b"\x08\x06" + bytes(18)),
    ],
)
def test_a_header_without_anything_behind_it_is_read_and_a_shorter_one_refused(link: LinkType, head: bytes) -> None:
    assert dissect(head, link) == OtherPacket("ARP frame")
    with pytest.raises(FrameError, match=f"{len(head) - 1} octets are shorter"):
        dissect(head[:-1], link)


def test_a_foreign_link_type_is_named() -> None:
    assert dissect(b"anything", 105) == OtherPacket("packet of IEEE 802.11")
    assert dissect(b"anything", 9999) == OtherPacket("packet of link type 9999")
    assert link_title(1) == "Ethernet"


def test_a_datagram_has_its_ends_and_payload() -> None:
    frame = bytes(ETHERNET / FOUR / UDP(sport=1234, dport=53) / Raw(b"question"))
    assert dissect(frame) == Datagram(("10.0.0.2", 1234), ("10.0.0.3", 53), b"question")


def test_a_packet_cut_short_by_the_capture_gives_what_is_there() -> None:
    for packet in (FOUR / tcp(), SIX / tcp()):
        segment = dissect(bytes(packet)[:-5], LinkType.RAW)
        assert isinstance(segment, Segment)
        assert segment.payload == PAYLOAD[:-5]


@pytest.mark.parametrize("network", [IP(src="10.0.0.2", dst="10.0.0.3", len=0), IPv6(plen=0)], ids=["IPv4", "IPv6"])
def test_a_packet_without_length_is_one_that_the_network_card_cuts(network: Packet) -> None:
    segment = dissect(bytes(network / tcp()), LinkType.RAW)
    assert isinstance(segment, Segment)
    assert segment.payload == PAYLOAD


SEEDS = [
    *(framed(*lower, network / tcp()) for lower in LINKS.values() for network in (FOUR, SIX)),
    *(bytes(ETHERNET / tunnel / tcp()) for tunnel in TUNNELS.values()),
    *(bytes(SIX / extension / tcp()) for extension in EXTENDED.values()),
]


@given(
    st.sampled_from(SEEDS),
    st.sampled_from([*LinkType, 7]),
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=4),
    st.integers(0, 200),
)
def test_whatever_the_octets_there_is_a_result_or_a_typed_error(
    seed: bytes, link: int, changes: list[tuple[int, int]], length: int
) -> None:
    frame = bytearray(seed)
    for place, value in changes:
        frame[place % len(frame)] = value
    try:
        found = dissect(bytes(frame[:length]), link)
    except FrameError:
        return
    assert isinstance(found, Segment | Datagram | OtherPacket)
