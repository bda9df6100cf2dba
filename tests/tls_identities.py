"""Certificates for the tests of TLS, made once a run: a root, servers and clients with RSA and ECDSA keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

NAME = "bank.example"
CLIENT_NAME = "teller.example"
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Identity:
    """A key with its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def issue(
    key: Any,
    subject: str,
    issuer: Identity | None = None,
    *,
    client: bool = False,
    start: dt.datetime = NOW - DAY,
    end: dt.datetime = NOW + 30 * DAY,
    usage: bool = True,
) -> Identity:
    """Certify a key; without an issuer it becomes a root. `usage` False leaves keyUsage out."""
    ca = issuer is None
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    issuer_key = key if issuer is None else issuer.key
    public = issuer_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage:
        is_rsa = isinstance(key, rsa.RSAPrivateKey)
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=not ca,
                content_commitment=False,
                key_encipherment=not ca and is_rsa,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    if not ca:
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    return Identity(key, builder.sign(issuer_key, hashes.SHA256()))


@lru_cache(maxsize=8)
def key(kind: str, number: int = 0) -> Any:
    """Return a key of a kind; `number` tells keys of one kind apart."""
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


@lru_cache(maxsize=1)
def root() -> Identity:
    return issue(key("ECDSA", 1), "Test Root")


@lru_cache(maxsize=1)
def stranger() -> Identity:
    return issue(key("ECDSA", 2), "Another Root")


@lru_cache(maxsize=4)
def server_identity(kind: str = "RSA") -> Identity:
    return issue(key(kind), NAME, root())


@lru_cache(maxsize=4)
def client_identity(kind: str = "RSA") -> Identity:
    return issue(key(kind, 3), CLIENT_NAME, root(), client=True)


def write_files(folder: Path) -> Path:
    """Write everything as PEM: ca.pem, server-RSA.pem, server-RSA.key, client-ECDSA.pem, ..."""
    (folder / "ca.pem").write_bytes(root().pem)
    for kind in ("RSA", "ECDSA"):
        for role, identity in (("server", server_identity(kind)), ("client", client_identity(kind))):
            (folder / f"{role}-{kind}.pem").write_bytes(identity.pem)
            (folder / f"{role}-{kind}.key").write_bytes(identity.key_pem)
    return folder
