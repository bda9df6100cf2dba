"""The second signed table comes out of real runs: seven rows, six designs of TLS 1.3, real TPMs."""

from __future__ import annotations

import pytest

from trustlab.attacks import CATALOGUE, table
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
ROWS = (
    ("rogue-certificate",),
    ("evidence-relay",),
    ("evidence-replay",),
    ("known-dh-secret",),
    ("known-dh-secret-and-key",),
    ("own-genuine-machine",),
    ("own-genuine-machine-pinned", "own-genuine-machine-other-image"),
)
"""The attacks that play each row of the signed table; where there are two, both must come out alike."""
CELLS = [(design.name, attack) for row in ROWS for attack in row for design in LADDER13]


def test_the_table_as_data_is_the_one_that_was_signed():
    wanted = [line.split() for line in SIGNED.strip().splitlines()]
    for row, marks in zip(ROWS, wanted, strict=True):
        for attack in row:
            assert [table()[design.name, attack].mark for design in LADDER13] == marks


def test_every_signed_cell_has_a_sentence_and_a_source():
    assert len(CELLS) == len(set(CELLS)) == 48
    assert all(table()[place].sentence.endswith(".") and table()[place].source for place in CELLS)


@pytest.mark.parametrize(("design", "attack"), CELLS, ids=[f"{a}-{d}" for d, a in CELLS])
def test_a_real_run_gives_the_signed_cell(design, attack):
    with rung(design, attack) as act:
        outcome = act.run()
    judged = {(e.party, e.name) for e in act.trace.select("appraisal")}
    if table()[design, attack].mark == "S":
        assert outcome.outcome == "succeeded"
        assert ("teller", "accepted") in judged
        assert CATALOGUE[attack].prize == "peer" or outcome.alice_knows == ("pin",)
    else:
        assert (outcome.outcome, outcome.alice_knows) == ("refused", ())
        assert ("teller", "refused") in judged
        assert not act.trace.select("app", party="teller", name="connected")
        assert outcome.refused_by in {"extraData", "machine pinned", "reference values"}
