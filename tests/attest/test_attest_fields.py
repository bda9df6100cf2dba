"""Evidence as a tree of fields: every field once and with a sentence, down to the log's replay; damage stays in place."""

from __future__ import annotations

import cbor2
import pytest
from attest_cases import damaged
from field_trees import assert_a_tree, uncovered
from hypothesis import given
from hypothesis import strategies as st
from software_tpm import BINDER, Machine

from trustlab.attest import EventLog, EventLogError, Evidence, evidence_fields, is_evidence, steps_of
from trustlab.attest.eventlog import EV_NO_ACTION, STARTUP_LOCALITY, LogEvent
from trustlab.octets import leaves

MACHINE = Machine()
EVIDENCE = MACHINE.evidence()
RAW = EVIDENCE.encode()
FIELDS = {span.name: span for span in evidence_fields(RAW)}


def octets_of(name: str, raw: bytes = RAW) -> bytes:
    return raw[FIELDS[name].start : FIELDS[name].end]


def test_every_octet_is_in_one_tree() -> None:
    assert_a_tree(evidence_fields(RAW), RAW)
    assert uncovered(evidence_fields(RAW), len(RAW)) == 0


def test_each_value_is_the_structure_that_evidence_decodes() -> None:
    read = Evidence.decode(RAW)
    assert octets_of("quote.value") == read.quote
    assert octets_of("quote.value.extraData") == BINDER
    assert octets_of("signature.value") == read.signature
    assert octets_of("event-log.value") == read.event_log
    assert octets_of("ak-certificates.certificate[0].value") == read.ak_certificates[0]
    assert octets_of("key-attestation.public.value") == read.key_attestation.public
    for pcr, value in read.pcr_values.items():
        assert octets_of(f"pcr-values.value.PCR{pcr}.value") == value
        assert FIELDS[f"pcr-values.value.PCR{pcr}"].value == value.hex()


def test_structures_and_certificate_are_named_to_the_last_field() -> None:
    assert FIELDS["ak-certificates.certificate[0].value.tbsCertificate.issuer"].value == "CN=Privacy CA"
    assert FIELDS["ak-certificates.certificate[0].value.tbsCertificate.subject"].value == "empty"
    named = FIELDS["ak-certificates.certificate[0].value.tbsCertificate.extensions.akName"]
    assert "Name of the AK" in named.note
    assert FIELDS["quote.value.clockInfo.resetCount"].value == "7"
    assert "quote" in FIELDS["signature"].note
    assert "attest" in FIELDS["key-attestation.signature"].note
    opaque = [s for s in leaves(evidence_fields(RAW)) if s.end - s.start > 64]
    assert not [s.name for s in opaque if not s.name.endswith((".s", ".r", "modulus", ".rsa", "signatureValue"))]


def test_the_log_says_what_each_event_makes_of_its_pcr() -> None:
    steps = EventLog.decode(EVIDENCE.event_log).steps()
    assert len(steps) >= 3
    for number, step in enumerate(steps, start=1):
        span = FIELDS[f"event-log.value.events[{number}]"]
        assert span.value == f"PCR {step.pcr} becomes {step.after.hex()}"
        assert step.before.hex() in span.note
    assert FIELDS["event-log.value.events[0].event.digestSizes[0].algorithmId"].value == "sha256"


def test_steps_are_those_of_the_replay() -> None:
    log = EventLog.decode(EVIDENCE.event_log)
    locality = STARTUP_LOCALITY + b"\3"
    log.events.insert(0, LogEvent(0, EV_NO_ACTION, (("sha256", bytes(32)),), locality))
    log.events.insert(1, LogEvent(0, EV_NO_ACTION, (("sha256", bytes(32)),), b"something else"))
    raw = log.encode()
    replayed = log.replay()
    assert replayed[0] == bytes(31) + b"\3"
    assert {step.pcr: step.after for step in log.steps()} == replayed
    assert log.replay(initial={17: b"\1" * 32})[17] != replayed[17]
    with pytest.raises(EventLogError, match="no sha1 digests"):
        log.steps("sha1")
    told = steps_of(raw, replayed | {17: bytes(32)})
    last = {step["pcr"]: step for step in told}
    assert {pcr: step["agrees"] for pcr, step in last.items()} == {pcr: pcr != 17 for pcr in replayed}
    assert steps_of(raw, {})[-1]["agrees"] is None
    assert told[0] | {"says": ""} == {
        "pcr": 0, "type": "EV_NO_ACTION", "digest": bytes(32).hex(), "says": "",
        "before": bytes(32).hex(), "after": replayed[0].hex(), "agrees": True,
    }  # fmt: skip


@given(damaged(RAW))
def test_damaged_evidence_is_named_as_far_as_it_goes(octets: bytes) -> None:
    assert_a_tree(evidence_fields(octets), octets)
    assert uncovered(evidence_fields(octets), len(octets)) == 0


@given(
    st.recursive(
        st.integers(-5, 300) | st.binary(max_size=20) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.integers(0, 9) | st.sampled_from(["quote", "a.b", "(key)", "value", "label"]), inner)
        ),
    )
)
def test_any_cbor_has_a_tree(item: object) -> None:
    octets = cbor2.dumps(item, canonical=True)
    assert_a_tree(evidence_fields(octets), octets)


def test_one_structure_that_cannot_be_read_leaves_the_rest() -> None:
    start = FIELDS["quote.value.type"].start
    broken = RAW[:start] + b"\0\0" + RAW[start + 2 :]
    fields = {span.name: span for span in evidence_fields(broken)}
    assert "neither a quote" in fields["quote.value.unreadable"].value
    assert fields["key-attestation.attest.value.magic"] == FIELDS["key-attestation.attest.value.magic"]


def test_what_breaks_off_says_why() -> None:
    end = FIELDS["event-log.value"].start + 5
    fields = evidence_fields(RAW[:end])
    assert fields[-1].name == "unreadable"
    assert "are left" in fields[-1].value
    assert "quote.value.extraData" in {span.name for span in fields}
    assert evidence_fields(b"") == ()
    assert [s.name for s in evidence_fields(bytes(70_000))] == ["unreadable"]


def test_evidence_is_known_by_its_first_octets() -> None:
    assert is_evidence(RAW)
    assert not is_evidence(b"PAY 120.00 TO carol")
    assert not is_evidence(b"")
    assert not is_evidence(cbor2.dumps({"other": 1}))
