"""HMAC (RFC 2104), spelled out: two hashes and two masks of the key.

OpenSSL's one-shot function, which `hmac.digest` calls, looks up its algorithm anew each time; for the short messages
of a key schedule, some forty in a handshake, this is twice as fast. The hashes themselves are OpenSSL's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash

HASHES: dict[str, Callable[[bytes | bytearray], _Hash]] = {"sha256": hashlib.sha256, "sha384": hashlib.sha384}
"""The hashes of the cipher suites."""
_BLOCKS = {"sha256": 64, "sha384": 128}  # octets that a hash takes in at a time
_INNER = bytes(octet ^ 0x36 for octet in range(256))
_OUTER = bytes(octet ^ 0x5C for octet in range(256))


def hmac(key: bytes, message: bytes, hash_name: str) -> bytes:
    """Return HMAC of `message`: H(K ^ opad || H(K ^ ipad || message)), for `sha256` and `sha384`."""
    new, block = HASHES[hash_name], _BLOCKS[hash_name]
    if len(key) > block:
        key = new(key).digest()
    key = key.ljust(block, b"\0")
    return new(key.translate(_OUTER) + new(key.translate(_INNER) + message).digest()).digest()
