"""Naming what UDP carries: QUIC and DTLS have TLS inside, and are not decoded here; everything else is UDP."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.wire import Datagram

QUIC, DTLS, UDP = "QUIC packet", "DTLS datagram", "UDP packet"
REMEMBERED = 4096
"""How many conversations are known again by their later datagrams, whose headers say less."""
_QUIC_VERSIONS = frozenset({0x0000_0001, 0x6B33_43CF})
"""Versions 1 (RFC 9000) and 2 (RFC 9369)."""
_QUIC_DRAFTS = 0xFF0000
_DTLS_VERSIONS = frozenset({b"\xfe\xff", b"\xfe\xfd", b"\xfe\xfc", b"\x01\x00"})
"""DTLS 1.0, 1.2, 1.3, and OpenSSL's before 1.0."""


class DatagramNames:
    """Tells QUIC and DTLS from other datagrams by their headers, and by what came between the same two ends before."""

    def __init__(self) -> None:
        self._known: OrderedDict[frozenset[tuple[str, int]], str] = OrderedDict()

    def name(self, datagram: Datagram) -> str:
        """Return what a datagram is, in the singular."""
        ends = frozenset((datagram.source, datagram.destination))
        known, payload = self._known.get(ends), datagram.payload
        if _is_quic(payload) or _is_dtls(payload):
            known = QUIC if payload[0] & 0x80 else DTLS
            self._known[ends] = known
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return known
        if known == QUIC and payload[:1] and payload[0] & 0xC0 == 0x40:  # a short header (RFC 9000 17.3)
            return QUIC
        if known == DTLS and payload[:1] and payload[0] & 0xE0 == 0x20:  # the unified header (RFC 9147 4)
            return DTLS
        return UDP


def _is_quic(payload: bytes) -> bool:
    """Whether this is a long header of a version that is known (RFC 9000 17.2)."""
    if len(payload) < 7 or not payload[0] & 0x80 or payload[5] > 20:
        return False
    version = int.from_bytes(payload[1:5], "big")
    fixed = payload[0] & 0x40 or not version  # a Version Negotiation packet need not have the fixed bit
    return bool(fixed) and (not version or version in _QUIC_VERSIONS or version >> 8 == _QUIC_DRAFTS)


def _is_dtls(payload: bytes) -> bool:
    """Whether this is a record of DTLS (RFC 6347 4.1): content type, version, and a length that fits."""
    if len(payload) < 13 or not 20 <= payload[0] <= 26 or payload[1:3] not in _DTLS_VERSIONS:
        return False
    return 13 + int.from_bytes(payload[11:13], "big") <= len(payload)
