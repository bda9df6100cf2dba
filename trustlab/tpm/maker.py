"""The TPM maker's CA, simulated: it vouches that an endorsement key lives in a genuine TPM.

A real maker certifies the EK in the factory. Ours certifies whatever the lab shows it, which is the one act of faith
here that hardware does not ask for. Source: TCG EK Credential Profile for TPM 2.0, 2.5, chapter 3.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from trustlab.attest import parse_public

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

OID_EK_EKU = x509.ObjectIdentifier("2.23.133.8.1")
"""tcg-kp-EKCertificate."""
_MANUFACTURER = x509.ObjectIdentifier("2.23.133.2.1")
_MODEL = x509.ObjectIdentifier("2.23.133.2.2")
_VERSION = x509.ObjectIdentifier("2.23.133.2.3")
_CLOCK_SKEW = dt.timedelta(days=1)
_LIFETIME = dt.timedelta(days=3650)


def to_pem(key: ec.EllipticCurvePrivateKey, root: x509.Certificate) -> bytes:
    """Return an unencrypted private key and a certificate as PEM."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + root.public_bytes(Encoding.PEM)


def from_pem(kept: bytes) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Read what `to_pem` returned; ValueError if it is something else."""
    key = load_pem_private_key(kept, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key that was kept is not an elliptic curve key")  # noqa: TRY004 - a file's content
    return key, x509.load_pem_x509_certificate(kept)


class Issuer:
    """A small certification authority: a P-256 key and its self-signed certificate."""

    def __init__(self, name: str, *, kept: bytes | None = None) -> None:
        self.name = name
        if kept is not None:
            self._key, self.root = from_pem(kept)
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])
        self.root = (
            self.builder(subject, self._key.public_key(), issuer=subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def keep(self) -> bytes:
        """Return key and certificate as PEM, for a lab that goes on in another process. The key is not encrypted."""
        return to_pem(self._key, self.root)

    @property
    def root_pem(self) -> str:
        return self.root.public_bytes(Encoding.PEM).decode()

    def builder(
        self, subject: x509.Name, key: CertificatePublicKeyTypes, *, issuer: x509.Name | None = None
    ) -> x509.CertificateBuilder:
        """Begin a certificate of this issuer, valid for ten years from yesterday."""
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.root.subject if issuer is None else issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SKEW)
            .not_valid_after(now + _LIFETIME)
        )

    def finish(self, builder: x509.CertificateBuilder) -> bytes:
        """Add the authority key identifier, sign, and return DER."""
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = builder.add_extension(identifier, critical=False).sign(self._key, hashes.SHA256())
        return certificate.public_bytes(Encoding.DER)


class TpmMaker(Issuer):
    """The maker of the lab's TPMs."""

    def __init__(self, name: str = "Trusted Chips Ltd (simulated)", *, kept: bytes | None = None) -> None:
        super().__init__(name, kept=kept)

    def certify(self, ek_public: bytes, *, model: str = "swtpm", version: str = "id:00000007") -> bytes:
        """Return the EK certificate (DER) for an EK's TPMT_PUBLIC octets; CodecError if they are none."""
        key = parse_public(ek_public).public_key
        tpm = x509.Name(
            [
                x509.NameAttribute(_MANUFACTURER, "id:4C414200"),
                x509.NameAttribute(_MODEL, model),
                x509.NameAttribute(_VERSION, version),
            ]
        )
        usage = key_usage(key_encipherment=True) if isinstance(key, rsa.RSAPublicKey) else key_usage(key_agreement=True)
        return self.finish(
            self.builder(x509.Name([]), key)
            .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(tpm)]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([OID_EK_EKU]), critical=False)
        )


def key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_agreement: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """Return a KeyUsage with only the named bits set."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=key_agreement,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
