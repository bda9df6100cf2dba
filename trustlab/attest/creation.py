"""TPMS_CREATION_DATA: what the TPM noted when it created an object (TPM 2.0 Part 2, 15.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.constants import algorithm_name
from trustlab.attest.reading import StructureReader, spans_of
from trustlab.attest.structures import MAX_DIGEST, MAX_NAME, PcrSelection, read_pcr_selections

if TYPE_CHECKING:
    from trustlab.trace import Span

CREATION_DATA = "TPM 2.0 Part 2, 15.1 TPMS_CREATION_DATA"
LOCALITY = "TPM 2.0 Part 2, 8.5 TPMA_LOCALITY"
MAX_OUTSIDE_INFO = 1024


class CreationData(msgspec.Struct, frozen=True):
    """A TPMS_CREATION_DATA; `locality` is a bit field (bit n for locality n) below 32, a number above."""

    raw: bytes
    pcr_selections: tuple[PcrSelection, ...]
    pcr_digest: bytes
    locality: int
    parent_name_alg: int
    parent_name: bytes
    parent_qualified_name: bytes
    outside_info: bytes


def parse_creation_data(raw: bytes) -> CreationData:
    """Read a whole TPMS_CREATION_DATA (no TPM2B size in front); CodecError otherwise."""
    return _creation_data(StructureReader(raw, prefix="TPMS_CREATION_DATA"))


def creation_data_spans(raw: bytes) -> list[Span]:
    """Name every octet of a TPMS_CREATION_DATA; CodecError as `parse_creation_data`."""
    return spans_of(raw, "TPMS_CREATION_DATA", _creation_data)


def _creation_data(r: StructureReader) -> CreationData:
    selections = read_pcr_selections(r, "pcrSelect")
    digest = r.sized("pcrDigest", "Digest of those PCRs when the object was made.", CREATION_DATA, MAX_DIGEST)
    locality = r.uint(1, "locality", hex, "The locality from which it was made.", LOCALITY)
    parent_alg = r.uint(2, "parentNameAlg", algorithm_name, "The parent's nameAlg; null: a hierarchy.", CREATION_DATA)
    parent = r.sized("parentName", "Name of the parent, or the hierarchy's handle.", CREATION_DATA, MAX_NAME)
    qualified = r.sized("parentQualifiedName", "Qualified Name of the parent.", CREATION_DATA, MAX_NAME)
    outside = r.sized(
        "outsideInfo", "What the creator of the object wanted to have noted.", CREATION_DATA, MAX_OUTSIDE_INFO
    )
    r.finish()
    return CreationData(r.data, selections, digest, locality, parent_alg, parent, qualified, outside)
