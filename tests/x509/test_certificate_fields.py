"""Each field of a certificate has its name in RFC 5280 and a sentence, and damage stays where it is."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from broken_certificates import oid, tlv
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from field_trees import assert_a_tree
from tls_identities import issue, key, root

from trustlab.octets.der import Element
from trustlab.x509 import PrivateExtension, certificate_fields, oid_name, oid_text
from trustlab.x509.walk import integer

MODULUS = "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.modulus"
OURS = PrivateExtension("1.3.6.1.4.1.65536.9", "ours", "What only we know.", "our paper, 1")


def rich(public: object = None) -> x509.Certificate:
    """Make a certificate with every extension that has words of its own."""
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "one"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "two"),
            x509.NameAttribute(NameOID.COMMON_NAME, "bänk"),
        ]
    )
    now = datetime(2049, 12, 31, 23, 0, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, public or authority.public_key(), 77, now, now + timedelta(hours=2))
    for extension in (
        x509.SubjectAlternativeName(
            [x509.DNSName("bank.example"), x509.DNSName("b.example"), x509.IPAddress(ipaddress.ip_address("10.0.0.3"))]
        ),
        x509.BasicConstraints(ca=True, path_length=2),
        x509.KeyUsage(*(n in (0, 5) for n in range(7)), encipher_only=False, decipher_only=False),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.OCSP_SIGNING]),
        x509.SubjectKeyIdentifier(b"\1\2\3"),
        x509.AuthorityKeyIdentifier(b"\4\5", [x509.DirectoryName(name)], 9),
        x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)]),
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ca/"))]
        ),
        x509.UnrecognizedExtension(x509.ObjectIdentifier(OURS.oid), b"\4\2\xab\xcd"),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"),
    ):
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(authority, hashes.SHA384())


def values(octets: bytes) -> dict[str, str]:
    return {span.name: span.value for span in certificate_fields(octets, (OURS,))}


def assert_named(octets: bytes) -> None:
    assert_a_tree(certificate_fields(octets, (OURS,)), octets)


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_the_fields_are_those_that_the_library_reads(kind: str) -> None:
    leaf = issue(key(kind, 5), "bank.example", root())
    read, found = leaf.certificate, values(leaf.der)
    assert_named(leaf.der)
    assert found["tbsCertificate.version"] == "v3"
    assert int(found["tbsCertificate.serialNumber"], 16) == read.serial_number
    assert found["tbsCertificate.issuer"] == read.issuer.rfc4514_string()
    assert found["tbsCertificate.validity.notAfter"] == f"{read.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
    assert found["tbsCertificate.signature"] == found["signatureAlgorithm"] == read.signature_algorithm_oid._name
    spans = {span.name: span for span in certificate_fields(leaf.der)}
    assert read.signature in leaf.der[spans["signatureValue"].start : spans["signatureValue"].end]
    tbs = spans["tbsCertificate"]
    assert leaf.der[tbs.start : tbs.end] == read.tbs_certificate_bytes
    numbers = read.public_key().public_numbers()
    if kind == "RSA":
        assert Element(leaf.der, spans[MODULUS].start, spans[MODULUS].end, "").value[1:] == numbers.n.to_bytes(
            256, "big"
        )
        assert "2048 bits" in spans[MODULUS].note
        assert found[MODULUS.replace("modulus", "publicExponent")] == "65537"
    else:
        point = MODULUS.replace("modulus", "point")
        assert found[f"{point}.x"] == f"{numbers.x:064x}"
        assert found[f"{point}.y"] == f"{numbers.y:064x}"


def test_every_extension_has_its_value_in_words() -> None:
    octets = rich().public_bytes(Encoding.DER)
    found = values(octets)
    assert_named(octets)
    assert found["tbsCertificate.subject"] == "C=DE, OU=one, OU=two, CN=bänk"
    assert found["tbsCertificate.subject.organizationalUnitName[1]"] == "two"
    assert found["tbsCertificate.validity.notBefore"] == "2049-12-31 23:00:00 UTC"
    assert found["tbsCertificate.validity.notAfter"] == "2050-01-01 01:00:00 UTC"  # a GeneralizedTime
    extensions = {
        name.removeprefix("tbsCertificate.extensions."): value
        for name, value in found.items()
        if name.startswith("tbsCertificate.extensions.")
    }
    assert extensions["subjectAltName"] == "dNSName bank.example, dNSName b.example, iPAddress 10.0.0.3"
    assert extensions["subjectAltName.extnValue.dNSName[1]"] == "b.example"
    assert extensions["basicConstraints"] == "cA TRUE, pathLenConstraint 2 (critical)"
    assert extensions["basicConstraints.critical"] == "TRUE"
    assert extensions["basicConstraints.extnValue.pathLenConstraint"] == "2"
    assert extensions["keyUsage"] == "digitalSignature, keyCertSign"
    assert extensions["extKeyUsage"] == "serverAuth, OCSPSigning"
    assert extensions["subjectKeyIdentifier"] == "010203"
    assert extensions["authorityKeyIdentifier"] == "0405"
    assert extensions["authorityKeyIdentifier.extnValue.authorityCertSerialNumber"] == "09"
    assert extensions["certificatePolicies"] == "2.23.140.1.2.1"
    assert extensions["authorityInfoAccess.extnValue.entry"] == "1.3.6.1.5.5.7.48.1; http://ca/"
    assert extensions["ours"] == "abcd"
    assert "1-2-3-4" in extensions


def test_a_key_of_another_kind_is_shown_too() -> None:
    octets = rich(ed25519.Ed25519PrivateKey.generate().public_key()).public_bytes(Encoding.DER)
    assert_named(octets)
    found = values(octets)
    assert found["tbsCertificate.subjectPublicKeyInfo.algorithm"] == "id-Ed25519"
    assert len(found["tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.key"]) == 64


def test_the_usual_sentence_is_not_a_count() -> None:
    octets = rich().public_bytes(Encoding.DER)
    assert not [s.name for s in certificate_fields(octets) if s.note[:1].isdigit() and "bytes" in s.note]


def test_damage_is_one_span_that_says_so() -> None:
    octets = issue(key("RSA", 5), "bank.example", root()).der
    spans = {s.name: s for s in certificate_fields(octets)}
    serial = spans["tbsCertificate.serialNumber"]
    broken = octets[: serial.start] + b"\x04" + octets[serial.start + 1 :]
    found = {s.name: s for s in certificate_fields(broken)}
    rest = found["tbsCertificate.unreadable"]
    assert (rest.start, rest.end) == (serial.start, spans["tbsCertificate"].end)
    assert rest.value == "serialNumber has the tag 0x04, not 0x02"
    assert found["signatureValue"].start == spans["signatureValue"].start, "what stands behind it is named as usual"


def test_a_damaged_extension_leaves_the_others() -> None:
    octets = rich().public_bytes(Encoding.DER)
    spans = {s.name: s for s in certificate_fields(octets)}
    usage = spans["tbsCertificate.extensions.keyUsage"]
    broken = octets[: usage.start + 2] + b"\x05" + octets[usage.start + 3 :]
    found = {s.name: s for s in certificate_fields(broken)}
    assert "tbsCertificate.extensions.extKeyUsage" in found
    assert "tbsCertificate.extensions.keyUsage" not in found


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_a_certificate_cut_off_anywhere_is_named_as_far_as_it_goes(kind: str) -> None:
    octets = issue(key(kind, 5), "bank.example", root()).der
    for length in range(len(octets)):
        assert_named(octets[:length])


def test_any_changed_octet_leaves_a_tree() -> None:
    octets = rich().public_bytes(Encoding.DER)
    for place in range(len(octets)):
        for value in (octets[place] ^ 1, octets[place] ^ 0x80, 0xFF, 0x30):
            assert_named(octets[:place] + bytes([value]) + octets[place + 1 :])


def test_nothing_can_make_it_deep_or_endless() -> None:
    deep = b""
    for _ in range(2000):
        deep = tlv(0x30, deep)
    policies = tlv(0x30, tlv(0x06, b"\x55\x1d\x20"), tlv(0x04, tlv(0x30, deep)))
    many = tlv(0x30, *[tlv(0x30, tlv(0x06, b"\x2a\x03"), tlv(0x04, b"\5\0"))] * 20_000)
    plain = issue(key("RSA", 5), "bank.example", root()).der
    fields = [
        Element(plain, s.start, s.end, "")
        for s in certificate_fields(plain)
        if s.name.startswith("tbsCertificate.") and s.name.count(".") == 1
    ]
    before = [f.raw for f in fields if f.tag != 0xA3]
    for listed in (tlv(0x30, policies), many):
        octets = tlv(0x30, tlv(0x30, *before, tlv(0xA3, listed)), tlv(0x30), tlv(0x03, b"\0"))
        assert len(certificate_fields(octets)) < 6_000
        assert_named(octets)


def test_octets_behind_a_certificate_are_said_to_be_there() -> None:
    octets = issue(key("ECDSA", 5), "bank.example", root()).der
    last = certificate_fields(octets + b"more")[-1]
    assert (last.name, last.start, last.value) == ("unreadable", len(octets), "further bytes follow the Certificate")


def test_object_identifiers() -> None:
    assert oid_text(bytes.fromhex("2a864886f70d010101")) == "1.2.840.113549.1.1.1"
    assert oid_text(bytes.fromhex("883703")) == "2.999.3"
    assert oid_name(bytes.fromhex("550403")) == "commonName"
    assert oid_name(bytes.fromhex("2a03")) == "1.2.3"
    for bad in (b"", b"\x80", b"\x2a\x86", b"\x2a" + b"\x81" * 200 + b"\1"):
        with pytest.raises(ValueError, match="OBJECT IDENTIFIER"):
            oid_text(bad)


ALGORITHM, SERIAL, COMMON_NAME = tlv(0x30, oid("1.2.840.10045.4.3.2")), tlv(0x02, b"\1"), oid("2.5.4.3")


def with_parts(*more: bytes) -> dict[str, str]:
    """Return the values of a certificate that has these parts behind its key."""
    plain = issue(key("RSA", 5), "bank.example", root()).der
    before = [
        plain[s.start : s.end]
        for s in certificate_fields(plain)
        if s.name.startswith("tbsCertificate.") and s.name.count(".") == 1 and not s.name.endswith("extensions")
    ]
    octets = tlv(0x30, tlv(0x30, *before, *more), ALGORITHM, tlv(0x03, b"\0"))
    assert_named(octets)
    return values(octets)


def with_extension(number: str, *value: bytes) -> dict[str, str]:
    """Return the values of a certificate with one extension, named from there on."""
    found = with_parts(tlv(0xA3, tlv(0x30, tlv(0x30, oid(number), *value))))
    return {name.removeprefix("tbsCertificate.extensions."): value for name, value in found.items()}


def test_the_two_unique_identifiers_are_told_apart() -> None:
    found = with_parts(tlv(0x81, b"\0\xaa"), tlv(0x82, b"\0\xbb"))
    assert found["tbsCertificate.issuerUniqueID"] == "aa"
    assert found["tbsCertificate.subjectUniqueID"] == "bb"


def test_an_rsa_key_has_no_parameters_and_says_so() -> None:
    assert with_parts()["tbsCertificate.subjectPublicKeyInfo.algorithm.parameters"] == "NULL"


def test_a_certificate_that_ends_where_a_part_should_begin_is_named_so_far() -> None:
    assert values(tlv(0x30, tlv(0x30))) == {"tbsCertificate": ""}
    found = values(tlv(0x30, tlv(0x30, SERIAL, ALGORITHM, tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME))))))
    assert "tbsCertificate.issuer.unreadable" in found


def test_an_extension_without_an_octet_string_is_said_to_be_none() -> None:
    found = with_extension("2.5.29.99", tlv(0x03, b"\0"))
    assert "an Extension is extnID, critical and extnValue (RFC 5280 4.1)" in found.values()
    found = with_extension("2.5.29.99", tlv(0x04, b"\5\0"))
    assert found["2-5-29-99"] == ""
    assert found["2-5-29-99.extnValue"] == "0500"


def test_texts_of_every_type_stand_in_a_list() -> None:
    texts = [tlv(0x0C, "ä".encode()), tlv(0x12, b"12"), tlv(0x13, b"print"), tlv(0x14, b"\xe9"), tlv(0x16, b"ia5")]
    texts += [tlv(0x1A, b"visible"), tlv(0x1E, "b".encode("utf-16-be")), tlv(0x30, tlv(0x16, b"inside"))]
    found = with_extension("1.3.6.1.5.5.7.1.1", tlv(0x04, tlv(0x30, tlv(0x30, oid("1.2.3"), *texts))))
    assert found["authorityInfoAccess.extnValue.entry"] == "1.2.3; ä; 12; print; é; ia5; visible; b; inside"


def test_every_form_of_a_general_name_has_its_name() -> None:
    directory = tlv(0xA4, tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME, tlv(0x0C, b"Bob")))))
    forms = [tlv(0x81, b"a@b"), tlv(0x82, b"c.d"), directory, tlv(0x86, b"urn:e"), tlv(0x87, bytes((10, 0, 0, 9)))]
    forms.append(tlv(0x88, oid("1.2.3")[2:]))
    said = with_extension("2.5.29.17", tlv(0x04, tlv(0x30, *forms)))["subjectAltName"]
    names = [one.partition(" ")[0] for one in said.split(", ")]
    assert names == [
        *("rfc822Name", "dNSName", "directoryName", "uniformResourceIdentifier"),
        *("iPAddress", "registeredID"),
    ]
    assert said.startswith("rfc822Name a@b, dNSName c.d, directoryName ")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (2**63 - 1, str(2**63 - 1)),
        (-(2**63), str(-(2**63))),
        (2**63, "8000000000000000"),
        (-(2**63) - 1, "ff7fffffffffffffff"),
        (0, "0"),
    ],
)
def test_an_integer_is_in_digits_while_a_reader_can_take_it_in(number: int, shown: str) -> None:
    octets = tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))
    assert integer(Element(octets, 0, len(octets), "a number")) == shown


def test_an_object_identifier_of_one_octet() -> None:
    assert oid_text(b"\x2a") == "1.2"
