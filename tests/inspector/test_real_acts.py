"""The pictures of real acts: real TPMs, the real engine, the real Alice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from field_trees import assert_a_tree, uncovered

from trustlab.inspector import Inspector, Ladder, LadderRow
from trustlab.inspector.evidence import replayed
from trustlab.inspector.rows import part_of
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


def named(ladder: Ladder, name: str) -> list[LadderRow]:
    return [row for row in ladder.rows if row.name == name and row.kind == "message"]


def test_every_arrow_of_a_real_run_has_both_ends(refused: Trace, plain: Trace) -> None:
    for trace in (refused, plain):
        arrows = [row for row in Ladder.of(trace).rows if row.kind == "message"]
        assert len(arrows) > 10
        assert all(row.at and row.to and row.at != row.to for row in arrows)


def test_every_octet_of_every_message_and_command_has_a_name(refused: Trace, plain: Trace) -> None:
    for trace in (refused, plain):
        for row in Ladder.of(trace).rows:
            for part in row.parts:
                named_octets = {n for span in part.spans for n in range(span.start, span.end)}
                missing = set(range(len(part.hex) // 2)) - named_octets
                assert not missing, f"{row.name}, {part.title}: octets {sorted(missing)[:8]} have no name"


def test_the_legs_of_act_one_differ_in_certificate_and_secret(plain: Trace) -> None:
    ladder = Ladder.of(plain)
    for name in ("Certificate", "ClientKeyExchange"):
        first, second = named(ladder, name)
        assert second.meta["twin"] == first.id
        assert second.meta["changed"]


def test_the_binder_lies_in_the_quote_inside_the_evidence(refused: Trace) -> None:
    ladder = Ladder.of(refused)
    message = named(ladder, "SupplementalData")[0]
    part = message.parts[0]
    span = next(s for s in part.spans if s.name.endswith(".quote.value.extraData"))
    binder = next(row for row in ladder.rows if row.kind == "binder" and row.meta["side"] == "attester")
    assert part.hex[2 * span.start : 2 * span.end] == binder.meta["binder"]


def test_the_log_in_the_evidence_replays_to_the_values_sent_with_it(refused: Trace) -> None:
    log = named(Ladder.of(refused), "SupplementalData")[0].meta["log"]
    assert [(step["pcr"], step["agrees"]) for step in log] == [(17, True), (18, True), (19, True)]
    assert log[2]["says"] == "bank"


def test_no_field_of_any_row_is_named_twice(refused: Trace) -> None:
    for row in Ladder.of(refused, secrets=True).rows:
        for part in row.parts:
            assert_a_tree(part.spans, bytes.fromhex(part.hex))


def test_a_record_of_tls13_shows_what_it_hides_where_the_plaintext_is_known() -> None:
    with acts.rung("tls13-nonce") as act:
        act.run()
    rows = named(Ladder.of(act.trace, secrets=True), "ApplicationData")
    for row in rows:
        record, plain = row.parts
        spans = {span.name: span for span in record.spans}
        content = spans["encrypted.content"]
        assert content.end - content.start == len(plain.hex) // 2
        assert spans["encrypted.type"].end == content.end + 1 == spans["tag"].start
        assert "encrypted.zeros" not in spans
    assert not [
        s for s in named(Ladder.of(act.trace), "ApplicationData")[0].parts[0].spans if s.name == "encrypted.type"
    ]


def test_only_the_key_differs_under_the_hash(refused: Trace) -> None:
    refusal = next(row for row in Ladder.of(refused).rows if row.kind == "appraisal")
    differing = [f["name"] for f in refusal.meta["binding"]["fields"] if f["verifier"] != f["attester"]]
    assert differing == ["H(SPKI_S)"]


def test_evidence_damaged_anywhere_is_still_shown_as_it_is(refused: Trace) -> None:
    event = next(e for e in refused if e.kind == "tls.message" and e.name == "SupplementalData")
    for position in range(11, len(event.raw), 37):
        damaged = bytearray(event.raw)
        damaged[position] ^= 0xFF
        seen = msgspec.structs.replace(event, raw=bytes(damaged))
        part = part_of(seen, "damaged")
        replayed(part)
        assert part.hex == damaged.hex()
        assert_a_tree(part.spans, seen.raw)
        assert uncovered(part.spans, len(damaged)) == 0


@pytest.fixture(scope="module")
def trusted() -> Trace:
    with acts.trusted_passage() as act:
        act.run()
    return act.trace


def test_the_snippet_beside_a_secret_makes_that_secret_again(
    trusted: Trace, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = Ladder.of(trusted, secrets=True).secrets
    snippets = {secret.name: secret.snippet for secret in secrets if secret.snippet}
    assert set(snippets) == {"master_secret", "key_block"}
    for snippet in snippets.values():
        exec(snippet, {})  # noqa: S102 - what a reader would run
    assert capsys.readouterr().out == "True\nTrue\n"


def test_without_secrets_no_value_and_no_snippet_is_kept(trusted: Trace) -> None:
    assert all(not secret.hex and not secret.snippet for secret in Ladder.of(trusted).secrets)


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
    for what in ("page", "trace", "capture", "../../etc"):
        inspector._heard(inspector, {"type": "download", "what": what, "asker": "me"}, [])
    inspector.close()
    name = "act-ii-a-trusted-passage"
    assert [entry[:2] for entry in sent] == [(f"{name}.html", "me"), (f"{name}.jsonl", "me"), (f"{name}.pcapng", "me")]
