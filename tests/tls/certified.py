"""Certificates whose SubjectPublicKeyInfo says something else than `cryptography` would write: keys of id-RSASSA-PSS."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tls_identities import CLIENT_NAME, NAME, Identity, issue, root

ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSASSA_PSS = bytes.fromhex("06092a864886f70d01010a")
SHA256 = bytes.fromhex("0609608648016503040201")
SHA384, SHA512 = bytes.fromhex("0609608648016503040202"), bytes.fromhex("0609608648016503040203")
SHA3_256 = bytes.fromhex("0609608648016503040208")
MGF1 = bytes.fromhex("06092a864886f70d010108")
PLAIN_RSA = bytes.fromhex("300d06092a864886f70d0101010500")


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def pss_params(
    digest: bytes = SHA256, mgf: bytes = SHA256, salt: int = 32, trailer: int | None = None, function: bytes = MGF1
) -> bytes:
    """RSASSA-PSS-params (RFC 4055 3.1)."""
    fields = [
        der(0xA0, der(0x30, digest)),
        der(0xA1, der(0x30, function, der(0x30, mgf))),
        der(0xA2, der(2, bytes([salt]))),
    ]
    return der(0x30, *fields, *([] if trailer is None else [der(0xA3, der(2, bytes([trailer])))]))


def pss_der(identity: Identity, params: bytes) -> bytes:
    """Certify the RSA key of an identity anew, as one of id-RSASSA-PSS with these parameters."""
    tbs = identity.certificate.tbs_certificate_bytes
    assert tbs.count(PLAIN_RSA) == 1
    old = identity.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    new = der(0x30, der(0x30, RSASSA_PSS, params), old[old.index(PLAIN_RSA) + len(PLAIN_RSA) :])
    changed = der(0x30, tbs[4:].replace(old, new))
    signature = root().key.sign(changed, ec.ECDSA(hashes.SHA256()))
    return der(0x30, changed, ECDSA_WITH_SHA256, der(3, b"\0", signature))


def as_pss(identity: Identity, params: bytes = b"") -> Identity:
    return Identity(identity.key, x509.load_der_x509_certificate(pss_der(identity, params)))


_KEYS = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-PSS": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - too small for PSS with SHA-512
    "ECDSA": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@lru_cache(maxsize=16)
def new_key(kind: str) -> Any:
    return _KEYS[kind]()


@lru_cache(maxsize=32)
def identity(kind: str, params: bytes = b"", *, client: bool = False) -> Identity:
    """Return a key of a kind with a certificate by the root of the tests."""
    made = issue(new_key(kind), CLIENT_NAME if client else NAME, root(), client=client)
    return as_pss(made, params) if kind == "RSA-PSS" else made
