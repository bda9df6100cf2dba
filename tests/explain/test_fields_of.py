"""Everything in a trace is explained: real runs of every design, hostile traces, and what a plaintext looks like."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest
from field_trees import assert_a_tree, uncovered
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.explained import contents, is_opaque, share_explained, trees
from trustlab.explain import event as explain_event
from trustlab.explain import fields_of, frame_fields, plaintext_fields, secret_words
from trustlab.explain.tpm import words
from trustlab.octets import leaves
from trustlab.octets.tree import ENTRY, TOGETHER
from trustlab.passage import DESIGNS, exchange
from trustlab.scenarios import acts
from trustlab.tpm.commands import COMMANDS
from trustlab.trace import Span, Trace, TraceEvent

GOAL = 0.97
ATTACKED = "trusted-passage rogue-certificate"
PIN = b"PAY 120.00 TO carol PIN 962320\n"


class Runs(Mapping[str, Trace]):
    """The trace of every design and of an attack by name; each is played when it is first asked for."""

    def __init__(self) -> None:
        self._acts = {**{design: (design, None) for design in DESIGNS}, ATTACKED: tuple(ATTACKED.split())}
        self._played: dict[str, Trace] = {}

    def __getitem__(self, name: str) -> Trace:
        if name not in self._played:
            with acts.rung(*self._acts[name]) as act:
                act.run()
            self._played[name] = act.trace
        return self._played[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._acts)

    def __len__(self) -> int:
        return len(self._acts)


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs()


def test_every_event_of_every_design_is_one_tree(runs: Runs) -> None:
    for trace in runs.values():
        known = contents(trace)
        for event in trace:
            fields = fields_of(event, content=known.get((event.party, event.seq)))
            assert_a_tree(fields, event.raw)
            assert uncovered(fields, len(event.raw)) == 0


def test_nearly_all_octets_stand_under_a_sentence(runs: Runs) -> None:
    assert {name: share for name, trace in runs.items() if (share := share_explained(list(trace))) < GOAL} == {}


def test_a_long_leaf_says_why_it_is_not_taken_apart(runs: Runs) -> None:
    opaque = {
        (event.name, leaf.name, leaf.note)
        for trace in runs.values()
        for event, fields in trees(list(trace))
        for leaf in leaves(fields)
        if is_opaque(leaf)
    }
    assert opaque == set()


def test_no_field_has_the_sentence_of_nobody(runs: Runs) -> None:
    silent = {
        (event.name, span.name)
        for trace in runs.values()
        for event, fields in trees(list(trace))
        for span in fields
        if span.note in (ENTRY, TOGETHER) or "no sentence" in span.note
    }
    assert silent == set()


def named(trace: Trace, kind: str, name: str, field: str) -> Span:
    for event in trace:
        if event.kind == kind and event.name == name:
            for span in fields_of(event):
                if span.name.endswith(field):
                    return span
    raise AssertionError(f"no field {field} in {name}")


@pytest.mark.parametrize(
    ("design", "kind", "message"),
    [
        ("trusted-passage", "tls.message", "SupplementalData"),
        ("tls13-early", "tls.message", "Certificate"),
        ("tls13-exporter", "authenticator", "Certificate"),
        ("tls13-exporter", "secret", "application data"),
        ("session-hash", "secret", "application data"),
        ("connect-then-attest", "secret", "application data"),
    ],
)
def test_evidence_is_looked_into_wherever_it_travels(runs: Runs, design: str, kind: str, message: str) -> None:
    trace = runs[design]
    binders = {event.data["binder"] for event in trace.select("binder")}
    found = {
        event.raw[span.start : span.end].hex()
        for event in trace.select(kind, name=message)
        for span in fields_of(event)
        if span.name.endswith("quote.value.extraData")
    }
    assert found
    assert found <= binders
    subject = named(trace, kind, message, "certificate[0].value.tbsCertificate.subject")
    assert subject.value.startswith("CN=AK")
    assert named(trace, kind, message, "event-log.value.events[1]").value.startswith("PCR 17 becomes")


def test_the_certificates_of_both_versions_are_looked_into(runs: Runs) -> None:
    for design in ("plain-tls", "tls13-key"):
        trace = runs[design] if design != "plain-tls" else runs["trusted-passage"]
        name = named(trace, "tls.message", "Certificate", "tbsCertificate.extensions.subjectAltName")
        assert name.value == "dNSName bank.example"


def test_the_pin_is_a_field_and_its_sentence_says_what_it_is(runs: Runs) -> None:
    span = named(runs["trusted-passage"], "secret", "application data", "order.PIN")
    pin = next(event.raw for event in runs["trusted-passage"].select("secret", name="canary pin"))
    assert span.value == pin.decode()
    assert "Bob's PIN" in span.note
    assert "Alice" in span.note


def test_a_record_is_named_from_its_header_to_its_tag(runs: Runs) -> None:
    old = next(runs["trusted-passage"].select("tls.message", name="ApplicationData").__iter__())
    assert [s.name for s in fields_of(old)] == ["type", "version", "length", "explicit_nonce", "encrypted", "tag"]
    new = next(iter(runs["tls13-key"].select("tls.message", name="ApplicationData")))
    length = contents(runs["tls13-key"])[new.party, new.seq]
    names = [s.name for s in fields_of(new, content=length)]
    assert names == ["type", "version", "length", "encrypted", "encrypted.content", "encrypted.type", "tag"]
    padded = {s.name: s for s in fields_of(new, content=length - 4)}
    assert padded["encrypted.zeros"].value == "4 zeros"
    for wrong in (-1, 10_000):
        assert "encrypted.type" not in {s.name for s in fields_of(new, content=wrong)}


def test_trees_are_remembered_and_cheap(runs: Runs) -> None:
    events = [event for trace in runs.values() for event in trace if event.raw]
    explain_event.forget()
    start = time.process_time()
    first = [fields_of(event) for event in events]
    seconds = time.process_time() - start
    assert seconds * 5000 / len(events) < 5  # far above the benchmark's goal: this machine is shared
    assert all(fields_of(event) is fields for event, fields in zip(events, first, strict=True))


# the TPM's commands


def test_every_field_of_every_command_has_a_sentence_of_its_own() -> None:
    missing = []
    for row in COMMANDS.values():
        assert row.sentence, row.name
        for name in (*row.handles, *(name for name, _ in row.parameters)):
            missing += [(row.name, name)] if not words(row.name, name, response=False)[0] else []
        for name in (*filter(None, [row.answer_handle]), *(name for name, _ in row.answer)):
            missing += [(row.name, name)] if not words(row.name, name, response=True)[0] else []
    assert missing == []


def test_a_word_means_in_each_command_what_it_means_there() -> None:
    assert "binder" in words("Quote", "qualifyingData", response=False)[0]
    assert "binder" not in words("GetTime", "qualifyingData", response=False)[0]
    assert "password" in words("NV_DefineSpace", "auth", response=False)[0]
    assert words("Load", "objectHandle", response=True)[0] != words("Certify", "objectHandle", response=False)[0]
    assert words("Load", "inPrivate_size", response=False) == (
        "How many bytes of inPrivate follow.",
        "TPM 2.0 Part 2, 10.4",
    )


def test_a_commands_fields_are_cited(runs: Runs) -> None:
    quote = next(iter(runs["trusted-passage"].select("tpm.command", name="TPM2_Quote")))
    fields = {span.name: span for span in fields_of(quote)}
    assert fields["qualifyingData"].clause == "TPM 2.0 Part 3, 18.4"
    assert fields["PCRselect.entry[0].pcrSelect"].value == "PCR 17, 18, 19, 20"
    assert fields["auth[0].nonce_size"].value == "0"
    response = next(iter(runs["trusted-passage"].select("tpm.response", name="TPM2_Quote")))
    assert {s.name: s for s in fields_of(response)}["quoted.extraData"].value


# plaintext


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (PIN, {"order.verb": "PAY", "order.amount": "120.00", "order.payee": "carol", "order.PIN": "962320"}),
        (b"PAID 120.00 to carol\n", {"receipt.verb": "PAID", "receipt.amount": "120.00", "receipt.payee": "carol"}),
        (b"STATEMENT\n", {"question.verb": "STATEMENT"}),
        (b"BALANCE 7000.00\n", {"statement.amount": "7000.00"}),
        (b"REFUSED the order is too long\n", {"refusal.reason": "the order is too long"}),
        (b"GET /pay?amount=1.00 HTTP/1.1\r\nHost: bank.example\r\n\r\n", {"request.target": "/pay?amount=1.00", "request.Host": "bank.example"}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes", {"response.status": "200", "response.body": "yes"}),
        (b"something else", {"data": "something else"}),
        (b"\xff\xfe\x00\x01", {"data": "fffe0001"}),
        (exchange.frame(bytes(range(200, 232))), {"question.nonce": bytes(range(200, 232)).hex()}),
    ],
)  # fmt: skip
def test_plaintext_is_known_by_its_look(line: bytes, fields: dict[str, str]) -> None:
    found = {span.name: span.value for span in plaintext_fields(line)}
    assert fields.items() <= found.items()
    assert_a_tree(plaintext_fields(line), line)
    assert uncovered(plaintext_fields(line), len(line)) == 0


def test_several_pieces_in_one_plaintext_are_told_apart() -> None:
    both = exchange.frame(bytes(range(200, 232))) + PIN + b"rest"
    assert [s.name for s in plaintext_fields(both) if "." not in s.name] == ["question", "order", "data"]
    assert_a_tree(plaintext_fields(both), both)


@given(st.binary(max_size=80) | st.sampled_from([PIN, b"GET / HTTP/1.1\r\nA:b\r\n\r\n"]).flatmap(
    lambda whole: st.tuples(st.just(whole), st.integers(0, len(whole) - 1), st.integers(0, 255))).map(
    lambda change: change[0][: change[1]] + bytes([change[2]]) + change[0][change[1] + 1 :]))  # fmt: skip
def test_any_plaintext_is_a_tree(octets: bytes) -> None:
    assert_a_tree(plaintext_fields(octets), octets)
    assert uncovered(plaintext_fields(octets), len(octets)) == 0


def test_a_megabyte_of_lines_is_not_cut_into_as_many_fields() -> None:
    assert len(plaintext_fields(b"STATEMENT\n" * 100_000)) < 20_000


# frames


def test_frames_are_named_from_ethernet_to_the_records(runs: Runs) -> None:
    trace = runs["trusted-passage"]
    hello = next(e for e in trace.select("frame") if e.raw[e.data["payload_offset"] :][:1] == b"\x16")
    fields = {span.name: span for span in fields_of(hello)}
    assert fields["ip.source"].value == hello.data["src"].partition(":")[0]
    assert fields["tcp.destination_port"].value == hello.data["dst"].partition(":")[2]
    assert fields["payload"].start == hello.data["payload_offset"]
    assert fields["payload.record.type"].value.startswith("handshake")
    assert "payload.record.ClientHello.random" in fields
    syn = next(iter(trace.select("frame")))
    assert {s.name: s.value for s in fields_of(syn)}["tcp.data_offset_flags"] == "SYN"


def test_a_question_in_clear_is_named_in_its_frame(runs: Runs) -> None:
    names = {s.name for e in runs["attest-then-connect"].select("frame") for s in fields_of(e)}
    assert {"payload.question.nonce", "payload.request.target", "payload.response.status"} <= names


def test_what_fills_up_a_short_frame_is_not_payload() -> None:
    header = bytes(12) + b"\x08\x00" + b"\x45\x00\x00\x2a" + bytes(5) + b"\x06" + bytes(10)
    raw = header + bytes(12) + b"\x50" + bytes(7) + b"AB" + bytes(4)
    fields = {span.name: span for span in frame_fields(raw)}
    assert (fields["payload"].start, fields["payload"].end) == (54, 56)
    assert (fields["trailer"].start, fields["trailer"].end) == (56, 60)
    assert_a_tree(frame_fields(raw), raw)


@given(st.binary(max_size=120), st.integers(0, 120))
def test_any_frame_is_a_tree(octets: bytes, length: int) -> None:
    start = bytes(12) + b"\x08\x00\x45\x00" + length.to_bytes(2, "big") + bytes(5) + b"\x06" + bytes(10)
    for raw in (octets, start + octets):
        assert_a_tree(frame_fields(raw), raw)
        assert uncovered(frame_fields(raw), len(raw)) == 0


def test_a_frame_that_asks_and_one_that_answers_have_names_of_their_own(runs: dict[str, Trace]) -> None:
    plain = [e for e in runs["tls13-exporter"].select("secret") if e.name == "application data"]
    names = {span.name for event in plain for span in fields_of(event)}
    assert {
        "request.length",
        "request.ClientCertificateRequest",
        "authenticator.length",
        "authenticator.Finished",
    } <= names
    assert not [name for name in names if name.startswith("request.") and "Finished" in name]


def test_of_a_long_secret_the_first_octets_are_shown() -> None:
    (field,) = fields_of(TraceEvent("secret", "teller", 0, name="exporter secret", raw=bytes(range(40))))
    assert field.value == bytes(range(32)).hex()


def test_octets_that_a_group_encloses_are_not_called_unnamed() -> None:
    spans = (Span("a", 0, 4, "", "A group."), Span("a.x", 0, 2), Span("b", 4, 6))
    event = TraceEvent("app", "teller", 0, name="odd", raw=b"abcdefgh", spans=spans)
    assert [(s.name, s.start, s.end) for s in fields_of(event)] == [
        *(("a", 0, 4), ("a.x", 0, 2), ("b", 4, 6)),
        ("unnamed[0]", 6, 8),
    ]


# traces that somebody made up


SPANS = st.builds(
    Span,
    st.sampled_from(["a", "a.b", "a[0]", "a[0].size", "a.size", "certificate[0]", "x.evidence", "encrypted", ""]),
    st.integers(-2, 40),
    st.integers(-2, 40),
)


@given(
    st.builds(
        TraceEvent,
        kind=st.sampled_from(["tls.message", "tpm.command", "tpm.response", "frame", "secret", "authenticator", "new"]),
        party=st.just("p"),
        seq=st.just(0),
        name=st.sampled_from(["", "ApplicationData", "Certificate", "TPM2_Quote", "application data", "a.b"]),
        raw=st.binary(max_size=40),
        spans=st.lists(SPANS, max_size=8).map(tuple),
        data=st.dictionaries(st.sampled_from(["version", "label"]), st.none() | st.integers() | st.just("TLS 1.3")),
    )
)
def test_any_event_is_shown(event: TraceEvent) -> None:
    fields = fields_of(event)
    assert uncovered(fields, len(event.raw)) == 0
    assert all(0 <= s.start < s.end <= len(event.raw) and s.note and s.clause for s in fields)
    by_name = {span.name: span for span in fields}
    assert len(by_name) == len(fields)
    for span in fields:
        above = by_name[span.name.rpartition(".")[0]] if "." in span.name else span
        assert above.start <= span.start <= span.end <= above.end


def test_the_same_octets_with_other_spans_are_another_tree() -> None:
    one = TraceEvent("new", "p", 0, raw=b"ab", spans=(Span("first", 0, 2, note="N.", clause="C"),))
    other = TraceEvent("new", "p", 1, raw=b"ab", spans=(Span("second", 0, 2, note="N.", clause="C"),))
    assert [s.name for s in fields_of(one)] == ["first"]
    assert [s.name for s in fields_of(other)] == ["second"]


def test_secrets_have_words(runs: Runs) -> None:
    for trace in runs.values():
        for event in trace.select("secret"):
            note, clause = secret_words(event.name)
            assert note
            assert clause
            assert "only its owner" not in note or event.name == "application data", event.name
