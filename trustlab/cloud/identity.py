"""A party's certificate and the key behind it: in software, or in the TPM."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from trustlab.cloud.errors import CloudError

if TYPE_CHECKING:
    from cryptography import x509

    from trustlab.cloud.ports import GuestKey

RSA_BITS = 2048
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""A key in software."""


def private_pem(key: PrivateKey) -> bytes:
    """Return a private key as unencrypted PKCS#8 PEM."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form)


def software_key() -> rsa.RSAPrivateKey:
    """Make an RSA key in software."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)


class Identity:
    def __init__(self, certificate: x509.Certificate, key: PrivateKey | GuestKey) -> None:
        self.certificate = certificate
        self.key = key

    @cached_property
    def key_pem(self) -> str:
        """The private key, where it lies in software; CloudError if it cannot leave the TPM.

        Kept as it was read, as servers keep it: so it lies in memory as long as they run.
        """
        if not isinstance(self.key, PrivateKey):
            raise CloudError("this key lives in the TPM and cannot be had as a file")
        return private_pem(self.key).decode()

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def certificate_der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)
