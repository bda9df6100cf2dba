"""Evidence as it travels: a CMW collection in CBOR (RFC 9999), described in docs/evidence.cddl.

Each entry is a CMW record `[media type, octets, indicator]`: indicator 4 says Evidence, 2 Endorsement (the bits of
cm-type). Nothing here is believed: reading Evidence only makes sure that it has the right shape and that every
structure in it can be read. There is no EK certificate in it: in TLS 1.2 it would travel in clear.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from trustlab.attest import cbor, fastpath
from trustlab.attest.creation import creation_data_spans
from trustlab.attest.errors import CodecError, EventLogError, EvidenceError, shown
from trustlab.attest.eventlog import eventlog_spans
from trustlab.attest.public import public_spans
from trustlab.attest.signature import signature_spans
from trustlab.attest.structures import attest_spans
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attest.cbor import Item

MAX_EVIDENCE = 65_535
"""SupplementalData carries no more (RFC 4680)."""
MAX_CERTIFICATES = 4
MAX_CERTIFICATE = 16_384
COLLECTION_TYPE = "tag:trustlab.example,2026:evidence/1"
EVIDENCE, ENDORSEMENT = 4, 2
PREFIX = "application/x.trustlab."
CERTIFICATE_TYPE = "application/pkix-cert"
PCR_SIZES = (32, 48, 64)
"""The banks of SHA-256, SHA-384 and SHA-512."""
MAX_PCR = 24

STRUCTURES = {
    "quote": "tpms-attest",
    "signature": "tpmt-signature",
    "ak-public": "tpmt-public",
    "event-log": "tcg-event-log",
    "pcr-values": "pcr-values+cbor",
}
KEY_STRUCTURES = {
    "attest": "tpms-attest",
    "signature": "tpmt-signature",
    "public": "tpmt-public",
    "creation-data": "tpms-creation-data",
    "ak-public": "tpmt-public",
}
INSIDE: dict[str, Callable[[bytes], list[Span]]] = {
    "collection.quote.1": attest_spans,
    "collection.signature.1": signature_spans,
    "collection.ak-public.1": public_spans,
    "collection.event-log.1": eventlog_spans,
    "collection.pcr-values.1": lambda raw: cbor.spans(raw, "pcr-values"),
    "collection.key-attestation.attest.1": attest_spans,
    "collection.key-attestation.signature.1": signature_spans,
    "collection.key-attestation.public.1": public_spans,
    "collection.key-attestation.creation-data.1": creation_data_spans,
    "collection.key-attestation.ak-public.1": public_spans,
}
"""What lies inside the value (element 1) of which record."""


@dataclass(frozen=True)
class KeyAttestation:
    """The proof about a TLS key: TPM2_CertifyCreation's TPMS_ATTEST and signature, public area, creation data.

    `creation_data` is empty where the proof is a plain TPM2_Certify. `ak_public` and `ak_certificates` are empty
    unless another AK than the quote's signed - which the Verifier refuses, but must be able to see.
    """

    attest: bytes
    signature: bytes
    public: bytes
    creation_data: bytes
    ak_public: bytes = b""
    ak_certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What an Attester sends: all fields are the octets of the structures, `ak_certificates` DER with the leaf first.

    `pcr_values` (index to octets of one bank) tell which PCR differs when a digest does not match. Those of PCRs that
    Reference Values name need no log: they count once they hash to the quoted digest.
    """

    quote: bytes
    signature: bytes
    ak_public: bytes
    ak_certificates: tuple[bytes, ...]
    event_log: bytes
    pcr_values: dict[int, bytes] = field(default_factory=dict)
    key_attestation: KeyAttestation | None = None

    def encode(self) -> bytes:
        """Return the CMW collection; EvidenceError if it would not be readable again."""
        usual = _one_stroke(self)
        return self.encode_fully() if usual is None else usual

    def encode_fully(self) -> bytes:
        """Do what `encode` does, item by item, and read it back to see that it can be read."""
        collection: dict[int | str, object] = {
            "__cmwc_t": COLLECTION_TYPE,
            "quote": _record("quote", self.quote),
            "signature": _record("signature", self.signature),
            "ak-public": _record("ak-public", self.ak_public),
            "event-log": _record("event-log", self.event_log),
            "pcr-values": _record("pcr-values", cbor.encode(self.pcr_values)),
            "ak-certificates": _certificates(self.ak_certificates),
        }
        if self.key_attestation is not None:
            collection["key-attestation"] = _key_collection(self.key_attestation)
        raw = cbor.encode(collection)
        Evidence.decode(raw)
        return raw

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a whole collection, strictly; EvidenceError names the entry that is wrong."""
        usual = _glance(_bounded(raw))
        return cls.decode_fully(raw) if usual is None else cls(**usual)

    @classmethod
    def decode_fully(cls, raw: bytes) -> Self:
        """Do what `decode` does, item by item; it gives the same for the usual shape, and says what is wrong."""
        return cls(**_evidence(_collection(raw)))


def _pieces(structures: dict[str, str], labels: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return [(fastpath.before(label, PREFIX + structures[label]), fastpath.after(EVIDENCE)) for label in labels]


def _usual_pieces() -> list[tuple[bytes, bytes]]:
    """Return what stands around the values of usual Evidence, in the order of deterministic encoding."""
    pieces = _pieces(STRUCTURES, ("quote", "ak-public", "event-log", "signature", "pcr-values"))
    pieces[1] = (cbor.encode("__cmwc_t") + cbor.encode(COLLECTION_TYPE) + pieces[1][0], pieces[1][1])
    record = fastpath.ARRAY_OF_3 + cbor.encode(CERTIFICATE_TYPE)
    one_certificate = cbor.encode("ak-certificates") + b"\xa1\x00" + record
    return [*pieces, (one_certificate, fastpath.after(ENDORSEMENT))]


_USUAL = _usual_pieces()
_USUAL_KEY = _pieces(KEY_STRUCTURES, ("attest", "public", "signature", "creation-data"))
_KEY_HEAD = cbor.encode("key-attestation") + b"\xa4"
_WITHOUT_KEY, _WITH_KEY = b"\xa7", b"\xa8"


def forget() -> None:
    """Forget the PCR values that were read and written (measurements do this)."""
    _pcr_items.cache_clear()
    _pcr_octets.cache_clear()


def _glance(raw: bytes) -> dict[str, Any] | None:
    """Read Evidence of the usual shape; None leaves it to the full reader."""
    head = raw[:1]
    if head not in {_WITHOUT_KEY, _WITH_KEY}:
        return None
    try:
        (quote, ak_public, log, signature, pcrs, certificate), at = fastpath.read(raw, _USUAL, 1)
        key = None
        if head == _WITH_KEY:
            if not raw.startswith(_KEY_HEAD, at):
                return None
            (attest, public, signed, creation), at = fastpath.read(raw, _USUAL_KEY, at + len(_KEY_HEAD))
            key = KeyAttestation(attest, signed, public, creation)
    except fastpath.Unusual:
        return None
    if at != len(raw) or len(certificate) > MAX_CERTIFICATE:
        return None
    return {
        "quote": quote,
        "signature": signature,
        "ak_public": ak_public,
        "ak_certificates": (certificate,),
        "event_log": log,
        "pcr_values": _pcr_values(pcrs),
        "key_attestation": key,
    }


def _one_stroke(evidence: Evidence) -> bytes | None:
    """Write Evidence of the usual shape; None leaves it to the full writer."""
    key = evidence.key_attestation
    if len(evidence.ak_certificates) != 1 or len(evidence.ak_certificates[0]) > MAX_CERTIFICATE:
        return None
    if key is not None and (key.ak_public or key.ak_certificates):
        return None
    try:
        pcrs = _pcr_octets(tuple(evidence.pcr_values.items()))
        values = evidence.quote, evidence.ak_public, evidence.event_log, evidence.signature, pcrs
        raw = fastpath.write((*values, evidence.ak_certificates[0]), _USUAL)
        if key is None:
            raw = _WITHOUT_KEY + raw
        else:
            proof = fastpath.write((key.attest, key.public, key.signature, key.creation_data), _USUAL_KEY)
            raw = _WITH_KEY + raw + _KEY_HEAD + proof
    except (fastpath.Unusual, EvidenceError, TypeError):  # TypeError: a field that is not even octets
        return None
    return raw if len(raw) <= MAX_EVIDENCE else None


def evidence_spans(raw: bytes) -> list[Span]:
    """Name every octet of the collection, and every field of the structures in it.

    EvidenceError if it is not CBOR as it should be; a structure in it that cannot be read stays one span.
    """
    try:
        outer = cbor.spans(_bounded(raw), "evidence")
    except CodecError as error:
        raise EvidenceError(str(error)) from error
    spans: list[Span] = []
    for span in outer:
        spans.append(span)
        inside = INSIDE.get(span.name)
        if inside is not None:
            with suppress(CodecError, EventLogError):
                spans += [_within(span, inner) for inner in inside(raw[span.start : span.end])]
    return spans


def _within(outer: Span, inner: Span) -> Span:
    start, end = outer.start + inner.start, outer.start + inner.end
    return Span(f"{outer.name}.{inner.name}", start, end, inner.value, inner.note, inner.clause)


def _bounded(raw: bytes) -> bytes:
    if len(raw) > MAX_EVIDENCE:
        raise EvidenceError(f"{len(raw)} octets of evidence; the limit is {MAX_EVIDENCE}")
    return raw


def _read(raw: bytes, structure: str) -> Item:
    try:
        return cbor.decode(raw, structure)
    except CodecError as error:
        raise EvidenceError(str(error)) from error


def _collection(raw: bytes) -> dict[int | str, Item]:
    item = _read(_bounded(raw), "evidence")
    if not isinstance(item, dict):
        raise EvidenceError("evidence is not a CMW collection (a CBOR map)")
    if item.pop("__cmwc_t", None) != COLLECTION_TYPE:
        raise EvidenceError(f"the collection's type (__cmwc_t) is not {COLLECTION_TYPE}")
    return item


def _record(label: str, octets: bytes, structures: dict[str, str] = STRUCTURES) -> list[object]:
    return [PREFIX + structures[label], octets, EVIDENCE]


def _certificates(chain: tuple[bytes, ...]) -> dict[int, list[object]]:
    return {n: [CERTIFICATE_TYPE, der, ENDORSEMENT] for n, der in enumerate(chain)}


def _key_collection(key: KeyAttestation) -> dict[str, object]:
    fields = {
        "attest": key.attest,
        "signature": key.signature,
        "public": key.public,
        "creation-data": key.creation_data,
        "ak-public": key.ak_public,
    }
    entries: dict[str, object] = {k: _record(k, octets, KEY_STRUCTURES) for k, octets in fields.items() if octets}
    if key.ak_certificates:
        entries["ak-certificates"] = _certificates(key.ak_certificates)
    return entries


def _evidence(entries: dict[int | str, Item]) -> dict[str, Any]:
    known = {*STRUCTURES, "ak-certificates", "key-attestation"}
    _only(entries, known, "")
    key = entries.get("key-attestation")
    return {
        "quote": _octets(entries, "quote"),
        "signature": _octets(entries, "signature"),
        "ak_public": _octets(entries, "ak-public"),
        "event_log": _octets(entries, "event-log"),
        "ak_certificates": _chain(entries.get("ak-certificates"), "ak-certificates"),
        "pcr_values": _pcr_values(_octets(entries, "pcr-values")),
        "key_attestation": None if key is None else _key_attestation(key),
    }


def _key_attestation(item: Item) -> KeyAttestation:
    if not isinstance(item, dict):
        raise EvidenceError("key-attestation: not a CMW collection")
    where = "key-attestation/"
    _only(item, {*KEY_STRUCTURES, "ak-certificates"}, where)
    chain = item.get("ak-certificates")
    return KeyAttestation(
        attest=_octets(item, "attest", where),
        signature=_octets(item, "signature", where),
        public=_octets(item, "public", where),
        creation_data=_octets(item, "creation-data", where) if "creation-data" in item else b"",
        ak_public=_octets(item, "ak-public", where) if "ak-public" in item else b"",
        ak_certificates=() if chain is None else _chain(chain, where + "ak-certificates"),
    )


def _only(entries: dict[int | str, Item], known: set[str], where: str) -> None:
    for label in entries:
        if label not in known:
            raise EvidenceError(f"{where}{shown(label)}: an entry that does not belong in this collection")


def _octets(entries: dict[int | str, Item], label: str, where: str = "") -> bytes:
    if label not in entries:
        raise EvidenceError(f"{where}{label}: the entry is missing")
    kind = PREFIX + (KEY_STRUCTURES if where else STRUCTURES)[label]
    octets = _unwrap(entries[label], kind, EVIDENCE, where + label)
    if not octets:
        raise EvidenceError(f"{where}{label}: empty")
    return octets


def _unwrap(item: Item, kind: str, indicator: int, where: str) -> bytes:
    if not isinstance(item, list) or len(item) != 3:
        raise EvidenceError(f"{where}: not a CMW record [type, value, indicator]")
    found, octets, ind = item
    if found != kind:
        raise EvidenceError(f"{where}: media type {shown(repr(found))} where {kind} should stand")
    if not isinstance(octets, bytes) or ind != indicator:
        raise EvidenceError(f"{where}: the value or the indicator of the CMW record is wrong")
    return octets


def _chain(item: Item | None, where: str) -> tuple[bytes, ...]:
    if not isinstance(item, dict) or not 1 <= len(item) <= MAX_CERTIFICATES or list(item) != list(range(len(item))):
        raise EvidenceError(f"{where}: not 1 to {MAX_CERTIFICATES} certificates labelled 0, 1, ...")
    chain = tuple(_unwrap(record, CERTIFICATE_TYPE, ENDORSEMENT, f"{where}/{n}") for n, record in item.items())
    if max(map(len, chain)) > MAX_CERTIFICATE:
        raise EvidenceError(f"{where}: a certificate of more than {MAX_CERTIFICATE} octets")
    return chain


@lru_cache(maxsize=64)
def _pcr_octets(items: tuple[tuple[int, bytes], ...]) -> bytes:
    """Encode PCR values; EvidenceError if they could not be read again."""
    raw = cbor.encode(dict(items))
    _pcr_items(raw)
    return raw


def _pcr_values(raw: bytes) -> dict[int, bytes]:
    return dict(_pcr_items(raw))


@lru_cache(maxsize=64)  # a machine's values stay the same from one passage to the next
def _pcr_items(raw: bytes) -> tuple[tuple[int, bytes], ...]:
    item = _read(raw, "pcr-values")
    values: dict[int, bytes] = {}
    for pcr, value in item.items() if isinstance(item, dict) else ((None, None),):
        sizes = {len(known) for known in values.values()} or PCR_SIZES
        if (
            not isinstance(pcr, int)
            or not 0 <= pcr < MAX_PCR
            or not isinstance(value, bytes)
            or len(value) not in sizes
        ):
            raise EvidenceError("pcr-values: not a map of PCR index to 32, 48 or 64 octets, all alike")
        values[pcr] = value
    return tuple(values.items())
