"""Certificates as TPM makers really issued them, read for judging: `LenientCertificate`.

Strict parsers refuse some certificates of TPM makers and of their authorities, which nobody will issue again: serial
numbers with leading zeros (ST), the attributes of a name in the wrong order (Nuvoton), `critical` and `cA` written out
although they are FALSE (Intel), moduli and halves of ECDSA signatures without the zero that makes them positive,
unused bits that are not zero, keys announced as RSAES-OAEP (Infineon), curves written out as their parameters,
characters that their string type may not have, dates without seconds.

Reading such octets decides nothing: the signature is verified over the octets that came, and `x509.path` judges. A
certificate that can be written in several ways has several digests, so nothing here is to be identified by a digest
of its octets: an endorsement key is identified by its SubjectPublicKeyInfo.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from trustlab.octets.ber import BOOLEAN, NULL, OCTET_STRING, OID, SET, BerNode, read_ber, shortest_integer
from trustlab.octets.der import BIT_STRING, INTEGER, SEQUENCE, VERSION, NotDer
from trustlab.x509.names import ABBREVIATIONS, oid_name, oid_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

CanonicalName = tuple[frozenset[tuple[str, str]], ...]
"""A name for comparing (RFC 5280 7.1): case and spaces do not count, nor does the type of a text."""

ISSUER_ID, SUBJECT_ID, EXTENSIONS = (0x81, 0xA1), (0x82, 0xA2), 0xA3
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
_ENCODINGS = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
"""How texts are encoded; those of other types (PrintableString, TeletexString, IA5String) are Latin-1 in practice."""
_TEXTS = {0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E}
_DATE = re.compile(rb"(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:[.,]\d+)?(?:Z|[+-]0000)?")
UNCOMPRESSED, COMPRESSED = PublicFormat.UncompressedPoint, PublicFormat.CompressedPoint

RSA_KEY = bytes.fromhex("2a864886f70d010101")
RSA_KEYS = {"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.7", "1.2.840.113549.1.1.10"}
"""rsaEncryption, id-RSAES-OAEP and id-RSASSA-PSS: the key is the same (RFC 4055 1.2)."""
EC_KEY = "1.2.840.10045.2.1"
CURVES: dict[int, tuple[bytes, ec.EllipticCurve]] = {
    2**256 - 2**224 + 2**192 + 2**96 - 1: (bytes.fromhex("2a8648ce3d030107"), ec.SECP256R1()),
    2**384 - 2**128 - 2**96 + 2**32 - 1: (bytes.fromhex("2b81040022"), ec.SECP384R1()),
    2**521 - 1: (bytes.fromhex("2b81040023"), ec.SECP521R1()),
}
"""The primes of P-256, P-384 and P-521 (FIPS 186-4, D.1.2), with the curve's number (RFC 5480 2.1.1.1)."""

SHA1 = {"1.2.840.113549.1.1.5": "RSA", "1.2.840.10045.4.1": "ECDSA", "1.3.14.3.2.29": "RSA"}
RSA_SIGNATURES: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
ECDSA_SIGNATURES: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}
PSS = "1.2.840.113549.1.1.10"
PSS_HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}


@dataclass(frozen=True)
class LenientExtension:
    """An extension: its value is DER or something like it."""

    critical: bool
    value: bytes


@dataclass(frozen=True, eq=False)
class LenientCertificate:
    """A certificate taken apart, as far as judging a path needs it; see `read_lenient`.

    `signed` is tbsCertificate as it came, `spki` the key as RFC 3279 and RFC 5480 write it, whatever came.
    """

    octets: bytes
    signed: bytes
    algorithm: str
    parameters: BerNode | None
    signature: bytes
    version: int
    issuer: CanonicalName
    subject: CanonicalName
    subject_shown: str
    issuer_shown: str
    begin: dt.datetime
    end: dt.datetime
    spki: bytes
    extensions: dict[str, LenientExtension] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<LenientCertificate of {self.called}>"

    @property
    def called(self) -> str:
        """Its subject for people; EK certificates often have none."""
        return self.subject_shown or "the certificate without a subject"

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer (RFC 5280 3.2)."""
        return self.issuer == self.subject

    @cached_property
    def identity(self) -> bytes:
        """What stays the same however the certificate is written: the digest of what was signed."""
        return hashlib.sha256(self.signed).digest()

    @property
    def spki_digest(self) -> bytes:
        """The SHA-256 of its SubjectPublicKeyInfo, by which an endorsement key is known."""
        return hashlib.sha256(self.spki).digest()

    @cached_property
    def key(self) -> PublicKeyTypes | None:
        """The public key; None if its numbers are none, or of an unknown kind."""
        try:
            return load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm):
            return None

    def signed_by(self, issuer: LenientCertificate) -> bool:
        """Whether the issuer's key made the signature. False as well for SHA-1, and for kinds that are not known."""
        key, chosen = issuer.key, ECDSA_SIGNATURES.get(self.algorithm)
        try:
            if isinstance(key, ec.EllipticCurvePublicKey) and chosen is not None:
                pair = unsigned_pair(self.signature, "the ECDSA-Sig-Value")
                key.verify(pair, self.signed, ec.ECDSA(chosen))
                return True
            if isinstance(key, rsa.RSAPublicKey) and (how := self._rsa_padding()) is not None:
                key.verify(self.signature, self.signed, *how)
                return True
        except (InvalidSignature, NotDer, ValueError):
            return False
        return False

    def _rsa_padding(self) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm] | None:
        if self.algorithm in RSA_SIGNATURES:
            return padding.PKCS1v15(), RSA_SIGNATURES[self.algorithm]
        if self.algorithm != PSS or self.parameters is None:
            return None
        named = next((part for part in self.parameters.parts if part.tag == 0xA0 and part.parts), None)
        chosen = None if named is None else PSS_HASHES.get(_number_of(named.parts[0]))
        return None if chosen is None else (padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO), chosen)


def read_lenient(octets: bytes) -> LenientCertificate:
    """Take the certificate apart that octets begin with; NotDer says what makes that impossible."""
    whole = read_ber(octets, "the Certificate").expect(SEQUENCE, "the Certificate")
    if len(whole.parts) != 3:
        raise NotDer(f"the Certificate has {len(whole.parts)} parts, not 3")
    tbs, outer, value = whole.parts
    parts = list(tbs.expect(SEQUENCE, "tbsCertificate").parts)
    version = _version(parts.pop(0)) if parts and parts[0].tag == VERSION else 1
    if len(parts) < 6:
        raise NotDer("tbsCertificate lacks a part")
    serial, inner, issuer, validity, subject, key, *rest = parts
    serial.expect(INTEGER, "serialNumber")
    algorithm = _number_of(inner)
    if _number_of(outer) != algorithm or _parameters(outer) != _parameters(inner):
        raise NotDer("signatureAlgorithm is not the one inside tbsCertificate (RFC 5280 4.1.1.2)")
    extensions = _extensions(rest)
    if extensions and version < 3:
        raise NotDer("extensions in a certificate that is not of version 3 (RFC 5280 4.1.2.1)")
    if len(validity.expect(SEQUENCE, "validity").parts) != 2:
        raise NotDer("validity is not two dates")
    return LenientCertificate(
        octets=whole.raw,
        signed=tbs.raw,
        algorithm=algorithm,
        parameters=inner.parts[1] if len(inner.parts) > 1 else None,
        signature=value.expect(BIT_STRING, "signatureValue").written[1:],
        version=version,
        issuer=canonical_name(issuer),
        subject=canonical_name(subject),
        subject_shown=_in_a_line(subject),
        issuer_shown=_in_a_line(issuer),
        begin=_moment(validity.parts[0]),
        end=_moment(validity.parts[1]),
        spki=_spki(key),
        extensions=extensions,
    )


def _version(node: BerNode) -> int:
    inner = node.parts
    if len(inner) != 1 or inner[0].tag != INTEGER or inner[0].content not in (b"\0", b"\1", b"\2"):
        raise NotDer("a version that is not 1, 2 or 3 (RFC 5280 4.1.2.1)")
    return inner[0].content[0] + 1


def _number_of(node: BerNode) -> str:
    """Return the dotted number that a SEQUENCE begins with; NotDer if it begins with something else."""
    if node.tag != SEQUENCE or not node.parts or node.parts[0].tag != OID:
        raise NotDer("an algorithm or an extension without a number")
    return dotted(node.parts[0])


def dotted(node: BerNode) -> str:
    """Return an OBJECT IDENTIFIER in its dotted form; NotDer if it is none."""
    try:
        return oid_text(node.expect(OID, "an OBJECT IDENTIFIER").content)
    except NotDer:
        raise
    except ValueError as error:
        raise NotDer(str(error)) from error


def _parameters(algorithm: BerNode) -> bytes:
    """Return an algorithm's parameters for comparing: NULL and nothing mean the same."""
    return b"".join(part.encode() for part in algorithm.parts[1:] if part.tag != NULL)


def canonical_name(node: BerNode) -> CanonicalName:
    """Return a name as names are compared; NotDer if it is none."""
    name = []
    for relative in node.expect(SEQUENCE, "a name").parts:
        attributes = relative.expect(SET, "a part of a name").parts
        if not attributes:
            raise NotDer("an empty part of a name")
        name.append(frozenset((kind, " ".join(text.split()).casefold()) for kind, text in map(_attribute, attributes)))
    return tuple(name)


def _attribute(node: BerNode) -> tuple[str, str]:
    if node.tag != SEQUENCE or len(node.parts) != 2:
        raise NotDer("a part of a name is not a type with a value")
    kind, value = node.parts
    if value.tag not in _TEXTS:
        return dotted(kind), value.encode().hex()
    try:
        return dotted(kind), value.content.decode(_ENCODINGS.get(value.tag, "latin-1"))
    except UnicodeDecodeError as error:
        raise NotDer("a name has a text that is none") from error


def attributes_of(node: BerNode) -> dict[str, str]:
    """Return the attributes of a name by their dotted numbers; NotDer if it is no name."""
    canonical_name(node)
    return dict(_attribute(attribute) for relative in node.parts for attribute in relative.parts)


def _in_a_line(node: BerNode) -> str:
    parts = []
    for relative in node.parts:
        for attribute in relative.parts:
            word = oid_name(attribute.parts[0].content)
            parts.append(f"{ABBREVIATIONS.get(word, word)}={_attribute(attribute)[1]}")
    line = ", ".join(parts)
    return line if line.isprintable() else ascii(line)


def _moment(node: BerNode) -> dt.datetime:
    found = _DATE.fullmatch(node.content)
    if not found or node.tag not in (UTC_TIME, GENERALIZED_TIME):
        raise NotDer("a date that is none")
    if (len(found[1]) == 4) != (node.tag == GENERALIZED_TIME):
        raise NotDer("a date with the year of another type of date")
    year, month, day, hour, minute, second = (int(part or b"0") for part in found.groups())
    if node.tag == UTC_TIME:
        year += 1900 if year >= 50 else 2000
    try:
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError as error:
        raise NotDer("a date that is none") from error


def _spki(node: BerNode) -> bytes:
    """Return a SubjectPublicKeyInfo as RFC 3279 and RFC 5480 want it: the key stays the same."""
    if len(node.expect(SEQUENCE, "subjectPublicKeyInfo").parts) != 2:
        raise NotDer("subjectPublicKeyInfo is not an algorithm and a key")
    algorithm, key = node.parts
    number = _number_of(algorithm)
    octets = key.expect(BIT_STRING, "subjectPublicKey").content
    if number in RSA_KEYS:
        algorithm = BerNode(SEQUENCE, parts=[BerNode(OID, RSA_KEY), BerNode(NULL)])
        octets = b"\0" + unsigned_pair(octets[1:], "RSAPublicKey")
    elif number == EC_KEY and len(algorithm.parts) == 2 and algorithm.parts[1].tag == SEQUENCE:
        algorithm = BerNode(SEQUENCE, parts=[algorithm.parts[0], BerNode(OID, _named_curve(algorithm.parts[1]))])
    return BerNode(SEQUENCE, parts=[algorithm, BerNode(BIT_STRING, octets)]).encode()


def unsigned_pair(octets: bytes, what: str) -> bytes:
    """Return a SEQUENCE of two numbers, neither of which can be negative, in DER: an RSA key, an ECDSA signature."""
    pair = read_ber(octets, what)
    if pair.tag != SEQUENCE or [part.tag for part in pair.parts] != [INTEGER, INTEGER]:
        raise NotDer(f"{what} is not two numbers")
    for part in pair.parts:
        part.content = shortest_integer(b"\0" + part.written, what)
    return pair.encode()


def _named_curve(parameters: BerNode) -> bytes:
    """Return the number of the curve that ECParameters describe: one of NIST's, with its own generator and order."""
    try:
        _version, prime, _coefficients, base, order = parameters.parts[:5]
        number, curve = CURVES[int.from_bytes(prime.parts[1].written, "big")]
        point = ec.derive_private_key(1, curve).public_key()
        forms = {point.public_bytes(Encoding.X962, form) for form in (UNCOMPRESSED, COMPRESSED)}
        if base.content in forms and int.from_bytes(order.written, "big") == curve.group_order:
            return number
    except (KeyError, IndexError, ValueError):
        pass
    raise NotDer("a key on a curve that is none of NIST's P-256, P-384 and P-521")


def _extensions(rest: list[BerNode]) -> dict[str, LenientExtension]:
    found: dict[str, LenientExtension] = {}
    for node in rest:
        if node.tag == EXTENSIONS and len(node.parts) == 1:
            for each in node.parts[0].expect(SEQUENCE, "the extensions").parts:
                number, extension = _extension(each)
                if number in found:
                    raise NotDer(f"two extensions of the type {number} (RFC 5280 4.2)")
                found[number] = extension
        elif node.tag not in (*ISSUER_ID, *SUBJECT_ID):
            raise NotDer(f"a part of tbsCertificate has the tag 0x{node.tag:02x}")
    return found


def _extension(node: BerNode) -> tuple[str, LenientExtension]:
    number, rest = _number_of(node), node.parts[1:]
    critical = rest.pop(0).content == b"\xff" if rest and rest[0].tag == BOOLEAN else False
    if len(rest) != 1 or rest[0].tag != OCTET_STRING:
        raise NotDer(f"the extension {number} has no value")
    return number, LenientExtension(critical, rest[0].content)
