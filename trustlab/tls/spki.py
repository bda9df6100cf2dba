"""What a certificate's SubjectPublicKeyInfo says and `cryptography` does not tell: its octets, and how PSS is limited.

`cryptography` reads a key of id-RSASSA-PSS and one of rsaEncryption as the same type, without the parameters that stand
beside the first. It has parsed a certificate before its octets come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography.x509.oid import PublicKeyAlgorithmOID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

SEQUENCE = 0x30
VERSION = 0xA0  # [0] EXPLICIT, which a certificate of version 1 has not (RFC 5280 4.1)
BEFORE_KEY = 5  # serialNumber, signature, issuer, validity, subject (RFC 5280 4.1)
_HASHES = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_MGF1 = bytes.fromhex("2a864886f70d010108")


class PssParameters(NamedTuple):
    """RSASSA-PSS-params of a key (RFC 4055 3.1): the only hashes it may be used with, and the shortest salt in octets.

    A hash that has no name here is empty.
    """

    hash_name: str = "sha1"
    mgf_hash_name: str = "sha1"
    salt_length: int = 20
    trailer: int = 1


class _Element(NamedTuple):
    """A DER element: its tag, its content, and the whole of it."""

    tag: int
    content: bytes
    whole: bytes


def _elements(octets: bytes) -> Iterator[_Element]:
    """Cut octets into DER elements; ValueError where one does not end within them."""
    at = 0
    while at < len(octets):
        start, size = at + 2, int.from_bytes(octets[at + 1 : at + 2], "big")
        if size > 0x7F:
            start, size = start + (size & 0x7F), int.from_bytes(octets[start : start + (size & 0x7F)], "big")
        end = start + size
        if end > len(octets):
            raise ValueError(f"a DER element of {size} octets, {len(octets) - start} are left")
        yield _Element(octets[at], octets[start:end], octets[at:end])
        at = end


def _first(octets: bytes) -> _Element:
    """Return the first element; ValueError if there is none."""
    for element in _elements(octets):
        return element
    raise ValueError("a DER element is missing")


def _inside(octets: bytes) -> list[_Element]:
    """Return the elements inside the first one."""
    return list(_elements(_first(octets).content))


def spki_of(certificate: x509.Certificate) -> bytes:
    """Return the DER SubjectPublicKeyInfo as it stands in a certificate (RFC 5280 4.1.2.7)."""
    fields = _inside(certificate.tbs_certificate_bytes)
    return fields[BEFORE_KEY + (fields[0].tag == VERSION)].whole


def is_pss(certificate: x509.Certificate) -> bool:
    """Whether the certificate's key is for RSASSA-PSS alone (RFC 4055 1.2)."""
    return certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS


def pss_parameters(spki: bytes) -> PssParameters | None:
    """Return the parameters of an id-RSASSA-PSS key, None (no limits) if it has none; ValueError if malformed."""
    algorithm = _inside(_first(spki).content)
    if len(algorithm) < 2:  # the OID stands alone
        return None
    found = PssParameters()
    for field in _elements(algorithm[1].content):
        match field.tag:
            case 0xA0:
                found = found._replace(hash_name=_hash_of(field.content))
            case 0xA1:
                function, over = _inside(field.content)
                found = found._replace(mgf_hash_name=_hash_of(over.whole) if function.content == _MGF1 else "")
            case 0xA2:
                found = found._replace(salt_length=_integer(field.content))
            case 0xA3:
                found = found._replace(trailer=_integer(field.content))
            case tag:
                raise ValueError(f"RSASSA-PSS-params has a field with the tag 0x{tag:02x}")
    return found


def _hash_of(octets: bytes) -> str:
    return _HASHES.get(_first(_first(octets).content).content, "")


def _integer(octets: bytes) -> int:
    return int.from_bytes(_first(octets).content, "big", signed=True)
