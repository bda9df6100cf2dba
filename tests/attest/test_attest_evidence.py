from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import cbor2
import pytest
from attest_cases import covers_every_octet, damaged
from hypothesis import given, settings
from hypothesis import strategies as st

from trustlab.attest import Evidence, EvidenceError, KeyAttestation, evidence_spans
from trustlab.attest.evidence import MAX_EVIDENCE

octets = st.binary(min_size=1, max_size=80)
chains = st.lists(octets, min_size=1, max_size=4).map(tuple)
keys = st.builds(
    KeyAttestation,
    attest=octets,
    signature=octets,
    public=octets,
    creation_data=st.one_of(st.just(b""), octets),
    ak_public=st.one_of(st.just(b""), octets),
    ak_certificates=st.one_of(st.just(()), chains),
)
evidences = st.builds(
    Evidence,
    quote=octets,
    signature=octets,
    ak_public=octets,
    ak_certificates=chains,
    event_log=octets,
    pcr_values=st.dictionaries(st.integers(0, 23), st.binary(min_size=32, max_size=32)),
    key_attestation=st.one_of(st.none(), keys),
)
SAMPLE = Evidence(b"quote", b"signature", b"public", (b"leaf", b"ca"), b"log", {17: bytes(32)})


def resealed(change) -> bytes:
    item = cbor2.loads(SAMPLE.encode())
    change(item)
    return cbor2.dumps(item, canonical=True)


@given(evidences)
def test_evidence_reads_back_as_it_was_written(evidence):
    raw = evidence.encode()
    assert Evidence.decode(raw) == evidence
    assert covers_every_octet([s for s in evidence_spans(raw) if s.note], raw)


@given(evidences)
def test_evidence_is_a_cmw_collection_for_any_cbor_reader(evidence):
    item = cbor2.loads(evidence.encode())
    assert item["quote"] == ["application/x.trustlab.tpms-attest", evidence.quote, 4]
    assert [record[0] for record in item["ak-certificates"].values()] == ["application/pkix-cert"] * len(
        evidence.ak_certificates
    )


@given(evidences, st.data())
def test_damaged_evidence_gives_an_evidence_error_or_another_evidence(evidence, data):
    raw = data.draw(damaged(evidence.encode()))
    with suppress(EvidenceError):
        assert Evidence.decode(raw).encode() == raw


def by(reader, raw: bytes) -> Evidence | None:
    try:
        return reader(raw)
    except EvidenceError:
        return None


usual = evidences.map(lambda e: replace(e, ak_certificates=e.ak_certificates[:1]))


@settings(max_examples=400)
@given(usual, st.data())
def test_reading_at_a_glance_never_differs_from_reading_item_by_item(evidence, data):
    raw = evidence.encode()
    assert by(Evidence.decode, raw) == by(Evidence.decode_fully, raw) == evidence
    harmed = data.draw(damaged(raw))
    assert by(Evidence.decode, harmed) == by(Evidence.decode_fully, harmed)


def test_every_single_bit_flipped_is_read_the_same_at_a_glance_and_item_by_item():
    raw = replace(SAMPLE, ak_certificates=(b"leaf",), quote=b"q" * 24, signature=b"s" * 256).encode()
    for place in range(len(raw)):
        for bit in range(8):
            flipped = raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]
            assert by(Evidence.decode, flipped) == by(Evidence.decode_fully, flipped)


@given(evidences)
def test_writing_in_one_stroke_never_differs_from_writing_item_by_item(evidence):
    assert evidence.encode() == evidence.encode_fully()


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 16_384, 16_385, 60_000, 65_400, 65_535, 65_536])
@pytest.mark.parametrize(
    "field", ["quote", "ak_public", "event_log", "signature", "certificate", "attest", "creation_data"]
)
def test_fields_of_any_size_are_written_the_same_or_refused_the_same(field, size):
    octets = bytes(size)
    key = KeyAttestation(b"attest", b"signature", b"public", b"creation data")
    if field == "certificate":
        changed = replace(SAMPLE, ak_certificates=(octets,), key_attestation=key)
    elif hasattr(key, field):
        changed = replace(SAMPLE, ak_certificates=(b"leaf",), key_attestation=replace(key, **{field: octets}))
    else:
        changed = replace(SAMPLE, ak_certificates=(b"leaf",), **{field: octets})
    written = by(lambda _: changed.encode(), b"")
    assert written == by(lambda _: changed.encode_fully(), b"")
    assert written is None or Evidence.decode_fully(written) == changed


@pytest.mark.parametrize(
    "values", [{24: bytes(32)}, {17: bytes(31)}, {-1: bytes(32)}, {"17": bytes(32)}, {17: [0] * 32}]
)
def test_pcr_values_that_could_not_be_read_are_not_written(values):
    with pytest.raises(EvidenceError):
        replace(SAMPLE, ak_certificates=(b"leaf",), pcr_values=values).encode()


@given(st.binary(max_size=200))
def test_random_octets_are_not_evidence(raw):
    with pytest.raises(EvidenceError):
        Evidence.decode(raw)


def test_every_truncation_is_an_evidence_error():
    raw = SAMPLE.encode()
    for n in range(len(raw)):
        with pytest.raises(EvidenceError):
            Evidence.decode(raw[:n])


@pytest.mark.parametrize("label", ["quote", "signature", "ak-public", "ak-certificates", "event-log", "pcr-values"])
def test_a_missing_entry_is_named(label):
    with pytest.raises(EvidenceError, match=label):
        Evidence.decode(resealed(lambda item: item.pop(label)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda item: item.update(note=["text/plain", b"hello"]), "note: an entry that has no place"),
        (lambda item: item.update(quote=["text/plain", b"q", 4]), "quote: media type"),
        (lambda item: item["quote"].pop(), "quote: not a CMW record"),
        (lambda item: item.update(quote=[item["quote"][0], b"", 4]), "quote: empty"),
        (lambda item: item["quote"].__setitem__(2, 8), "quote: value or indicator"),
        (lambda item: item["quote"].__setitem__(1, "text"), "quote: value or indicator"),
        (lambda item: item.pop("__cmwc_t"), "type"),
        (lambda item: item["ak-certificates"].update({5: item["ak-certificates"][0]}), "labelled 0, 1"),
        (lambda item: item["pcr-values"].__setitem__(1, cbor2.dumps({17: b"short"})), "pcr-values"),
        (lambda item: item["pcr-values"].__setitem__(1, cbor2.dumps([1])), "pcr-values"),
        (lambda item: item.update({"key-attestation": 5}), "key-attestation: not a CMW collection"),
        (lambda item: item.update({"key-attestation": {"attest": 1}}), "key-attestation/attest"),
    ],
)
def test_an_entry_of_the_wrong_form_is_named(change, message):
    with pytest.raises(EvidenceError, match=message):
        Evidence.decode(resealed(change))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\xa1\x18\x05\x00", "shortest form"),
        (b"\xbf\xff", "indefinite"),
        (b"\xc0\x00", "tag"),
        (b"\xf5", "simple"),
        (b"\xa2\x01\x00\x01\x00", "again, or not in ascending order"),
        (b"\xa2\x02\x00\x01\x00", "again, or not in ascending order"),
        (b"\xa1\x40\x00", "a label is"),
        (b"\x62\xff\xff", "UTF-8"),
        (b"\x9a\xff\xff\xff\xff", "elements announced"),
        (b"\xba\xff\xff\xff\xff", "elements announced"),
        (b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "octets"),
        (b"\x81" * 2000 + b"\x00", "nested deeper"),
        (b"\x80", "not a CMW collection"),
        (b"\x20", "not a CMW collection"),
    ],
)
def test_cbor_that_is_not_deterministic_or_bombs_is_refused(raw, message):
    with pytest.raises(EvidenceError, match=message):
        Evidence.decode(raw)


def test_evidence_that_is_too_big_for_supplemental_data_is_refused_in_both_directions():
    with pytest.raises(EvidenceError, match="at most"):
        Evidence(b"q" * MAX_EVIDENCE, b"s", b"p", (b"c",), b"l").encode()
    with pytest.raises(EvidenceError, match="at most"):
        Evidence.decode(bytes(MAX_EVIDENCE + 1))
