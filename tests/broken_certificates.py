"""Certificates taken apart and put together wrongly: malformed parts, properly signed, and other encodings of good ones.

A certificate is three elements, of which the first, tbsCertificate, is signed (RFC 5280 4.1). `rebuilt` changes a field
of it and signs anew, so that what is malformed reaches the code behind the signature; `OTHER_ENCODINGS` change what the
signature does not cover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

SERIAL, ISSUER, VALIDITY, SUBJECT, SPKI, EXTENSIONS = 1, 3, 4, 5, 6, 7
"""Where the fields of tbsCertificate stand, version 0 and signature 2 beside them."""
Fields = list[bytes]


def tlv(tag: int, *content: bytes) -> bytes:
    """Return a DER element."""
    value = b"".join(content)
    if len(value) < 0x80:
        return bytes([tag, len(value)]) + value
    size = (len(value).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(value).to_bytes(size, "big") + value


def inside(element: bytes) -> bytes:
    """Return what a DER element holds."""
    return element[2 + (element[1] & 0x7F if element[1] & 0x80 else 0) :]


def elements(content: bytes) -> Fields:
    """Cut the content of a SEQUENCE into its elements."""
    found = []
    while content:
        size = content[1] & 0x7F if content[1] & 0x80 else 0
        length = int.from_bytes(content[2 : 2 + size], "big") if size else content[1]
        end = 2 + size + length
        found.append(content[:end])
        content = content[end:]
    return found


def number(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    octets = bytes([40 * first + second])
    for arc in rest:
        part = [arc & 0x7F]
        while arc := arc >> 7:
            part.insert(0, arc & 0x7F | 0x80)
        octets += bytes(part)
    return tlv(6, octets)


_ECDSA_WITH_SHA256 = tlv(0x30, oid("1.2.840.10045.4.3.2"))


def signed(tbs: bytes, key: Any) -> bytes:
    """Sign octets, a tbsCertificate or not, with an ECDSA key and SHA-256."""
    return tlv(0x30, tbs, _ECDSA_WITH_SHA256, tlv(3, b"\0", key.sign(tbs, ec.ECDSA(hashes.SHA256()))))


def rebuilt(der: bytes, key: Any, change: Callable[[Fields], object]) -> bytes:
    """Return a certificate with the fields of its tbsCertificate changed, signed by its issuer's key."""
    fields = elements(inside(elements(inside(der))[0]))
    change(fields)
    return signed(tlv(0x30, *fields), key)


def field(which: int, octets: bytes) -> Callable[[Fields], object]:
    return lambda fields: fields.__setitem__(which, octets)


def extension(dotted: str, value: bytes, *, twice: bool = False) -> Callable[[Fields], object]:
    """Replace or add an extension; `twice` adds it two times."""

    def change(fields: Fields) -> None:
        here = elements(inside(inside(fields[EXTENSIONS])))
        kept = [each for each in here if not inside(each).startswith(oid(dotted))]
        added = [tlv(0x30, oid(dotted), tlv(4, value))] * (2 if twice else 1)
        fields[EXTENSIONS] = tlv(0xA3, tlv(0x30, *kept, *added))

    return change


def renamed(tag: int, text: bytes, attribute: str = "2.5.4.3") -> Callable[[Fields], object]:
    name = tlv(0x30, tlv(0x31, tlv(0x30, oid(attribute), tlv(tag, text))))
    return field(SUBJECT, name)


def dated(begin: bytes, end: bytes) -> Callable[[Fields], object]:
    return field(VALIDITY, tlv(0x30, begin, end))


def with_key(algorithm: bytes, key: bytes, unused: bytes = b"\0") -> Callable[[Fields], object]:
    return field(SPKI, tlv(0x30, algorithm, tlv(3, unused, key)))


_MODULUS = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
_POINT = ec.derive_private_key(0x5EED, ec.SECP256R1()).public_key()
_UNCOMPRESSED = _POINT.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
_RSA = tlv(0x30, oid("1.2.840.113549.1.1.1"), tlv(5))
_ECKEY = oid("1.2.840.10045.2.1")
_P256 = tlv(0x30, _ECKEY, oid("1.2.840.10045.3.1.7"))


def _rsa(modulus: int, exponent: int) -> Callable[[Fields], object]:
    return with_key(_RSA, tlv(0x30, number(modulus), number(exponent)))


_SAN, _USAGE, _BASIC, _EKU = "2.5.29.17", "2.5.29.15", "2.5.29.19", "2.5.29.37"
_GOOD_UTC, _LATE_UTC = tlv(0x17, b"240101000000Z"), tlv(0x17, b"490101000000Z")

MALFORMED: dict[str, Callable[[Fields], object]] = {
    "SAN: not a SEQUENCE": extension(_SAN, b"\4\1\0"),
    "SAN: nothing": extension(_SAN, b""),
    "SAN: cut off": extension(_SAN, b"\x30\x0e\x82\x0cbank"),
    "SAN: octets behind it": extension(_SAN, tlv(0x30, tlv(0x82, b"bank.example")) + b"\0"),
    "SAN: x400Address": extension(_SAN, tlv(0x30, tlv(0x82, b"bank.example"), tlv(0xA3, tlv(0x30)))),
    "SAN: ediPartyName": extension(_SAN, tlv(0x30, tlv(0xA5, tlv(0xA1, tlv(0x0C, b"x"))))),
    "SAN: otherName of garbage": extension(_SAN, tlv(0x30, tlv(0xA0, b"\xff\xff"))),
    "SAN: an address of 5 octets": extension(_SAN, tlv(0x30, tlv(0x87, b"12345"))),
    "SAN: a name beyond ASCII": extension(_SAN, tlv(0x30, tlv(0x82, "bücher.example".encode()))),
    "SAN: directoryName of garbage": extension(_SAN, tlv(0x30, tlv(0xA4, b"\x31\0"))),
    "SAN: registeredID of garbage": extension(_SAN, tlv(0x30, tlv(0x88, b"\x80\x80"))),
    "SAN: twice": extension(_SAN, tlv(0x30, tlv(0x82, b"bank.example")), twice=True),
    "keyUsage: not a BIT STRING": extension(_USAGE, b"\4\1\x80"),
    "keyUsage: nothing": extension(_USAGE, b"\3\0"),
    "keyUsage: nine unused bits": extension(_USAGE, b"\3\2\x09\x80"),
    "keyUsage: unused bits set": extension(_USAGE, b"\3\2\7\xff"),
    "keyUsage: unused bits of no octet": extension(_USAGE, b"\3\1\7"),
    "keyUsage: twice": extension(_USAGE, b"\3\2\7\x80", twice=True),
    "basicConstraints: garbage": extension(_BASIC, b"\x30\3\1\1\7"),
    "basicConstraints: a negative path": extension(_BASIC, tlv(0x30, tlv(1, b"\xff"), number(-1))),
    "basicConstraints: a long path": extension(_BASIC, tlv(0x30, tlv(1, b"\xff"), number(2**90))),
    "basicConstraints: FALSE written": extension(_BASIC, tlv(0x30, tlv(1, b"\0"))),
    "extendedKeyUsage: garbage": extension(_EKU, b"\x30\4\6\2\x80\x80"),
    "extendedKeyUsage: a string": extension(_EKU, b"\x0c\1a"),
    "authorityKeyIdentifier: garbage": extension("2.5.29.35", b"\x30\2\x85\1"),
    "authorityKeyIdentifier: a foreign name": extension("2.5.29.35", tlv(0x30, tlv(0xA1, tlv(0xA3, tlv(0x30))))),
    "subjectKeyIdentifier: garbage": extension("2.5.29.14", b"\x02\1\0"),
    "nameConstraints: garbage": extension("2.5.29.30", b"\x30\2\xa0\1"),
    "nameConstraints: a mask that is none": extension(
        "2.5.29.30", tlv(0x30, tlv(0xA0, tlv(0x30, tlv(0x87, b"\x0a\0\0\1\xff\0\xff\0"))))
    ),
    "nameConstraints: an address of 4 octets": extension(
        "2.5.29.30", tlv(0x30, tlv(0xA0, tlv(0x30, tlv(0x87, b"\x0a\0\0\1"))))
    ),
    "certificatePolicies: garbage": extension("2.5.29.32", b"\x30\2\x30\1"),
    "cRLDistributionPoints: garbage": extension("2.5.29.31", b"\x30\2\x30\1"),
    "authorityInfoAccess: garbage": extension("1.3.6.1.5.5.7.1.1", b"\x30\2\x30\1"),
    "TLS feature: a number too long": extension("1.3.6.1.5.5.7.1.24", tlv(0x30, number(2**70))),
    "SCT list: garbage": extension("1.3.6.1.4.1.11129.2.4.2", tlv(4, b"\0\5\0\1x")),
    "extensions: none in the list": field(EXTENSIONS, tlv(0xA3, tlv(0x30))),
    "extensions: critical FALSE written": field(
        EXTENSIONS, tlv(0xA3, tlv(0x30, tlv(0x30, oid(_SAN), tlv(1, b"\0"), tlv(4, tlv(0x30)))))
    ),
    "subject: UTF-8 that is none": renamed(0x0C, b"\xff\xfe"),
    "subject: a printable string that is none": renamed(0x13, b"bank\xff"),
    "subject: a BMP string of three octets": renamed(0x1E, b"abc"),
    "subject: a number for a name": renamed(2, b"\1"),
    "subject: not a SEQUENCE": field(SUBJECT, tlv(0x31)),
    "subject: an empty set": field(SUBJECT, tlv(0x30, tlv(0x31))),
    "subject: a country of three letters": renamed(0x13, b"GER", "2.5.4.6"),
    "validity: month 13": dated(_GOOD_UTC, tlv(0x17, b"491301000000Z")),
    "validity: no Z": dated(_GOOD_UTC, tlv(0x17, b"490101000000")),
    "validity: a number": dated(_GOOD_UTC, number(5)),
    "validity: the year 0": dated(tlv(0x18, b"00000101000000Z"), _LATE_UTC),
    "validity: the year 1": dated(tlv(0x18, b"00010101000000Z"), _LATE_UTC),
    "validity: the year 9999": dated(_GOOD_UTC, tlv(0x18, b"99991231235959Z")),
    "validity: 30 February": dated(_GOOD_UTC, tlv(0x18, b"20500230000000Z")),
    "validity: ends before it begins": dated(_LATE_UTC, _GOOD_UTC),
    "serialNumber: negative": field(SERIAL, number(-5)),
    "serialNumber: zero": field(SERIAL, number(0)),
    "serialNumber: 30 octets": field(SERIAL, number(2**239 + 1)),
    "serialNumber: no octet": field(SERIAL, tlv(2)),
    "version: 4": field(0, tlv(0xA0, number(3))),
    "version: 1 with extensions": field(0, b""),
    "version: of many octets": field(0, tlv(0xA0, number(2**80))),
    "key: RSA with the exponent 1": _rsa(_MODULUS, 1),
    "key: RSA with an even exponent": _rsa(_MODULUS, 2**16),
    "key: RSA with a long exponent": _rsa(_MODULUS, _MODULUS - 2),
    "key: RSA with the modulus 1": _rsa(1, 3),
    "key: RSA with an even modulus": _rsa(_MODULUS - 1, 65537),
    "key: RSA with a negative modulus": _rsa(-_MODULUS, 65537),
    "key: RSA with 500 bits": _rsa(2**499 + 1, 65537),
    "key: RSA with 20000 bits": _rsa(2**19999 + 1, 65537),
    "key: RSA that is no sequence": with_key(_RSA, number(5)),
    "key: a point not on the curve": with_key(_P256, _UNCOMPRESSED[:-1] + bytes([_UNCOMPRESSED[-1] ^ 1])),
    "key: the point at infinity": with_key(_P256, b"\0"),
    "key: a point of one octet": with_key(_P256, b"\4"),
    "key: no octet": with_key(_P256, b"", b""),
    "key: unused bits": with_key(_P256, _UNCOMPRESSED[:-1] + b"\0", b"\1"),
    "key: a curve by its parameters": with_key(tlv(0x30, _ECKEY, tlv(0x30, number(1))), _UNCOMPRESSED),
    "key: an unknown curve": with_key(tlv(0x30, _ECKEY, oid("1.3.132.0.111")), _UNCOMPRESSED),
    "key: no curve": with_key(tlv(0x30, _ECKEY), _UNCOMPRESSED),
    "key: an unknown type": with_key(tlv(0x30, oid("1.2.3.4.5")), _UNCOMPRESSED),
    "key: a short Ed25519": with_key(tlv(0x30, oid("1.3.101.112")), b"short"),
    "key: DSA of nonsense": with_key(
        tlv(0x30, oid("1.2.840.10040.4.1"), tlv(0x30, number(7), number(5), number(3))), number(4)
    ),
    "key: RSASSA-PSS with odd parameters": with_key(
        tlv(0x30, oid("1.2.840.113549.1.1.10"), tlv(4)), tlv(0x30, number(_MODULUS), number(65537))
    ),
}
"""Changes to fields of tbsCertificate that make it malformed, or a rare thing that some code may stumble over."""

ODD_BUT_READABLE = {
    "SAN: a name beyond ASCII",
    "extensions: none in the list",
    "subject: a country of three letters",
    "extendedKeyUsage: a string",
    "key: RSA with 20000 bits",
    "key: RSA with 500 bits",
    "key: RSA with a long exponent",
    "key: RSA with an even modulus",
    "serialNumber: 30 octets",
    "validity: ends before it begins",
    "validity: the year 1",
    "validity: the year 9999",
}
"""Those of MALFORMED that the library reads all the same: only that nothing but an alert is raised counts."""


def _alternatives(tbs: bytes, algorithm: bytes, signature: bytes) -> dict[str, bytes]:
    """Return other ways to write a certificate with an ECDSA signature, octets that its signature does not cover."""
    value = inside(signature)[1:]
    r, s = elements(inside(value))

    def carrying(changed: bytes) -> bytes:
        return tlv(0x30, tbs, algorithm, tlv(3, b"\0", changed))

    whole = inside(tlv(0x30, tbs, algorithm, signature))
    content = inside(signature)
    return {
        "an unused bit": tlv(0x30, tbs, algorithm, tlv(3, b"\1" + content[1:])),
        "seven unused bits": tlv(0x30, tbs, algorithm, tlv(3, b"\7" + content[1:])),
        "octets behind the certificate": tlv(0x30, tbs, algorithm, signature) + b"\0",
        "a fourth element": tlv(0x30, tbs, algorithm, signature, tlv(5)),
        "a long length of signatureValue": tlv(0x30, tbs, algorithm, b"\3\x81" + bytes([len(content)]) + content),
        "a long length of the certificate": b"\x30\x83\0" + len(whole).to_bytes(2, "big") + whole,
        "a certificate without a stated length": b"\x30\x80" + whole + b"\0\0",
        "a signatureValue in pieces": tlv(0x30, tbs, algorithm, tlv(0x23, signature)),
        "a NULL in the outer algorithm": tlv(0x30, tbs, tlv(0x30, inside(algorithm), tlv(5)), signature),
        "another outer algorithm": tlv(0x30, tbs, tlv(0x30, oid("1.2.840.10045.4.3.3")), signature),
        "a long length of the outer algorithm": tlv(
            0x30, tbs, b"\x30\x81" + bytes([len(inside(algorithm))]) + inside(algorithm), signature
        ),
        "octets behind the ECDSA-Sig-Value": carrying(value + b"\0"),
        "a third number in the ECDSA-Sig-Value": carrying(tlv(0x30, r, s, number(1))),
        "r as an OCTET STRING": carrying(tlv(0x30, tlv(4, inside(r)), s)),
        "a longer r": carrying(tlv(0x30, tlv(2, b"\0", inside(r)), s)),
        "a longer s": carrying(tlv(0x30, r, tlv(2, b"\0", inside(s)))),
        "a long length of r": carrying(tlv(0x30, b"\2\x81" + bytes([len(inside(r))]) + inside(r), s)),
        "a negative s": carrying(tlv(0x30, r, number(int.from_bytes(inside(s), "big") - 2**256))),
        "no octet of s": carrying(tlv(0x30, r, tlv(2))),
    }


def other_encodings(tbs: bytes, key: Any) -> dict[str, bytes]:
    """Return certificates of one tbsCertificate that are written differently; its signature's last bit is 0."""
    while True:
        parts = elements(inside(signed(tbs, key)))
        if parts[2][-1] & 0x7F == 0:  # so that up to seven unused bits are zeros, as DER would have them
            return _alternatives(*parts)


def tbs_of(certificate: x509.Certificate | bytes) -> bytes:
    der = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
    return elements(inside(der))[0]


def changed_octets(der: bytes, values: tuple[int, ...] = (0x01, 0x80, 0xFF)) -> list[bytes]:
    """Return the octets with each one changed, by each of some masks."""
    return [der[:at] + bytes([der[at] ^ mask]) + der[at + 1 :] for at in range(len(der)) for mask in values]
