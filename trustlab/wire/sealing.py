"""How messages are sealed inside a channel that is only a pipe (`passage.sealed`): HPKE, RFC 9180."""

from __future__ import annotations

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
KEY = 32
"""Octets of an X25519 public key."""
LABEL = b"TrustedPassages/v1 sealed "


def info(direction: bytes, nonce: bytes, count: int) -> bytes:
    """Return HPKE's info for one message: who sends it, in answer to which question, and how many went before it."""
    return LABEL + direction + nonce + count.to_bytes(8, "big")
