"""Rules that are no checks: with each, its attack is stopped; without it, it succeeds; and the trace says so."""

from __future__ import annotations

import pytest

from trustlab.attacks import CATALOGUE, experiments
from trustlab.passage import RULES, RuleError, known_rules
from trustlab.scenarios import run, rung

RULE_ROWS = experiments()["rules"]
NAMES = [row.without[0] for row in RULE_ROWS]
ATTACKS_THAT_NEED_A_RULE_TO_BE_LEFT_OUT = {
    "downgrade",
    "fail-open",
    "early-canary",
    "uncertified-mallory",
    "resumption-splice",
    "quote-flooding",
    "bleichenbacher",
}


def played(row, *, without=()):
    with rung(row.design, row.attack, without=without) as act:
        act.run()
    return act


def notes(act):
    return {e.name for e in act.trace.select("note") if e.name.startswith("rule left out")}


def alerts(act, party):
    sent = act.trace.select("tls.message", party=party, name="Alert")
    return [e.raw[1] for e in sent if e.sent and e.raw[0] == 2]


def test_every_rule_has_an_attack_and_every_attack_a_rule():
    assert set(NAMES) == set(RULES)
    assert {row.attack for row in RULE_ROWS} == ATTACKS_THAT_NEED_A_RULE_TO_BE_LEFT_OUT
    assert set(CATALOGUE) >= ATTACKS_THAT_NEED_A_RULE_TO_BE_LEFT_OUT


@pytest.mark.parametrize("row", RULE_ROWS, ids=NAMES)
def test_the_rule_stops_the_attack_and_without_it_the_attack_succeeds(row):
    whole, less = played(row), played(row, without=row.without)
    assert whole.outcome.outcome in {"refused", "failed"}
    assert whole.outcome.alice_knows == ()
    if whole.attack.prize in {"pin", "peer"}:
        assert not whole.trace.select("app", party="teller", name="connected")
    assert not notes(whole)
    assert less.outcome.outcome == "succeeded"
    assert notes(less) == {f"rule left out: {row.without[0]}"}


@pytest.mark.parametrize("row", RULE_ROWS, ids=NAMES)
def test_leaving_out_every_other_rule_does_not_help_the_attack(row):
    others = tuple(name for name in RULES if name not in row.without)
    assert played(row, without=others).outcome.outcome in {"refused", "failed"}


@pytest.mark.parametrize("row", RULE_ROWS, ids=NAMES)
def test_an_honest_payment_goes_through_with_and_without_the_rule(row):
    for without in ((), row.without):
        with rung(row.design, without=without) as act:
            assert act.run().outcome == "completed"


def test_each_rule_refuses_in_its_own_way():
    acts = {row.without[0]: played(row) for row in RULE_ROWS}
    assert alerts(acts["offer answered"], "teller") == [40]
    assert alerts(acts["CA identity"], "teller") == [48]
    assert acts["error refuses"].outcome.refused_by == "verifier"
    assert acts["evidence first"].outcome.refused_by == "evidence format"


def test_the_list_of_rules_names_all_that_refused():
    results = list(run(RULE_ROWS))
    assert all(result.decisive for result in results)
    told = {result.experiment.without[0]: result.whole.failed for result in results if result.whole.failed}
    assert told == {
        "error refuses": ("verifier",),
        "evidence first": ("evidence format",),
        "evidence anew": ("extraData",),
    }


def test_mallorys_evidence_is_true_and_no_check_of_the_verifier_would_stop_her():
    row = next(row for row in RULE_ROWS if row.attack == "uncertified-mallory")
    act = played(row, without=("CA identity",))
    judged = act.trace.select("appraisal", party="teller")
    assert [(e.name, e.data["failed"]) for e in judged] == [("accepted", [])]


def test_a_rule_that_does_not_exist_is_named():
    with pytest.raises(RuleError, match="no rule is called 'nonce'"):
        known_rules(["nonce"])
