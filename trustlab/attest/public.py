"""TPMT_PUBLIC, an object's public area, its Name, and the public key in it (TPM 2.0 Part 2, 12.2.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attest.constants import (
    ALG_ECC,
    ALG_ECDAA,
    ALG_KEYEDHASH,
    ALG_NULL,
    ALG_RSA,
    ALG_RSAES,
    ALG_SHA256,
    ALG_SHA384,
    ALG_SHA512,
    ALG_XOR,
    ECC_NIST_P256,
    ECC_NIST_P384,
    ECC_NIST_P521,
    HASH_NAMES,
    TPM_RH_ENDORSEMENT,
    ObjectAttributes,
    algorithm_name,
    attribute_names,
)
from trustlab.attest.errors import CodecError
from trustlab.attest.reading import StructureReader, spans_of

if TYPE_CHECKING:
    from trustlab.trace import Span

PUBLIC = "TPM 2.0 Part 2, 12.2.4 TPMT_PUBLIC"
ATTRIBUTES = "TPM 2.0 Part 2, 8.3 TPMA_OBJECT"
RSA = "TPM 2.0 Part 2, 12.2.3.5 TPMS_RSA_PARMS"
ECC = "TPM 2.0 Part 2, 12.2.3.6 TPMS_ECC_PARMS"
KEYEDHASH = "TPM 2.0 Part 2, 12.2.3.3 TPMS_KEYEDHASH_PARMS"
SYMMETRIC = "TPM 2.0 Part 2, 11.1.7 TPMT_SYM_DEF_OBJECT"
SCHEME = "TPM 2.0 Part 2, 11.2.3.5 TPMT_ASYM_SCHEME"
POINT = "TPM 2.0 Part 2, 11.2.5.2 TPMS_ECC_POINT"
MODULUS = "TPM 2.0 Part 2, 11.2.4.5 TPM2B_PUBLIC_KEY_RSA"

MAX_RSA = 512
MAX_COORDINATE = 66
MAX_DIGEST = 64
DEFAULT_EXPONENT = 65537
CURVES: dict[int, ec.EllipticCurve] = {
    ECC_NIST_P256: ec.SECP256R1(),
    ECC_NIST_P384: ec.SECP384R1(),
    ECC_NIST_P521: ec.SECP521R1(),
}
WELL_NAMED = (ALG_SHA256, ALG_SHA384, ALG_SHA512)
CURVE_NAMES = {ECC_NIST_P256: "NIST P-256", ECC_NIST_P384: "NIST P-384", ECC_NIST_P521: "NIST P-521"}
ENDORSEMENT_QUALIFIED_NAME = TPM_RH_ENDORSEMENT.to_bytes(4, "big")
"""The Qualified Name of the endorsement hierarchy: its handle (Part 1, 26.6)."""


class Scheme(msgspec.Struct, frozen=True):
    """A signing or decrypting scheme; `algorithm` ALG_NULL leaves the choice to each command."""

    algorithm: int
    hash_alg: int | None = None


class RsaParameters(msgspec.Struct, frozen=True):
    """TPMS_RSA_PARMS; `exponent` 0 stands for 65537."""

    symmetric: int
    scheme: Scheme
    key_bits: int
    exponent: int


class EccParameters(msgspec.Struct, frozen=True):
    """TPMS_ECC_PARMS; `curve` is a TPM_ECC_CURVE."""

    symmetric: int
    scheme: Scheme
    curve: int
    kdf: Scheme


class KeyedHashParameters(msgspec.Struct, frozen=True):
    """TPMS_KEYEDHASH_PARMS: an HMAC key or sealed data."""

    scheme: Scheme


@dataclass(frozen=True)
class Public:
    """A TPMT_PUBLIC. `unique` is the RSA modulus, the ECC point as x and y of equal size, or a digest."""

    raw: bytes
    type: int
    name_alg: int
    attributes: ObjectAttributes
    auth_policy: bytes
    parameters: RsaParameters | EccParameters | KeyedHashParameters
    unique: bytes

    @cached_property
    def name(self) -> bytes:
        """The object's Name: nameAlg and the hash of the public area (Part 1, 16; Part 2, 10.5.3)."""
        if self.name_alg == ALG_NULL:
            return b""
        return self.name_alg.to_bytes(2, "big") + hashlib.new(HASH_NAMES[self.name_alg], self.raw).digest()

    @property
    def well_named(self) -> bool:
        """Whether the Name is made with a hash that tells any two public areas apart: not SHA-1, not none."""
        return self.name_alg in WELL_NAMED

    @cached_property
    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """The RSA or EC public key; CodecError if there is none or the numbers are not a key."""
        try:
            if isinstance(self.parameters, RsaParameters):
                exponent = self.parameters.exponent or DEFAULT_EXPONENT
                return rsa.RSAPublicNumbers(exponent, int.from_bytes(self.unique, "big")).public_key()
            if isinstance(self.parameters, EccParameters):
                curve = CURVES[self.parameters.curve]
                return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + self.unique)
        except ValueError as error:
            what = "the numbers are no public key of this kind"
            raise CodecError("TPMT_PUBLIC", "unique", len(self.raw) - len(self.unique), what) from error
        raise CodecError("TPMT_PUBLIC", "type", 0, "a keyedhash object has no public key")

    @cached_property
    def spki(self) -> bytes:
        """The key as DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7); CodecError as `public_key`."""
        return self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def parse_public(raw: bytes) -> Public:
    """Read a whole TPMT_PUBLIC (no TPM2B size in front) of type RSA, ECC or KEYEDHASH; CodecError otherwise."""
    return _public(StructureReader(raw, prefix="TPMT_PUBLIC"))


def public_spans(raw: bytes) -> list[Span]:
    """Name every octet of a TPMT_PUBLIC; CodecError as `parse_public`."""
    return spans_of(raw, "TPMT_PUBLIC", _public)


def qualified_name(parent: bytes, name: bytes) -> bytes:
    """Return an object's Qualified Name from its parent's and its own Name (Part 1, 16 and 26.6).

    A primary object's parent is its hierarchy's handle: `ENDORSEMENT_QUALIFIED_NAME`. ValueError on an unknown nameAlg.
    """
    algorithm = int.from_bytes(name[:2], "big")
    if algorithm not in HASH_NAMES:
        raise CodecError("TPM2B_NAME", "nameAlg", 0, f"{algorithm_name(algorithm)} is not a hash known here")
    return name[:2] + hashlib.new(HASH_NAMES[algorithm], parent + name).digest()


def _public(r: StructureReader) -> Public:
    kind = r.uint(2, "type", algorithm_name, "The kind of object.", PUBLIC)
    if kind not in {ALG_RSA, ALG_ECC, ALG_KEYEDHASH}:
        r.fail("type", f"{algorithm_name(kind)} is neither rsa nor ecc nor keyedhash", at=0)
    name_alg = r.uint(2, "nameAlg", algorithm_name, "The hash that makes the object's Name.", PUBLIC)
    if name_alg not in HASH_NAMES and name_alg != ALG_NULL:
        r.fail("nameAlg", f"{algorithm_name(name_alg)} is not a hash known here", at=2)
    attributes = ObjectAttributes(
        r.uint(4, "objectAttributes", attribute_names, "What the object may do, and who may use it.", ATTRIBUTES)
    )
    policy = r.sized("authPolicy", "The policy digest that opens the object; empty: none.", PUBLIC, MAX_DIGEST)
    parameters: RsaParameters | EccParameters | KeyedHashParameters
    if kind == ALG_RSA:
        parameters = _rsa_parameters(r)
        unique = r.sized("unique.rsa", "The modulus.", MODULUS, MAX_RSA)
    elif kind == ALG_ECC:
        parameters = _ecc_parameters(r)
        unique = _point(r, parameters.curve)
    else:
        with r.group("parameters.keyedHashDetail", "Of an HMAC key or sealed data.", KEYEDHASH):
            parameters = KeyedHashParameters(_keyedhash_scheme(r))
        unique = r.sized("unique.keyedHash", "Digest of the obfuscation value and the data.", PUBLIC, MAX_DIGEST)
    r.finish()
    return Public(r.data, kind, name_alg, attributes, policy, parameters, unique)


def _rsa_parameters(r: StructureReader) -> RsaParameters:
    with r.group("parameters.rsaDetail", "How the RSA key is used.", RSA):
        symmetric = _symmetric(r)
        scheme = _scheme(r, "scheme")
        bits = r.uint(2, "keyBits", str, "Size of the modulus in bits.", RSA)
        exponent = r.uint(4, "exponent", str, "Public exponent; 0 stands for 65537.", RSA)
    return RsaParameters(symmetric, scheme, bits, exponent)


def _ecc_parameters(r: StructureReader) -> EccParameters:
    with r.group("parameters.eccDetail", "How the ECC key is used.", ECC):
        symmetric = _symmetric(r)
        scheme = _scheme(r, "scheme")
        at = r.position
        curve = r.uint(2, "curveID", lambda n: CURVE_NAMES.get(n, hex(n)), "The curve.", ECC)
        if curve not in CURVES:
            r.fail("curveID", f"{curve:#06x} is not NIST P-256, P-384 or P-521", at=at)
        kdf = _scheme(r, "kdf")
    return EccParameters(symmetric, scheme, curve, kdf)


def _point(r: StructureReader, curve: int) -> bytes:
    size = (CURVES[curve].key_size + 7) // 8
    with r.group("unique.ecc", "The public point.", POINT):
        x = _coordinate(r, "x", size)
        y = _coordinate(r, "y", size)
    return x + y


def _coordinate(r: StructureReader, field: str, size: int) -> bytes:
    octets = r.sized(field, f"The point's {field} coordinate.", POINT, MAX_COORDINATE)
    if len(octets) > size:
        r.fail(field, f"{len(octets)} octets, the curve's coordinates have {size}", at=r.position - len(octets))
    return octets.rjust(size, b"\0")


def _symmetric(r: StructureReader) -> int:
    with r.group("symmetric", "A restricted decryption key protects its children with it; else null.", SYMMETRIC):
        algorithm = r.uint(2, "algorithm", algorithm_name, "The symmetric cipher.", SYMMETRIC)
        if algorithm != ALG_NULL:
            r.uint(2, "keyBits", str, "The size of its key in bits.", SYMMETRIC)
            r.uint(2, "mode", algorithm_name, "How it chains its blocks.", SYMMETRIC)
    return algorithm


def _scheme(r: StructureReader, field: str) -> Scheme:
    with r.group(field, "The only scheme the key may be used with; null: the command says.", SCHEME):
        algorithm = r.uint(2, "scheme", algorithm_name, "The scheme.", SCHEME)
        if algorithm in {ALG_NULL, ALG_RSAES}:
            return Scheme(algorithm)
        hash_alg = r.uint(2, "hashAlg", algorithm_name, "The hash it works with.", "TPM 2.0 Part 2, 11.1.17")
        if algorithm == ALG_ECDAA:
            r.uint(2, "count", str, "The ECDAA commit counter.", "TPM 2.0 Part 2, 11.1.18")
    return Scheme(algorithm, hash_alg)


def _keyedhash_scheme(r: StructureReader) -> Scheme:
    algorithm = r.uint(2, "scheme", algorithm_name, "HMAC, XOR, or null for sealed data.", KEYEDHASH)
    if algorithm == ALG_NULL:
        return Scheme(algorithm)
    hash_alg = r.uint(2, "hashAlg", algorithm_name, "The hash it works with.", KEYEDHASH)
    if algorithm == ALG_XOR:
        r.uint(2, "kdf", algorithm_name, "The key derivation function.", KEYEDHASH)
    return Scheme(algorithm, hash_alg)
