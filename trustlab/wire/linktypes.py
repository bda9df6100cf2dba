"""What stands in front of the IP packet, by the link type of a capture (the registry of tcpdump.org, LINKTYPE_...).

Link headers and VLAN tags are taken apart by a few lines of `struct` each: scapy dissects 5,000 packets a second, and
a capture of 100 MB has 100,000.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from trustlab.wire.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Callable


class LinkType(enum.IntEnum):
    """The link types whose frames are taken apart here."""

    NULL = 0
    ETHERNET = 1
    RAW_BSD = 12
    RAW_OPENBSD = 14
    RAW = 101
    LOOP = 108
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    LINUX_SLL2 = 276


_RAW_TITLE = "raw IP"
TITLES = {
    LinkType.NULL: "BSD loopback (NULL)",
    LinkType.ETHERNET: "Ethernet",
    LinkType.RAW_BSD: _RAW_TITLE,
    LinkType.RAW_OPENBSD: _RAW_TITLE,
    LinkType.RAW: _RAW_TITLE,
    LinkType.LOOP: "OpenBSD loopback (LOOP)",
    LinkType.LINUX_SLL: "Linux cooked (SLL)",
    LinkType.IPV4: "raw IPv4",
    LinkType.IPV6: "raw IPv6",
    LinkType.LINUX_SLL2: "Linux cooked (SLL2)",
}
FOREIGN_TITLES = {105: "IEEE 802.11", 127: "IEEE 802.11 with radiotap", 189: "USB", 195: "IEEE 802.15.4", 220: "USB"}
"""Link types that people meet and that carry no IP for us to read."""

IPV4, IPV6 = 0x0800, 0x86DD
TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
"""EtherTypes of a VLAN tag: IEEE 802.1Q, 802.1ad, and the two that came before 802.1ad."""
FAMILIES = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
"""AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD and macOS."""
_LOWEST_ETHERTYPE = 0x0600
_NO_ETHERTYPE = -1


def link_title(link: int) -> str:
    """Name a link type for people; one that nobody here knows by its number."""
    if link in TITLES:
        return TITLES[LinkType(link)]
    return FOREIGN_TITLES.get(link, f"link type {link}")


def network_layer(frame: bytes, link: int) -> tuple[int, int] | None:
    """Return the EtherType of what a frame carries and the octet where that begins; None for a foreign link type.

    The EtherType of an IEEE 802.3 frame, which has a length in its place, is -1. FrameError if a header is cut short.
    """
    reader = _READERS.get(link)
    return reader(frame) if reader else None


def _ethernet(frame: bytes) -> tuple[int, int]:
    if len(frame) < 14:
        raise FrameError(f"{len(frame)} octets are shorter than an Ethernet header")
    return _tagged(frame, int.from_bytes(frame[12:14], "big"), 14)


def _tagged(frame: bytes, ethertype: int, at: int) -> tuple[int, int]:
    """Pass over VLAN tags, of which QinQ has two."""
    while ethertype in TAGS:
        if len(frame) < at + 4:
            raise FrameError(f"the VLAN tag is cut short at octet {len(frame)}")
        ethertype, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    return (ethertype if ethertype >= _LOWEST_ETHERTYPE else _NO_ETHERTYPE), at


def _null(frame: bytes) -> tuple[int, int]:
    """Read an address family in the byte order of the machine that captured it, which nobody has written down."""
    if len(frame) < 4:
        raise FrameError(f"{len(frame)} octets are shorter than a loopback header")
    family = min(int.from_bytes(frame[:4], "little"), int.from_bytes(frame[:4], "big"))
    return FAMILIES.get(family, _NO_ETHERTYPE), 4


def _raw(frame: bytes) -> tuple[int, int]:
    if not frame:
        raise FrameError("a packet of 0 octets")
    return {4: IPV4, 6: IPV6}.get(frame[0] >> 4, _NO_ETHERTYPE), 0


def _sll(frame: bytes) -> tuple[int, int]:
    if len(frame) < 16:
        raise FrameError(f"{len(frame)} octets are shorter than an SLL header")
    return _tagged(frame, int.from_bytes(frame[14:16], "big"), 16)


def _sll2(frame: bytes) -> tuple[int, int]:
    if len(frame) < 20:
        raise FrameError(f"{len(frame)} octets are shorter than an SLL2 header")
    return _tagged(frame, int.from_bytes(frame[:2], "big"), 20)


_READERS: dict[int, Callable[[bytes], tuple[int, int]]] = {
    LinkType.ETHERNET: _ethernet,
    LinkType.NULL: _null,
    LinkType.LOOP: _null,
    LinkType.RAW_BSD: _raw,
    LinkType.RAW_OPENBSD: _raw,
    LinkType.RAW: _raw,
    LinkType.IPV4: _raw,
    LinkType.IPV6: _raw,
    LinkType.LINUX_SLL: _sll,
    LinkType.LINUX_SLL2: _sll2,
}
