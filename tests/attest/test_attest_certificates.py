"""AK certificates in odd shapes: malformed parts and other encodings are refused as malformed evidence, by name."""

from __future__ import annotations

import pytest
from broken_certificates import MALFORMED, ODD_BUT_READABLE, changed_octets, other_encodings, rebuilt, signed, tbs_of
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from software_tpm import CA, POLICY, REFERENCES, Machine, verifier

from trustlab.attest import AttestError, Verifier
from trustlab.attest.appraisal import forget
from trustlab.attest.certificates import load_certificates

MACHINE = Machine()
AK = MACHINE.ak()
OTHERS = other_encodings(tbs_of(AK.certificate), CA.key)
ANCHOR = CA.certificate.public_bytes(Encoding.DER)
READABLE = ODD_BUT_READABLE | {"serialNumber: zero", "serialNumber: negative", "key: DSA of nonsense"}
"""Makers have used such serial numbers, and RFC 5280 4.1.2.2 wants them handled gracefully; the key is another's."""


def appraised(*chain: bytes):
    """Appraise evidence whose AK is certified by this chain."""
    forget()
    return verifier().appraise(MACHINE.evidence(signer=AK, ak_certificates=chain).encode(), MACHINE.expected())


def refusal(*chain: bytes) -> str:
    result = appraised(*chain)
    assert not result.accepted
    sentences = " ".join(check.sentence for check in result.checks)
    assert "itself failed" not in sentences
    return sentences


@pytest.mark.parametrize("how", OTHERS)
def test_another_encoding_of_a_good_certificate_is_malformed_evidence(how: str) -> None:
    refusal(OTHERS[how])
    with pytest.raises(AttestError, match=r"^ak_certificates/0: "):
        load_certificates([OTHERS[how]], "ak_certificates")


def test_the_same_certificate_signed_again_is_accepted() -> None:
    assert appraised(signed(tbs_of(AK.certificate), CA.key)).accepted


def test_the_sentence_says_what_is_wrong() -> None:
    assert "not in DER: signatureValue is not a whole number of octets" in refusal(OTHERS["an unused bit"])
    assert "ak-certificates/1: not an X.509 certificate that can be read" in refusal(AK.certificate, b"no certificate")


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_certificate_is_malformed_evidence(name: str) -> None:
    der = rebuilt(AK.certificate, CA.key, MALFORMED[name])
    if name in READABLE:
        checks = appraised(der).checks
        assert not any("itself failed" in check.sentence for check in checks)
        return
    assert "ak-certificates/0: not an X.509 certificate that can be read" in refusal(der)


@pytest.mark.parametrize("name", ["serialNumber: zero", "serialNumber: negative"])
def test_an_odd_serial_number_is_accepted_without_a_word(name: str) -> None:
    assert appraised(rebuilt(AK.certificate, CA.key, MALFORMED[name])).accepted


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_authority_between_is_malformed_evidence(name: str) -> None:
    der = rebuilt(ANCHOR, CA.key, MALFORMED[name])
    if name not in READABLE:
        refusal(AK.certificate, der)
    else:
        assert not any("itself failed" in check.sentence for check in appraised(AK.certificate, der).checks)


def test_no_changed_octet_of_a_certificate_is_accepted() -> None:
    for der in changed_octets(AK.certificate, (0x01, 0x80)):
        refusal(der)


@pytest.mark.parametrize("name", ["basicConstraints: garbage", "keyUsage: twice", "subject: UTF-8 that is none"])
def test_an_anchor_that_cannot_be_read_is_refused_at_once(name: str) -> None:
    anchor = x509.load_der_x509_certificate(rebuilt(ANCHOR, CA.key, MALFORMED[name]))
    with pytest.raises(AttestError, match="trust anchor 1"):
        Verifier([CA.certificate, anchor], REFERENCES, POLICY)
