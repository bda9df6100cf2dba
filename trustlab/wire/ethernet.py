"""Ethernet II, IPv4 and TCP, as octets: build and parse one frame.

It uses `struct` because a frame is built for every chunk that crosses the wire, and scapy needs about a millisecond for
one. The tests compare every frame with scapy.
"""

from __future__ import annotations

import enum
import ipaddress
import struct
from dataclasses import dataclass
from typing import NamedTuple

from trustlab.wire.errors import FrameError

ETHERTYPE_IPV4 = 0x0800
PROTOCOL_TCP = 6
MSS = 1460
"""The largest payload of one segment on Ethernet: 1500 - 20 (IPv4) - 20 (TCP)."""

_ETHERNET = struct.Struct("!6s6sH")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_DONT_FRAGMENT = 0x4000
IPV4_FRAGMENT = 0x3FFF
"""More fragments, and the fragment offset: not 0 in a fragment (RFC 791 3.1)."""


class Flag(enum.IntFlag):
    """The TCP control bits (RFC 9293, 3.1)."""

    NONE = 0
    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10


@dataclass(frozen=True, slots=True)
class Host:
    """A machine on the wire: its party name, MAC (`02:00:00:00:00:02`) and IPv4 address (`10.0.0.2`)."""

    name: str
    mac: str
    ip: str

    def __post_init__(self) -> None:
        mac_octets(self.mac)
        ip_octets(self.ip)


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment with the addresses of the frame that carries it; ports, `seq` and `ack` as in RFC 9293."""

    source_mac: str
    destination_mac: str
    source: str
    destination: str
    source_port: int
    destination_port: int
    seq: int
    ack: int
    flags: Flag
    payload: bytes = b""
    options: bytes = b""
    window: int = 65535
    identification: int = 0
    payload_offset: int = 0
    """Where the payload begins in the frame, in octets; known for a parsed segment, ignored in building."""


def mac_octets(mac: str) -> bytes:
    """Return the 6 octets of `02:00:00:00:00:02`; FrameError if it is not one."""
    try:
        octets = bytes.fromhex(mac.replace(":", ""))
    except ValueError as error:
        raise FrameError(f"{mac!r} is not a MAC address such as 02:00:00:00:00:02") from error
    if len(octets) != 6 or mac.count(":") != 5:
        raise FrameError(f"{mac!r} is not a MAC address such as 02:00:00:00:00:02")
    return octets


def ip_octets(ip: str) -> bytes:
    """Return the 4 octets of a dotted IPv4 address; FrameError if it is not one."""
    try:
        return ipaddress.IPv4Address(ip).packed
    except ValueError as error:
        raise FrameError(f"{ip!r} is not an IPv4 address such as 10.0.0.2") from error


def internet_checksum(octets: bytes) -> int:
    """Return the ones' complement checksum of RFC 1071 over `octets`."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def build_frame(segment: Segment) -> bytes:
    """Return the Ethernet frame of `segment` with lengths and both checksums; `options` are padded to 32 bits."""
    source, destination = ip_octets(segment.source), ip_octets(segment.destination)
    options = segment.options + bytes(-len(segment.options) % 4)
    tcp_length = _TCP.size + len(options) + len(segment.payload)
    if len(options) > 40 or _IPV4.size + tcp_length > 0xFFFF:
        raise FrameError(
            f"a payload of {len(segment.payload)} octets and {len(options)} octets of options do not fit into a packet"
        )
    tcp = _tcp_header(segment, options, 0)
    pseudo = source + destination + struct.pack("!BBH", 0, PROTOCOL_TCP, tcp_length)
    tcp = _tcp_header(segment, options, internet_checksum(pseudo + tcp + segment.payload))
    ip = _ipv4_header(segment, source, destination, tcp_length, 0)
    ip = _ipv4_header(segment, source, destination, tcp_length, internet_checksum(ip))
    ethernet = _ETHERNET.pack(mac_octets(segment.destination_mac), mac_octets(segment.source_mac), ETHERTYPE_IPV4)
    return ethernet + ip + tcp + segment.payload


def _tcp_header(segment: Segment, options: bytes, checksum: int) -> bytes:
    words = (_TCP.size + len(options)) // 4
    header = _TCP.pack(
        segment.source_port,
        segment.destination_port,
        segment.seq & 0xFFFFFFFF,
        segment.ack & 0xFFFFFFFF,
        words << 4,
        int(segment.flags),
        segment.window,
        checksum,
        0,
    )
    return header + options


def _ipv4_header(segment: Segment, source: bytes, destination: bytes, length: int, checksum: int) -> bytes:
    total, identification = _IPV4.size + length, segment.identification & 0xFFFF
    return _IPV4.pack(0x45, 0, total, identification, _DONT_FRAGMENT, 64, PROTOCOL_TCP, checksum, source, destination)


def parse_frame(frame: bytes) -> Segment | None:
    """Return the TCP segment in an Ethernet frame, None if it carries something else (ARP, UDP, IPv6, a fragment).

    Raises FrameError if an IPv4 or TCP header is cut short or its lengths contradict the frame. Checksums are not
    judged (a capture at the sender has none yet): see `checksums_right`.
    """
    if len(frame) < _ETHERNET.size:
        raise FrameError(f"{len(frame)} octets are shorter than an Ethernet header, which has {_ETHERNET.size}")
    destination_mac, source_mac, ethertype = _ETHERNET.unpack_from(frame)
    if ethertype != ETHERTYPE_IPV4:
        return None
    header = ipv4_header(frame, _ETHERNET.size)
    if header.protocol != PROTOCOL_TCP or header.fragment & IPV4_FRAGMENT:
        return None
    ends = str(ipaddress.IPv4Address(header.source)), str(ipaddress.IPv4Address(header.destination))
    macs = source_mac.hex(":"), destination_mac.hex(":")
    return tcp_segment(frame, header.start, header.end, ends, macs, header.identification)


class Ipv4Header(NamedTuple):
    """What an IPv4 header says: addresses in octets, `start` and `end` of what it carries as octets of the frame."""

    protocol: int
    fragment: int
    """The flags and the fragment offset; see `IPV4_FRAGMENT`."""
    identification: int
    source: bytes
    destination: bytes
    start: int
    end: int


def ipv4_header(frame: bytes, at: int, *, cut: bool = False) -> Ipv4Header:
    """Read the IPv4 header at octet `at` of a frame; FrameError if it is cut short or contradicts the frame.

    With `cut` the packet may be longer than what was captured of it, and have total length 0, as captures of a sender
    that leaves the segmentation to its network card do.
    """
    if len(frame) < at + _IPV4.size:
        raise FrameError(f"the IPv4 header is cut short at octet {len(frame)}")
    version, _, total, identification, fragment, _, protocol, _, source, destination = _IPV4.unpack_from(frame, at)
    header, there = (version & 0x0F) * 4, len(frame) - at
    length = (min(total, there) or there) if cut else total
    if version >> 4 != 4 or header < _IPV4.size or not header <= length <= there:
        raise FrameError(
            f"an IPv4 header of {header} octets with total length {total} does not fit a frame of {len(frame)} octets"
        )
    return Ipv4Header(protocol, fragment, identification, source, destination, at + header, at + length)


def tcp_segment(
    frame: bytes, at: int, end: int, ends: tuple[str, str], macs: tuple[str, str], identification: int = 0
) -> Segment:
    """Read the TCP segment in the octets `at:end` of a frame, between `ends` (IP addresses) and `macs`."""
    if end - at < _TCP.size:
        raise FrameError(f"the TCP header is cut short at octet {end}")
    source_port, destination_port, seq, ack, words, flags, window, _, _ = _TCP.unpack_from(frame, at)
    payload_at = at + (words >> 4) * 4
    if not at + _TCP.size <= payload_at <= end:
        raise FrameError(f"TCP data offset {words >> 4} does not fit a segment of {end - at} octets")
    return Segment(
        source_mac=macs[0],
        destination_mac=macs[1],
        source=ends[0],
        destination=ends[1],
        source_port=source_port,
        destination_port=destination_port,
        seq=seq,
        ack=ack,
        flags=Flag(flags & 0x1F),
        payload=frame[payload_at:end],
        options=frame[at + _TCP.size : payload_at],
        window=window,
        identification=identification,
        payload_offset=payload_at,
    )


def patch_frame(
    frame: bytes,
    *,
    source_mac: str | None = None,
    destination_mac: str | None = None,
    source: str | None = None,
    destination: str | None = None,
    payload: bytes | None = None,
) -> bytes:
    """Return a TCP frame with other addresses or another payload of the same length, and correct checksums.

    Everything else (options, windows, time to live) stays as it was. FrameError if it is not a TCP frame, or if the
    payload changes its length, which would break the stream's sequence numbers.
    """
    segment = parse_frame(frame)
    if segment is None:
        raise FrameError("only a TCP frame can be patched, and this one carries something else")
    if payload is not None and len(payload) != len(segment.payload):
        raise FrameError(
            f"a payload of {len(segment.payload)} octets cannot become one of {len(payload)}: keep its length"
        )
    patched = bytearray(frame)
    ip = _ETHERNET.size
    for at, mac in ((0, destination_mac), (6, source_mac)):
        if mac is not None:
            patched[at : at + 6] = mac_octets(mac)
    for at, address in ((ip + 12, source), (ip + 16, destination)):
        if address is not None:
            patched[at : at + 4] = ip_octets(address)
    if payload is not None:
        patched[segment.payload_offset : segment.payload_offset + len(payload)] = payload
    _put_checksums_right(patched)
    return bytes(patched)


def _put_checksums_right(frame: bytearray) -> None:
    ip = _ETHERNET.size
    tcp, end = ip + (frame[ip] & 0x0F) * 4, ip + int.from_bytes(frame[ip + 2 : ip + 4], "big")
    frame[ip + 10 : ip + 12] = frame[tcp + 16 : tcp + 18] = b"\0\0"
    frame[ip + 10 : ip + 12] = internet_checksum(bytes(frame[ip:tcp])).to_bytes(2, "big")
    pseudo = bytes(frame[ip + 12 : ip + 20]) + struct.pack("!BBH", 0, PROTOCOL_TCP, end - tcp)
    frame[tcp + 16 : tcp + 18] = internet_checksum(pseudo + bytes(frame[tcp:end])).to_bytes(2, "big")


def checksums_right(frame: bytes) -> bool:
    """Return whether the IPv4 and TCP checksums of a frame that `parse_frame` understands are both correct."""
    at = _ETHERNET.size
    header = (frame[at] & 0x0F) * 4
    total = int.from_bytes(frame[at + 2 : at + 4], "big")
    tcp = frame[at + header : at + total]
    pseudo = frame[at + 12 : at + 20] + struct.pack("!BBH", 0, PROTOCOL_TCP, len(tcp))
    return internet_checksum(frame[at : at + header]) == 0 and internet_checksum(pseudo + tcp) == 0
