"""The checks about the Attestation Key: what it is, who can use it, and what it signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attest.checks import CheckOutcome, failed, not_demanded, passed
from trustlab.attest.constants import ALG_SHA1, ObjectAttributes, attribute_names
from trustlab.attest.digests import AK_PCRS, key_policy

if TYPE_CHECKING:
    from cryptography import x509

    from trustlab.attest.appraisal import Appraisal, Signer
    from trustlab.attest.policy import AppraisalPolicy
    from trustlab.attest.structures import Attest

# plain integers: arithmetic on enum flags is ten times slower, and every appraisal does it
WANTED = int(ObjectAttributes.RESTRICTED | ObjectAttributes.SIGN_ENCRYPT | ObjectAttributes.FIXED_TPM)
JUDGED = int(WANTED | ObjectAttributes.DECRYPT)
OPEN = int(ObjectAttributes.USER_WITH_AUTH | ObjectAttributes.ADMIN_WITH_POLICY)


UNKNOWN_PARENT = (
    "The policy accepts any parent, so it is not known where in the TPM the AK lives and what ends it, and the "
    "quote's counters and firmware version may be obfuscated."
)


BARE_KEY = (
    "Of the AK only the key is known, not its public area. So it is not known whether it signs only what its TPM "
    "made: whoever can use a key without restrictions can sign a quote that no TPM made."
)


def ak_public_area(appraisal: Appraisal) -> CheckOutcome:
    """AK public area: the certificate's Name and key, the signer's Qualified Name, and the attributes of an AK."""
    for attest, _, signer in appraisal.signed:
        if outcome := _public_area_problem(attest, signer, appraisal.policy):
            return outcome
    name = appraisal.signer.public.name
    if not int(appraisal.signer.public.attributes):
        return not_demanded(BARE_KEY)
    if not appraisal.signer.chain:
        return passed(f"The AK is the key that you gave: a restricted signing key. {UNKNOWN_PARENT}", name)
    if appraisal.policy.ak_parent == "any":
        text = "The AK is the certified key: a restricted signing key that never leaves its TPM. "
        if not appraisal.signer.certified_name:
            text += "Its certificate names the key alone, not its attributes, which the attester states. "
        return passed(text + UNKNOWN_PARENT, name)
    return passed("The AK is the certified key: a restricted signing key that never leaves its TPM.", name)


def _public_area_problem(attest: Attest, signer: Signer, policy: AppraisalPolicy) -> CheckOutcome | None:
    public = signer.public
    if not int(public.attributes) and signer.given:
        return None
    if not public.well_named:
        return failed(f"{signer.role}: its Name is made with a weak hash: two keys may share it.")
    wanted = signer.qualified_name
    if outcome := _certificate_problem(signer, policy):
        return outcome
    if policy.ak_parent == "endorsement" and attest.qualified_signer != wanted:
        text = f"{signer.role} is not the qualifiedSigner, or not a primary key of the endorsement hierarchy."
        return failed(text, wanted, attest.qualified_signer)
    if int(public.attributes) & JUDGED != WANTED:
        text = f"{signer.role} must be restricted, sign, fixedTPM and not decrypt; it is: "
        return failed(text + attribute_names(public.attributes) + ".", _flags(WANTED), _flags(public.attributes))
    return None


def _certificate_problem(signer: Signer, policy: AppraisalPolicy) -> CheckOutcome | None:
    """Say what the AK's certificate does not fit; one that the Relying Party gave itself has none."""
    public = signer.public
    if signer.given:
        return None
    if signer.certified_name != public.name and (signer.certified_name or policy.ak_parent != "any"):
        text = f"{signer.role}: the certificate is for a key with another Name."
        return failed(text, signer.certified_name, public.name)
    if not signer.certifies_key:
        return failed(f"{signer.role}: the certificate holds another key.", _spki(signer.chain[0]), public.spki)
    return None


def ak_policy(appraisal: Appraisal) -> CheckOutcome:
    """AK policy: only the HyperSafe that was launched, at its locality, can make the AK sign."""
    if not appraisal.policy.ak_policy:
        return not_demanded(
            "The policy does not ask who can use the AK, so anybody on that machine may be able to quote with it."
        )
    pcrs, bank = AK_PCRS, appraisal.policy.bank_id
    wanted = key_policy(pcrs, appraisal.values(pcrs), locality=appraisal.policy.locality, bank=bank)
    for signer in appraisal.signers:
        public = signer.public
        if int(public.attributes) & OPEN:
            text = f"{signer.role} opens by password: userWithAuth and adminWithPolicy must be clear."
            return failed(text, _flags(public.attributes & ~OPEN), _flags(public.attributes))
        if public.auth_policy != wanted:
            text = f"{signer.role} is not bound to the HyperSafe in PCR 17 at its locality: others can quote with it."
            return failed(text, wanted, public.auth_policy)
    return passed("Only the HyperSafe measured in PCR 17, at its locality, can use the AK.", wanted)


OWN_WORD = "The endorsement key whose certificate you gave is the AK's parent, as the AK itself has signed."


def machine_pinned(appraisal: Appraisal) -> CheckOutcome:
    """Machine pinned: the quote's AK lives in the TPM of a machine the policy names."""
    pins, expected = appraisal.policy.ek_keys, appraisal.expected
    found = appraisal.signer.ek_key or expected.ek_key
    if revoked := appraisal.revocations.machine_problem(found):
        return failed(revoked, found=found)
    if expected.ek_problem:
        return failed(expected.ek_problem)
    if not pins and expected.ek_key:
        return passed(f"{OWN_WORD} The policy names no machine, so any genuine TPM is accepted.", expected.ek_key)
    if not pins:
        return not_demanded("The policy names no machine, so any genuine TPM is accepted.")
    if found in pins:
        return passed("The AK lives in the TPM of a machine that the policy names.", found)
    return failed("The AK lives in the TPM of a machine that the policy does not name.", b"".join(pins), found)


def signature(appraisal: Appraisal) -> CheckOutcome:
    """Signature: the AK signed exactly these octets."""
    for attest, signed, signer in appraisal.signed:
        what = _kind(attest, appraisal)
        if signed.hash_alg == ALG_SHA1:
            text = f"The {what} is signed with SHA-1, which proves nothing any more: make the AK with SHA-256."
            return failed(text, found=signed.value)
        if not appraisal.well_signed(attest, signed, signer):
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
