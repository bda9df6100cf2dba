"""No check without an attack, no attack without a check: over every list there is."""

from __future__ import annotations

from trustlab.attacks import BY_CAROL, CATALOGUE, experiments, stopped_by_no_check, table
from trustlab.attacks.ablation import missing
from trustlab.attacks.verifier import ATTACKS_ON_BINDERS, ATTACKS_ON_VERIFIER
from trustlab.attest import CHECKS
from trustlab.passage import PARTS, RULES

IN_LISTS = {row.attack for rows in experiments().values() for row in rows}


def left_out_in(kind):
    return {name for row in experiments()[kind] for name in row.without}


def test_every_check_has_an_attack_that_needs_it():
    assert {attack.check for attack in ATTACKS_ON_VERIFIER.values()} == left_out_in("checks") == set(CHECKS[1:])
    assert [row.attack for row in experiments()["checks"]] == list(ATTACKS_ON_VERIFIER)


def test_every_rule_has_an_attack_that_needs_it():
    assert left_out_in("rules") == set(RULES)


def test_every_binder_field_has_an_attack_that_needs_it():
    assert left_out_in("fields") == set(PARTS)


def test_every_attack_has_a_check_a_field_or_a_rule_or_the_list_says_why_not():
    assert missing() == []
    known = {*CATALOGUE, *BY_CAROL, *ATTACKS_ON_VERIFIER, *ATTACKS_ON_BINDERS}
    assert known - IN_LISTS == set(stopped_by_no_check())
    assert known >= IN_LISTS


def test_every_attack_of_the_tables_is_known_to_the_lists():
    assert {attack for _, attack in table()} <= IN_LISTS | set(stopped_by_no_check())


def test_what_must_be_left_out_together_are_checks_rules_and_fields():
    assert left_out_in("overlaps") <= {*CHECKS, *RULES, *PARTS}


def test_every_attack_on_binders_is_played_in_a_row():
    assert not set(ATTACKS_ON_BINDERS) - {row.attack for row in experiments()["fields"]}
    for on in ATTACKS_ON_BINDERS.values():
        data = on.attack
        assert data.needs
        assert data.steps
        assert all((data.breaks, data.why, data.source, data.stopped_by))
