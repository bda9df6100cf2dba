from __future__ import annotations

import hashlib

import pytest

from trustlab.attest import extend, key_policy, pcr_digest, pcr_selection, policy_locality, policy_pcr

ZERO = bytes(32)
PCR17 = extend(ZERO, hashlib.sha256(b"HyperSafe").digest())
VALUES = {17: PCR17, 18: b"\x18" * 32, 19: b"\x19" * 32}


def sha(*parts: str | bytes) -> bytes:
    return hashlib.sha256(b"".join(bytes.fromhex(p) if isinstance(p, str) else p for p in parts)).digest()


def test_the_ak_policy_is_the_one_protocol_md_spells_out():
    first = sha(ZERO, "0000017f 00000001 000b 03 000002", sha(PCR17))
    assert key_policy((17,), VALUES) == sha(first, "0000016f 04")


def test_the_tls_key_policy_selects_three_pcrs_with_the_octets_00000e():
    first = sha(ZERO, "0000017f 00000001 000b 03 00000e", sha(PCR17, VALUES[18], VALUES[19]))
    assert key_policy((17, 18, 19), VALUES) == sha(first, "0000016f 04")


def test_the_order_in_which_pcrs_are_named_does_not_matter():
    assert policy_pcr((19, 17, 18), VALUES) == policy_pcr((17, 18, 19), VALUES)
    assert pcr_digest((19, 17), VALUES) == pcr_digest((17, 19), VALUES)


def test_the_order_of_the_assertions_does_matter():
    assert policy_pcr((17,), VALUES, start=policy_locality(2)) != key_policy((17,), VALUES)


def test_without_a_locality_the_policy_is_that_of_the_pcrs_alone():
    assert key_policy((17,), VALUES, locality=None) == policy_pcr((17,), VALUES)


def test_a_locality_is_one_bit_of_an_octet():
    assert policy_locality(4) == sha(ZERO, "0000016f 10")


@pytest.mark.parametrize("locality", [-1, 5, 32])
def test_a_locality_beyond_four_is_refused(locality):
    with pytest.raises(ValueError, match="localities 0 to 4"):
        policy_locality(locality)


@pytest.mark.parametrize("pcr", [-1, 24])
def test_a_pcr_beyond_23_is_refused(pcr):
    with pytest.raises(ValueError, match="PCRs 0 to 23"):
        pcr_selection([pcr])


@pytest.mark.parametrize(("pcr", "bits"), [(0, "010000"), (7, "800000"), (8, "000100"), (23, "000080")])
def test_each_pcr_has_its_bit(pcr, bits):
    assert pcr_selection([pcr]).hex() == f"00000001000b03{bits}"
