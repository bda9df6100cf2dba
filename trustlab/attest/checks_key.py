"""The checks about the TLS key: that it is the one in TLS, that a TPM made it, and who can use it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustlab.attest.checks import CheckOutcome, failed, not_demanded, passed
from trustlab.attest.constants import (
    HASH_NAMES,
    TPM_GENERATED_VALUE,
    TPM_ST_ATTEST_CREATION,
    ObjectAttributes,
    attribute_names,
)
from trustlab.attest.digests import key_policy
from trustlab.attest.structures import CreationInfo, QuoteInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attest.appraisal import Appraisal, KeyProof

FIXED_TPM, USER_WITH_AUTH = int(ObjectAttributes.FIXED_TPM), int(ObjectAttributes.USER_WITH_AUTH)
CREATION_HEAD = TPM_GENERATED_VALUE.to_bytes(4, "big") + TPM_ST_ATTEST_CREATION.to_bytes(2, "big")


def about_the_key(judge: Callable[[Appraisal, KeyProof], CheckOutcome]) -> Callable[[Appraisal], CheckOutcome]:
    """Make a check of one that needs a key attestation: not demanded without a key, failed without an attestation."""

    def check(appraisal: Appraisal) -> CheckOutcome:
        if not appraisal.key_demanded:
            return not_demanded("Not needed: this side proves no key.")
        if appraisal.key is None:
            return failed("This side uses a key in TLS, but the evidence does not attest one.")
        return judge(appraisal, appraisal.key)

    return check


@about_the_key
def key_identity(appraisal: Appraisal, key: KeyProof) -> CheckOutcome:
    """Key identity: the attested Name is this public area's, and its key is the one TLS uses."""
    info = key.attest.attested
    name = b"" if isinstance(info, QuoteInfo) else info.object_name if isinstance(info, CreationInfo) else info.name
    if not key.public.well_named:
        return failed("The key's Name is made with a weak hash: two keys may share it.")
    if name != key.public.name:
        return failed("The attested Name is not the Name of the public area that was sent.", key.public.name, name)
    spki = appraisal.expected.key_spki or b""
    if not _same_key(spki, key):
        return failed("The key that TLS uses is not the key that was attested.", spki, key.public.spki)
    binder = appraisal.expected.key_binder
    if binder is not None and key.attest.extra_data != binder:
        return failed("The key was attested for another purpose or another connection.", binder, key.attest.extra_data)
    return passed("The attested key is the one TLS uses.", key.public.name)


def _same_key(spki: bytes, key: KeyProof) -> bool:
    if spki == key.public.spki:
        return True
    try:  # the same key may be written with other parameters (RFC 3279): compare the keys themselves
        return load_der_public_key(spki) == key.public.public_key
    except (ValueError, UnsupportedAlgorithm):
        return False


@about_the_key
def key_provenance(appraisal: Appraisal, key: KeyProof) -> CheckOutcome:  # noqa: ARG001 - every check about the key has one shape
    """Key provenance: this TPM made the key, keeps it, and opens it by policy only."""
    head = key.attest.raw[:6]
    info = key.attest.attested
    if head != CREATION_HEAD or not isinstance(info, CreationInfo):
        text = "The TPM does not say that it created the key, only that it is loaded: it may have been imported."
        return failed(text, CREATION_HEAD, head)
    if key.creation is None:
        return failed("The creation data are missing.", info.creation_hash)
    digest = hashlib.new(HASH_NAMES.get(key.public.name_alg, "sha256"), key.creation.raw).digest()
    if digest != info.creation_hash:
        return failed("The creation data do not match what the TPM attests.", info.creation_hash, digest)
    attributes = int(key.public.attributes)
    wanted = (attributes | FIXED_TPM) & ~USER_WITH_AUTH
    if attributes != wanted:
        text = "The key must be fixedTPM with userWithAuth clear; it is: "
        return failed(text + attribute_names(attributes) + ".", _flags(wanted), _flags(attributes))
    return passed(
        "The TPM made the key itself, the key cannot leave the TPM, and no password opens it.", info.creation_hash
    )


@about_the_key
def key_policy_of(appraisal: Appraisal, key: KeyProof) -> CheckOutcome:
    """Key policy: the key opens for this HyperSafe, launch policy and image only, at HyperSafe's locality."""
    pcrs = appraisal.policy.key_pcrs
    bank = appraisal.policy.bank_id
    wanted = key_policy(pcrs, appraisal.values(pcrs), locality=appraisal.policy.locality, bank=bank)
    where = "" if appraisal.policy.locality is None else " at HyperSafe's locality"
    if key.public.auth_policy != wanted:
        text = f"The key's policy does not demand the quoted values of PCR {', '.join(map(str, pcrs))}{where}."
        return failed(text, wanted, key.public.auth_policy)
    return passed(f"The key opens only for the software that was quoted,{where or ' at any locality'}.", wanted)


@about_the_key
def one_ak_for_both(appraisal: Appraisal, key: KeyProof) -> CheckOutcome:
    """One AK for both: quote and key attestation come from the same TPM."""
    name, other = appraisal.signer.public.name, key.signer.public.name
    if name != other or key.attest.qualified_signer != appraisal.quote.qualified_signer:
        text = "The quote and the key attestation are signed by different AKs: the key may live in another machine."
        return failed(text, appraisal.quote.qualified_signer, key.attest.qualified_signer)
    return passed("The same AK signed the quote and the key attestation.", appraisal.quote.qualified_signer)


def _flags(attributes: int) -> bytes:
    return int(attributes).to_bytes(4, "big")
