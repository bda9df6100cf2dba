"""From a captured packet of any link type to its TCP segment, or to a name of what it is instead.

Captures of strangers hold more than Alice's wire does: IPv6 with extension headers, VLANs, tunnels, UDP. A well-formed
packet that is not TCP is never an error: it comes out as `OtherPacket`, to be counted.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from trustlab.wire.errors import FrameError
from trustlab.wire.ethernet import IPV4_FRAGMENT, PROTOCOL_TCP, Segment, ipv4_header, tcp_segment
from trustlab.wire.linktypes import IPV4, IPV6, LinkType, link_title, network_layer
from trustlab.wire.tunnels import GRE, TUNNEL_PORTS, inner_packet

PROTOCOL_UDP = 17
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
"""Next headers of RFC 8200 4 and its successors that say their length in units of 8 octets, the first not counted."""
_AUTHENTICATION, _IPV6_FRAGMENT, _IPV4_IN_IP, _IPV6_IN_IP = 51, 44, 4, 41
_PROTOCOLS = {1: "ICMP", 2: "IGMP", 50: "ESP (IPsec)", 58: "ICMPv6", 89: "OSPF", 112: "VRRP", 132: "SCTP"}
_ETHERTYPES = {
    0x0806: "ARP frame",
    0x8847: "MPLS frame",
    0x8848: "MPLS frame",
    0x8863: "PPPoE frame",
    0x8864: "PPPoE frame",
    0x888E: "EAPOL frame (IEEE 802.1X)",
    0x88CC: "LLDP frame",
    0x88E5: "MACsec frame",
    -1: "frame without an EtherType",
}
DEEPEST = 4
"""Tunnels inside one another that are looked into; a file may be made to have any number."""


class OtherPacket(NamedTuple):
    """A packet that is not TCP: what it is, in the singular (`ARP frame`, `IPv6 fragment`)."""

    what: str


class Datagram(NamedTuple):
    """A UDP datagram: the two ends and its payload."""

    source: tuple[str, int]
    destination: tuple[str, int]
    payload: bytes


def dissect(frame: bytes, link: int = LinkType.ETHERNET) -> Segment | Datagram | OtherPacket:
    """Return what a captured packet carries; FrameError if a header is cut short or contradicts the packet.

    `link` is the capture's link type. Checksums are not judged. A packet that the capture cut short gives as much of
    its payload as is there.
    """
    found = network_layer(frame, link)
    if found is None:
        return OtherPacket(f"packet of {link_title(link)}")
    macs = (frame[6:12].hex(":"), frame[:6].hex(":")) if link == LinkType.ETHERNET else ("", "")
    return _network(frame, *found, macs, 0)


def _network(
    frame: bytes, ethertype: int, at: int, macs: tuple[str, str], depth: int
) -> Segment | Datagram | OtherPacket:
    if ethertype == IPV4:
        return _ipv4(frame, at, macs, depth)
    if ethertype == IPV6:
        return _ipv6(frame, at, macs, depth)
    return OtherPacket(_ETHERTYPES.get(ethertype, f"frame of EtherType 0x{ethertype & 0xFFFF:04x}"))


def _ipv4(frame: bytes, at: int, macs: tuple[str, str], depth: int) -> Segment | Datagram | OtherPacket:
    header = ipv4_header(frame, at, cut=True)
    if header.fragment & IPV4_FRAGMENT:
        return OtherPacket("IPv4 fragment")
    ends = _address(header.source), _address(header.destination)
    return _transport(frame, header.protocol, (header.start, header.end), ends, macs, depth)


def _ipv6(frame: bytes, at: int, macs: tuple[str, str], depth: int) -> Segment | Datagram | OtherPacket:
    if len(frame) < at + 40:
        raise FrameError(f"the IPv6 header is cut short at octet {len(frame)}")
    if frame[at] >> 4 != 6:
        raise FrameError(f"IP version {frame[at] >> 4} where an IPv6 header should be")
    length, protocol = int.from_bytes(frame[at + 4 : at + 6], "big"), frame[at + 6]
    ends = _address(frame[at + 8 : at + 24]), _address(frame[at + 24 : at + 40])
    at += 40
    end = min(at + length, len(frame)) if length else len(frame)  # 0 is a jumbogram (RFC 2675), as Linux offloads them
    while protocol in _EXTENSIONS or protocol in {_AUTHENTICATION, _IPV6_FRAGMENT}:
        if at + 8 > end:
            raise FrameError(f"an IPv6 extension header is cut short at octet {end}")
        if protocol == _IPV6_FRAGMENT and int.from_bytes(frame[at + 2 : at + 4], "big") & 0xFFF9:
            return OtherPacket("IPv6 fragment")  # all but the atomic fragments of RFC 6946
        size = 8 if protocol == _IPV6_FRAGMENT else 8 * (frame[at + 1] + 1)
        size = 4 * (frame[at + 1] + 2) if protocol == _AUTHENTICATION else size  # RFC 4302 2.2
        protocol, at = frame[at], at + size
    if at > end:
        raise FrameError(f"an IPv6 extension header is cut short at octet {end}")
    return _transport(frame, protocol, (at, end), ends, macs, depth)


def _transport(
    frame: bytes, protocol: int, place: tuple[int, int], ends: tuple[str, str], macs: tuple[str, str], depth: int
) -> Segment | Datagram | OtherPacket:
    at, end = place
    if protocol == PROTOCOL_TCP:
        return tcp_segment(frame, at, end, ends, macs)
    if protocol == PROTOCOL_UDP:
        return _udp(frame, at, end, ends, depth)
    if depth < DEEPEST and protocol in {_IPV4_IN_IP, _IPV6_IN_IP}:
        return _network(frame[:end], IPV4 if protocol == _IPV4_IN_IP else IPV6, at, macs, depth + 1)
    if depth < DEEPEST and protocol == GRE:
        return _tunnelled(frame, at, end, GRE, depth) or OtherPacket("GRE packet")
    return OtherPacket(f"{_PROTOCOLS.get(protocol, f'IP protocol {protocol}')} packet")


def _udp(frame: bytes, at: int, end: int, ends: tuple[str, str], depth: int) -> Segment | Datagram | OtherPacket:
    if at + 8 > end:
        raise FrameError(f"the UDP header is cut short at octet {end}")
    source, destination = int.from_bytes(frame[at : at + 2], "big"), int.from_bytes(frame[at + 2 : at + 4], "big")
    if destination in TUNNEL_PORTS and depth < DEEPEST:
        inside = _tunnelled(frame, at + 8, end, destination, depth)
        if inside is not None:
            return inside
    return Datagram((ends[0], source), (ends[1], destination), frame[at + 8 : end])


def _tunnelled(frame: bytes, at: int, end: int, tunnel: int, depth: int) -> Segment | Datagram | OtherPacket | None:
    """Return what a tunnel carries, None if scapy is not there or cannot read its header."""
    found = inner_packet(tunnel, frame[at:end])
    if found is None:
        return None
    ethertype, length = found
    whole, start = frame[:end], end - length
    if ethertype:
        return _network(whole, ethertype, start, ("", ""), depth + 1)
    inner = frame[start:end]
    kind, offset = network_layer(inner, LinkType.ETHERNET) or (0, 0)
    return _network(whole, kind, start + offset, (inner[6:12].hex(":"), inner[:6].hex(":")), depth + 1)


@lru_cache(maxsize=4096)
def _address(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets))
