"""The matrix by powers: from real runs, and whoever can do more never reaches less."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from trustlab.attacks import BY_CAROL, CATALOGUE, known, table
from trustlab.cli import app
from trustlab.finder import GOALS, POWERS
from trustlab.scenarios import CellResult, run_matrix
from trustlab.scenarios.found import NEEDS
from trustlab.scenarios.powers import power_cells, power_sets, rows_with_needs

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
DESIGNS = ("plain-tls", "trusted-passage", "tls13-nonce", "tls13-exporter")
OTHER_NEEDS = {
    "memory-scrape",  # the memory of a virtual machine
    "fail-open",  # a verifier that fails
    "resumption-splice",  # ends that resume
    "reflection",  # peers of one kind
    "diversion",  # a second machine of Bob's
    "uncertified-mallory",  # less than the network: no CA's question crosses hers
    "evil-workload",  # she boots the bank's own machine
    "same-machine-wrong-workload",
    "evil-hypersafe",
    "reference-rollback",
    "bleichenbacher",  # measured: answers, quotes and service
    "quote-flooding",
    "tpm-nuisance",
    "evidence-disclosure",  # no goal of a search
    "tpm-nuisance-without-end",
    *BY_CAROL,
}
"""Rows whose attacks need something that is not a power of a search."""


@pytest.fixture(scope="module")
def cells():
    return {(c.design, c.powers, c.goal): c for c in power_cells(run_matrix(DESIGNS, rows_with_needs()))}


def test_every_row_says_what_it_needs_or_needs_something_else():
    rows = {attack for _, attack in table()}
    named = {row for row in rows if any(known(row, tls).name in NEEDS for tls in ("1.2", "1.3"))}
    assert rows - named == OTHER_NEEDS
    assert set(NEEDS) <= set(CATALOGUE)
    assert frozenset().union(*NEEDS.values()) <= set(POWERS)


def test_the_rows_are_what_attacks_need_and_everything():
    sets = power_sets()
    assert sets[0] == ("network",)
    assert all(names[0] == "network" for names in sets)
    assert {frozenset(names) for names in sets} >= {needs | {"network"} for needs in NEEDS.values()}
    assert set(sets[-1]) == {"network"}.union(*NEEDS.values())


def test_who_can_do_more_never_reaches_less(cells):
    rank = {"-": 0, "x": 1, "S": 2}
    for (design, powers, goal), cell in cells.items():
        for more in power_sets():
            if set(powers) <= set(more):
                assert rank[cells[design, more, goal].mark] >= rank[cell.mark], (design, powers, more, goal)


def test_every_goal_of_a_search_is_a_column(cells):
    assert {goal for _, _, goal in cells} == set(GOALS)
    assert len(cells) == len(DESIGNS) * len(power_sets()) * len(GOALS)


@pytest.mark.parametrize(
    ("design", "powers", "goal", "mark", "by", "stopped_by"),
    [
        ("plain-tls", ("ca",), "pin", "S", "rogue-certificate", ()),
        ("plain-tls", (), "balance", "S", "stranger", ()),
        ("trusted-passage", (), "balance", "x", "stranger", ("evidence format",)),
        ("trusted-passage", (), "pin", "x", "plain-wire", ("traffic keys",)),
        ("trusted-passage", ("root-tpm",), "pin", "x", "key-abuse", ("TPM_RC_LOCALITY",)),
        ("trusted-passage", ("own-machine",), "peer", "x", "own-genuine-machine-pinned", ("machine pinned",)),
        ("tls13-nonce", ("ca",), "agree", "S", "rogue-certificate", ()),
        ("tls13-nonce", ("ca",), "peer", "x", "plain-wire", ("traffic keys",)),
        ("tls13-exporter", ("ca", "key-usable", "dh-known"), "agree", "x", "known-dh-secret-and-key", ("extraData",)),
        ("tls13-exporter", ("ca", "key-usable", "dh-known"), "pin", "S", "known-dh-secret", ()),
    ],
)
def test_a_cell_says_who_gets_there_or_what_stopped_the_last_one(cells, design, powers, goal, mark, by, stopped_by):
    cell = cells[design, ("network", *powers), goal]
    assert (cell.mark, cell.by, cell.stopped_by) == (mark, by, stopped_by)


def test_a_run_that_broke_proves_nothing():
    run = CellResult("tls13-key", "tunnel-relay", "x", "broke", "", "strict", stopped_by=("extraData",), goal="pin")
    assert {cell.mark for cell in power_cells([run])} == {"-"}


def test_the_command_prints_the_cells_or_the_blocks():
    told = CliRunner().invoke(app, ["matrix", "--powers", "--design", "tls13-key", "--json"])
    assert told.exit_code == 0
    found = json.loads(told.stdout)["cells"]
    assert set(found[0]) == {"design", "powers", "goal", "mark", "by", "stopped_by"}
    shown = CliRunner().invoke(app, ["matrix", "--powers", "--design", "tls13-key"], env={"COLUMNS": "80"})
    lines = shown.stdout.splitlines()
    assert "agree: the teller is connected, Alice has its traffic keys" in shown.stdout
    assert max(len(line) for line in lines if line.startswith("  ")) <= 80
    assert next(line for line in lines if line.startswith("  ca, key ")).split()[-1] == "S"


def test_the_table_by_powers_cannot_be_narrowed_to_an_attack():
    told = CliRunner().invoke(app, ["matrix", "--powers", "--attack", "tunnel-relay"])
    assert told.exit_code == 1
