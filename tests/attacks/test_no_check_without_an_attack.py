"""No check without an attack, no attack without a check: over every list there is."""

from __future__ import annotations

from trustlab.attacks import CATALOGUE, FIELD_ROWS, OVERLAP_ROWS, RULE_ROWS, STOPPED_BY_NO_CHECK
from trustlab.attacks.on_binder import ATTACKS_ON_BINDERS
from trustlab.attacks.on_verifier import ATTACKS_ON_VERIFIER
from trustlab.attacks.unwilling import BY_CAROL
from trustlab.attest import CHECKS
from trustlab.passage import PARTS, RULES
from trustlab.scenarios import TABLES

IN_LISTS = {
    *ATTACKS_ON_VERIFIER,
    *(row.attack for row in RULE_ROWS),
    *(row.attack for row in FIELD_ROWS),
    *(row.attack for row in OVERLAP_ROWS),
}


def test_every_check_has_an_attack_that_needs_it():
    assert {attack.check for attack in ATTACKS_ON_VERIFIER.values()} == set(CHECKS[1:])


def test_every_rule_has_an_attack_that_needs_it():
    assert {row.rule for row in RULE_ROWS} == set(RULES)


def test_every_binder_field_has_an_attack_that_needs_it():
    assert {row.part for row in FIELD_ROWS} == set(PARTS)


def test_every_attack_has_a_check_a_field_or_a_rule_or_the_list_says_why_not():
    known = {*CATALOGUE, *BY_CAROL, *ATTACKS_ON_VERIFIER, *ATTACKS_ON_BINDERS}
    assert known - IN_LISTS == set(STOPPED_BY_NO_CHECK)
    assert known >= IN_LISTS


def test_every_attack_of_the_tables_is_known_to_the_lists():
    assert {attack for table in TABLES.values() for _, attack in table} <= IN_LISTS | set(STOPPED_BY_NO_CHECK)


def test_what_must_be_left_out_together_are_checks_rules_and_fields():
    names = {name for row in OVERLAP_ROWS for name in row.together}
    assert names <= {*CHECKS, *RULES, *PARTS}


def test_every_attack_on_binders_is_played_in_a_row():
    assert not set(ATTACKS_ON_BINDERS) - {row.attack for row in FIELD_ROWS}
    for on in ATTACKS_ON_BINDERS.values():
        data = on.attack
        assert data.needs
        assert data.steps
        assert all((data.breaks, data.why, data.source, data.stopped_by))
