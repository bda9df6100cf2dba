from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import cbor2
import pytest
from attest_cases import covers_every_octet, damaged
from broken_certificates import changed_octets
from hypothesis import given, settings
from hypothesis import strategies as st

from trustlab.attest import CodecError, Evidence, EvidenceError, KeyAttestation, cbor, evidence_spans, fastpath
from trustlab.attest import evidence as evidence_module
from trustlab.attest.evidence import MAX_CERTIFICATE, MAX_CERTIFICATES, MAX_EVIDENCE

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


@pytest.mark.long
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
        (lambda item: item.update(note=["text/plain", b"hello"]), "note: an entry that does not belong"),
        (lambda item: item.update(quote=["text/plain", b"q", 4]), "quote: media type"),
        (lambda item: item["quote"].pop(), "quote: not a CMW record"),
        (lambda item: item.update(quote=[item["quote"][0], b"", 4]), "quote: empty"),
        (lambda item: item["quote"].__setitem__(2, 8), "quote: the value or the indicator"),
        (lambda item: item["quote"].__setitem__(1, "text"), "quote: the value or the indicator"),
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
        (b"\xa2\x01\x00\x01\x00", "occurs twice, or not in ascending order"),
        (b"\xa2\x02\x00\x01\x00", "occurs twice, or not in ascending order"),
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
    with pytest.raises(EvidenceError, match="the limit is"):
        Evidence(b"q" * MAX_EVIDENCE, b"s", b"p", (b"c",), b"l").encode()
    with pytest.raises(EvidenceError, match="the limit is"):
        Evidence.decode(bytes(MAX_EVIDENCE + 1))


LONGER_FORMS = [
    (b"\x45quote", b"\x58\x05quote"),
    (b"\x45quote", b"\x59\x00\x05quote"),
    (b"\x45quote", b"\x5a\x00\x00\x00\x05quote"),
    (b"\x58\x18" + b"s" * 24, b"\x59\x00\x18" + b"s" * 24),
    (b"\x59\x01\x00" + b"l" * 256, b"\x5a\x00\x00\x01\x00" + b"l" * 256),
    (b"\x57" + b"p" * 23, b"\x58\x17" + b"p" * 23),
    (b"\x58\xff" + b"c" * 255, b"\x59\x00\xff" + b"c" * 255),
]


@pytest.mark.parametrize(("shortest", "longer"), LONGER_FORMS)
@pytest.mark.parametrize("key", [None, KeyAttestation(b"attest", b"signature", b"public", b"creation data")])
def test_a_length_not_in_its_shortest_form_is_refused_at_a_glance_as_well(shortest, longer, key):
    """RFC 8949, 4.2.1: one Evidence has one encoding, so two readers never see two."""
    usual = Evidence(b"quote", b"s" * 24, b"p" * 23, (b"c" * 255,), b"l" * 256, {17: bytes(32)}, key)
    raw = usual.encode()
    assert raw.count(shortest) == 1
    for read in (Evidence.decode, Evidence.decode_fully):
        assert read(raw) == usual
        with pytest.raises(EvidenceError, match="not in its shortest form"):
            read(raw.replace(shortest, longer))


@pytest.mark.parametrize("key", [None, KeyAttestation(b"a", b"s", b"p", b"c")])
def test_a_changed_octet_is_read_the_same_at_a_glance_and_in_full(key):
    usual = Evidence(b"quote", b"s", b"p", (b"c",), b"l", {17: bytes(32)}, key)
    for changed in changed_octets(usual.encode(), (0x01, 0x20)):
        found = []
        for read in (Evidence.decode, Evidence.decode_fully):
            try:
                found.append(read(changed))
            except EvidenceError as error:
                found.append(str(error))
        assert found[0] == found[1]


@pytest.mark.parametrize("size", [1, 23, 24, 255, 256, 65_535])
def test_what_is_written_in_one_stroke_is_read_at_a_glance_at_every_bound_of_a_length(size):
    pieces = [(b"head", b"tail"), (b"", b"end")]
    values = [bytes(size), b"x"]
    raw = fastpath.write(values, pieces)
    assert raw == b"head" + cbor2.dumps(values[0]) + b"tail" + cbor2.dumps(values[1]) + b"end"
    assert fastpath.read(b"before" + raw + b"behind", pieces, 6) == (values, 6 + len(raw))
    for cut in (1, 3, 4, len(raw) - 1):
        with pytest.raises(fastpath.Unusual):
            fastpath.read(raw[:-cut], pieces)


@pytest.mark.parametrize("size", [0, 65_536])
def test_an_empty_value_or_one_too_long_for_two_octets_of_length_is_left_to_the_full_writer(size):
    with pytest.raises(fastpath.Unusual):
        fastpath.write([bytes(size)], [(b"", b"")])
    with pytest.raises(fastpath.Unusual):
        fastpath.read(cbor2.dumps(bytes(size)), [(b"", b"")])


@pytest.mark.parametrize("changed", [b"hEad\x41xtail", b"head\x41xtAil", b"head\x41xtai", b"hea", b"head"])
def test_octets_that_are_not_the_usual_ones_are_not_read_at_a_glance(changed):
    assert fastpath.read(b"head\x41xtail", [(b"head", b"tail")]) == ([b"x"], 10)
    with pytest.raises(fastpath.Unusual):
        fastpath.read(changed, [(b"head", b"tail")])


def test_a_value_that_ends_before_its_length_says_is_not_read_at_a_glance():
    with pytest.raises(fastpath.Unusual):
        fastpath.read(b"\x43ab", [(b"", b"")])


@pytest.mark.parametrize(
    ("item", "longer"),
    [
        (23, b"\x18\x17"),
        (24, b"\x19\x00\x18"),
        (255, b"\x19\x00\xff"),
        (256, b"\x1a\x00\x00\x01\x00"),
        (65_535, b"\x1a\x00\x00\xff\xff"),
        (65_536, b"\x1b" + (65_536).to_bytes(8, "big")),
        (2**32 - 1, b"\x1b" + (2**32 - 1).to_bytes(8, "big")),
        (2**32, None),
        (2**64 - 1, None),
        (-24, b"\x38\x17"),
        (b"k" * 23, b"\x58\x17" + b"k" * 23),
        ("k" * 23, b"\x78\x17" + b"k" * 23),
        ([0] * 23, b"\x98\x17" + bytes(23)),
        (dict.fromkeys(range(23), 0), b"\xb8\x17" + b"".join(bytes([n, 0]) for n in range(23))),
    ],
    ids=lambda value: None if isinstance(value, int) else "",
)
def test_a_number_is_read_in_its_shortest_form_and_in_no_other(item, longer):
    assert cbor.decode(cbor.encode(item), "number") == item
    if longer is not None:
        assert cbor2.loads(longer) == item
        with pytest.raises(CodecError, match="not in its shortest form"):
            cbor.decode(longer, "number")


def test_items_nest_as_deep_as_the_bound_and_no_deeper():
    assert cbor.decode(b"\x81" * cbor.MAX_DEPTH + b"\x00", "nest") == [[[[[[[[0]]]]]]]]
    with pytest.raises(CodecError, match="nested deeper than 8"):
        cbor.decode(b"\x81" * (cbor.MAX_DEPTH + 1) + b"\x00", "nest")


def sized_evidence(size, **fields):
    """Make Evidence whose encoding has so many octets, if it is written at all."""
    event_log = b"l" * 60_000
    rest = len(replace(SAMPLE, event_log=event_log, **fields).encode_fully()) - len(event_log)
    return replace(SAMPLE, event_log=b"l" * (size - rest), **fields)


@pytest.mark.parametrize("chain", [(b"leaf",), (b"leaf", b"ca")], ids=["usual", "unusual"])
def test_evidence_may_have_as_many_octets_as_can_travel_and_no_more(chain):
    largest = sized_evidence(MAX_EVIDENCE, ak_certificates=chain)
    assert len(largest.encode()) == len(largest.encode_fully()) == MAX_EVIDENCE
    assert Evidence.decode(largest.encode()) == Evidence.decode_fully(largest.encode()) == largest
    assert evidence_spans(largest.encode())
    too_large = sized_evidence(MAX_EVIDENCE + 1, ak_certificates=chain)
    for write in (too_large.encode, too_large.encode_fully):
        with pytest.raises(EvidenceError, match="65536 octets of evidence; the limit is 65535"):
            write()
    for read in (Evidence.decode, Evidence.decode_fully, evidence_spans):
        with pytest.raises(EvidenceError, match="65536 octets of evidence; the limit is 65535"):
            read(bytes(MAX_EVIDENCE + 1))


@pytest.mark.parametrize("others", [(), (b"ca",)], ids=["usual", "unusual"])
def test_a_certificate_may_be_as_long_as_the_bound_and_no_longer(others):
    evidence = replace(SAMPLE, ak_certificates=(b"c" * MAX_CERTIFICATE, *others))
    assert Evidence.decode(evidence.encode()) == Evidence.decode_fully(evidence.encode()) == evidence
    longer = cbor2.loads(evidence.encode())
    longer["ak-certificates"][0][1] += b"c"
    for read in (Evidence.decode, Evidence.decode_fully):
        with pytest.raises(EvidenceError, match="a certificate of more than 16384"):
            read(cbor2.dumps(longer, canonical=True))


def test_a_chain_may_have_as_many_certificates_as_the_bound_and_no_more():
    longest = replace(SAMPLE, ak_certificates=(b"c",) * MAX_CERTIFICATES)
    assert Evidence.decode(longest.encode()) == longest
    for count in (0, MAX_CERTIFICATES + 1):
        chain = {n: ["application/pkix-cert", b"c", 2] for n in range(count)}
        with pytest.raises(EvidenceError, match="not 1 to 4 certificates"):
            Evidence.decode(resealed(lambda item, chain=chain: item.update({"ak-certificates": chain})))


def test_pcr_values_are_of_the_pcrs_0_to_23():
    values = {0: bytes(32), 23: bytes(32)}
    assert Evidence.decode(replace(SAMPLE, pcr_values=values).encode()).pcr_values == values


@pytest.mark.parametrize("key", [None, KeyAttestation(b"attest", b"signature", b"public", b"creation data")])
def test_evidence_of_the_usual_form_takes_the_fast_path_both_ways(key):
    usual = Evidence(b"quote", b"s", b"p", (b"c",), b"l", {17: bytes(32)}, key)
    raw = usual.encode_fully()
    assert evidence_module._one_stroke(usual) == raw
    assert evidence_module._glance(raw) == {name: getattr(usual, name) for name in evidence_module._glance(raw)}
    assert evidence_module._glance(raw + b"\0") is None
