"""The AK chain: a path from every AK's certificate to a privacy CA that the Relying Party trusts.

One validation decides, `x509.find_path` (RFC 5280 6.1). A path that it found before is kept, without its dates: as
long as these hold nothing else can have changed, and if they do not hold, the search is made again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest.certificates import OID_AIK_EKU, read_wholly
from trustlab.attest.checks import CheckOutcome, failed, not_demanded, passed
from trustlab.attest.errors import AttestError, shown
from trustlab.octets.der import NotDer
from trustlab.x509 import (
    LenientCertificate,
    PathProblem,
    PathPurpose,
    check_dates,
    facts_of,
    find_path,
    read_lenient,
)
from trustlab.x509.constraints import DIGITAL_SIGNATURE

if TYPE_CHECKING:
    import datetime as dt

    from cryptography import x509

    from trustlab.attest.appraisal import Appraisal, Signer

AK_PURPOSE = PathPurpose(OID_AIK_EKU.dotted_string, "privacy CA")


class TrustAnchors:
    """The privacy CAs whose word about an AK counts; AttestError for a certificate that cannot be read."""

    def __init__(self, certificates: tuple[x509.Certificate | LenientCertificate, ...]) -> None:
        self._anchors = tuple(_anchor(certificate, n) for n, certificate in enumerate(certificates))
        self._key = frozenset(anchor.octets for anchor in self._anchors)

    def used(self, signer: Signer) -> set[bytes]:
        """Return the certificates (DER) of the path that was found for a signer; without one, the leaf alone."""
        return {certificate.octets for certificate in signer.paths.get(self._key, ())} | set(signer.octets[:1])

    def judge(self, appraisal: Appraisal) -> CheckOutcome:
        """AK chain: a path from every AK's certificate to an anchor, for the purpose of attestation keys."""
        time = appraisal.time
        given = appraisal.expected.ak
        for signer in appraisal.signers:
            if not signer.chain and given == signer.public.spki:
                if problem := self._revoked(signer, appraisal):
                    return failed(f"{signer.role}: {problem}", found=signer.public.name)
                continue
            if not signer.chain:
                return failed(f"{signer.role}: there is no certificate for it, so nobody says that a TPM holds it.")
            if problem := self._problem(signer, time):
                return failed(f"{signer.role}: {problem}", found=signer.chain[0].fingerprint(SHA256()))
            if problem := self._revoked(signer, appraisal):
                return failed(f"{signer.role}: {problem}", found=signer.chain[0].fingerprint(SHA256()))
        if not appraisal.signer.chain:
            return not_demanded(
                "You gave the AK yourself. Nobody certifies it here, so it is not known that it lives in a genuine TPM."
            )
        return passed(f"A privacy CA that we trust issued the AK's certificate: {appraisal.signer.issuer_shown}.")

    def _revoked(self, signer: Signer, appraisal: Appraisal) -> str:
        """Say why the AK counts no more, by a list or by a CRL for its path."""
        digest = hashlib.sha256(signer.public.spki).digest()
        return appraisal.revocations.ak_problem(digest, signer.paths.get(self._key, ()), appraisal.time)

    def _problem(self, signer: Signer, time: dt.datetime) -> str:
        """Say what is wrong with the path; nothing if it is valid."""
        known = signer.paths.get(self._key)
        try:
            if known is not None:
                check_dates(known, time)
                return ""
        except PathProblem:
            pass  # perhaps there is another path
        try:
            leaf, *rest = map(read_lenient, signer.octets)
            if problem := _leaf_problem(leaf):
                return problem
            if not self._anchors:
                return "no privacy CA is trusted here, so no attestation key can be"
            signer.paths[self._key] = find_path(leaf, self._anchors, rest, AK_PURPOSE, time)
        except (PathProblem, NotDer) as problem:
            return f"its certificate does not lead to a privacy CA that we trust ({shown(problem, 300)})"
        return ""


def _anchor(certificate: x509.Certificate | LenientCertificate, number: int) -> LenientCertificate:
    try:
        if not isinstance(certificate, LenientCertificate):
            read_wholly(certificate)
            certificate = read_lenient(certificate.public_bytes(Encoding.DER))
        facts_of(certificate)
    except Exception as error:  # the parser has many ways to complain, none of them documented
        raise AttestError(f"trust anchor {number}: a certificate with a part that cannot be read") from error
    return certificate


def _leaf_problem(leaf: LenientCertificate) -> str:
    """Say what keeps a certificate from being an attestation key's (TCG EK Credential Profile)."""
    facts = facts_of(leaf)
    if facts.purposes is None or AK_PURPOSE.number not in facts.purposes:
        return "its certificate is not for an attestation key (extended key usage tcg-kp-AIKCertificate)"
    if facts.ca:
        return "its certificate is a CA's, and an attestation key certifies nobody"
    if facts.usage is not None and DIGITAL_SIGNATURE not in facts.usage:
        return "its certificate's key usage lacks digitalSignature, and an attestation key signs"
    return ""
