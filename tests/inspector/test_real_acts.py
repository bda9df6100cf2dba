"""The documents of real acts: real TPMs, the real engine, the real Alice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from trustlab.attest import CHECKS
from trustlab.capture import knowledge
from trustlab.inspector import Inspector, Ladder
from trustlab.inspector.document import AppraisalRow, BinderRow, MessageRow, PlainRow, ReadRow, TpmRow
from trustlab.inspector.export import page
from trustlab.inspector.verdicts import MEANS
from trustlab.scenarios import acts

if TYPE_CHECKING:
    from pathlib import Path

    from trustlab.trace import Trace


@pytest.fixture(scope="module")
def refused() -> Trace:
    with acts.trusted_passage("rogue-certificate") as act:
        act.run()
    return act.trace


@pytest.fixture(scope="module")
def plain() -> Trace:
    with acts.plain_tls() as act:
        act.run()
    return act.trace


@pytest.fixture(scope="module")
def trusted() -> Trace:
    with acts.trusted_passage() as act:
        act.run()
    return act.trace


def messages(ladder: Ladder, name: str = "") -> list[MessageRow]:
    return [row for row in ladder.rows if isinstance(row, MessageRow) and name in {"", row.name}]


def test_every_arrow_of_a_real_run_has_both_ends_and_was_read(refused: Trace, plain: Trace) -> None:
    for trace in (refused, plain):
        arrows = messages(Ladder.of(trace))
        assert len(arrows) > 10
        assert all(row.at and row.to and row.at != row.to and row.state == "read" for row in arrows)


def test_every_octet_of_every_message_and_command_has_a_name(refused: Trace, plain: Trace) -> None:
    for trace in (refused, plain):
        for row in Ladder.of(trace).rows:
            for part in row.parts:
                named = {n for field in part.fields for n in range(field.start, field.end)}
                missing = set(range(len(part.hex) // 2)) - named
                assert not missing, f"{row.name}, {part.title}: octets {sorted(missing)[:8]} have no name"


def test_every_row_has_a_sentence_and_an_anchor_of_its_own(refused: Trace, plain: Trace, trusted: Trace) -> None:
    for trace in (refused, plain, trusted):
        rows = Ladder.of(trace).rows
        assert all(row.say for row in rows)
        assert len({row.anchor for row in rows}) == len(rows)


def test_the_rows_of_act_two_are_exactly_these(refused: Trace) -> None:
    rows = Ladder.of(refused).rows
    start = next(row.id for row in rows if row.name == "the payment")
    story = [row for row in rows[start:] if not isinstance(row, TpmRow)]
    wire = [(row.name, row.at, row.to) for row in story if isinstance(row, MessageRow)]
    assert wire == [
        ("ClientHello", "teller", "alice"),
        ("ClientHello", "alice", "bank"),
        ("ServerHello", "bank", "alice"),
        *((name, "bank", "alice") for name in ("SupplementalData", "Certificate", "ServerHelloDone")),
        *((name, "alice", "teller") for name in ("ServerHello", "SupplementalData", "Certificate", "ServerHelloDone")),
        ("Alert", "teller", "alice"),
        *(("Alert", one, other) for one, other in (("alice", "bank"), ("alice", "bank"), ("bank", "alice"))),
    ]
    kinds = [str(row.__struct_config__.tag) for row in story if type(row) is not PlainRow]
    assert {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)} == {
        "section": 2,
        "connect": 2,
        "attack": 2,
        "truth": 2,
        "message": 14,
        "binder": 2,
        "verdict": 19,
        "appraisal": 1,
        "app": 2,
        "machine": 3,
    }


def test_one_group_of_fields_has_to_differ_in_act_two_and_it_is_the_key(refused: Trace) -> None:
    ladder = Ladder.of(refused)
    groups = set()
    for row in messages(ladder):
        labels, fields = ladder.book.labels(row.parts[0]), row.parts[0].fields
        has_to = {c.field for c in row.compared if c.word == "has to differ"}
        for number in has_to:
            above = max((n for n in range(number) if fields[n].depth < fields[number].depth), default=-1)
            if above not in has_to:
                groups.add((row.name, labels[number]))
    assert groups == {("Certificate", "subjectPublicKeyInfo")}


def test_whatever_differs_between_the_legs_has_a_reason(refused: Trace, plain: Trace) -> None:
    for trace in (refused, plain):
        ladder = Ladder.of(trace)
        for row in messages(ladder):
            labels = ladder.book.labels(row.parts[0])
            assert all(c.word and c.text.endswith(".") for c in row.compared), row.name
            if row.differs:
                assert any(c.differs for c in row.compared), labels


def test_a_row_of_a_certificate_shows_first_what_has_to_differ(refused: Trace) -> None:
    ladder = Ladder.of(refused)
    for row in messages(ladder, "Certificate"):
        assert ladder.book.labels(row.parts[0])[row.first] == "modulus"


def test_a_record_of_tls13_shows_what_it_hides_where_the_plaintext_is_known() -> None:
    with acts.rung("tls13-nonce") as act:
        act.run()
    ladder = Ladder.of(act.trace, secrets=True)
    for row in messages(ladder, "ApplicationData"):
        record, plaintext = row.parts
        fields = dict(zip(ladder.book.labels(record), record.fields, strict=True))
        content = fields["content"]
        assert content.end - content.start == len(plaintext.hex) // 2
        assert fields["type"].end == content.end + 1
    closed = Ladder.of(act.trace)
    assert all("content" not in closed.book.labels(row.parts[0]) for row in messages(closed, "ApplicationData"))


def test_only_the_key_differs_under_the_hash_and_the_refusal_says_so(refused: Trace) -> None:
    ladder = Ladder.of(refused)
    refusal = next(row for row in ladder.rows if isinstance(row, AppraisalRow))
    assert refusal.say == ("This quote was made for another connection. One input differs: the server's public key.")
    assert refusal.binding is not None
    binding = ladder.document.frame.bindings[refusal.binding]
    assert [i.name for i in binding.inputs if i.differs] == ["H(SPKI_S)"]
    assert (binding.attester, binding.verifier, binding.holds) == ("bank", "teller", False)


def test_the_moment_alice_reads_the_pin_is_a_row(plain: Trace) -> None:
    ladder = Ladder.of(plain, secrets=True)
    (number,) = ladder.document.frame.reads
    read = ladder.rows[number]
    assert isinstance(read, ReadRow)
    pin = next(e.raw for e in plain.select("secret", name="canary pin")).decode()
    assert read.loot is not None
    assert read.text[slice(*read.loot)] == pin
    assert isinstance(carried := ladder.rows[read.of], MessageRow)
    assert (carried.at, carried.to, read.id) == ("teller", "alice", carried.id + 1)
    assert ladder.document.frame.prize == "Bob's PIN"


def test_in_act_one_it_is_clear_who_has_the_pin_and_the_secrets_of_both_legs(plain: Trace) -> None:
    held = {s.id: [h.party for h in s.holders] for s in Ladder.of(plain).document.frame.secrets}
    assert held["pin"] == ["teller", "alice", "bank"]
    for name in ("pre_master_secret", "master_secret"):
        assert held[f"teller-alice/{name}"] == ["teller", "alice"]
        assert held[f"alice-bank/{name}"] == ["alice", "bank"]


def test_alice_reads_a_canary_exactly_where_her_knowledge_holds_it(
    refused: Trace, plain: Trace, trusted: Trace
) -> None:
    for trace in (refused, plain, trusted):
        pin = next(e.raw for e in trace.select("secret", name="canary pin"))
        assert bool(Ladder.of(trace).document.frame.reads) == bool(knowledge(trace, "alice").holds(pin))


def test_the_binder_lies_in_the_quote_that_the_tpm_made(refused: Trace) -> None:
    ladder = Ladder.of(refused)
    binder = next(row for row in ladder.rows if isinstance(row, BinderRow) and row.side == "attester")
    quote = next(row for row in ladder.rows if row.name == "TPM2_Quote")
    labels = ladder.book.labels(quote.parts[0])
    field = quote.parts[0].fields[labels.index("qualifyingData")]
    assert quote.parts[0].hex[2 * field.start : 2 * field.end] == binder.binder


def test_pcrs_are_those_that_were_quoted(trusted: Trace) -> None:
    extended = Ladder.of(trusted).document.frame.pcrs
    assert [(e.machine, e.pcr) for e in extended] == [(m, n) for m in ("bank", "teller") for n in (17, 20, 18, 19)]
    last = {(e.machine, e.pcr): e.after for e in extended}
    reads = [e.raw for e in trusted if e.kind == "tpm.response" and e.name == "TPM2_PCR_Read" and e.party == "bank"]
    assert all(bytes.fromhex(last["bank", pcr]) in reads[-1] for pcr in (17, 18, 19))


def test_without_secrets_no_value_and_no_snippet_is_kept(trusted: Trace, plain: Trace) -> None:
    for trace in (trusted, plain):
        ladder = Ladder.of(trace)
        assert all(not secret.hex and not secret.snippet for secret in ladder.document.frame.secrets)
        whole = msgspec.json.encode(ladder.document)
        for event in trace.select("secret"):
            if event.name.startswith("canary pin") or event.name.endswith("secret"):
                assert event.raw.hex().encode() not in whole, event.name


def test_a_refusal_claims_no_more_of_the_key_than_was_checked(refused: Trace) -> None:
    sealed = "the signing key never leaves the TPM"
    unchecked = [e for e in refused if e.name != "AK public area"]
    for events, claimed in ((list(refused), True), (unchecked, False)):
        refusal = next(row for row in Ladder.of(events).rows if isinstance(row, AppraisalRow))
        assert (sealed in refusal.more) is claimed


def test_every_check_of_the_verifier_says_what_its_failure_means() -> None:
    assert set(CHECKS) - {"extraData"} == set(MEANS)  # that one is told input by input


def test_the_page_of_act_two_is_small(refused: Trace) -> None:
    assert len(page(refused, secrets=True)) < 300_000


def test_what_the_page_can_keep_can_be_kept_by_a_call(trusted: Trace, tmp_path: Path) -> None:
    inspector = Inspector(trusted)
    pin = next(e.raw for e in trusted.select("secret", name="canary pin"))
    kept = [
        inspector.save_page(tmp_path / "a.html"),
        inspector.save_trace(tmp_path / "a.jsonl"),
        inspector.save_capture(tmp_path / "a.pcapng"),
    ]
    assert all(path.stat().st_size > 1000 for path in kept)
    assert not any(pin in path.read_bytes() or pin.hex().encode() in path.read_bytes() for path in kept)
    sent: list[tuple[str, object, int]] = []
    inspector.send = lambda content, buffers=(): sent.append((content["name"], content["asker"], len(buffers[0])))
    for what in ("page", "trace", "capture"):
        inspector._heard(inspector, {"type": "download", "what": what, "asker": "me"}, [])
    inspector.close()
    name = "act-ii-a-trusted-passage"
    assert [entry[:2] for entry in sent] == [(f"{name}.html", "me"), (f"{name}.jsonl", "me"), (f"{name}.pcapng", "me")]
