"""Whether an EK certificate comes from a TPM maker one trusts.

Stock path validation is for web servers and refuses EK certificates (an empty subject, a critical directory name,
the TCG's own key usage), so the few rules that matter here are checked one by one.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from trustlab.attest.certificates import load_certificate, read_wholly
from trustlab.attest.errors import AttestError
from trustlab.tpm.errors import EnrolmentRefused
from trustlab.tpm.maker import OID_EK_EKU

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHECK = "EK certificate"
MAX_PATH = 5


def load_ek_certificate(der: bytes) -> x509.Certificate:
    """Read an EK certificate; EnrolmentRefused if it is not one.

    A machine is pinned by the digest of these octets, so there must be one encoding only.
    """
    try:
        return load_certificate(der, "the certificate")
    except AttestError as error:
        raise EnrolmentRefused(_CHECK, f"{error}") from error


def verify_ek_certificate(
    der: bytes, roots: Sequence[x509.Certificate], intermediates: Sequence[x509.Certificate] = ()
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """Verify the path from an EK certificate to one of `roots`, and return the EK.

    EnrolmentRefused says what is wrong.
    """
    certificate = load_ek_certificate(der)
    _check_leaf(certificate)
    now = dt.datetime.now(dt.UTC)
    current = certificate
    for _ in range(MAX_PATH):
        if not current.not_valid_before_utc <= now <= current.not_valid_after_utc:
            raise EnrolmentRefused(_CHECK, f"{_called(current)} is not valid today")
        if any(_issued(root, current) for root in roots):
            break
        above = next((c for c in intermediates if _issued(c, current)), None)
        if above is None:
            raise EnrolmentRefused(_CHECK, f"no TPM maker that we trust issued {_called(current)}")
        current = above
    else:
        raise EnrolmentRefused(_CHECK, f"the path to a TPM maker has more than {MAX_PATH} certificates")
    key = certificate.public_key()
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise EnrolmentRefused("EK type", "its key is neither RSA nor ECC")
    return key


def _check_leaf(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([])
    if OID_EK_EKU not in usage:
        raise EnrolmentRefused(_CHECK, "its extended key usage is not tcg-kp-EKCertificate")
    if _is_ca(certificate):
        raise EnrolmentRefused(_CHECK, "it is a CA certificate")


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if not _is_ca(issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        read_wholly(certificate)
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except Exception:  # noqa: BLE001 - a certificate that cannot be read vouches for nobody
        return False


def _called(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "the EK certificate"
