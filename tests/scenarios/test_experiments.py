"""When an experiment is decisive, and what the one runner leaves out."""

from __future__ import annotations

import pytest

from trustlab.attacks import Experiment, experiments
from trustlab.passage import DESIGNS
from trustlab.scenarios import Played, Result, formulas, play, run
from trustlab.scenarios import experiments as runner

SUCCEEDED, FAILED = Played("succeeded"), Played("failed")
BY_ONE, BY_TWO = Played("refused", ("claims",), "claims"), Played("refused", ("claims", "role"), "claims")
PASSAGE = DESIGNS["trusted-passage"]


def result(kind, whole, less, each=None, names=("claims",)):
    row = Experiment(kind, "an attack", names, "a base", PASSAGE)
    return Result(row, whole, each or dict.fromkeys(names, less), names, less)


@pytest.mark.parametrize(
    ("kind", "whole", "decisive"),
    [
        ("checks", BY_ONE, True),
        ("checks", BY_TWO, False),
        ("checks", SUCCEEDED, False),
        ("rules", BY_TWO, True),
        ("rules", FAILED, True),
        ("rules", SUCCEEDED, False),
        ("fields", BY_TWO, True),
        ("fields", FAILED, False),
        ("fields", Played("refused"), False),
        ("overlaps", FAILED, True),
        ("overlaps", SUCCEEDED, False),
    ],
)
def test_an_attack_must_be_stopped_as_its_list_says_and_succeed_without(kind, whole, decisive):
    assert result(kind, whole, SUCCEEDED).decisive is decisive
    assert not result(kind, whole, BY_ONE).decisive
    assert not result(kind, whole, FAILED).decisive


@pytest.mark.parametrize(("one", "decisive"), [(BY_ONE, True), (FAILED, True), (SUCCEEDED, False)])
def test_where_several_stop_it_each_of_them_must_do_alone(one, decisive):
    names = ("claims", "role")
    assert result("overlaps", BY_TWO, SUCCEEDED, {"claims": BY_ONE, "role": one}, names).decisive is decisive


@pytest.mark.parametrize(
    ("names", "without", "played"),
    [
        (("claims",), (), [(), ("claims",)]),
        (("claims", "role"), (), [(), ("claims",), ("role",), ("claims", "role")]),
        (("claims", "role"), ("extraData",), [(), ("extraData",)]),
    ],
)
def test_the_runner_plays_whole_without_each_and_without_all_and_nothing_twice(monkeypatch, names, without, played):
    seen = []
    monkeypatch.setattr(runner, "play", lambda attack, design, *, without=(): seen.append(without) or SUCCEEDED)
    (told,) = run([Experiment("overlaps", "an attack", names, "a base", PASSAGE)], without=without)
    assert seen == played
    assert told.left_out == (without or names)


def test_the_formulas_are_those_of_the_design_with_the_field_and_without_it():
    row = next(row for row in experiments()["fields"] if row.without == ("HMAC(PMS)",))
    assert formulas(row) == (
        "H(L, C, nonce_S, client_random, server_random, HMAC(PMS))",
        "H(L, C, nonce_S, client_random, server_random)",
    )


def test_the_verifier_alone_and_a_cloud_are_played_by_the_same_word():
    pinned = ("machine pinned",)
    assert play("cuckoo", None) == Played("refused", pinned, pinned[0], stopped_by=pinned)
    told = play("evil-workload", PASSAGE)
    assert (told.outcome, told.failed) == ("refused", ("reference values",))
    assert "teller refused by 'reference values'" in told.evidence
    assert told.sentence.startswith("Refused by the check 'reference values'.")


@pytest.mark.parametrize(("attack", "design"), [("moon", PASSAGE), ("moon", None)])
def test_an_attack_there_is_not_is_named_with_those_there_are(attack, design):
    with pytest.raises(ValueError, match="'moon'; choose from: "):
        play(attack, design)
