"""The key schedule of TLS 1.3 (RFC 8446 7), as types that only lead forward.

`EarlySecret` -> `HandshakeSecret` -> `MainSecret`: each has just the derivations that belong to it and makes the next,
so that a wrong order does not type-check.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from trustlab.tls.mac import hmac


def hkdf_extract(salt: bytes, keying_material: bytes, hash_name: str) -> bytes:
    """Return HKDF-Extract (RFC 5869 2.2)."""
    return hmac(salt, keying_material, hash_name)


@lru_cache(maxsize=256)
def _before_context(label: bytes, length: int, context_length: int) -> bytes:
    """Return HkdfLabel up to its context, which alone differs from handshake to handshake."""
    full = b"tls13 " + label
    return length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([context_length])


def hkdf_expand_label(secret: bytes, label: bytes, context: bytes, length: int, hash_name: str) -> bytes:
    """Return HKDF-Expand-Label (RFC 8446 7.1); `label` without its `tls13 ` prefix."""
    info = _before_context(label, length, len(context)) + context
    output = block = hmac(secret, info + b"\x01", hash_name)
    counter = 2
    while len(output) < length:
        block = hmac(secret, block + info + bytes([counter]), hash_name)
        output += block
        counter += 1
    return output[:length]


@lru_cache(maxsize=4)
def empty_hash(hash_name: str) -> bytes:
    """Return the hash of nothing."""
    return hashlib.new(hash_name).digest()


@dataclass(frozen=True, slots=True)
class _Secret:
    value: bytes = field(repr=False)
    hash_name: str

    def derive(self, label: bytes, transcript_hash: bytes) -> bytes:
        """Return Derive-Secret with the hash of the messages it covers."""
        return hkdf_expand_label(self.value, label, transcript_hash, len(self.value), self.hash_name)

    def _salt(self) -> bytes:
        return self.derive(b"derived", empty_hash(self.hash_name))


@dataclass(frozen=True, slots=True)
class EarlySecret(_Secret):
    """What there is before any key agreement: without a pre-shared key, nothing but zeros."""

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
    """Return the salt behind the early secret that everybody has; no secret one comes here."""
    return secret.derive(b"derived", empty_hash(secret.hash_name))


@dataclass(frozen=True, slots=True)
class HandshakeSecret(_Secret):
    """Protects the rest of the handshake."""

    def traffic(self, side: str, transcript_hash: bytes) -> bytes:
        """Return a side's handshake traffic secret; the hash covers ClientHello to ServerHello."""
        return self.derive(b"c hs traffic" if side == "client" else b"s hs traffic", transcript_hash)

    def attest(self, transcript_hash: bytes) -> bytes:
        """Return what the design `tls13-handshake-secret` binds Evidence to: this secret, without telling it."""
        return hkdf_expand_label(self.value, b"tp attest", transcript_hash, len(self.value), self.hash_name)

    def main(self) -> MainSecret:
        """Go on to the secret of the finished handshake."""
        zeros = bytes(len(self.value))
        return MainSecret(hkdf_extract(self._salt(), zeros, self.hash_name), self.hash_name)


@dataclass(frozen=True, slots=True)
class MainSecret(_Secret):
    """Everything after the handshake comes from here (RFC 8446 calls it the Master Secret)."""

    def traffic(self, side: str, transcript_hash: bytes) -> bytes:
        """Return a side's first application traffic secret; the hash covers ClientHello to the server's Finished."""
        return self.derive(b"c ap traffic" if side == "client" else b"s ap traffic", transcript_hash)

    def exporter(self, transcript_hash: bytes) -> bytes:
        """Return the exporter secret; the hash covers ClientHello to the server's Finished."""
        return self.derive(b"exp master", transcript_hash)

    def resumption(self, transcript_hash: bytes) -> bytes:
        """Return the resumption secret; the hash covers ClientHello to the client's Finished."""
        return self.derive(b"res master", transcript_hash)


def traffic_keys(secret: bytes, key_length: int, hash_name: str) -> tuple[bytes, bytes]:
    """Return key and IV of a traffic secret (RFC 8446 7.3)."""
    key = hkdf_expand_label(secret, b"key", b"", key_length, hash_name)
    return key, hkdf_expand_label(secret, b"iv", b"", 12, hash_name)


def next_traffic_secret(secret: bytes, hash_name: str) -> bytes:
    """Return the traffic secret after a KeyUpdate (RFC 8446 7.2)."""
    return hkdf_expand_label(secret, b"traffic upd", b"", len(secret), hash_name)


def verify_data(base_key: bytes, transcript_hash: bytes, hash_name: str) -> bytes:
    """Return Finished's content (RFC 8446 4.4.4); `base_key` is the sender's traffic secret."""
    finished_key = hkdf_expand_label(base_key, b"finished", b"", len(base_key), hash_name)
    return hmac(finished_key, transcript_hash, hash_name)


def export(exporter_secret: bytes, label: bytes, context: bytes, length: int, hash_name: str) -> bytes:
    """Return keying material for another protocol (RFC 8446 7.5); no context is the empty one."""
    secret = hkdf_expand_label(exporter_secret, label, empty_hash(hash_name), len(exporter_secret), hash_name)
    context_hash = hashlib.new(hash_name, context).digest()
    return hkdf_expand_label(secret, b"exporter", context_hash, length, hash_name)


def attestation_base(transcript_hash: bytes, hash_name: str) -> bytes:
    """Return attest_base of draft-fossati-seat-early-attestation: it needs no secret, only the hellos."""
    zeros = bytes(len(transcript_hash))
    return hkdf_expand_label(zeros, b"attestation base", transcript_hash, len(transcript_hash), hash_name)


SPACES = b" " * 64
SERVER_CONTEXT = b"TLS 1.3, server CertificateVerify"
CLIENT_CONTEXT = b"TLS 1.3, client CertificateVerify"


def signature_input(side: str, transcript_hash: bytes) -> bytes:
    """Return what CertificateVerify signs: a context that fits nowhere else, and the transcript (RFC 8446 4.4.3)."""
    return SPACES + (SERVER_CONTEXT if side == "server" else CLIENT_CONTEXT) + b"\0" + transcript_hash
