"""What stands in front of the IP packet: Ethernet with its VLAN tags, a loopback's family, Linux's cooked headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.wire.linktypes import FAMILIES, IPV4, IPV6, TAGS, LinkType

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.octets import SpanReader

ETHERNET = "IEEE 802.3, 3.1"
TAG = "IEEE 802.1Q, 9.6"
LOOPBACK = "LINKTYPE_NULL and LINKTYPE_LOOP, tcpdump.org"
COOKED = "LINKTYPE_LINUX_SLL, tcpdump.org"
COOKED2 = "LINKTYPE_LINUX_SLL2, tcpdump.org"
TYPE = "What follows. 0800: IPv4, 86dd: IPv6, 8100: a VLAN tag."
NOTHING = -1
"""In place of an EtherType: what follows says itself what it is, or is nothing that is known here."""


def link_header(reader: SpanReader, link: int) -> int | None:
    """Read and name a frame's link header; return the EtherType of what follows, None for a foreign link type."""
    read = _READERS.get(link)
    return None if read is None else _tagged(reader, read(reader))


def _address(octets: bytes) -> str:
    return octets.hex(":")


def _ethernet(r: SpanReader) -> int:
    with r.group("ethernet", "From which network card to which.", ETHERNET):
        r.octets(
            6, "destination", _address, "The MAC address of the next receiver: here Alice's switch decides.", ETHERNET
        )
        r.octets(6, "source", _address, "The MAC address of the sender. Anybody can write any.", ETHERNET)
        return r.uint(2, "type", hex, TYPE, ETHERNET)


def _tagged(r: SpanReader, ethertype: int) -> int:
    """Pass over VLAN tags, of which there may be two."""
    number = 0
    while ethertype in TAGS:
        with r.group(f"vlan[{number}]", "Which virtual network the frame belongs to.", TAG):
            r.uint(2, "tag", _vlan, "How urgent it is, and the number of the virtual network.", TAG)
            ethertype = r.uint(2, "type", hex, TYPE, TAG)
        number += 1
    return ethertype


def _null(r: SpanReader) -> int:
    note = "Which protocol follows, as the capturing system numbers them; in its own byte order."
    with r.group("loopback", "The packet never left the machine.", LOOPBACK):
        octets = r.octets(4, "family", None, note, LOOPBACK)
    return FAMILIES.get(min(int.from_bytes(octets, "little"), int.from_bytes(octets, "big")), NOTHING)


def _raw(r: SpanReader) -> int:
    """No header at all: the IP packet's own version tells."""
    return {4: IPV4, 6: IPV6}.get(r.data[r.position] >> 4, NOTHING) if r.left else NOTHING


def _sll(r: SpanReader) -> int:
    with r.group("sll", "Linux wrote this in place of the link's own header.", COOKED):
        r.uint(2, "packet_type", str, "0: to us, 1: to all, 3: overheard, 4: from us.", COOKED)
        r.uint(2, "device_type", str, "What kind of device: 1 is Ethernet, 772 the loopback.", COOKED)
        size = r.uint(2, "address_length", str, "How long the sender's address is.", COOKED)
        r.octets(8, "address", lambda octets: _address(octets[:size]), "The sender's link address.", COOKED)
        return r.uint(2, "protocol", hex, TYPE, COOKED)


def _sll2(r: SpanReader) -> int:
    with r.group("sll2", "Linux wrote this in place of the link's own header.", COOKED2):
        ethertype = r.uint(2, "protocol", hex, TYPE, COOKED2)
        r.uint(2, "reserved", str, "Not used.", COOKED2)
        r.uint(4, "interface", str, "The number of the device it was captured on.", COOKED2)
        r.uint(2, "device_type", str, "What kind of device: 1 is Ethernet, 772 the loopback.", COOKED2)
        r.uint(1, "packet_type", str, "0: to us, 1: to all, 3: overheard, 4: from us.", COOKED2)
        size = r.uint(1, "address_length", str, "How long the sender's address is.", COOKED2)
        r.octets(8, "address", lambda octets: _address(octets[:size]), "The sender's link address.", COOKED2)
    return ethertype


def _vlan(number: int) -> str:
    return f"priority {number >> 13}, VLAN {number & 0xFFF}"


_READERS: dict[int, Callable[[SpanReader], int]] = {
    LinkType.ETHERNET: _ethernet,
    LinkType.NULL: _null,
    LinkType.LOOP: _null,
    **dict.fromkeys((LinkType.RAW_BSD, LinkType.RAW_OPENBSD, LinkType.RAW, LinkType.IPV4, LinkType.IPV6), _raw),
    LinkType.LINUX_SLL: _sll,
    LinkType.LINUX_SLL2: _sll2,
}
