"""The writing half of the codecs: TPM structures from their fields.

Honest parties take these structures from a TPM. Writing them by hand is what a forger does, and what tests do; so
nothing here judges what it writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from trustlab.attest.constants import (
    ALG_ECC,
    ALG_ECDSA,
    ALG_NULL,
    ALG_RSA,
    ALG_SHA256,
    ECC_NIST_P256,
    ECC_NIST_P384,
    ECC_NIST_P521,
    TPM_ST_ATTEST_CERTIFY,
    TPM_ST_ATTEST_CREATION,
    TPM_ST_ATTEST_QUOTE,
)
from trustlab.attest.structures import Attest, ClockInfo, CreationInfo, PcrSelection, QuoteInfo
from trustlab.octets import sized, u8, u16, u32, u64

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.attest.creation import CreationData
    from trustlab.attest.structures import CertifyInfo

CURVE_IDS = {"secp256r1": ECC_NIST_P256, "secp384r1": ECC_NIST_P384, "secp521r1": ECC_NIST_P521}


def build_pcr_selections(selections: Iterable[PcrSelection]) -> bytes:
    """Return a TPML_PCR_SELECTION, three octets of bits a bank, or as many as the highest PCR needs."""
    banks = []
    for selection in selections:
        size = max(3, *(pcr // 8 + 1 for pcr in selection.pcrs)) if selection.pcrs else 3
        bits = sum(1 << pcr for pcr in set(selection.pcrs))
        banks.append(u16(selection.bank) + u8(size) + bits.to_bytes(size, "little"))
    return u32(len(banks)) + b"".join(banks)


def build_attest(attest: Attest) -> bytes:
    """Return the octets of a TPMS_ATTEST from its fields; its `raw` and `type` are not looked at."""
    kind, attested = _attested(attest.attested)
    clock: ClockInfo = attest.clock_info
    head = u32(attest.magic) + u16(kind) + sized(attest.qualified_signer) + sized(attest.extra_data)
    counters = u64(clock.clock) + u32(clock.reset_count) + u32(clock.restart_count) + u8(clock.safe)
    return head + counters + u64(attest.firmware_version) + attested


def _attested(info: QuoteInfo | CreationInfo | CertifyInfo) -> tuple[int, bytes]:
    if isinstance(info, QuoteInfo):
        return TPM_ST_ATTEST_QUOTE, build_pcr_selections(info.selections) + sized(info.pcr_digest)
    if isinstance(info, CreationInfo):
        return TPM_ST_ATTEST_CREATION, sized(info.object_name) + sized(info.creation_hash)
    return TPM_ST_ATTEST_CERTIFY, sized(info.name) + sized(info.qualified_name)


def build_public(
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    attributes: int,
    auth_policy: bytes = b"",
    *,
    scheme: tuple[int, ...] = (ALG_NULL,),
    name_alg: int = ALG_SHA256,
) -> bytes:
    """Return the TPMT_PUBLIC of an ECC or RSA key; `scheme` is the scheme and, unless null or rsaes, its hash."""
    kind = ALG_ECC if isinstance(key, ec.EllipticCurvePublicKey) else ALG_RSA
    head = u16(kind) + u16(name_alg) + u32(attributes) + sized(auth_policy) + u16(ALG_NULL)
    head += b"".join(map(u16, scheme))
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        modulus = numbers.n.to_bytes(key.key_size // 8, "big")
        return head + u16(key.key_size) + u32(0 if numbers.e == 65537 else numbers.e) + sized(modulus)
    point = key.public_numbers()
    size = (key.curve.key_size + 7) // 8
    coordinates = sized(point.x.to_bytes(size, "big")) + sized(point.y.to_bytes(size, "big"))
    return head + u16(CURVE_IDS[key.curve.name]) + u16(ALG_NULL) + coordinates


def build_ecdsa_signature(der: bytes, hash_alg: int = ALG_SHA256) -> bytes:
    """Return the TPMT_SIGNATURE of a DER ECDSA signature; ValueError if that is none."""
    pair = decode_dss_signature(der)
    size = max(32, *((number.bit_length() + 7) // 8 for number in pair))
    first, second = (number.to_bytes(size, "big") for number in pair)
    return u16(ALG_ECDSA) + u16(hash_alg) + sized(first) + sized(second)


def build_rsa_signature(algorithm: int, octets: bytes, hash_alg: int = ALG_SHA256) -> bytes:
    """Return the TPMT_SIGNATURE of an RSASSA or RSAPSS signature."""
    return u16(algorithm) + u16(hash_alg) + sized(octets)


def build_creation_data(data: CreationData) -> bytes:
    """Return the octets of a TPMS_CREATION_DATA from its fields; its `raw` is not looked at."""
    head = build_pcr_selections(data.pcr_selections) + sized(data.pcr_digest) + u8(data.locality)
    parent = u16(data.parent_name_alg) + sized(data.parent_name) + sized(data.parent_qualified_name)
    return head + parent + sized(data.outside_info)
