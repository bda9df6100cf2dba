"""Shared by the tests of this room: where the vectors lie, strategies, and how damaged octets are made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import strategies as st

from trustlab.attest.constants import ALG_SHA256, TPM_GENERATED_VALUE
from trustlab.attest.creation import CreationData
from trustlab.attest.structures import Attest, CertifyInfo, ClockInfo, CreationInfo, PcrSelection, QuoteInfo

EC_KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def vectors(folder: str) -> Path:
    default = Path(__file__).parents[2].parent / "shared" / "vectors"
    path = Path(os.environ.get("TRUSTLAB_VECTORS", default)) / folder
    if not path.is_dir():
        pytest.skip(f"the test vectors are not here: {path}")
    return path


digests = st.binary(max_size=64)
names = st.binary(max_size=66)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
pcr_selections = st.builds(
    PcrSelection,
    st.sampled_from([4, ALG_SHA256, 12]),
    st.sets(st.integers(0, 23)).map(lambda pcrs: tuple(sorted(pcrs))),
)
selections = st.lists(pcr_selections, max_size=3).map(tuple)
attested = st.one_of(
    st.builds(QuoteInfo, selections, digests),
    st.builds(CreationInfo, names, digests),
    st.builds(CertifyInfo, names, names),
)
attests = st.builds(
    Attest,
    raw=st.just(b""),
    magic=st.one_of(st.just(TPM_GENERATED_VALUE), u32),
    type=st.just(0),
    qualified_signer=names,
    extra_data=digests,
    clock_info=st.builds(ClockInfo, u64, u32, u32, st.booleans()),
    firmware_version=u64,
    attested=attested,
)
creation_datas = st.builds(
    CreationData,
    raw=st.just(b""),
    pcr_selections=selections,
    pcr_digest=digests,
    locality=st.integers(0, 255),
    parent_name_alg=st.integers(0, 0xFFFF),
    parent_name=names,
    parent_qualified_name=names,
    outside_info=st.binary(max_size=200),
)


def covers_every_octet(spans, raw: bytes) -> bool:
    named = bytearray(len(raw))
    for span in spans:
        if not (span.name and 0 <= span.start < span.end <= len(raw) and span.note):
            return False
        named[span.start : span.end] = b"\1" * (span.end - span.start)
    return all(named)


def damaged(raw: bytes):
    """Strategy: `raw` truncated, lengthened, or with bits flipped."""
    cut = st.integers(0, max(0, len(raw) - 1)).map(lambda n: raw[:n])
    longer = st.binary(min_size=1, max_size=9).map(lambda more: raw + more)

    def flip(places) -> bytes:
        octets = bytearray(raw)
        for place, bits in places:
            octets[place] ^= bits
        return bytes(octets)

    places = st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255)), min_size=1, max_size=4)
    return st.one_of(cut, longer, places.map(flip))
