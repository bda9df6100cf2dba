"""What `cryptography` does not tell about a SubjectPublicKeyInfo: its octets, and how PSS is limited.

`cryptography` reads a key of id-RSASSA-PSS and one of rsaEncryption as the same type, without the parameters of the
first. It has parsed a certificate before its octets come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography.x509.oid import PublicKeyAlgorithmOID

from trustlab.octets.der import VERSION, Element, elements

if TYPE_CHECKING:
    from cryptography import x509

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


def _inside(octets: bytes) -> list[Element]:
    """Return the elements inside the first one; NotDer (a ValueError) if there is none."""
    return elements(_first(octets).value, "a part of an AlgorithmIdentifier or of a certificate")


def _first(octets: bytes) -> Element:
    return Element(octets, 0, len(octets), "a part of an AlgorithmIdentifier or of a certificate")


def spki_of(certificate: x509.Certificate) -> bytes:
    """Return the DER SubjectPublicKeyInfo as it stands in a certificate (RFC 5280 4.1.2.7)."""
    fields = _inside(certificate.tbs_certificate_bytes)
    return fields[BEFORE_KEY + (fields[0].tag == VERSION)].raw


def is_pss(certificate: x509.Certificate) -> bool:
    """Whether the certificate's key is for RSASSA-PSS alone (RFC 4055 1.2)."""
    return certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS


def pss_parameters(spki: bytes) -> PssParameters | None:
    """Return the parameters of an id-RSASSA-PSS key, None (no limits) if it has none; ValueError if malformed."""
    algorithm = _inside(_first(spki).value)
    if len(algorithm) < 2:  # the OID stands alone
        return None
    found = PssParameters()
    for field in elements(algorithm[1].value, "a field of RSASSA-PSS-params"):
        match field.tag:
            case 0xA0:
                found = found._replace(hash_name=_hash_of(field.value))
            case 0xA1:
                function, over = _inside(field.value)
                found = found._replace(mgf_hash_name=_hash_of(over.raw) if function.value == _MGF1 else "")
            case 0xA2:
                found = found._replace(salt_length=_integer(field.value))
            case 0xA3:
                found = found._replace(trailer=_integer(field.value))
            case tag:
                raise ValueError(f"RSASSA-PSS-params has a field with the tag 0x{tag:02x}")
    return found


def _hash_of(octets: bytes) -> str:
    return _HASHES.get(_first(_first(octets).value).value, "")


def _integer(octets: bytes) -> int:
    return int.from_bytes(_first(octets).value, "big", signed=True)
