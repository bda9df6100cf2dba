"""The finder agrees with both signed tables: what it finds is marked S, and it finds nothing where a cell is marked x."""

from __future__ import annotations

import pytest

from trustlab.attacks import table
from trustlab.finder import FinderError, find
from trustlab.finder.terms import FIELD_TERMS
from trustlab.passage import BESIDE, BESIDE12, LADDER, LADDER13
from trustlab.passage.binders import FIELDS

TABLE = table()
ON_12 = (
    (("rogue-certificate", "toctou-redirect", "tunnel-relay"), ("ca",), "pin"),
    (("deployed-key",), ("copy",), "pin"),
    (("key-abuse",), ("root-tpm",), "pin"),
    (("client-impersonation",), ("ca",), "balance"),
    (("client-impersonation", "same-pms-reencryption"), ("ca", "lax-peer"), "balance"),
)
"""The attacks of the signed table, with the powers and the goal of each: a search is about the best of them."""
ON_13 = (
    ("rogue-certificate", ("ca",), "pin", False),
    ("evidence-relay", ("ca", "key-usable"), "pin", False),
    ("evidence-replay", ("ca", "key-usable"), "pin", True),
    ("known-dh-secret", ("dh-known",), "pin", False),
    ("known-dh-secret-and-key", ("dh-known", "key-usable", "ca"), "agree", False),
    ("own-genuine-machine", ("own-machine", "unpinned"), "peer", False),
    ("own-genuine-machine-pinned", ("own-machine",), "peer", False),
)
MARKS = {"attack": "S", "none": "x"}


def signed(design, *attacks):
    """Return the best mark of these attacks for Alice; "-" if none makes sense."""
    marks = {TABLE[design.name, attack].mark for attack in attacks}
    return next(mark for mark in "Sx-" if mark in marks)


@pytest.mark.parametrize("design", LADDER, ids=lambda design: design.name)
def test_every_cell_of_tls12(design):
    for attacks, powers, goal in ON_12:
        mark = signed(design, *attacks)
        if mark != "-":
            found = find(design, powers, goal)
            assert (attacks, MARKS[found.verdict]) == (attacks, mark)
            assert found.bounds.complete


@pytest.mark.parametrize("design", [*LADDER13, *BESIDE], ids=lambda design: design.name)
def test_every_cell_of_tls13(design):
    for attack, powers, goal, replay in ON_13:
        found = find(design, powers, goal, replay=replay)
        assert (attack, MARKS[found.verdict]) == (attack, signed(design, attack))
        assert found.bounds.complete


def test_every_field_of_a_binder_is_a_term():
    assert FIELD_TERMS.keys() == FIELDS.keys()


def test_a_search_that_meets_its_limit_says_so():
    found = find(LADDER13[-1], ("ca", "key-usable"), states=10)
    assert (found.verdict, found.bounds.complete, found.states) == ("none", False, 10)
    assert "only the first 10 states" in found.bounds.sentence


def test_a_design_without_terms_is_refused():
    with pytest.raises(FinderError, match="no terms for messages that are sealed inside a channel, as in sealed"):
        find(BESIDE12[0], ("ca",))


def test_unknown_powers_and_goals_are_named():
    with pytest.raises(FinderError, match="no power 'magic'; choose from: network, ca"):
        find(LADDER[0], ("magic",))
    with pytest.raises(FinderError, match="no goal 'fame'; choose from: pin"):
        find(LADDER[0], (), "fame")


def test_what_comes_from_her_own_machine_is_named_so():
    found = find(LADDER13[0], ("own-machine", "unpinned"), "peer")
    flight = next(step for step in found.steps if step.message == "server's flight")
    assert flight.fields == {
        "random": "genuine",
        "nonce": "genuine",
        "share": "genuine",
        "certificate": "genuine",
        "evidence": "genuine-machine",
    }


@pytest.mark.parametrize(
    ("design", "powers"),
    [(design, powers) for design in (*LADDER, *LADDER13) for powers in (("ca",), ("ca", "key-usable", "lax-peer"))],
    ids=lambda value: getattr(value, "name", None) or "+".join(value),
)
@pytest.mark.parametrize("goal", ["pin", "balance"])
def test_more_powers_never_help_less(design, powers, goal):
    if find(design, powers, goal).verdict == "attack":
        assert find(design, (*powers, "copy", "root-tpm", "key-usable"), goal).verdict == "attack"
