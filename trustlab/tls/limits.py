"""How much a peer may send: by the definition of a message, and by this side's patience (`Limits`)."""

from __future__ import annotations

from dataclasses import dataclass

from trustlab.tls.alerts import DecodeError, IllegalParameter
from trustlab.tls.registry import HandshakeType


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a peer may make this side hold or do.

    `message`: octets of one handshake message; `chain`: certificates in one chain; `buffered`: octets received and not
    yet processed; `warnings`: warning alerts in a row; `empty_records`: records without content in a row;
    `key_updates`: KeyUpdate messages without application data between them; `compatibility_ccs`: ChangeCipherSpec
    records that are dropped in TLS 1.3 (more are CVE-2020-25648); `early_data`: octets of unwanted 0-RTT data that are
    skipped; `records_per_key`: records this side writes with one key before it updates it (TLS 1.3; AES-GCM bears
    2^24.5, RFC 9846 5.5).
    """

    message: int = 2**18
    chain: int = 20
    buffered: int = 2**24
    warnings: int = 4
    empty_records: int = 32
    key_updates: int = 32
    compatibility_ccs: int = 8
    early_data: int = 2**16
    records_per_key: int = 2**24


LONG = 2**16
LONGEST: dict[int, int] = {
    HandshakeType.HELLO_REQUEST: 0,
    HandshakeType.CLIENT_HELLO: 2 + 32 + 1 + 32 + 2 + 0xFFFE + 1 + 0xFF + 2 + 0xFFFF,
    HandshakeType.SERVER_HELLO: 2 + 32 + 1 + 32 + 2 + 1 + 2 + 0xFFFF,
    HandshakeType.NEW_SESSION_TICKET: 4 + 4 + 1 + 0xFF + 2 + 0xFFFF + 2 + 0xFFFE,
    HandshakeType.ENCRYPTED_EXTENSIONS: 2 + 0xFFFF,
    HandshakeType.SERVER_KEY_EXCHANGE: 1 + 2 + 1 + 0xFF + 2 + 2 + 0xFFFF,
    HandshakeType.CERTIFICATE_REQUEST: 1 + 0xFF + 2 + 0xFFFE + 2 + 0xFFFF,
    HandshakeType.SERVER_HELLO_DONE: 0,
    HandshakeType.CERTIFICATE_VERIFY: 2 + 2 + 0xFFFF,
    HandshakeType.CLIENT_KEY_EXCHANGE: 2 + 0xFFFF,
}
"""Octets of a message's body by the lengths of its parts, for what is read once it is longer than `LONG`."""


def check_length(kind: int, length: int, limit: int) -> None:
    """Refuse a message that is longer than its definition allows, or than `limit`, this side's patience."""
    if length > LONGEST.get(kind, length):
        raise DecodeError(f"a handshake message of {length} octets where its form allows {LONGEST[kind]}")
    if length > limit:
        raise IllegalParameter(f"a handshake message of {length} octets where {limit} are allowed")
