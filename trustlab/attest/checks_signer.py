"""The checks about the Attestation Key: who vouches for it, what it is, and who can use it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from trustlab.attest.certificates import OID_AIK_EKU, read_wholly, validity
from trustlab.attest.checks import CheckOutcome, failed, not_demanded, passed
from trustlab.attest.constants import ObjectAttributes, attribute_names
from trustlab.attest.digests import AK_PCRS, key_policy
from trustlab.attest.errors import AttestError

if TYPE_CHECKING:
    from trustlab.attest.appraisal import Appraisal, Signer
    from trustlab.attest.structures import Attest

# plain integers: arithmetic on enum flags is ten times slower, and every appraisal does it
WANTED = int(ObjectAttributes.RESTRICTED | ObjectAttributes.SIGN_ENCRYPT | ObjectAttributes.FIXED_TPM)
JUDGED = int(WANTED | ObjectAttributes.DECRYPT)
OPEN = int(ObjectAttributes.USER_WITH_AUTH | ObjectAttributes.ADMIN_WITH_POLICY)


UNDERSTOOD = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}
"""Critical extensions of an AK certificate that are no reason to refuse it (RFC 5280, 4.2)."""


STRONG = (SHA256, SHA384, SHA512)


class TrustAnchors:
    """The privacy CAs whose word about an AK counts; AttestError for a certificate that cannot be read."""

    def __init__(self, certificates: tuple[x509.Certificate, ...]) -> None:
        for n, certificate in enumerate(certificates):
            try:
                read_wholly(certificate)
            except Exception as error:  # the parser has many ways to complain, none of them documented
                raise AttestError(f"trust anchor {n}: a certificate with a part that cannot be read") from error
        self.certificates = certificates
        self._store = Store(list(certificates)) if certificates else None
        self._by_name = {c.subject.public_bytes(): _Anchor(c) for c in certificates if _may_sign(c)}
        self._leaf = ExtensionPolicy.permit_all()  # an AK is not a web server: its extensions are judged below
        self._authority = ExtensionPolicy.webpki_defaults_ca()

    def judge(self, appraisal: Appraisal) -> CheckOutcome:
        """AK chain: a path from every AK's certificate to an anchor, for the purpose of attestation keys."""
        time = appraisal.expected.time or dt.datetime.now(dt.UTC)
        for signer in appraisal.signers:
            if problem := self._problem(signer, time):
                return failed(f"{signer.role}: {problem}", found=signer.chain[0].fingerprint(SHA256()))
        return passed(f"A privacy CA that we trust issued the AK's certificate: {appraisal.signer.issuer_shown}.")

    def _problem(self, signer: Signer, time: dt.datetime) -> str:
        leaf, *rest = signer.chain
        if OID_AIK_EKU not in signer.purposes:
            return "its certificate is not for an attestation key (extended key usage tcg-kp-AIKCertificate)"
        if not signer.critical_extensions <= UNDERSTOOD:
            return "its certificate has a critical extension that this verifier does not understand"
        if not rest and self._issued_directly(signer, time):
            return ""
        if self._store is None:
            return "no privacy CA is trusted here, so no attestation key can be"
        builder = PolicyBuilder().store(self._store).time(time)
        builder = builder.extension_policies(ee_policy=self._leaf, ca_policy=self._authority)
        try:
            builder.build_client_verifier().verify(leaf, rest)
        except VerificationError as error:
            return f"its certificate does not lead to a privacy CA that we trust ({error})"
        return ""

    def _issued_directly(self, signer: Signer, time: dt.datetime) -> bool:
        """Whether an anchor itself signed the leaf: the usual case, and half the price of the general path validation.

        False is not a verdict: the general validation then decides, and gives the reason.
        """
        anchor = self._by_name.get(signer.issuer_octets)
        if anchor is None:
            return False
        if any(not begin <= time <= end for begin, end in (signer.validity, anchor.validity)):
            return False
        if anchor.octets not in signer.issued_by:
            signer.issued_by[anchor.octets] = _signed_by(signer, anchor.certificate)
        return signer.issued_by[anchor.octets]


class _Anchor:
    """An anchor's certificate, with what every appraisal asks of it."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        self.octets = certificate.public_bytes(Encoding.DER)
        self.validity = validity(certificate)


def _signed_by(signer: Signer, anchor: x509.Certificate) -> bool:
    key, (octets, signature, chosen) = anchor.public_key(), signer.certificate_signature
    try:
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(chosen, STRONG):
            return False
        key.verify(signature, octets, ec.ECDSA(chosen))
    except InvalidSignature:
        return False
    return True


def _may_sign(anchor: x509.Certificate) -> bool:
    try:
        basic = anchor.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = anchor.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return basic.ca and usage.key_cert_sign


def ak_public_area(appraisal: Appraisal) -> CheckOutcome:
    """AK public area: the certificate's Name and key, the signer's Qualified Name, and the attributes of an AK."""
    for attest, _, signer in appraisal.signed:
        if outcome := _public_area_problem(attest, signer):
            return outcome
    name = appraisal.signer.public.name
    return passed("The AK is the certified key: a restricted signing key that never leaves its TPM.", name)


def _public_area_problem(attest: Attest, signer: Signer) -> CheckOutcome | None:
    public = signer.public
    if not public.well_named:
        return failed(f"{signer.role}: its Name is made with a weak hash: two keys may share it.")
    wanted = signer.qualified_name
    if signer.certified_name != public.name:
        text = f"{signer.role}: the certificate is for a key with another Name."
        return failed(text, signer.certified_name, public.name)
    if not signer.certifies_key:
        return failed(f"{signer.role}: the certificate holds another key.", _spki(signer.chain[0]), public.spki)
    if attest.qualified_signer != wanted:
        text = f"{signer.role} is not the qualifiedSigner, or not a primary key of the endorsement hierarchy."
        return failed(text, wanted, attest.qualified_signer)
    if int(public.attributes) & JUDGED != WANTED:
        text = f"{signer.role} must be restricted, sign, fixedTPM and not decrypt; it is: "
        return failed(text + attribute_names(public.attributes) + ".", _flags(WANTED), _flags(public.attributes))
    return None


def ak_policy(appraisal: Appraisal) -> CheckOutcome:
    """AK policy: only the HyperSafe that was launched, at its locality, can make the AK sign."""
    if not appraisal.policy.ak_policy:
        return not_demanded(
            "The policy does not ask who can use the AK, so anybody on that machine may be able to quote with it."
        )
    wanted = key_policy(AK_PCRS, appraisal.values(AK_PCRS), locality=appraisal.policy.locality)
    for signer in appraisal.signers:
        public = signer.public
        if int(public.attributes) & OPEN:
            text = f"{signer.role} opens by password: userWithAuth and adminWithPolicy must be clear."
            return failed(text, _flags(public.attributes & ~OPEN), _flags(public.attributes))
        if public.auth_policy != wanted:
            text = f"{signer.role} is not bound to the HyperSafe in PCR 17 at its locality: others can quote with it."
            return failed(text, wanted, public.auth_policy)
    return passed("Only the HyperSafe measured in PCR 17, at its locality, can use the AK.", wanted)


def machine_pinned(appraisal: Appraisal) -> CheckOutcome:
    """Machine pinned: the quote's AK lives in the TPM of a machine the policy names."""
    pins = appraisal.policy.ek_keys
    if not pins:
        return not_demanded("The policy names no machine, so any genuine TPM is accepted.")
    found = appraisal.signer.ek_key
    if found in pins:
        return passed("The AK lives in the TPM of a machine that the policy names.", found)
    return failed("The AK lives in the TPM of a machine that the policy does not name.", b"".join(pins), found)


def signature(appraisal: Appraisal) -> CheckOutcome:
    """Signature: the AK signed exactly these octets."""
    for attest, signed, signer in appraisal.signed:
        if not appraisal.well_signed(attest, signed, signer):
            what = _kind(attest, appraisal)
            text = f"The signature over the {what} was not made by {signer.role}, or octets were changed afterwards."
            return failed(text, found=signed.value)
    what = "the quote and the key attestation" if len(appraisal.signed) > 1 else "the quote"
    return passed(f"The AK signed {what}.", found=appraisal.signature.value)


def _kind(attest: Attest, appraisal: Appraisal) -> str:
    return "quote" if attest is appraisal.quote else "key attestation"


def _flags(attributes: int) -> bytes:
    return int(attributes).to_bytes(4, "big")


def _spki(leaf: x509.Certificate) -> bytes:
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
