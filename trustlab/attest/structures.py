"""TPMS_ATTEST and what it is made of: the structure a TPM signs (TPM 2.0 Part 2, 10.12.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.constants import (
    TPM_ST_ATTEST_CERTIFY,
    TPM_ST_ATTEST_CREATION,
    TPM_ST_ATTEST_QUOTE,
    algorithm_name,
)
from trustlab.attest.reading import StructureReader, spans_of

if TYPE_CHECKING:
    from trustlab.trace import Span

ATTEST = "TPM 2.0 Part 2, 10.12.12 TPMS_ATTEST"
CLOCK = "TPM 2.0 Part 2, 10.11.1 TPMS_CLOCK_INFO"
QUOTE = "TPM 2.0 Part 2, 10.12.4 TPMS_QUOTE_INFO"
CREATION = "TPM 2.0 Part 2, 10.12.7 TPMS_CREATION_INFO"
CERTIFY = "TPM 2.0 Part 2, 10.12.3 TPMS_CERTIFY_INFO"
SELECTION = "TPM 2.0 Part 2, 10.9.7 TPML_PCR_SELECTION"
NAME = "TPM 2.0 Part 2, 10.5.3 TPM2B_NAME"

MAX_BANKS = 16
MAX_SELECT = 32
MAX_DIGEST = 64
MAX_NAME = MAX_DIGEST + 2
TYPE_NAMES = {
    TPM_ST_ATTEST_CERTIFY: "TPM_ST_ATTEST_CERTIFY",
    TPM_ST_ATTEST_QUOTE: "TPM_ST_ATTEST_QUOTE",
    TPM_ST_ATTEST_CREATION: "TPM_ST_ATTEST_CREATION",
}


class PcrSelection(msgspec.Struct, frozen=True):
    """One bank of a TPML_PCR_SELECTION: `bank` is a TPM_ALG_ID, `pcrs` the selected indices in ascending order."""

    bank: int
    pcrs: tuple[int, ...]

    def __str__(self) -> str:
        return f"{algorithm_name(self.bank)}:{','.join(map(str, self.pcrs))}"


class ClockInfo(msgspec.Struct, frozen=True):
    """TPMS_CLOCK_INFO: `clock` in milliseconds; the counters tell one boot of the machine from the next."""

    clock: int
    reset_count: int
    restart_count: int
    safe: bool


class QuoteInfo(msgspec.Struct, frozen=True):
    """What TPM2_Quote attests: which PCRs, and the digest over their values in ascending order."""

    selections: tuple[PcrSelection, ...]
    pcr_digest: bytes


class CreationInfo(msgspec.Struct, frozen=True):
    """What TPM2_CertifyCreation attests: this TPM itself created the object, with creation data of this hash."""

    object_name: bytes
    creation_hash: bytes


class CertifyInfo(msgspec.Struct, frozen=True):
    """What TPM2_Certify attests: the object is loaded in this TPM - it may have been imported."""

    name: bytes
    qualified_name: bytes


class Attest(msgspec.Struct, frozen=True):
    """A TPMS_ATTEST. The codec reads any `magic`: judging it is a check of the Verifier."""

    raw: bytes
    magic: int
    type: int
    qualified_signer: bytes
    extra_data: bytes
    clock_info: ClockInfo
    firmware_version: int
    attested: QuoteInfo | CreationInfo | CertifyInfo


def parse_attest(raw: bytes) -> Attest:
    """Read a whole TPMS_ATTEST of type QUOTE, CREATION or CERTIFY (no TPM2B size in front); CodecError otherwise."""
    return _attest(StructureReader(raw, prefix="TPMS_ATTEST"))


def attest_spans(raw: bytes) -> list[Span]:
    """Name every octet of a TPMS_ATTEST; CodecError as `parse_attest`."""
    return spans_of(raw, "TPMS_ATTEST", _attest)


def read_pcr_selections(r: StructureReader, field: str) -> tuple[PcrSelection, ...]:
    """Read a TPML_PCR_SELECTION at the reader's place."""
    with r.group(field, "Which PCRs of which bank.", SELECTION):
        at = r.position
        count = r.uint(4, "count", str, "How many banks are selected from.", SELECTION)
        if count > MAX_BANKS:
            r.fail("count", f"{count} banks, at most {MAX_BANKS} exist", at=at)
        return tuple(_pcr_selection(r, n) for n in range(count))


def _pcr_selection(r: StructureReader, number: int) -> PcrSelection:
    clause = "TPM 2.0 Part 2, 10.6.2 TPMS_PCR_SELECTION"
    with r.group(f"pcrSelections[{number}]", "One bank and a bit for each of its PCRs.", clause):
        bank = r.uint(2, "hash", algorithm_name, "The bank: the hash its PCRs are extended with.", clause)
        at = r.position
        size = r.uint(1, "sizeofSelect", str, "How many bytes the bit field has.", clause)
        if size > MAX_SELECT:
            r.fail("sizeofSelect", f"{size} octets, no TPM has more than {MAX_SELECT * 8} PCRs", at=at)
        bits = r.octets(size, "pcrSelect", None, "Bit n of byte k selects PCR 8k+n.", clause)
    pcrs = tuple(8 * k + n for k, octet in enumerate(bits) for n in range(8) if octet >> n & 1)
    return PcrSelection(bank, pcrs)


def _attest(r: StructureReader) -> Attest:
    magic = r.uint(
        4, "magic", hex, "ff544347 (TPM_GENERATED_VALUE): a restricted key signs it only if the TPM wrote it.", ATTEST
    )
    at = r.position
    kind = r.uint(2, "type", _type_name, "What is attested: a quote, a creation, a loaded object.", ATTEST)
    signer = r.sized("qualifiedSigner", "Qualified Name of the signing key: its Name and its place.", NAME, MAX_NAME)
    note = "The qualifyingData of the command, signed along. In a quote it is the binder."
    extra = r.sized("extraData", note, ATTEST, MAX_NAME)
    with r.group("clockInfo", "The TPM's clock and boot counters.", CLOCK):
        clock = ClockInfo(
            r.uint(8, "clock", str, "Milliseconds the TPM has been powered.", CLOCK),
            r.uint(4, "resetCount", str, "TPM Resets since the last Clear: a reboot adds one.", CLOCK),
            r.uint(4, "restartCount", str, "Restarts, resumes and DRTM launches since the reset.", CLOCK),
            _yes_no(r, "safe"),
        )
    firmware = r.uint(8, "firmwareVersion", hex, "The maker's version number of the TPM's firmware.", ATTEST)
    attested: QuoteInfo | CreationInfo | CertifyInfo
    if kind == TPM_ST_ATTEST_QUOTE:
        attested = _quote_info(r)
    elif kind == TPM_ST_ATTEST_CREATION:
        attested = _creation_info(r)
    elif kind == TPM_ST_ATTEST_CERTIFY:
        attested = _certify_info(r)
    else:
        r.fail("type", f"{kind:#06x} is neither a quote nor a creation nor a certification", at=at)
    r.finish()
    return Attest(r.data, magic, kind, signer, extra, clock, firmware, attested)


def _quote_info(r: StructureReader) -> QuoteInfo:
    with r.group("attested.quote", "What TPM2_Quote attests.", QUOTE):
        selections = read_pcr_selections(r, "pcrSelect")
        digest = r.sized("pcrDigest", "Digest over the selected PCRs' values, in ascending order.", QUOTE, MAX_DIGEST)
    return QuoteInfo(selections, digest)


def _creation_info(r: StructureReader) -> CreationInfo:
    with r.group("attested.creation", "What TPM2_CertifyCreation attests.", CREATION):
        name = r.sized("objectName", "Name of the object that this TPM created.", CREATION, MAX_NAME)
        digest = r.sized("creationHash", "Hash of the creation data.", CREATION, MAX_DIGEST)
    return CreationInfo(name, digest)


def _certify_info(r: StructureReader) -> CertifyInfo:
    with r.group("attested.certify", "What TPM2_Certify attests.", CERTIFY):
        name = r.sized("name", "Name of the loaded object.", CERTIFY, MAX_NAME)
        qualified = r.sized("qualifiedName", "Its Qualified Name: hashed with its parents.", CERTIFY, MAX_NAME)
    return CertifyInfo(name, qualified)


def _type_name(kind: int) -> str:
    return TYPE_NAMES.get(kind, hex(kind))


def _yes_no(r: StructureReader, field: str) -> bool:
    at = r.position
    value = r.uint(1, field, str, "Whether the TPM has never reported a later clock value.", CLOCK)
    if value > 1:
        r.fail(field, f"{value} is neither YES (1) nor NO (0)", at=at)
    return bool(value)
