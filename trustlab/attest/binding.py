"""The hash of the protocol over named fields: what a TPM signs as `extraData` is made with it, at both ends."""

from __future__ import annotations

import hashlib

L = b"TrustedPassages/v1"
"""The protocol's label, the first field of every hash: nothing else that a TPM signs begins with it."""


def H(*fields: bytes) -> bytes:  # noqa: N802 - the notation of the designs
    """Return SHA-256 over length-prefixed fields (u16 before each): 32 octets."""
    return hashlib.sha256(b"".join(len(f).to_bytes(2, "big") + f for f in fields)).digest()
