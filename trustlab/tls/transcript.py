"""The running record of the handshake: all messages, and their hash once the cipher suite says which."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Self

from trustlab.tls.mac import HASHES

if TYPE_CHECKING:
    from hashlib import _Hash


class Transcript:
    """Handshake messages in order, as they were sent and received (RFC 5246 7.4.9, RFC 9846 4.1)."""

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self._hash: _Hash | None = None
        self._name = ""

    def copy(self) -> Self:
        """Return an independent copy."""
        other = copy.copy(self)
        other._messages = self._messages[:]  # noqa: SLF001
        other._hash = self._hash.copy() if self._hash else None  # noqa: SLF001
        return other

    def add(self, raw: bytes) -> None:
        """Append a message with its header."""
        self._messages.append(raw)
        if self._hash is not None:
            self._hash.update(raw)

    def choose(self, hash_name: str) -> None:
        """Begin hashing with the negotiated hash, from the first message on."""
        if self._name != hash_name:
            self._name = hash_name
            self._hash = HASHES[hash_name](self.octets())

    def restart(self, hash_name: str) -> None:
        """Replace ClientHello1 by its hash, after a HelloRetryRequest (RFC 9846 4.1)."""
        digest = HASHES[hash_name](self.octets()).digest()
        self._messages = [b"\xfe\x00\x00" + bytes([len(digest)]) + digest]
        self._name = ""
        self.choose(hash_name)

    def digest(self) -> bytes:
        """Return the hash of everything so far."""
        if self._hash is None:
            return hashlib.sha256(self.octets()).digest()
        return self._hash.digest()

    def digest_before_last(self) -> bytes:
        """Return the hash of everything but the last message."""
        return HASHES[self._name or "sha256"](b"".join(self._messages[:-1])).digest()

    def octets(self) -> bytes:
        """Return everything so far; TLS 1.2 signs it in CertificateVerify (RFC 5246 7.4.8)."""
        return b"".join(self._messages)

    def __repr__(self) -> str:
        return f"<Transcript of {len(self._messages)} messages>"
