"""The table comes out of real runs, cell by cell: every design against every attack."""

from __future__ import annotations

import os

import pytest

from trustlab.attacks import ATTACKS, NO_ANSWER, families, known
from trustlab.attacks import table as whole_table
from trustlab.attest import CHECKS
from trustlab.passage import DESIGNS, LADDER, LADDER13
from trustlab.passage.designs import SLIDES
from trustlab.scenarios import cells, run_cell, run_matrix, rung, table_of
from trustlab.scenarios.cell import said_once
from trustlab.trace import Trace
from trustlab.wire import EndpointError

TABLE = whole_table()
SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
RUNGS = {design.name for design in (*LADDER, *LADDER13)}
"""The designs whose signed cells are all played, and a third of the others; TRUSTLAB_SOAK=1 plays every cell."""
SIGNED = """
plain-tls           S - - S - - -
attest-then-connect S S - S - - -
connect-then-attest x x S S - - -
key-in-quote        x x x S - - -
machine-linked-key  x x x x S - -
tcb-key             x x x x x - -
client-quote        x x x x x S S
client-certificate  x x x x x x x
pms-in-quote        x x x x x x S
trusted-passage     x x x x x x x
session-hash        x x x x x x x
"""
"""As in the protocol; columns in the order of the slides."""
COLUMNS = (
    "rogue-certificate",
    "toctou-redirect",
    "tunnel-relay",
    "deployed-key",
    "key-abuse",
    "client-impersonation",
    "same-pms-reencryption",
)


def test_the_ladder_in_the_code_is_the_signed_one():
    signed = {}
    for line in SIGNED.split("\n")[1:-1]:
        design, *marks = line.split()
        signed |= {(design, attack): mark for attack, mark in zip(COLUMNS, marks, strict=True)}
    assert tuple(ATTACKS) == COLUMNS
    assert {place: TABLE[place].mark for place in signed} == signed
    assert set(signed) == {(design.name, attack) for design in LADDER for attack in COLUMNS}


def test_every_design_meets_every_attack_and_every_cell_has_a_sentence_and_a_source():
    attacks = [attack for family in families() for attack in family.attacks]
    assert list(TABLE) == [(design, attack) for design in DESIGNS for attack in attacks]
    for (design, attack), cell in TABLE.items():
        assert cell.sentence.endswith("."), (design, attack)
        assert len(cell.sentence) > 20, (design, attack)
        assert known(attack, DESIGNS[design].tls).source in cell.source
        assert DESIGNS[design].source in cell.source


@pytest.mark.parametrize(
    ("sources", "once"),
    [
        ("Trusted Passages (2011); Trusted Passages (Song, Lee, Raj, 2011)", SLIDES),
        (f"Trusted Passages (2011), on IBM 2006; {SLIDES}", f"{SLIDES}, on IBM 2006"),
        (f"Trusted Passages (2011), on IBM 2006; {SLIDES}, on IBM 2006", f"{SLIDES}, on IBM 2006"),
        ("SEAT; Intra-handshake.fail; naive; Intra-handshake.fail", "SEAT; Intra-handshake.fail; naive"),
        ("RFC 7627, 1; Bhargavan; RFC 7627", "RFC 7627, 1; Bhargavan"),
        ("RFC 762; RFC 7627, 1", "RFC 762; RFC 7627, 1"),
    ],
)
def test_a_source_is_said_once(sources, once):
    assert said_once(sources) == once


def test_no_cell_names_a_work_twice():
    for cell in TABLE.values():
        assert said_once(cell.source).count("Trusted Passages") <= 1
    told = run_cell("trusted-passage", "rogue-certificate", TABLE["trusted-passage", "rogue-certificate"])
    assert (told.source, told.failed) == (SLIDES, ("extraData", "key identity"))


def test_the_two_versions_are_the_whole():
    assert table_of("1.2") | table_of("1.3") == table_of("all") == TABLE
    assert {DESIGNS[design].tls for design, _ in table_of("1.3")} == {"1.3"}


@pytest.mark.parametrize("design", [d.name for d in LADDER])
def test_every_rung_carries_the_payment_when_alice_does_nothing(design):
    with rung(design) as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.alice_knows) == ("completed", ())


RUNG_CELLS = cells(RUNGS)
IN_TURN = cells() if SOAK else [c for n, c in enumerate(RUNG_CELLS) if c[1] in COLUMNS or n % 3 == 0]


@pytest.mark.parametrize(("design", "attack", "cell"), IN_TURN, ids=lambda v: v if isinstance(v, str) else v.mark)
def test_each_cell_is_as_expected_and_names_its_evidence(design, attack, cell, tmp_path):
    result = run_cell(design, attack, cell, keep=tmp_path)
    assert result.as_expected, f"{result.outcome}: {result.evidence}"
    assert result.sentence
    assert result.policy.split(";")[0] in {"strict", "lax client"}
    if cell.mark == "-":
        assert (result.outcome, result.trace) == ("senseless", "")
        return
    if cell.only == "uml":
        assert (result.outcome, result.sentence) == ("unplayed", cell.elsewhere)
        return
    assert result.evidence
    assert result.trace == str(tmp_path / f"{design}-{attack}.jsonl")
    assert len(Trace.load(result.trace)) > 50
    assert result.stopped_by == cell.stopped_by
    assert bool(cell.stopped_by) == (cell.mark == "x")
    assert NO_ANSWER not in cell.stopped_by
    if result.outcome == "failed":
        assert not set(cell.stopped_by) & set(CHECKS)
    played = known(attack, DESIGNS[design].tls)
    assert result.leaks == played.assumes.leaks
    if cell.mark == "S" and played.prize in {"pin", "balance"}:
        assert f"Alice knows the canary '{played.prize}'" in result.evidence
    if cell.mark == "S" and played.prize == "peer":
        assert (
            "teller-bank-1 was addressed to bank and answered by" in result.evidence
            or "teller-bank-2" in result.evidence
        )


def test_a_run_that_dies_of_an_error_broke_and_counts_for_nobody(monkeypatch):
    """Whoever writes an attack meets this: it runs on every design, and fails on one."""
    fault = EndpointError("teller-bank-1", "alice", "teller-bank-1: alice failed: LookupError: no such key")

    def run(_act):
        raise fault

    monkeypatch.setattr("trustlab.scenarios.stage.Act.run", run)
    told = run_cell("tcb-key", "deployed-key", TABLE["tcb-key", "deployed-key"])
    assert (told.outcome, told.as_expected) == ("broke", False)
    assert told.sentence == f"The run ended with an error: {fault}"


def test_a_cell_that_comes_out_otherwise_says_so_with_the_runs_own_sentence():
    wrong = TABLE["plain-tls", "deployed-key"]
    result = run_cell("tcb-key", "deployed-key", wrong)
    assert not result.as_expected
    assert result.why == wrong.sentence
    assert result.sentence.startswith("The attack failed: Alice cannot read the PIN. The TPM of bank made its key")


@pytest.mark.parametrize(
    ("design", "attack", "fact"),
    [
        ("tcb-key", "key-abuse", "the TPM of bank refused TPM2_RSA_Decrypt to the root VM: TPM_RC_LOCALITY"),
        ("tls13-key", "key-abuse", "the TPM of bank refused TPM2_Sign to the root VM"),
        ("tls13-nonce", "downgrade", "teller ended teller-bank-1 with alert 109 (missing_extension)"),
        ("tcb-key", "evil-hypersafe", "0x99d"),
        ("connect-then-attest", "quote-flooding", "made 0 quotes for Alice, who asked 24 times"),
        (
            "tcb-key",
            "bleichenbacher",
            "bank ended 9 connections with alert 20 (bad_record_mac); the bank's answers to 9 secrets: 15030300020214",
        ),
        ("tls13-early", "stale-antivirus", "bank refused by 'claims'; "),
        ("trusted-passage", "tpm-nuisance", "the bank made 1 payment"),
    ],
)
def test_what_stopped_her_is_said_by_the_facts(design, attack, fact):
    assert fact in run_cell(design, attack, TABLE[design, attack]).evidence


def test_cells_run_side_by_side_and_come_in_the_tables_order(tmp_path):
    seen = []
    chosen = {"designs": ["key-in-quote", "tls13-key"], "attacks": ["rogue-certificate", "deployed-key", "reflection"]}
    results = run_matrix(**chosen, keep=tmp_path, progress=seen.append)
    assert [(r.design, r.attack) for r in results] == [(d, a) for d, a, _ in cells(**chosen)]
    assert seen == results
    assert {path.name for path in tmp_path.iterdir()} == {f"{r.design}-{r.attack}.jsonl" for r in results if r.trace}


def test_an_unknown_rung_is_named():
    with pytest.raises(ValueError, match="no design 'moon'"):
        rung("moon")
