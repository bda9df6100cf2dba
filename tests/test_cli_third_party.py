"""`trustlab third-party` and `trustlab goals`: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustlab.cli import Failure, app


def told(capsys, *arguments):
    """Run a command; return its exit code and its JSON."""
    code = app([*arguments, "--json"], standalone_mode=False) or 0
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "outcome", "refused_by"),
    [
        (("--direction", "bob"), "completed", None),
        (("--direction", "bob", "--attack", "stale-antivirus"), "refused", "claims"),
        (("--direction", "carol", "--attack", "rogue-certificate"), "refused", "extraData"),
        (("--attack", "evidence-relay"), "succeeded", None),
    ],
)
def test_a_third_party_is_told_as_an_act_of_the_demo(capsys, tmp_path, arguments, outcome, refused_by):
    code, act = told(capsys, "third-party", *arguments, "--out", str(tmp_path))
    assert code == 0
    assert list(act) == ["design", "attack", "outcome", "alice_knows", "refused_by", "trace", "capture"]
    assert (act["outcome"], act["refused_by"]) == (outcome, refused_by)
    assert act["attack"] == (arguments[-1] if "--attack" in arguments else None)
    assert Path(act["trace"]).exists()
    assert Path(act["capture"]).exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--direction", "bob", "--attack", "moon"), "Carol has no trick 'moon'; choose from: stale-antivirus"),
        (("--attack", "lying-agent"), "there is no attack 'lying-agent' on trusted-passage; choose from: deployed-key"),
        (("--attack", "reflection", "--design", "expat"), "there is no attack 'reflection' on expat"),
        (("--attack", "known-dh-secret"), "known-dh-secret makes no sense on trusted-passage: RSA key exchange has no"),
        (("--design", "tls13-key"), "in tls13-key the client attests nothing, so Bob cannot ask Carol"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(arguments, says):
    with pytest.raises(Failure, match=f"^{says}"):
        app(["third-party", *arguments], standalone_mode=False)


def test_goals_are_told_with_what_was_published(capsys):
    code, found = told(capsys, "goals", "tls13-early-exporter")
    assert code == 0
    assert [(g["goal"], g["verdict"], g["published"], g["mechanism"]) for g in found["goals"]] == [
        ("G1", "held", "held", 3),
        ("G2", "held", "broken", 3),
        ("G3", "broken", "broken", 3),
    ]
    assert found["goals"][2]["broken_by"] == ["known-dh-secret-and-key"]
    app(["goals", "tls13-key"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "tls13-key" in printed
    assert "`held` is not a proof." in printed


def test_goals_that_come_out_otherwise_end_with_1(capsys, monkeypatch):
    monkeypatch.setitem(__import__("trustlab.scenarios.goals", fromlist=["HELD"]).HELD, "tls13-key", ("G1",))
    assert app(["goals", "tls13-key"], standalone_mode=False) == 1
    assert "broken !" in capsys.readouterr().out
