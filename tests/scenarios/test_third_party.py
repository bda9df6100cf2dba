"""Third parties: Carol and the bank judge each other, and each trick falls to a check of its own."""

from __future__ import annotations

import inspect

import pytest

from trustlab.passage import DESIGNS, RESUMED
from trustlab.scenarios import third_party
from trustlab.scenarios.teller import SIGNED_BY, UNSIGNED, date_of, report_antivirus
from trustlab.scenarios.third_party import AGENT, CURRENT, OUTDATED, TRICKS, signed_database, vendor

CAUGHT_BY = {
    "stale-antivirus": "claims",
    "posture-drift": "claims",
    "edited-database": "claims",
    "lying-agent": "reference values",
    "rolled-back-log": "log equals pcrDigest",
}


def test_carol_with_a_current_antivirus_is_served_and_both_judge_each_other():
    with third_party() as act:
        outcome = act.run()
    assert outcome.outcome == "completed"
    assert {e.party: e.name for e in act.trace.select("appraisal")} == {"carol": "accepted", "bank": "accepted"}
    judged = act.trace.select("verdict", party="bank", name="claims")[0]
    assert judged.data["verdict"] == "pass"


def test_carol_says_nothing_before_the_bank_is_judged():
    with third_party() as act:
        act.run()
    order = [(e.kind, e.name) for e in act.trace if e.party == "carol"]
    assert order.index(("appraisal", "accepted")) < order.index(("app", "connected"))


@pytest.mark.parametrize("trick", TRICKS)
def test_each_trick_is_refused_by_its_own_check_with_its_own_sentence(trick):
    with third_party(trick) as act:
        outcome = act.run()
    assert outcome.outcome == "refused"
    assert outcome.failed == (CAUGHT_BY[trick],)
    sentence = act.trace.select("verdict", party="bank", name=CAUGHT_BY[trick])[-1].data["sentence"]
    assert len(sentence) > 20


@pytest.mark.parametrize("trick", TRICKS)
def test_each_trick_works_when_just_that_check_is_left_out(trick):
    with third_party(trick, without=(CAUGHT_BY[trick],)) as act:
        assert act.run().outcome == "completed"


def test_the_policy_asks_for_more_than_the_outdated_and_less_than_the_current_database():
    with third_party("stale-antivirus") as act:
        act.run()
    claims = act.trace.select("verdict", party="bank", name="claims")[0].data
    assert OUTDATED in bytes.fromhex(claims["found"]).decode() or OUTDATED in claims["sentence"]
    assert OUTDATED < "2026-11-01" <= CURRENT


@pytest.mark.parametrize(
    ("edit", "date"),
    [
        (lambda whole: whole, OUTDATED),
        (lambda whole: whole.replace(OUTDATED.encode(), CURRENT.encode()), UNSIGNED),
        (lambda whole: whole.replace(b"EICAR", b"eicar"), UNSIGNED),
        (lambda whole: whole.rpartition(SIGNED_BY)[0], UNSIGNED),
        (lambda whole: whole[:-3] + b"zz\n", UNSIGNED),
        (lambda whole: whole[:-40], UNSIGNED),
        (lambda _whole: b"", UNSIGNED),
        (lambda whole: whole + b"\xff", UNSIGNED),
    ],
)
def test_the_agent_believes_only_what_the_vendor_signed(edit, date):
    assert date_of(edit(signed_database(OUTDATED)), vendor().public_key()) == date


def test_what_the_agent_claims_of_an_edited_database_is_its_digest_and_no_date():
    with third_party("edited-database") as act:
        act.run()
    claims = act.trace.select("verdict", party="bank", name="claims")[0].data
    assert UNSIGNED in bytes.fromhex(claims["found"]).decode() or UNSIGNED in claims["sentence"]
    said = act.trace.select("app", party="carol", name="antivirus")[0].data["sentence"]
    assert said == "The measured agent finds an antivirus whose database its vendor did not sign."


def test_the_line_that_the_liar_changes_is_in_the_measured_program():
    assert AGENT.decode() in inspect.getsource(report_antivirus)


def test_an_unknown_trick_is_named():
    with pytest.raises(ValueError, match="no trick 'magic'"):
        third_party("magic")


def test_a_posture_that_drifts_is_refused_by_the_next_evidence_and_not_before():
    with third_party("posture-drift") as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.refused_by) == ("refused", "claims")
    assert len(act.trace.select("app", party="bank", name="payment")) == 1


def test_without_evidence_anew_a_resumed_session_keeps_the_posture_it_began_with():
    with third_party("posture-drift", design=RESUMED) as act:
        act.run()
    assert len(act.trace.select("app", party="bank", name="payment")) == 1
    with third_party("posture-drift", design=RESUMED, without=("evidence anew",)) as act:
        assert act.run().outcome == "completed"
    assert len(act.trace.select("app", party="bank", name="payment")) == 2


def test_without_the_claims_check_the_drift_goes_through():
    with third_party("posture-drift", without=("claims",)) as act:
        assert act.run().outcome == "completed"


@pytest.mark.parametrize(
    ("attack", "design", "ends"),
    [
        ("evil-workload", "trusted-passage", ("refused", "reference values")),
        ("own-genuine-machine-pinned", "expat", ("refused", "machine pinned")),
        ("own-genuine-machine", "trusted-passage", ("succeeded", None)),
    ],
)
def test_carol_sees_what_answers_in_the_banks_name_as_the_teller_does(attack, design, ends):
    with third_party(attack=attack, design=DESIGNS[design]) as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.refused_by) == ends
    assert outcome.as_told
    assert act.slug == f"third-party-{attack}"


def test_a_trick_of_carols_and_an_attack_of_alices_are_not_played_together():
    with pytest.raises(ValueError, match="choose one: Carol's trick 'lying-agent', or Alice's attack 'evil-workload'"):
        third_party("lying-agent", attack="evil-workload")
    with pytest.raises(ValueError, match="there is no attack 'moon'"):
        third_party(attack="moon")
