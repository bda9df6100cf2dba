"""The key schedule of TLS 1.3 (RFC 9846 7), as types that only lead forward.

`EarlySecret` -> `HandshakeSecret` -> `MainSecret`: each has only its own derivations and makes the next, so that a
wrong order does not type-check.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from trustlab.tls.mac import Hmac, hmac


def hkdf_extract(salt: bytes, keying_material: bytes, hash_name: str) -> bytes:
    """Return HKDF-Extract (RFC 5869 2.2)."""
    return hmac(salt, keying_material, hash_name)


@lru_cache(maxsize=256)
def _before_context(label: bytes, length: int, context_length: int) -> bytes:
    """Return HkdfLabel up to its context, which alone differs from handshake to handshake."""
    full = b"tls13 " + label
    return length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([context_length])


def hkdf_expand_label(secret: bytes, label: bytes, context: bytes, length: int, hash_name: str) -> bytes:
    """Return HKDF-Expand-Label (RFC 9846 7.1); `label` without its `tls13 ` prefix."""
    return _Secret(secret, hash_name).expand(label, context, length)


@lru_cache(maxsize=4)
def empty_hash(hash_name: str) -> bytes:
    """Return the hash of nothing."""
    return hashlib.new(hash_name).digest()


class _Secret:
    """A secret that others are derived from: `value`, and which hash the suite has."""

    __slots__ = ("_mac", "hash_name", "value")

    def __init__(self, value: bytes, hash_name: str) -> None:
        self.value = value
        self.hash_name = hash_name
        self._mac = Hmac(value, hash_name)

    def expand(self, label: bytes, context: bytes, length: int) -> bytes:
        """Return HKDF-Expand-Label (RFC 9846 7.1); `label` without its `tls13 ` prefix."""
        info = _before_context(label, length, len(context)) + context
        output = self._mac(info + b"\x01")
        return output[:length] if length <= len(output) else self._expand_on(info, output, length)

    def _expand_on(self, info: bytes, output: bytes, length: int) -> bytes:
        """Continue if one block is not enough, as for an exporter (RFC 5869 2.3)."""
        block, counter = output, 2
        while len(output) < length:
            block = self._mac(block + info + bytes([counter]))
            output += block
            counter += 1
        return output[:length]

    def derive(self, label: bytes, transcript_hash: bytes) -> bytes:
        """Return Derive-Secret with the hash of the messages it covers."""
        return self.expand(label, transcript_hash, len(self.value))

    def _salt(self) -> bytes:
        return self.derive(b"derived", empty_hash(self.hash_name))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self.hash_name}>"


class EarlySecret(_Secret):
    """What there is before any key agreement: without a pre-shared key, nothing but zeros."""

    __slots__ = ()

    @staticmethod
    def start(hash_name: str, psk: bytes = b"") -> EarlySecret:
        """Begin the schedule; without a pre-shared key this is the same for everybody."""
        zeros = bytes(len(empty_hash(hash_name)))
        if not psk:
            return _without_psk(hash_name)
        return EarlySecret(hkdf_extract(zeros, psk, hash_name), hash_name)

    def handshake(self, shared_secret: bytes) -> HandshakeSecret:
        """Mix in the result of the key agreement."""
        salt = _early_salt(self) if self is _without_psk(self.hash_name) else self._salt()
        return HandshakeSecret(hkdf_extract(salt, shared_secret, self.hash_name), self.hash_name)


@lru_cache(maxsize=4)
def _without_psk(hash_name: str) -> EarlySecret:
    zeros = bytes(len(empty_hash(hash_name)))
    return EarlySecret(hkdf_extract(zeros, zeros, hash_name), hash_name)


@lru_cache(maxsize=4)
def _early_salt(secret: EarlySecret) -> bytes:
    """Return the salt after the early secret without a pre-shared key, which everybody has: nothing secret is kept."""
    return secret.derive(b"derived", empty_hash(secret.hash_name))


class HandshakeSecret(_Secret):
    """Protects the rest of the handshake."""

    __slots__ = ()

    def traffic(self, side: str, transcript_hash: bytes) -> TrafficSecret:
        """Return a side's handshake traffic secret; the hash covers ClientHello to ServerHello."""
        label = b"c hs traffic" if side == "client" else b"s hs traffic"
        return TrafficSecret(self.derive(label, transcript_hash), self.hash_name)

    def attest(self, transcript_hash: bytes) -> bytes:
        """Return what the design `tls13-handshake-secret` binds Evidence to: this secret, without revealing it."""
        return self.derive(b"tp attest", transcript_hash)

    def early_exporter(self, transcript_hash: bytes) -> bytes:
        """Return 32 octets that name this secret and, unless the hash is empty, ClientHello to ServerHello.

        This is how the designs `tls13-early-exporter` read the published "early exporter". The exporter of the same
        name in RFC 9846 7.5 comes from the early secret, in which no key agreement is: see `standard_early_exporter`.
        """
        return self.expand(b"tp early exp", transcript_hash, 32)

    def main(self) -> MainSecret:
        """Go on to the secret of the finished handshake."""
        zeros = bytes(len(self.value))
        return MainSecret(hkdf_extract(self._salt(), zeros, self.hash_name), self.hash_name)


class MainSecret(_Secret):
    """Everything after the handshake comes from here (RFC 9846 calls it the Master Secret)."""

    __slots__ = ()

    def traffic(self, side: str, transcript_hash: bytes) -> TrafficSecret:
        """Return a side's first application traffic secret; the hash covers ClientHello to the server's Finished."""
        label = b"c ap traffic" if side == "client" else b"s ap traffic"
        return TrafficSecret(self.derive(label, transcript_hash), self.hash_name)

    def exporter(self, transcript_hash: bytes) -> bytes:
        """Return the exporter secret; the hash covers ClientHello to the server's Finished."""
        return self.derive(b"exp master", transcript_hash)

    def resumption(self, transcript_hash: bytes) -> bytes:
        """Return the resumption secret; the hash covers ClientHello to the client's Finished."""
        return self.derive(b"res master", transcript_hash)


class TrafficSecret(_Secret):
    """Protects what one side writes, until its next KeyUpdate."""

    __slots__ = ()

    def keys(self, key_length: int) -> tuple[bytes, bytes]:
        """Return key and IV (RFC 9846 7.3)."""
        return self.expand(b"key", b"", key_length), self.expand(b"iv", b"", 12)

    def next(self) -> TrafficSecret:
        """Return the traffic secret after a KeyUpdate (RFC 9846 7.2)."""
        return TrafficSecret(self.derive(b"traffic upd", b""), self.hash_name)

    def verify_data(self, transcript_hash: bytes) -> bytes:
        """Return the content of Finished (RFC 9846 4.5.3); this is the handshake traffic secret of its sender."""
        return hmac(self.derive(b"finished", b""), transcript_hash, self.hash_name)


def export(exporter_secret: bytes, label: bytes, context: bytes, length: int, hash_name: str) -> bytes:
    """Return keying material for another protocol (RFC 9846 7.5); no context is the empty one."""
    secret = hkdf_expand_label(exporter_secret, label, empty_hash(hash_name), len(exporter_secret), hash_name)
    context_hash = hashlib.new(hash_name, context).digest()
    return hkdf_expand_label(secret, b"exporter", context_hash, length, hash_name)


def standard_early_exporter(transcript_hash: bytes, label: bytes, context: bytes, length: int, hash_name: str) -> bytes:
    """Return keying material of the early exporter (RFC 9846 7.5); the hash covers ClientHello.

    Without a pre-shared key it needs no secret: whoever saw the ClientHello can compute it.
    """
    early = EarlySecret.start(hash_name).derive(b"e exp master", transcript_hash)
    return export(early, label, context, length, hash_name)


def attestation_base(transcript_hash: bytes, hash_name: str) -> bytes:
    """Return attest_base of draft-fossati-seat-early-attestation: it needs no secret, only the hellos."""
    zeros = bytes(len(transcript_hash))
    return hkdf_expand_label(zeros, b"attestation base", transcript_hash, len(transcript_hash), hash_name)


SPACES = b" " * 64
SERVER_CONTEXT = b"TLS 1.3, server CertificateVerify"
CLIENT_CONTEXT = b"TLS 1.3, client CertificateVerify"


def signature_input(side: str, transcript_hash: bytes) -> bytes:
    """Return what CertificateVerify signs: a context that fits nowhere else, and the transcript (RFC 9846 4.5.2)."""
    return SPACES + (SERVER_CONTEXT if side == "server" else CLIENT_CONTEXT) + b"\0" + transcript_hash
