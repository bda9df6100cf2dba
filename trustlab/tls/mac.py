"""HMAC (RFC 2104), spelled out: two hashes, each begun with the key under a mask.

OpenSSL's one-shot function, which `hmac.digest` calls, looks up its algorithm anew each time; for the short messages
of a key schedule, some forty in a handshake, this is twice as fast, and a key that is used again keeps its beginning.
The hashes themselves are OpenSSL's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash

HASHES: dict[str, Callable[[bytes | bytearray], _Hash]] = {"sha256": hashlib.sha256, "sha384": hashlib.sha384}
"""The hashes of the cipher suites."""
_WITH_BLOCKS = {"sha256": (hashlib.sha256, 64), "sha384": (hashlib.sha384, 128)}  # octets taken in at a time
_INNER = bytes(octet ^ 0x36 for octet in range(256))
_OUTER = bytes(octet ^ 0x5C for octet in range(256))


class Hmac:
    """HMAC with one key, for any number of messages: H(K ^ opad || H(K ^ ipad || message))."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, hash_name: str) -> None:
        new, block = _WITH_BLOCKS[hash_name]
        if len(key) > block:
            key = new(key).digest()
        key = key.ljust(block, b"\0")
        self._inner = new(key.translate(_INNER))
        self._outer = new(key.translate(_OUTER))

    def __call__(self, message: bytes) -> bytes:
        """Return the HMAC of a message."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        return f"<Hmac {self._inner.name}>"


def hmac(key: bytes, message: bytes, hash_name: str) -> bytes:
    """Return the HMAC of one message, for `sha256` and `sha384`."""
    new, block = _WITH_BLOCKS[hash_name]
    if len(key) > block:
        key = new(key).digest()
    key = key.ljust(block, b"\0")
    return new(key.translate(_OUTER) + new(key.translate(_INNER) + message).digest()).digest()
