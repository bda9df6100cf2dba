"""What evidence is tied to: runs tell the goals apart, and the page says what they gave."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from trustlab.passage import EARLY_EXPORTER_ALONE, MECHANISMS, DesignError
from trustlab.scenarios import goals, rung
from trustlab.scenarios.goals import BINDING_GOALS, GOAL_ATTACKS, HELD, JUDGED, broken_goals, judge_goals

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
PAGE = (Path(__file__).parents[2] / "docs" / "goals.md").read_text("utf-8")
EVERY = {goal.name for goal in BINDING_GOALS}
TELLING = [
    # design, attack, the goals that the run breaks
    ("tls13-key", "evidence-replay", EVERY),
    ("tls13-nonce-key", "evidence-relay", EVERY),
    ("tls13-standard-early-exporter", "known-dh-secret-and-share", EVERY),
    ("tls13-early-exporter", "known-dh-secret-and-share", set()),
    (EARLY_EXPORTER_ALONE.name, "known-dh-secret-and-hello", {"G2", "G3"}),
    ("tls13-early-exporter", "known-dh-secret-and-hello", set()),
    ("tls13-early-exporter", "known-dh-secret-and-key", {"G3"}),
    ("expat", "known-dh-secret-and-key", set()),
]
"""A run for each step from one goal to the next; all other runs are played under TRUSTLAB_SOAK=1."""


@pytest.mark.parametrize(
    ("design", "attack", "broken"), TELLING, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_run_breaks_the_goals_whose_secrets_differ(design, attack, broken):
    with rung(JUDGED[design], attack) as act:
        outcome = act.run()
    assert broken_goals(act.trace) == broken
    assert (outcome.outcome == "succeeded") == bool(broken)
    assert broken or outcome.refused_by == "extraData"


def test_a_payment_that_nobody_attacks_breaks_no_goal_and_has_every_secret_that_is_compared():
    with rung("expat") as act:
        act.run()
    assert broken_goals(act.trace) == frozenset()
    for party in ("teller", "bank"):
        assert all(act.trace.select("secret", party=party, name=goal.secret) for goal in BINDING_GOALS)
    for event in act.trace.select("secret", party="bank"):
        event.data["connection"] = "another"
    assert broken_goals(act.trace) == EVERY


def test_a_design_that_does_not_work_holds_nothing(monkeypatch):
    monkeypatch.setattr(goals, "GOAL_ATTACKS", ())
    assert [result.verdict for result in judge_goals(MECHANISMS[6])] == ["held"] * 3
    fails = SimpleNamespace(run=lambda: SimpleNamespace(outcome="failed"))
    monkeypatch.setattr(goals, "rung", lambda _design: nullcontext(fails))
    with pytest.raises(DesignError, match="tls13-nonce-key does not work when nobody attacks"):
        judge_goals(MECHANISMS[6])


@pytest.mark.parametrize("name", JUDGED if SOAK else [EARLY_EXPORTER_ALONE.name])
def test_every_goal_of_every_design_is_as_the_page_says(name):
    """One design in `make test`, all in `make soak`."""
    assert all(result.as_expected and result.played == len(GOAL_ATTACKS) for result in judge_goals(JUDGED[name]))


def test_the_page_says_which_goals_are_held():
    lines = re.findall(r"^\| `([^`]+)` \| `[^`]+` \| (\d?) \| (.+) \| (.+) \| (.+) \| (.*) \|$", PAGE, re.MULTILINE)
    told = {
        name: tuple(goal.name for goal, mark in zip(BINDING_GOALS, marks, strict=True) if mark == "held")
        for name, _, *marks, _ in lines
    }
    assert told == {name: HELD.get(name, ()) for name in JUDGED}, "run docs/goals_page.py"
    assert {name: int(number) for name, number, *_ in lines if number} == {
        design.name: number for number, design in MECHANISMS.items()
    }


def test_other_designs_are_refused_with_those_that_can_be_judged():
    with pytest.raises(DesignError, match="'tcb-key' is none of them; choose from: tls13-nonce, tls13-key"):
        goals.judged_design("tcb-key")
