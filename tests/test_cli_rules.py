"""`trustlab ablation rules`: each rule is decisive for its attack, and the command says so."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from trustlab.attacks import experiments
from trustlab.cli import app


def test_the_rules_are_shown_with_their_attacks_as_json():
    done = CliRunner().invoke(app, ["ablation", "rules", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["rules"]
    assert [(row["rule"], row["attack"]) for row in told] == [
        (row.without[0], row.attack) for row in experiments()["rules"]
    ]
    assert {row["without"] for row in told} == {"succeeded"}
    assert {row["outcome"] for row in told} <= {"refused", "failed"}


def test_a_rule_may_be_left_out_of_the_matrix():
    done = CliRunner().invoke(
        app,
        ["matrix", "--design", "tcb-key", "--attack", "rogue-certificate", "--without", "CA identity", "--json"],
    )
    assert done.exit_code == 0, done.output
    assert [cell["outcome"] for cell in json.loads(done.stdout)["cells"]] == ["refused"]


def test_rules_and_checks_are_not_asked_for_together():
    done = CliRunner().invoke(app, ["ablation", "rules", "checks"])
    assert done.exit_code != 0
