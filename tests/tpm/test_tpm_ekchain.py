"""EK certificates in odd shapes: some makers do not write DER, and however it is written, it vouches for one key only.

A machine is identified by its EK's SubjectPublicKeyInfo, so the octets around a certificate may vary.
"""

from __future__ import annotations

import pytest
from broken_certificates import MALFORMED, changed_octets, other_encodings, rebuilt, signed, tbs_of
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest.build import build_public
from trustlab.tpm import EnrolmentRefused, TpmMaker, load_ek_certificate, tpm_of, verify_ek_certificate
from trustlab.tpm.maker import OID_EK_EKU, key_usage

MAKER = TpmMaker()
RSA = rsa.generate_private_key(65537, 2048)
EK = ec.generate_private_key(ec.SECP256R1()).public_key()
GOOD = MAKER.certify(build_public(EK, 0))
OTHERS = other_encodings(tbs_of(GOOD), MAKER._key)
TOO_ODD = {
    *("a fourth element", "another outer algorithm", "a third number in the ECDSA-Sig-Value", "r as an OCTET STRING"),
    *("a negative s", "no octet of s"),
}
"""Encodings that mean nothing, or another signature."""
HARMLESS = {
    *("SAN: x400Address", "SAN: ediPartyName", "SAN: an address of 5 octets", "SAN: a name beyond ASCII"),
    *("SAN: registeredID of garbage", "basicConstraints: FALSE written"),
    *("authorityKeyIdentifier: garbage", "authorityKeyIdentifier: a foreign name", "subjectKeyIdentifier: garbage"),
    *("nameConstraints: a mask that is none", "nameConstraints: an address of 4 octets"),
    *("cRLDistributionPoints: garbage", "authorityInfoAccess: garbage", "TLS feature: a number too long"),
    *("SCT list: garbage", "subject: a printable string that is none"),
    *("subject: a number for a name", "subject: a country of three letters", "validity: no Z", "validity: the year 1"),
    *("validity: the year 9999", "serialNumber: negative", "serialNumber: zero", "serialNumber: 30 octets"),
}
"""Mistakes that say nothing about the key, or not what else the certificate could mean."""


def test_a_good_certificate_passes() -> None:
    assert verify_ek_certificate(GOOD, [MAKER.root]) == EK
    assert verify_ek_certificate(signed(tbs_of(GOOD), MAKER._key), [MAKER.root]) == EK


def key_or_refusal(der: bytes) -> object:
    """Return the key that a certificate vouches for, None if it is refused; any other error is a fault."""
    try:
        return verify_ek_certificate(der, [MAKER.root])
    except EnrolmentRefused as refused:
        assert refused.check in {"EK certificate", "EK type"}  # noqa: PT017 - it may as well be accepted
        return None


@pytest.mark.parametrize("how", OTHERS)
def test_another_encoding_vouches_for_the_same_key_or_for_none(how: str) -> None:
    found = key_or_refusal(OTHERS[how])
    assert found in (EK, None)
    assert how == "a negative s" or (found is None) == (how in TOO_ODD)  # half of the numbers s look negative


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_certificate_is_refused_or_read_as_what_it_means(name: str) -> None:
    found = key_or_refusal(rebuilt(GOOD, MAKER._key, MALFORMED[name]))
    assert (found is not None) == (name in HARMLESS)
    assert found in (EK, None)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_certificate_of_a_maker_vouches_for_nobody(name: str) -> None:
    der = rebuilt(MAKER.root.public_bytes(Encoding.DER), MAKER._key, MALFORMED[name])
    try:
        maker = x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion, Warning):
        return  # nobody can hand it over
    try:
        verify_ek_certificate(GOOD, [maker])
    except EnrolmentRefused as refused:
        assert refused.check == "EK certificate"  # noqa: PT017 - it may as well be accepted
    with pytest.raises(EnrolmentRefused):
        verify_ek_certificate(GOOD, [], [maker])


def test_no_changed_octet_vouches_for_another_key() -> None:
    found = [key_or_refusal(der) for der in changed_octets(GOOD, (0x01, 0x80))]
    assert {id(key) for key in found if key is not None and key != EK} == set()
    assert sum(key is None for key in found) > 0.95 * len(found)


@pytest.mark.parametrize(
    ("key", "bits", "said"),
    [
        (EK, {"key_agreement": True}, ""),
        (EK, {"key_encipherment": True}, "lacks keyAgreement"),
        (EK, {"digital_signature": True}, "lacks keyAgreement"),
        (RSA.public_key(), {"key_encipherment": True}, ""),
        (RSA.public_key(), {"key_agreement": True}, "lacks keyEncipherment"),
    ],
)
def test_an_eks_key_usage_fits_its_kind(key, bits: dict[str, bool], said: str) -> None:
    builder = MAKER.builder(x509.Name([]), key)
    builder = builder.add_extension(key_usage(**bits), critical=True)
    der = MAKER.finish(builder.add_extension(x509.ExtendedKeyUsage([OID_EK_EKU]), critical=False))
    if not said:
        assert verify_ek_certificate(der, [MAKER.root]) == key
        return
    with pytest.raises(EnrolmentRefused, match=said):
        verify_ek_certificate(der, [MAKER.root])


def test_a_certificate_says_which_tpm_it_is_about() -> None:
    assert tpm_of(load_ek_certificate(GOOD)) == "LAB swtpm 00000007"
