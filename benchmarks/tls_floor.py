"""The least a handshake can cost: its asymmetric operations, key schedule and AEAD calls, with nothing around them.

No messages are built or read, no state is kept, nothing is told: the same calls into `cryptography` and the engine's
own HMAC (which is quicker than the standard library's) as the two ends of one handshake make together, over octets of
the usual sizes, one record a message.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.verification import PolicyBuilder, Store

from trustlab.tls.mac import hmac

if TYPE_CHECKING:
    from benchmarks.tls_peers import Identities

FLIGHT = (10, 520, 80, 36)
"""Octets of what a TLS 1.3 server protects: EncryptedExtensions, Certificate, CertificateVerify, Finished."""
ECDSA = ec.ECDSA(hashes.SHA256())
HELLOS = os.urandom(400)


class Chain:
    """What a client does with a server's certificate."""

    def __init__(self, identities: Identities, kind: str) -> None:
        self.leaf, self.key = identities.leaf(kind), identities.key(kind)
        self.der = identities.der(kind)
        self.name = x509.DNSName(identities.NAME)
        self.store = Store([identities.root])

    def verify(self) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
        """Read the leaf, lead it to the root, check the name; return its key."""
        leaf = x509.load_der_x509_certificate(self.der)
        builder = PolicyBuilder().store(self.store).time(dt.datetime.now(dt.UTC))
        builder.build_server_verifier(self.name).verify(leaf, [])
        return leaf.public_key()


def _expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return hmac(secret, info + b"\x01", "sha256")[:length]


EMPTY = hashlib.sha256().digest()
EARLY = hmac(bytes(32), bytes(32), "sha256")


def _keys(secret: bytes) -> tuple[AESGCM, bytes]:
    return AESGCM(_expand(secret, b"key", b"", 16)), _expand(secret, b"iv", b"", 12)


def _schedule13(shared: bytes, transcript: hashlib._Hash) -> tuple[list[tuple[AESGCM, bytes]], bytes]:
    """Derive one side's secrets; return the protections of the handshake and the last transcript hash."""

    def digest() -> bytes:
        transcript.update(HELLOS[:120])
        return transcript.copy().digest()

    handshake = hmac(_expand(EARLY, b"derived", EMPTY, 32), shared, "sha256")
    hellos = digest()
    traffic = [_expand(handshake, label, hellos, 32) for label in (b"c hs traffic", b"s hs traffic")]
    protections = [_keys(secret) for secret in traffic]
    signed = digest()
    for secret in traffic:
        hmac(_expand(secret, b"finished", b"", 32), digest(), "sha256")
    main = hmac(_expand(handshake, b"derived", EMPTY, 32), bytes(32), "sha256")
    finished = digest()
    for label in (b"c ap traffic", b"s ap traffic"):
        _keys(_expand(main, label, finished, 32))
    _expand(main, b"exp master", finished, 32)
    _expand(main, b"res master", digest(), 32)
    return protections, signed


def handshake13_ecdsa(chain: Chain) -> None:
    """TLS 1.3, x25519, ECDSA P-256: both sides."""
    ours, theirs = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    publics = [k.public_key().public_bytes_raw() for k in (ours, theirs)]
    first = ours.exchange(x25519.X25519PublicKey.from_public_bytes(publics[1]))
    second = theirs.exchange(x25519.X25519PublicKey.from_public_bytes(publics[0]))
    (client_keys, server_keys), signed = _schedule13(first, hashlib.sha256(HELLOS))
    (client_keys2, server_keys2), _ = _schedule13(second, hashlib.sha256(HELLOS))
    content = bytes(64) + b"TLS 1.3, server CertificateVerify\0" + signed
    signature = chain.key.sign(content, ECDSA)
    for number, length in enumerate(FLIGHT):
        _carry(server_keys2, server_keys, number, length)
    chain.verify().verify(signature, content, ECDSA)
    _carry(client_keys, client_keys2, 0, 36)


def _carry(sender: tuple[AESGCM, bytes], receiver: tuple[AESGCM, bytes], number: int, length: int) -> None:
    nonce = (int.from_bytes(sender[1], "big") ^ number).to_bytes(12, "big")
    protected = sender[0].encrypt(nonce, HELLOS[:1] * length, b"\x17\x03\x03\0\0")
    receiver[0].decrypt(nonce, protected, b"\x17\x03\x03\0\0")


def _prf(secret: bytes, seed: bytes, length: int) -> bytes:
    output, block = b"", seed
    while len(output) < length:
        block = hmac(secret, block, "sha256")
        output += hmac(secret, block + seed, "sha256")
    return output[:length]


def _schedule12(pms: bytes) -> tuple[AESGCM, AESGCM]:
    """Derive one side's secrets, and both Finished."""
    transcript = hashlib.sha256(HELLOS)
    master = _prf(pms, b"extended master secret" + transcript.copy().digest(), 48)
    block = _prf(master, b"key expansion" + HELLOS[:64], 40)
    for label in (b"client finished", b"server finished"):
        transcript.update(HELLOS[:40])
        _prf(master, label + transcript.copy().digest(), 12)
    return AESGCM(block[:16]), AESGCM(block[16:32])


def handshake12_rsa(chain: Chain, *, decrypt: bool = True) -> None:
    """TLS 1.2, RSA key exchange, AES-128-GCM: both sides; without `decrypt` where a TPM does that."""
    public = chain.verify()
    pms = b"\x03\x03" + os.urandom(46)
    encrypted = public.encrypt(pms, padding.PKCS1v15())
    found = chain.key.decrypt(encrypted, padding.PKCS1v15()) if decrypt else pms
    for sender, receiver in zip(_schedule12(pms), _schedule12(found), strict=True):
        _carry((sender, bytes(12)), (receiver, bytes(12)), 0, 16)
