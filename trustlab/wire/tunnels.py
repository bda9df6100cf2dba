"""Looking into GRE, VXLAN and Geneve, whose headers scapy takes apart.

Tunnels are rare and their headers have options, so here scapy's speed is no matter; it is imported when the first
tunnelled packet comes.
"""

from __future__ import annotations

import struct
from typing import Any

GRE = 47
"""IP protocol number of GRE (RFC 2784)."""
VXLAN, GENEVE = 4789, 6081
TUNNEL_PORTS = frozenset({VXLAN, GENEVE})
"""UDP ports of RFC 7348 and RFC 8926."""
_ETHERNET_IN_TUNNEL = 0x6558
"""Protocol type of Transparent Ethernet Bridging."""


def inner_packet(tunnel: int, octets: bytes) -> tuple[int, int] | None:
    """Return the EtherType and length of the packet that ends a tunnel's `octets`; EtherType 0 is an Ethernet frame.

    None if scapy is not installed or if this is not a header of that tunnel.
    """
    header = _header(tunnel)
    if header is None:
        return None
    try:
        packet = header(octets)
        protocol = _ETHERNET_IN_TUNNEL if tunnel == VXLAN else int(packet.proto)
        length = len(packet.payload.original)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, struct.error):
        return None  # what scapy raises on a stranger's octets
    if not 0 < length < len(octets):
        return None
    return (0 if protocol == _ETHERNET_IN_TUNNEL else protocol), length


def _header(tunnel: int) -> Any:  # noqa: ANN401 - a class of scapy's, which is not typed
    try:
        if tunnel == GRE:
            from scapy.layers.l2 import GRE as HEADER  # noqa: PLC0415 - a quarter of a second: when asked for
        elif tunnel == VXLAN:
            from scapy.layers.vxlan import VXLAN as HEADER  # noqa: PLC0415
        else:
            from scapy.contrib.geneve import GENEVE as HEADER  # noqa: PLC0415
    except ImportError:
        return None
    return HEADER
