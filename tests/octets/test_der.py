"""A certificate has one encoding: every other way to write the octets that its signature does not cover is refused."""

from __future__ import annotations

import pytest
from broken_certificates import changed_octets, elements, inside, other_encodings, tbs_of, tlv
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from tls_identities import issue, key, root

from trustlab.octets import der
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


def test_octets_are_cut_into_elements_to_their_end() -> None:
    parts = [tlv(0x30), tlv(4, bytes(127)), tlv(4, bytes(128)), tlv(4, bytes(65536)), tlv(2, b"\5")]
    assert [element.raw for element in der.elements(b"".join(parts), "a part")] == parts
    assert der.elements(b"", "a part") == []
    assert [element.raw for element in der.elements(tlv(2, b"\5") + tlv(0x30), "a part")] == [tlv(2, b"\5"), tlv(0x30)]


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (b"\x30", "a part is missing or cut off"),
        (b"\x30\1", "a part is cut off"),
        (b"\x30\x81", "a part is cut off"),
        (b"\x30\x82\x80", "a part is cut off"),
        (b"\x30\x81\x80" + bytes(127), "a part is cut off"),
        (b"\x30\x80" + bytes(128), "not in its shortest form"),  # the indefinite length of BER
        (b"\x30\x81\x05", "not in its shortest form"),
        (b"\x30\x81\x7f" + bytes(127), "not in its shortest form"),
        (b"\x30\x82\0\x80" + bytes(128), "not in its shortest form"),
    ],
)
def test_an_element_that_ends_too_early_or_has_another_length_is_refused(octets: bytes, complaint: str) -> None:
    with pytest.raises(NotDer, match=complaint):
        der.elements(tlv(2, b"\5") + octets, "a part")


def test_what_follows_the_last_part_is_named_by_that_part() -> None:
    with pytest.raises(NotDer, match=r"further octets follow s$"):
        check_ecdsa_signature(tlv(0x30, tlv(2, b"\1"), tlv(2, b"\1"), b"\0"))


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\x7f\1", b"\x80\1", b"\x81", b"\xff"])
def test_r_and_s_are_positive_and_in_their_shortest_form(value: bytes) -> None:
    for r, s in ((value, b"\1"), (b"\1", value)):
        with pytest.raises(NotDer, match="r or s is not a positive INTEGER"):
            check_ecdsa_signature(tlv(0x30, tlv(2, r), tlv(2, s)))
    check_ecdsa_signature(tlv(0x30, tlv(2, b"\x7f\xff"), tlv(2, b"\0\x80\0")))
