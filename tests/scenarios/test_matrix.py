"""The signed table of the ladder comes out of real runs, cell by cell."""

from __future__ import annotations

import pytest

from trustlab.attacks import ATTACKS
from trustlab.attacks.expected import EXPECTED
from trustlab.passage import LADDER
from trustlab.scenarios import cells, run_cell, rung
from trustlab.trace import Trace

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


def test_the_table_in_the_code_is_the_signed_one():
    signed = {}
    for line in SIGNED.split("\n")[1:-1]:
        design, *marks = line.split()
        signed |= {(design, attack): mark for attack, mark in zip(COLUMNS, marks, strict=True)}
    assert {place: cell.mark for place, cell in EXPECTED.items()} == signed
    assert all(len(cell.sentence) > 20 for cell in EXPECTED.values())


@pytest.mark.parametrize("design", [d.name for d in LADDER])
def test_every_rung_carries_the_payment_when_alice_does_nothing(design):
    with rung(design) as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.alice_knows) == ("completed", ())


@pytest.mark.parametrize(("design", "attack", "cell"), cells(), ids=lambda v: v if isinstance(v, str) else v.mark)
def test_each_cell_is_as_signed_and_names_its_evidence(design, attack, cell, tmp_path):
    result = run_cell(design, attack, cell, keep=tmp_path)
    assert result.as_expected, f"{result.outcome}: {result.evidence}"
    assert result.sentence
    if cell.mark == "-":
        assert result.outcome == "senseless"
        return
    assert result.evidence
    assert len(Trace.load(result.trace)) > 50
    if cell.mark == "S":
        assert ATTACKS[attack].prize in result.evidence


def test_an_unknown_rung_is_named():
    with pytest.raises(ValueError, match="no design 'moon'"):
        rung("moon")
