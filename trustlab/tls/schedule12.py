"""The key schedule of TLS 1.2 (RFC 5246 5, 6.3, 8.1; RFC 7627; RFC 5705)."""

from __future__ import annotations

from dataclasses import dataclass, field

from trustlab.tls.mac import Hmac, hmac
from trustlab.tls.suites import SUITES

PMS_LENGTH = 48  # octets of the pre-master secret of an RSA key exchange (RFC 5246 7.4.7.1)


def prf(secret: bytes, label: bytes, seed: bytes, length: int, hash_name: str = "sha256") -> bytes:
    """Return `length` octets of PRF(secret, label, seed) = P_hash(secret, label + seed) (RFC 5246 5).

    The hash is SHA-256 unless the cipher suite says otherwise.
    """
    seed = label + seed
    block = seed
    output = b""
    mac = Hmac(secret, hash_name)
    while len(output) < length:
        block = mac(block)
        output += mac(block + seed)
    return output[:length]


def master_secret(pre_master_secret: bytes, client_random: bytes, server_random: bytes, suite: int) -> bytes:
    """Return the 48-octet master secret (RFC 5246 8.1)."""
    seed = client_random + server_random
    return prf(pre_master_secret, b"master secret", seed, 48, SUITES[suite].hash_name)


def extended_master_secret(pre_master_secret: bytes, session_hash: bytes, suite: int) -> bytes:
    """Return the 48-octet master secret bound to the handshake through ClientKeyExchange (RFC 7627 4)."""
    return prf(pre_master_secret, b"extended master secret", session_hash, 48, SUITES[suite].hash_name)


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """The keys of both directions, cut from one block in the order of RFC 5246 6.3."""

    client_mac: bytes = field(repr=False)
    server_mac: bytes = field(repr=False)
    client_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)
    client_iv: bytes = field(repr=False)
    server_iv: bytes = field(repr=False)
    octets: bytes = field(repr=False)

    def of(self, side: str) -> tuple[bytes, bytes, bytes]:
        """Return the write key, IV and MAC key of `client` or `server`."""
        if side == "client":
            return self.client_key, self.client_iv, self.client_mac
        return self.server_key, self.server_iv, self.server_mac


def key_block(master: bytes, client_random: bytes, server_random: bytes, suite: int) -> KeyBlock:
    """Derive the keys; mind the order of the randoms, which is the other way round here."""
    p = SUITES[suite]
    sizes = [p.mac_length, p.mac_length, p.key_length, p.key_length, p.fixed_iv_length, p.fixed_iv_length]
    octets = prf(master, b"key expansion", server_random + client_random, sum(sizes), p.hash_name)
    parts: list[bytes] = []
    start = 0
    for size in sizes:
        parts.append(octets[start : start + size])
        start += size
    return KeyBlock(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], octets)


def verify_data(master: bytes, role: str, transcript_hash: bytes, suite: int) -> bytes:
    """Return the 12 octets of Finished of `role` ("client" or "server") (RFC 5246 7.4.9)."""
    return prf(master, role.encode() + b" finished", transcript_hash, 12, SUITES[suite].hash_name)


def export(
    master: bytes,
    client_random: bytes,
    server_random: bytes,
    suite: int,
    label: bytes,
    context: bytes | None,
    length: int,
) -> bytes:
    """Return keying material for another protocol (RFC 5705 4); no context differs from an empty one."""
    seed = client_random + server_random
    if context is not None:
        seed += len(context).to_bytes(2, "big") + context
    return prf(master, label, seed, length, SUITES[suite].hash_name)


def pms_commitment(pre_master_secret: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """Return HMAC-SHA256(PMS, "tp pms" || cr || sr): names the PMS in a quote without revealing it."""
    return hmac(pre_master_secret, b"tp pms" + client_random + server_random, "sha256")
