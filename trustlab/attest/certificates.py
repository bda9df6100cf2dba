"""The AK certificate: what the privacy CA says of an AK, and the path from it to a trust anchor.

Two extensions under the lab's own arc carry what the Verifier wants to know without seeing the EK certificate:
the AK's Name, and the SHA-256 of the EK's SubjectPublicKeyInfo. The latter is a machine's identity: a digest of the
EK certificate would not do, for whoever carries a certificate can write its signature in another way. The extended
key usage tcg-kp-AIKCertificate (TCG EK Credential Profile) keeps certificates for other purposes out.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

from cryptography import x509

from trustlab.attest.errors import AttestError
from trustlab.octets.der import NotDer, check_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    Validity = tuple[datetime, datetime]

ARC = "1.3.6.1.4.1.65536.65364"
"""An arc of the lab's own (0xFF54, as in the TLS extension); 65536 is not assigned to anybody we know of."""
OID_AK_NAME = x509.ObjectIdentifier(ARC + ".1")
OID_EK_KEY = x509.ObjectIdentifier(ARC + ".3")
OID_AIK_EKU = x509.ObjectIdentifier("2.23.133.8.3")
OCTET_STRING = 0x04


def ak_extensions(ak_name: bytes, ek_key: bytes) -> list[x509.UnrecognizedExtension]:
    """Return the two extensions of an AK certificate: AK Name, and the EK's digest (`ek_key_of`)."""
    return [
        x509.UnrecognizedExtension(OID_AK_NAME, _octet_string(ak_name)),
        x509.UnrecognizedExtension(OID_EK_KEY, _octet_string(ek_key)),
    ]


def ek_key_of(spki: bytes) -> bytes:
    """Return the SHA-256 of an EK's SubjectPublicKeyInfo (DER), by which a machine is pinned."""
    return hashlib.sha256(spki).digest()


def validity(certificate: x509.Certificate) -> Validity:
    """Return the first and the last moment at which a certificate is valid (RFC 5280, 4.1.2.5)."""
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def extension_octets(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes:
    """Return what one of the lab's extensions carries; empty where it is absent or no OCTET STRING."""
    try:
        extension = certificate.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        return b""
    der = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
    well_formed = len(der) >= 2 and der[0] == OCTET_STRING and der[1] == len(der) - 2 < 0x80
    return der[2:] if well_formed else b""


def load_certificates(chain: Sequence[bytes], where: str) -> tuple[x509.Certificate, ...]:
    """Read DER certificates wholly; AttestError says which of them is damaged, or not in its one encoding."""
    return tuple(load_certificate(der, f"{where}/{n}") for n, der in enumerate(chain))


def load_certificate(der: bytes, where: str) -> x509.Certificate:
    """Read one DER certificate wholly; AttestError if it is damaged, or not in its one encoding."""
    try:
        with warnings.catch_warnings():  # of odd serial numbers: RFC 5280 4.1.2.2 wants them handled gracefully
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            check_certificate(der)
            read_wholly(certificate)
    except NotDer as error:
        raise AttestError(f"{where}: an X.509 certificate that is not in DER: {error}") from error
    except Exception as error:  # the parser has many ways to complain, none of them documented
        raise AttestError(f"{where}: not an X.509 certificate that can be read") from error
    return certificate


def read_wholly(certificate: x509.Certificate) -> None:
    """Ask for all that the checks may ask for: `cryptography` decodes each part when it is first asked for.

    Whatever it raises for a part that is malformed or of a type it does not know is raised here.
    """
    _ = certificate.issuer.rfc4514_string(), certificate.subject.rfc4514_string(), validity(certificate)
    _ = certificate.public_key(), certificate.signature_hash_algorithm
    if certificate.extensions and certificate.version is not x509.Version.v3:
        raise ValueError("extensions in a certificate that is not of version 3 (RFC 5280 4.1.2.1)")


def _octet_string(octets: bytes) -> bytes:
    if len(octets) >= 0x80:
        raise AttestError(f"{len(octets)} octets are too long for a Name or a digest")
    return bytes([OCTET_STRING, len(octets)]) + octets
