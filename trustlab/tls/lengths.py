"""How long a handshake message may be: by its definition, and by this side's patience."""

from __future__ import annotations

from trustlab.tls.alerts import DecodeError, IllegalParameter
from trustlab.tls.registry import HandshakeType

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
