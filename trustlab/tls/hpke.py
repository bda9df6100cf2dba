"""HPKE (RFC 9180) for messages that are sealed inside a channel: the suite, and what ties a message to its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
KEY = 32
"""Octets of an X25519 key."""
KEY_NAME = "hpke_private_key"
"""The name of a private key among the secrets of a trace."""
LABEL = b"TrustedPassages/v1 sealed "


def info(direction: bytes, nonce: bytes, count: int) -> bytes:
    """Return HPKE's info for one message: who sends it, in answer to which question, and how many went before it."""
    return LABEL + direction + nonce + count.to_bytes(8, "big")


def unsealed(direction: str, nonce: bytes, messages: Sequence[bytes], keys: Collection[bytes]) -> Iterator[bytes]:
    """Yield what private keys open of the messages of one direction, in order."""
    holders = [X25519PrivateKey.from_private_bytes(key) for key in keys]
    for count, message in enumerate(messages):
        for key in holders:
            try:
                opened = SUITE.decrypt(message, key, info=info(direction.encode(), nonce, count))
            except (InvalidTag, ValueError):
                continue
            yield opened
