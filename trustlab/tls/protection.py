"""How the octets of a record are protected: one class per construction, each with its own sequence number.

`protect` and `unprotect` take the fields of the record header, because TLS 1.2 authenticates them in another form than
that on the wire. A record that does not authenticate is a `BadRecordMac`, whatever was wrong with it.
"""

from __future__ import annotations

import copy
import hmac
import os
from typing import TYPE_CHECKING, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from trustlab.tls.alerts import BadRecordMac, LocalProtocolError, RecordOverflow, UnexpectedMessage
from trustlab.tls.registry import ContentType
from trustlab.tls.suites import SUITES, Cipher

if TYPE_CHECKING:
    from collections.abc import Callable

TAG_LENGTH = 16
MAX_INNER = 2**14 + 1
SEQUENCE_LIMIT = 2**64 - 1


class Protection(Protocol):
    """The protection of one direction in one epoch."""

    sequence: int
    hides_type: bool

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        """Return the fragment of a protected record."""

    def unprotect(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """Return the content type and the plaintext of a record's fragment."""

    def copy(self) -> Self:
        """Return an independent copy: keys shared, sequence number its own."""


class _Counted:
    """A sequence number that never wraps (RFC 5246 6.1, RFC 9846 5.3)."""

    hides_type = False
    sequence = 0

    def _next(self) -> int:
        number = self.sequence
        if number >= SEQUENCE_LIMIT:
            raise LocalProtocolError("the sequence number of this direction is used up")
        self.sequence = number + 1
        return number

    def copy(self) -> Self:
        """Return an independent copy: keys shared, sequence number its own."""
        return copy.copy(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} next sequence number {self.sequence}>"


def aad12(sequence: int, content_type: int, version: int, length: int) -> bytes:
    """Return seq_num, type, version and length: what TLS 1.2 authenticates besides the content (RFC 5246 6.2.3)."""
    return ((((sequence << 8 | content_type) << 16) | version) << 16 | length).to_bytes(13, "big")


class Aead12(_Counted):
    """TLS 1.2 AEAD: AES-GCM with an explicit nonce (RFC 5288), ChaCha20-Poly1305 without (RFC 7905)."""

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self._aead: AESGCM | ChaCha20Poly1305 = AESGCM(key) if cipher is Cipher.AES_GCM else ChaCha20Poly1305(key)
        self._iv = iv
        self._mask = int.from_bytes(iv, "big")
        self._explicit = 8 if cipher is Cipher.AES_GCM else 0

    def _nonce(self, sequence: int, explicit: bytes) -> bytes:
        return self._iv + explicit if self._explicit else (self._mask ^ sequence).to_bytes(12, "big")

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        """Return explicit nonce, ciphertext and tag."""
        sequence = self._next()
        explicit = sequence.to_bytes(8, "big")[: self._explicit]
        aad = aad12(sequence, content_type, version, len(plaintext))
        return explicit + self._aead.encrypt(self._nonce(sequence, explicit), plaintext, aad)

    def unprotect(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """Return the plaintext; BadRecordMac if the record is not authentic."""
        length = len(fragment) - self._explicit - TAG_LENGTH
        if length < 0:
            raise BadRecordMac("a protected record too short for nonce and tag", "RFC 5246 6.2.3.3")
        sequence = self._next()
        explicit = fragment[: self._explicit]
        aad = aad12(sequence, content_type, version, length)
        try:
            return content_type, self._aead.decrypt(self._nonce(sequence, explicit), fragment[self._explicit :], aad)
        except InvalidTag:
            raise BadRecordMac("a record that does not authenticate", "RFC 5246 6.2.3.3") from None


class Cbc12(_Counted):
    """TLS 1.2 AES-CBC, MAC then encrypt (RFC 5246 6.2.3.2): kept to show what TLS was like in 2011.

    Padding and MAC are judged together and compared in constant time, but Python cannot hide how long the MAC took
    (RFC 5246 6.2.3.2 implementation note): do not serve strangers with it.
    """

    def __init__(self, key: bytes, mac_key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._key = algorithms.AES(key)
        self._mac_key = mac_key
        self._hash = "sha1" if len(mac_key) == 20 else "sha256"
        self._random = random

    def _mac(self, sequence: int, content_type: int, version: int, content: bytes) -> bytes:
        return hmac.digest(self._mac_key, aad12(sequence, content_type, version, len(content)) + content, self._hash)

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        """Return IV and ciphertext of content, MAC and padding."""
        data = plaintext + self._mac(self._next(), content_type, version, plaintext)
        padding = 15 - len(data) % 16
        data += bytes([padding]) * (padding + 1)
        iv = self._random(16)
        encryptor = BlockCipher(self._key, modes.CBC(iv)).encryptor()
        return iv + encryptor.update(data) + encryptor.finalize()

    def unprotect(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """Return the plaintext; one and the same BadRecordMac for bad padding and bad MAC."""
        size = len(self._mac_key)
        if len(fragment) < 16 + size + 1 or len(fragment) % 16:
            raise BadRecordMac("a CBC record of an impossible length", "RFC 5246 6.2.3.2")
        decryptor = BlockCipher(self._key, modes.CBC(fragment[:16])).decryptor()
        data = decryptor.update(fragment[16:]) + decryptor.finalize()
        padding = data[-1]
        good = padding + 1 + size <= len(data)
        if not good:
            padding = 0
        good &= hmac.compare_digest(data[len(data) - padding - 1 :], bytes([padding]) * (padding + 1))
        end = len(data) - (padding if good else 0) - 1 - size
        content = data[:end]
        mac = self._mac(self._next(), content_type, version, content)
        good &= hmac.compare_digest(mac, data[end : end + size])
        if not good:
            raise BadRecordMac("a record whose padding or MAC is wrong", "RFC 5246 6.2.3.2")
        return content_type, content


class Aead13(_Counted):
    """TLS 1.3 AEAD (RFC 9846 5.2): the content type is inside, padding may follow it."""

    hides_type = True

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes, padding: Callable[[int], int] | None = None) -> None:
        self._aead: AESGCM | ChaCha20Poly1305 = AESGCM(key) if cipher is Cipher.AES_GCM else ChaCha20Poly1305(key)
        self._mask = int.from_bytes(iv, "big")
        self._padding = padding

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        """Return ciphertext and tag; `padding(length)` of the configuration says how many zeros to add."""
        inner = plaintext + bytes([content_type])
        if self._padding is not None:
            inner += bytes(min(self._padding(len(plaintext)), 2**14 + 1 - len(inner)))
        head = ((ContentType.APPLICATION_DATA << 16 | version) << 16 | len(inner) + TAG_LENGTH).to_bytes(5, "big")
        return self._aead.encrypt((self._mask ^ self._next()).to_bytes(12, "big"), inner, head)

    def unprotect(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """Return the inner content type and the content without padding."""
        if len(fragment) < TAG_LENGTH:
            raise BadRecordMac("a protected record too short for its tag", "RFC 9846 5.2")
        head = ((content_type << 16 | version) << 16 | len(fragment)).to_bytes(5, "big")
        try:
            inner = self._aead.decrypt((self._mask ^ self._next()).to_bytes(12, "big"), fragment, head)
        except InvalidTag:
            raise BadRecordMac("a record that does not authenticate", "RFC 9846 5.2") from None
        if len(inner) > MAX_INNER:
            raise RecordOverflow(f"a record of {len(inner)} octets inside", "RFC 9846 5.4")
        content = inner.rstrip(b"\0") if not inner or inner[-1] == 0 else inner
        if not content:
            raise UnexpectedMessage("a record of padding only, without a content type", "RFC 9846 5.4")
        return content[-1], content[:-1]


def protection12(
    suite: int, key: bytes, iv: bytes, mac: bytes, random: Callable[[int], bytes] = os.urandom
) -> Protection:
    """Return the protection of one direction of TLS 1.2 for keys cut from the key block."""
    cipher = SUITES[suite].cipher
    if cipher is Cipher.AES_CBC:
        return Cbc12(key, mac, random)
    return Aead12(cipher, key, iv)
