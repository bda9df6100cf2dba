"""A certificate has one encoding: every other way to write the octets that its signature does not cover is refused."""

from __future__ import annotations

import pytest
from broken_certificates import changed_octets, elements, inside, other_encodings, tbs_of, tlv
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from tls_identities import issue, key, root

from trustlab.octets.der import NotDer, check_certificate, check_ecdsa_signature

LEAF = issue(key("ECDSA", 5), "bank.example", root())
OTHERS = other_encodings(tbs_of(LEAF.certificate), root().key)


@pytest.mark.parametrize("how", OTHERS)
def test_another_encoding_is_refused(how: str) -> None:
    with pytest.raises(NotDer):
        check_certificate(OTHERS[how])


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_what_the_library_writes_is_let_through(kind: str) -> None:
    authority = issue(key(kind, 6), "Authority")
    check_certificate(authority.der)
    check_certificate(issue(key("ECDSA", 5), "bank.example", authority).der)


def test_a_certificate_of_version_1_is_let_through() -> None:
    fields = elements(inside(tbs_of(LEAF.certificate)))
    short = tlv(0x30, *fields[1:7])
    algorithm, signature = elements(inside(LEAF.der))[1:]
    check_certificate(tlv(0x30, short, algorithm, signature))


@pytest.mark.parametrize("length", range(60))
def test_a_certificate_that_is_cut_off_is_refused(length: int) -> None:
    for octets in (LEAF.der[:length], LEAF.der[: len(LEAF.der) - 1 - length]):
        with pytest.raises(NotDer, match="cut off"):
            check_certificate(octets)


def test_nothing_but_not_der_is_raised_whatever_the_octets() -> None:
    refused = 0
    for octets in changed_octets(LEAF.der, (0x01, 0x7F, 0x80, 0xFF)):
        try:
            check_certificate(octets)
        except NotDer:
            refused += 1
    assert refused > 100


def test_the_sentence_names_the_part() -> None:
    with pytest.raises(NotDer, match="signatureValue is not a whole number of octets"):
        check_certificate(OTHERS["an unused bit"])
    with pytest.raises(NotDer, match="further octets follow the Certificate"):
        check_certificate(OTHERS["octets behind the certificate"])


def test_a_signature_of_ours_is_an_ecdsa_sig_value() -> None:
    private = ec.generate_private_key(ec.SECP384R1())
    for n in range(40):
        check_ecdsa_signature(private.sign(bytes([n]), ec.ECDSA(root().certificate.signature_hash_algorithm)))


def test_no_ecdsa_sig_value_is_looked_for_in_another_signature() -> None:
    algorithm = tlv(0x30, bytes.fromhex("06032b6570"))
    tbs = tlv(0x30, tlv(2, b"\1"), algorithm)
    signature = ed25519.Ed25519PrivateKey.generate().sign(tbs)
    check_certificate(tlv(0x30, tbs, algorithm, tlv(3, b"\0", signature)))
