"""The pictures of real acts: real TPMs, the real engine, the real Alice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustlab.inspector import Ladder, Row
from trustlab.inspector.evidence import deepen
from trustlab.inspector.rows import Part
from trustlab.scenarios import acts

if TYPE_CHECKING:
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


def named(ladder: Ladder, name: str) -> list[Row]:
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


def test_only_the_key_differs_under_the_hash(refused: Trace) -> None:
    refusal = next(row for row in Ladder.of(refused).rows if row.kind == "appraisal")
    differing = [f["name"] for f in refusal.meta["binding"]["fields"] if f["verifier"] != f["attester"]]
    assert differing == ["H(SPKI_S)"]


def test_evidence_damaged_anywhere_is_still_shown_as_it_is(refused: Trace) -> None:
    message = named(Ladder.of(refused), "SupplementalData")[0]
    event = next(e for e in refused if e.kind == "tls.message" and e.name == "SupplementalData")
    whole = bytes.fromhex(message.parts[0].hex)
    for position in range(11, len(whole), 37):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        part = Part(title="damaged", hex=damaged.hex(), spans=event.spans)
        deepen(part)
        assert part.hex == damaged.hex()
        assert len(part.spans) >= len(event.spans)
