"""PCR arithmetic and policy digests: what a TPM computes, computed here (TPM 2.0 Part 3, 23.7 and 23.8)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab.attest.constants import ALG_SHA256, TPM_CC_POLICY_LOCALITY, TPM_CC_POLICY_PCR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AK_PCRS = (17,)
"""The AK opens for the HyperSafe that was launched, whatever image runs on it."""
TLS_KEY_PCRS = (17, 18, 19)
"""A TLS key opens for this HyperSafe, its launch policy and this VM image only."""
FIRMWARE_PCRS = (0, 2, 4, 7)
"""Firmware, option ROMs, boot loader, secure-boot state: what is measured where there is no launch, before Linux."""
LOCALITY = 2
"""The locality at which HyperSafe works; Alice's root VM has 0."""
PCR_COUNT = 24


def extend(old: bytes, digest: bytes) -> bytes:
    """Return a SHA-256 PCR's value after an extend by `digest` (Part 3, 22.2)."""
    return hashlib.sha256(old + digest).digest()


def pcr_digest(pcrs: Iterable[int], values: Mapping[int, bytes], hash_name: str = "sha256") -> bytes:
    """Return the digest over the PCRs' values in ascending order; KeyError names a PCR without value.

    The hash is that of the key that quotes, or of the policy session: the values may be of another bank.
    """
    return hashlib.new(hash_name, b"".join(values[pcr] for pcr in sorted(set(pcrs)))).digest()


def pcr_selection(pcrs: Iterable[int], bank: int = ALG_SHA256) -> bytes:
    """Return a TPML_PCR_SELECTION of one bank with three octets of bits; ValueError for a PCR beyond 23."""
    return _pcr_selection(tuple(pcrs), bank)


@lru_cache(maxsize=256)  # the same few selections are in every policy and every quote
def _pcr_selection(pcrs: tuple[int, ...], bank: int) -> bytes:
    bits = 0
    for pcr in pcrs:
        if not 0 <= pcr < PCR_COUNT:
            raise ValueError(f"PCR {pcr}: a PC's TPM has PCRs 0 to {PCR_COUNT - 1}")
        bits |= 1 << pcr
    return b"\0\0\0\1" + bank.to_bytes(2, "big") + b"\3" + bits.to_bytes(3, "little")


def policy_pcr(
    pcrs: Iterable[int], values: Mapping[int, bytes], *, start: bytes = bytes(32), bank: int = ALG_SHA256
) -> bytes:
    """Return the policy digest after TPM2_PolicyPCR demanded these values of a bank (Part 3, 23.7)."""
    chosen = tuple(pcrs)
    code = TPM_CC_POLICY_PCR.to_bytes(4, "big")
    return hashlib.sha256(start + code + pcr_selection(chosen, bank) + pcr_digest(chosen, values)).digest()


def policy_locality(locality: int, *, start: bytes = bytes(32)) -> bytes:
    """Return the policy digest after TPM2_PolicyLocality demanded this one locality, 0 to 4 (Part 3, 23.8)."""
    if not 0 <= locality <= 4:
        raise ValueError(f"locality {locality}: there are localities 0 to 4")
    code = TPM_CC_POLICY_LOCALITY.to_bytes(4, "big")
    return hashlib.sha256(start + code + bytes([1 << locality])).digest()


def key_policy(
    pcrs: Iterable[int], values: Mapping[int, bytes], *, locality: int | None = LOCALITY, bank: int = ALG_SHA256
) -> bytes:
    """Return the authPolicy of a key that opens only with these PCR values and, unless None, at this locality.

    PolicyPCR comes first, then PolicyLocality: the order is part of the digest.
    """
    chosen = tuple(pcrs)
    return _key_policy(chosen, tuple(values[pcr] for pcr in chosen), locality, bank)


@lru_cache(maxsize=256)  # a machine's values stay the same from one passage to the next
def _key_policy(pcrs: tuple[int, ...], values: tuple[bytes, ...], locality: int | None, bank: int) -> bytes:
    digest = policy_pcr(pcrs, dict(zip(pcrs, values, strict=True)), bank=bank)
    return digest if locality is None else policy_locality(locality, start=digest)
