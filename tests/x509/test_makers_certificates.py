"""What TPM makers issue: octets that strict parsers refuse, paths of many certificates, and bundles of all kinds.

The chains are of our own making, in the manner of makers: Intel's on-die authorities, Infineon's RSAES-OAEP keys, ST's
numbers, Nuvoton's names, roots that somebody else signed as well.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from broken_certificates import EXTENSIONS, ISSUER, SERIAL, SPKI, SUBJECT, elements, inside, oid, rebuilt, tlv
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

from trustlab.octets.ber import read_ber
from trustlab.octets.der import NotDer
from trustlab.x509 import PathProblem, PathPurpose, find_path, read_bundle, read_lenient, unwrapped
from trustlab.x509.path import MAX_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
EK = PathPurpose("2.23.133.8.1", "TPM maker")
RSA_KEY = rsa.generate_private_key(65537, 2048)


def name(text: str, *, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]
    if organization:
        parts.insert(0, x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


@dataclass
class Authority:
    """A CA with a key; `extensions` replace the usual ones."""

    subject: x509.Name
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP384R1())
    )

    def issue(self, subject: x509.Name, key, *extensions, days: int = 30, issuer: x509.Name | None = None) -> bytes:
        builder = (
            x509.CertificateBuilder(issuer or self.subject, subject, key, x509.random_serial_number())
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + days * DAY)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def root(self, *extensions) -> bytes:
        return self.issue(self.subject, self.key.public_key(), *(extensions or CA))

    def below(self, text: str, *extensions, organization: str = "") -> tuple[Authority, bytes]:
        lower = Authority(name(text, organization=organization))
        return lower, self.issue(lower.subject, lower.key.public_key(), *(extensions or CA))

    def ek(self, *extensions, key=None, subject: x509.Name | None = None, days: int = 30) -> bytes:
        usual = ((x509.ExtendedKeyUsage([x509.ObjectIdentifier(EK.number)]), False),)
        return self.issue(
            x509.Name([]) if subject is None else subject, (key or EK_KEY).public_key(), *usual, *extensions, days=days
        )


def usage(*bits: str) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{bit: bit in bits for bit in names})


EK_KEY = ec.generate_private_key(ec.SECP256R1())
CA = ((x509.BasicConstraints(ca=True, path_length=None), True), (usage("key_cert_sign"), True))
MAKER = Authority(name("Maker root"))
ROOT = MAKER.root()


def problem(leaf: bytes, *others: bytes, anchors: tuple[bytes, ...] = (ROOT,), time: dt.datetime = NOW) -> str:
    """Return what is wrong with the path, nothing if it is valid."""
    try:
        find_path(read_lenient(leaf), [*map(read_lenient, anchors)], [*map(read_lenient, others)], EK, time)
    except PathProblem as wrong:
        return str(wrong)
    return ""


def limited(length: int):
    return (x509.BasicConstraints(ca=True, path_length=length), True), (usage("key_cert_sign"), True)


# RFC 5280 6.1


def test_a_path_as_long_as_intels() -> None:
    authority, between = MAKER, []
    for n in range(5):
        authority, der = authority.below(f"on-die authority {n}")
        between.append(der)
    assert problem(authority.ek(), *between) == ""
    assert "no TPM maker that we trust issued CN=on-die authority 2" in problem(authority.ek(), *between[2:])


def test_a_path_length_is_kept() -> None:
    one, first = MAKER.below("one", *limited(0))
    two, second = one.below("two")
    assert problem(one.ek(), first) == ""
    assert "more authorities stand below" in problem(two.ek(), first, second)
    narrow = MAKER.root(*limited(0))
    assert "more authorities stand below" in problem(one.ek(), first, anchors=(narrow,))


def test_an_authority_that_rolls_its_key_over_does_not_count() -> None:
    one, first = MAKER.below("one", *limited(0))
    again = Authority(one.subject)
    rolled = one.issue(one.subject, again.key.public_key(), *CA)
    assert problem(again.ek(), rolled, first) == ""


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        (((x509.BasicConstraints(ca=True, path_length=None), True), (usage("crl_sign"), True)), "keyCertSign"),
        (((x509.BasicConstraints(ca=False, path_length=None), True),), "is not a CA's certificate"),
        (((usage("key_cert_sign"), True),), "is not a CA's certificate"),
        (
            (*CA, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)),
            "does not understand (1.2.3.4)",
        ),
        ((*CA, (x509.PolicyConstraints(0, None), True)), "none of the policies"),
        ((*CA, (x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), False)), "not for this purpose"),
    ],
)
def test_an_authority_that_may_not_vouch(extensions, said: str) -> None:
    one, first = MAKER.below("one", *extensions)
    assert said in problem(one.ek(), first)
    assert said in problem(one.ek(), anchors=(first,)), "the same as an anchor"


def test_policies_that_the_whole_path_has() -> None:
    policy = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.9"), None)]), False
    other = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.8"), None)]), False
    one, first = MAKER.below("one", *CA, policy, (x509.PolicyConstraints(0, None), True))
    assert problem(one.ek(policy), first) == ""
    assert "none of the policies" in problem(one.ek(other), first)
    assert "none of the policies" in problem(one.ek(), first)


TPM_NAMES = x509.SubjectAlternativeName(
    [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.ObjectIdentifier("2.23.133.2.1"), "id:4E544300")]))]
)


def constrained(permitted: list | None, excluded: list | None):
    return *CA, (x509.NameConstraints(permitted, excluded), True)


@pytest.mark.parametrize(
    ("permitted", "excluded", "good"),
    [
        ([x509.DirectoryName(name("x", organization="Maker"))], None, False),
        ([x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "MAKER ")]))], None, True),
        (None, [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "maker")]))], False),
        (None, [x509.DirectoryName(name("x", organization="other"))], True),
        ([x509.DNSName("example")], None, True),
    ],
)
def test_name_constraints_are_about_names_as_they_are_compared(permitted, excluded, good) -> None:
    one, first = MAKER.below("one", *constrained(permitted, excluded))
    leaf = one.ek(subject=name("chip", organization="Maker"))
    assert (problem(leaf, first) == "") == good
    assert good or "name constraints" in problem(leaf, first)


@pytest.mark.parametrize(
    ("base", "given", "good"),
    [
        (x509.DNSName("a.example"), x509.DNSName("b.A.example"), True),
        (x509.DNSName("a.example"), x509.DNSName("ba.example"), False),
        (x509.RFC822Name("a.example"), x509.RFC822Name("x@a.example"), True),
        (x509.RFC822Name("a.example"), x509.RFC822Name("x@b.a.example"), False),
        (x509.RFC822Name(".a.example"), x509.RFC822Name("x@b.a.example"), True),
        (x509.RFC822Name("y@a.example"), x509.RFC822Name("x@a.example"), False),
        (x509.UniformResourceIdentifier("a.example"), x509.UniformResourceIdentifier("http://u@a.example:1/x"), True),
        (x509.UniformResourceIdentifier(".a.example"), x509.UniformResourceIdentifier("http://a.example/x"), False),
        (x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), x509.IPAddress(ipaddress.ip_address("10.9.9.9")), True),
        (x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), x509.IPAddress(ipaddress.ip_address("11.9.9.9")), False),
    ],
)
def test_name_constraints_of_every_kind(base, given, good) -> None:
    one, first = MAKER.below("one", *constrained([base], None))
    leaf = one.ek((x509.SubjectAlternativeName([given]), False))
    assert (problem(leaf, first) == "") == good


def test_dates_of_every_certificate_count() -> None:
    one, first = MAKER.below("one")
    assert "is not valid today" in problem(one.ek(days=3), first, time=NOW + 4 * DAY)
    assert "CN=one is not valid today" in problem(one.ek(days=90), first, time=NOW + 60 * DAY)
    assert problem(one.ek(), first) == ""


def test_a_cross_signed_root_is_an_anchor_when_it_is_named_as_one() -> None:
    other = Authority(name("Another root"))
    crossed = other.issue(MAKER.subject, MAKER.key.public_key(), *CA)
    one, first = MAKER.below("one")
    assert problem(one.ek(), first, anchors=(crossed,)) == ""
    assert problem(one.ek(), first, crossed, anchors=(other.root(),)) == ""
    assert problem(one.ek(), first, crossed, ROOT, anchors=(other.root(),)) == "", "both ways stand in the bundle"
    bundle = read_bundle(first + crossed)
    assert [anchor.called for anchor in bundle.anchors] == ["CN=Maker root"]
    assert [between.called for between in bundle.between] == ["CN=one"]


def test_a_search_among_certificates_of_one_name_ends() -> None:
    same = name("the same")
    keys = [Authority(same) for _ in range(12)]
    crowd = [a.issue(same, b.key.public_key(), *CA) for a in keys for b in keys if a is not b]
    assert "more than" in problem(keys[0].ek(), *crowd) or "no TPM maker" in problem(keys[0].ek(), *crowd)
    assert MAX_PATH >= 6


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_an_authority_on_every_curve(curve) -> None:
    maker = Authority(name("m"), ec.generate_private_key(curve))
    assert problem(maker.ek(), anchors=(maker.root(),)) == ""


def test_rsa_by_either_padding_and_never_by_sha1() -> None:
    maker = Authority(name("m"), RSA_KEY)
    assert problem(maker.ek(), anchors=(maker.root(),)) == ""
    builder = x509.CertificateBuilder(maker.subject, x509.Name([]), EK_KEY.public_key(), 7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(EK.number)]), critical=False)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    der = builder.sign(maker.key, hashes.SHA256(), rsa_padding=pss).public_bytes(Encoding.DER)
    assert problem(der, anchors=(maker.root(),)) == ""
    tbs, _, _ = elements(inside(der))
    sha1 = tlv(0x30, oid("1.2.840.113549.1.1.5"), tlv(5))
    fields = elements(inside(tbs))
    fields[2] = sha1
    tbs = tlv(0x30, *fields)
    weak = tlv(0x30, tbs, sha1, tlv(3, b"\0", RSA_KEY.sign(tbs, padding.PKCS1v15(), hashes.SHA1())))  # noqa: S303
    assert "signed with SHA-1" in problem(weak, anchors=(maker.root(),))


# octets that strict parsers refuse

SIGNER = Authority(name("Maker root"), ec.generate_private_key(ec.SECP256R1()))
GOOD = SIGNER.ek((TPM_NAMES, True), (usage("key_agreement"), True), subject=name("chip", organization="Maker"))
ANCHOR = (SIGNER.root(),)


def spki_of(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[list[bytes]], None]:
    return lambda fields: fields.__setitem__(SPKI, tlv(0x30, *change(elements(inside(fields[SPKI])))))


def explicit_curve(parts: list[bytes]) -> list[bytes]:
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    base = ec.derive_private_key(1, ec.SECP256R1()).public_key()
    point = base.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def integer(value: int) -> bytes:
        return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    parameters = tlv(
        0x30, integer(1), tlv(0x30, oid("1.2.840.10045.1.1"), integer(p)), tlv(0x30, tlv(4, bytes(32)), tlv(4, bytes(32))),
        tlv(4, point), integer(0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551), integer(1),
    )  # fmt: skip
    return [tlv(0x30, oid("1.2.840.10045.2.1"), parameters), parts[1]]


def false_written(fields: list[bytes]) -> None:
    """Write `critical` and `cA` although they are FALSE, as Intel does."""
    listed = elements(inside(inside(fields[EXTENSIONS])))
    listed = [
        tlv(0x30, elements(inside(e))[0], tlv(1, b"\0"), elements(inside(e))[-1]) if b"\x55\x1d\x25" in e else e
        for e in listed
    ]
    listed.append(tlv(0x30, oid("2.5.29.19"), tlv(1, b"\1"), tlv(4, tlv(0x30, tlv(1, b"\0")))))
    fields[EXTENSIONS] = tlv(0xA3, tlv(0x30, *listed))


def unsorted_name(fields: list[bytes]) -> None:
    """Put several attributes into one part of a name, in the wrong order, as Nuvoton does."""
    attributes = [tlv(0x30, oid(kind), tlv(0x13, text)) for kind, text in (("2.5.4.10", b"zz"), ("2.5.4.3", b"aa_*@"))]
    fields[SUBJECT] = tlv(0x30, tlv(0x31, *attributes))


ODD = {
    "a serial number with zeros in front (ST)": lambda f: f.__setitem__(SERIAL, tlv(2, b"\0\0\0\6")),
    "a negative serial number": lambda f: f.__setitem__(SERIAL, tlv(2, b"\xff\xff\x80")),
    "FALSE written out (Intel)": false_written,
    "a name in the wrong order (Nuvoton)": unsorted_name,
    "an issuer of other string types": lambda f: f.__setitem__(
        ISSUER, tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.3"), tlv(0x1E, "MAKER  Root".encode("utf-16-be")))))
    ),
    "a curve by its parameters": spki_of(explicit_curve),
    "a long length": lambda f: f.__setitem__(SUBJECT, b"\x30\x82\0\0"),
    "no stated length": lambda f: f.__setitem__(SUBJECT, b"\x30\x80\0\0"),
    "a date without seconds": lambda f: f.__setitem__(
        4, tlv(0x30, tlv(0x17, (NOW - DAY).strftime("%y%m%d%H%MZ").encode()), tlv(0x18, b"20990101000000.5Z"))
    ),
}


@pytest.mark.parametrize("how", ODD)
def test_odd_octets_of_makers_are_read_and_their_signature_verified(how: str) -> None:
    der = rebuilt(GOOD, SIGNER.key, ODD[how])
    assert problem(der, anchors=ANCHOR) == ""
    assert read_lenient(der).spki == read_lenient(GOOD).spki
    changed = der.replace(b"\x55\x1d\x25", b"\x55\x1d\x26")
    assert problem(changed, anchors=ANCHOR), "what was signed is what counts"


def test_an_rsa_key_announced_as_oaep_with_a_modulus_without_its_zero() -> None:
    numbers = RSA_KEY.public_key().public_numbers()
    modulus = tlv(2, numbers.n.to_bytes(256, "big"))
    oaep = tlv(0x30, oid("1.2.840.113549.1.1.7"), tlv(0x30))
    key = tlv(0x30, oaep, tlv(3, b"\0", tlv(0x30, modulus, tlv(2, b"\1\0\1"))))
    der = rebuilt(SIGNER.ek(), SIGNER.key, lambda fields: fields.__setitem__(SPKI, key))
    assert problem(der, anchors=ANCHOR) == ""
    assert read_lenient(der).key == RSA_KEY.public_key()
    plain = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert read_lenient(der).spki == plain


def test_a_curve_with_another_generator_is_none_of_ours() -> None:
    def curveball(parts: list[bytes]) -> list[bytes]:
        base = ec.derive_private_key(1, ec.SECP256R1()).public_key()
        other = ec.derive_private_key(2, ec.SECP256R1()).public_key()
        old, new = (k.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for k in (base, other))
        return [part.replace(old, new) for part in explicit_curve(parts)]

    with pytest.raises(NotDer, match="none of NIST's"):
        read_lenient(rebuilt(GOOD, SIGNER.key, spki_of(curveball)))


def test_nothing_that_is_read_takes_long_or_raises_anything_else() -> None:
    for octets in (b"", b"\x30", b"\x30\x80" * 5000, b"\x30\x84\xff\xff\xff\xff", b"\x1f\x81\0", b"\x24\x80" * 40):
        with pytest.raises(NotDer):
            read_ber(octets, "it")
        assert read_bundle(octets).certificates == []
    for at in range(0, len(GOOD), 7):
        for cut in (GOOD[:at], GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :]):
            read_bundle(cut)


# bundles

PEM = x509.load_der_x509_certificate(ROOT).public_bytes(Encoding.PEM)


def header(der: bytes, *, tagged: bool) -> bytes:
    inner = (b"\x10\x02" if tagged else b"") + der
    return b"\x10\x01\0" + struct.pack(">H", len(inner)) + inner


@pytest.mark.parametrize(
    ("octets", "count"),
    [
        (ROOT, 1),
        (ROOT + GOOD, 2),
        (ROOT + b"\xff" * 700, 1),
        (ROOT + bytes(99) + GOOD + b"\xff\0", 2),
        (header(ROOT, tagged=True) + b"\xff" * 20, 1),
        (header(ROOT, tagged=False), 1),
        (b"a maker's note\n" + PEM + b"and more\n" + PEM.replace(b"CERTIFICATE", b"X509 CERTIFICATE"), 2),
        (base64.b64encode(ROOT), 1),
        (json.dumps({"pubhash": "x", "certificate": base64.urlsafe_b64encode(ROOT).decode().rstrip("=")}).encode(), 1),
        (pkcs7.serialize_certificates([x509.load_der_x509_certificate(c) for c in (ROOT, GOOD)], Encoding.DER), 2),
        (pkcs7.serialize_certificates([x509.load_der_x509_certificate(ROOT)], Encoding.PEM), 1),
    ],
)
def test_certificates_are_found_in_every_wrapping(octets: bytes, count: int) -> None:
    bundle = read_bundle(octets)
    assert bundle.skipped == []
    assert ROOT in [c.octets for c in bundle.certificates]
    assert len(bundle.certificates) == count


def test_one_bad_certificate_does_not_spoil_a_bundle() -> None:
    bad = PEM.replace(base64.b64encode(ROOT)[:20], b"AAAA" * 5)
    bundle = read_bundle(PEM + bad + b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + PEM, "makers.pem")
    assert len(bundle.certificates) == 2
    assert [sentence[:25] for sentence in bundle.skipped] == ["makers.pem: certificate 2", "makers.pem: certificate 3"]


@pytest.mark.parametrize(
    "octets", [b"", b"\xff" * 900, b"\x10\x01\0\xff\xff\x30", b"\x10\x01\0\0\0", b'{"certificate": 5}', b"text"]
)
def test_a_file_without_a_certificate_says_so(octets: bytes) -> None:
    assert read_bundle(octets).certificates == []
    with pytest.raises(NotDer):
        unwrapped(octets)


def test_a_private_key_in_the_file_is_left_alone() -> None:
    private = EK_KEY.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    bundle = read_bundle(private + PEM)
    assert (len(bundle.certificates), bundle.skipped) == (1, [])
