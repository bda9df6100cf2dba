"""Signatures of people and services over files and results: ES256 and EdDSA as JOSE has them (RFC 7518, RFC 8037)."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attest.errors import AttestError

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
ES256_HALF = 32


def algorithm(key: PrivateKey | PublicKey) -> str:
    """Return the JOSE name of the one algorithm a key is used with; AttestError for other curves than P-256."""
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "EdDSA"
    if isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise AttestError(f"an EC key signs here on P-256, not on {key.curve.name}")


def sign(key: PrivateKey, octets: bytes) -> bytes:
    """Return the signature: 64 octets either way."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(octets)
    algorithm(key)
    first, second = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    return first.to_bytes(ES256_HALF, "big") + second.to_bytes(ES256_HALF, "big")


def verifies(key: PublicKey, signature: bytes, octets: bytes) -> bool:
    """Whether this is the key's signature over the octets."""
    if len(signature) != 2 * ES256_HALF:
        return False
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, octets)
        else:
            algorithm(key)
            halves = (int.from_bytes(signature[at : at + ES256_HALF], "big") for at in (0, ES256_HALF))
            key.verify(encode_dss_signature(*halves), octets, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def key_id(key: PublicKey) -> str:
    """Return a key's name: the first 16 octets of the SHA-256 of its SubjectPublicKeyInfo, in hex."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:32]


def to_base64url(octets: bytes) -> str:
    """Return base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Read base64url without padding, strictly; ValueError for anything that `to_base64url` would not have written."""
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    if to_base64url(octets) != text:
        raise ValueError("not base64url as it should be written")
    return octets
