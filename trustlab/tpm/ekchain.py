"""Whether an EK certificate comes from a TPM maker one trusts: RFC 5280 6.1, and TCG's EK Credential Profile on top.

Makers' certificates are read leniently (`x509.lenient`), because some were not written in DER. A certificate may then
have several encodings, so a machine is identified by the SHA-256 of its EK's SubjectPublicKeyInfo, never by a digest
of the certificate.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest import ENDORSEMENT_QUALIFIED_NAME, parse_public, qualified_name
from trustlab.octets.der import NotDer
from trustlab.tpm.ektemplates import TEMPLATES
from trustlab.tpm.errors import EnrolmentRefused
from trustlab.tpm.maker import OID_EK_EKU
from trustlab.x509 import LenientCertificate, PathProblem, PathPurpose, facts_of, find_path, read_lenient, unwrapped
from trustlab.x509.constraints import KEY_AGREEMENT, KEY_ENCIPHERMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from trustlab.attest import Public
    from trustlab.x509 import PathFacts

    AnyCertificate = LenientCertificate | x509.Certificate | bytes
    """A certificate as somebody may hand it over: read leniently, by `cryptography`, or as octets."""

_CHECK = "EK certificate"
EK_PURPOSE = PathPurpose(OID_EK_EKU.dotted_string, "TPM maker")
MANUFACTURER, MODEL, VERSION = "2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3"
"""The attributes of subjectAltName that say which TPM it is (EK Credential Profile 2.5, 3.1.2)."""


def load_ek_certificate(octets: bytes) -> LenientCertificate:
    """Read an EK certificate, also as it lies in a TPM's memory; EnrolmentRefused if it is not one."""
    try:
        return read_lenient(unwrapped(octets))
    except NotDer as error:
        raise EnrolmentRefused(_CHECK, f"the certificate cannot be read: {error}") from error


def verify_ek_certificate(
    der: bytes, roots: Sequence[AnyCertificate], intermediates: Sequence[AnyCertificate] = ()
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """Verify the path from an EK certificate to one of `roots`, and return the EK.

    Each of the `roots` is an anchor, whether it signed itself or not. EnrolmentRefused says what is wrong.
    """
    certificate = load_ek_certificate(der)
    try:
        facts = facts_of(certificate)
        _check_leaf(certificate, facts)
        find_path(certificate, _lenient(roots), _lenient(intermediates), EK_PURPOSE, dt.datetime.now(dt.UTC))
    except PathProblem as problem:
        raise EnrolmentRefused(_CHECK, str(problem)) from problem
    key = certificate.key
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise EnrolmentRefused("EK type", "its key is neither RSA nor ECC")
    return key


def _lenient(certificates: Sequence[AnyCertificate]) -> list[LenientCertificate]:
    """Return the certificates read for judging; one that cannot be read vouches for nobody."""
    found = []
    for certificate in certificates:
        try:
            found.append(_read(certificate))
        except NotDer:
            continue
    return found


def _read(certificate: AnyCertificate) -> LenientCertificate:
    if isinstance(certificate, LenientCertificate):
        return certificate
    return read_lenient(certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER))


def _check_leaf(certificate: LenientCertificate, facts: PathFacts) -> None:
    """Check what the profile wants of an EK certificate itself (EK Credential Profile 2.5, 3.1)."""
    key = certificate.key
    if facts.purposes is None or EK_PURPOSE.number not in facts.purposes:
        raise EnrolmentRefused(_CHECK, "its extended key usage is not tcg-kp-EKCertificate")
    if facts.ca:
        raise EnrolmentRefused(_CHECK, "it is a CA certificate")
    if facts.usage is None:
        return  # nothing is said, so nothing is forbidden (RFC 5280 4.2.1.3)
    bit, name = (
        (KEY_ENCIPHERMENT, "keyEncipherment") if isinstance(key, rsa.RSAPublicKey) else (KEY_AGREEMENT, "keyAgreement")
    )
    if bit not in facts.usage:
        kind = "an RSA" if isinstance(key, rsa.RSAPublicKey) else "an ECC"
        raise EnrolmentRefused(_CHECK, f"its key usage lacks {name}, which {kind} endorsement key needs")


def tpm_of(certificate: LenientCertificate) -> str:
    """Say which TPM an EK certificate is about: manufacturer, model and version, as far as it tells."""
    try:
        attributes = facts_of(certificate).attributes
    except PathProblem:
        return ""
    maker = attributes.get(MANUFACTURER, "")
    words = (_maker(maker), attributes.get(MODEL, ""), attributes.get(VERSION, "").removeprefix("id:"))
    return " ".join(word for word in words if word and word.isprintable())


def _maker(number: str) -> str:
    """Return a manufacturer's four letters; its number if it is none of the registry's (`id:494E5443` is INTC)."""
    try:
        letters = bytes.fromhex(number.removeprefix("id:")).rstrip(b"\0 ").decode("ascii")
    except ValueError:
        return number
    return letters if letters.isprintable() else number


def is_parent(certificate: LenientCertificate, ak: Public, signer: bytes) -> bool:
    """Whether an AK whose quotes name `signer` lives under the EK of this certificate, made by a TCG template."""
    areas = (template.public_area(certificate.key) for template in TEMPLATES.values())
    parents = (qualified_name(ENDORSEMENT_QUALIFIED_NAME, parse_public(area).name) for area in areas if area)
    return any(qualified_name(parent, ak.name) == signer for parent in parents if ak.name)
