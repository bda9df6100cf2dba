"""The second signed table comes out of real runs: seven rows, six designs of TLS 1.3, real TPMs."""

from __future__ import annotations

import pytest

from trustlab.attacks import ATTACKS13, CATALOGUE
from trustlab.attacks.expected13 import EXPECTED13, ROWS
from trustlab.passage import LADDER13
from trustlab.scenarios import rung

SIGNED = """
S x x x x x
S S S x x x
x S x x x x
S S S S S S
S S S S S x
S S S S S S
x x x x x x
"""
CELLS = [(design.name, attack) for row in ROWS for attack in row.attacks for design in LADDER13]


def test_the_table_as_data_is_the_one_that_was_signed():
    wanted = [line.split() for line in SIGNED.strip().splitlines()]
    for row, marks in zip(ROWS, wanted, strict=True):
        for attack in row.attacks:
            assert [EXPECTED13[design.name, attack].mark for design in LADDER13] == marks


def test_every_attack_has_its_row_and_every_cell_a_sentence_and_a_source():
    assert set(CELLS) == set(EXPECTED13)
    assert set(ATTACKS13) == {attack for row in ROWS for attack in row.attacks}
    assert all(cell.sentence.endswith(".") and cell.source for cell in EXPECTED13.values())


@pytest.mark.parametrize(("design", "attack"), CELLS, ids=[f"{a}-{d}" for d, a in CELLS])
def test_a_real_run_gives_the_signed_cell(design, attack):
    with rung(design, attack) as act:
        outcome = act.run()
    judged = {(e.party, e.name) for e in act.trace.select("appraisal")}
    if EXPECTED13[design, attack].mark == "S":
        assert outcome.outcome == "succeeded"
        assert ("teller", "accepted") in judged
        assert CATALOGUE[attack].prize == "peer" or outcome.alice_knows == ("pin",)
    else:
        assert (outcome.outcome, outcome.alice_knows) == ("refused", ())
        assert ("teller", "refused") in judged
        assert not act.trace.select("app", party="teller", name="connected")
        assert outcome.refused_by in {"extraData", "machine pinned", "reference values"}
