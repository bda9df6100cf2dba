"""`trustlab find`, `atlas` and `models`: their JSON, their exit codes, and what they say about bounds."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from trustlab.cli import app
from trustlab.finder import GOALS, POWERS, PROVENANCES
from trustlab.finder.models import read_results
from trustlab.finder.processes import FIELD_TEXTS, model_of
from trustlab.finder.terms import FIELD_TERMS, FinderError
from trustlab.passage import DESIGNS, Binder, Design


def run(*arguments, code=0):
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300"})
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def test_the_json_of_an_attack_that_was_run():
    told = json.loads(run("find", "tls13-nonce-key", "--power", "key-usable", "--run", "--json"))
    keys = {"design", "powers", "goal", "verdict", "bounds", "states", "seconds", "steps", "run", "proof"}
    assert keys <= told.keys()
    assert told["bounds"].keys() == {"sessions", "depth", "states_limit", "complete"}
    assert (told["verdict"], told["run"]["outcome"], told["proof"]) == ("attack", "succeeded", None)
    for step in told["steps"]:
        assert {"party", "message", "fields", "sentence"} <= step.keys()
        assert set(step["fields"].values()) <= PROVENANCES.keys()


def test_nothing_found_is_never_called_a_proof():
    said = run("find", "trusted-passage")
    assert "nothing was found. This is not a proof." in said
    assert "Bounds: 2 sessions" in said


def test_none_is_run_by_the_named_attacks():
    told = json.loads(run("find", "trusted-passage", "--run", "--json"))
    assert (told["verdict"], told["run"]["outcome"]) == ("none", "refused")
    assert "rogue-certificate" in told["run"]["sentence"]


def test_a_run_that_cannot_be_played_has_no_verdict():
    asked = ("--power", "dh-known", "--goal", "balance", "--run")
    assert "take over the channel" in run("find", "tls13-handshake-secret", *asked, code=3)


def test_a_design_from_a_file(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"name": "mine", "key_origin": "tcb", "server": {"fields": ["L", "S"]}}')
    assert json.loads(run("find", str(file), "--json"))["design"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("find", "no-such"), "there is no design 'no-such'"),
        (("find", "plain-tls", "--power", "magic"), "there is no power 'magic'; choose from: network"),
        (("find", "plain-tls", "--goal", "fame"), "there is no goal 'fame'; choose from: pin"),
        (("find", "gone.json"), "cannot read the design in gone.json: No such file or directory"),
        (
            ("find", '{"name": "x", "server": {"fields": ["session_hash"]}}'),
            "the server's binder cannot contain session_hash: with when='handshake'",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(arguments, sentence):
    done = subprocess.run([sys.executable, "-m", "trustlab", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sentence in " ".join(done.stderr.split())


def test_the_atlas():
    told = json.loads(run("atlas", "--json"))
    assert len(told["binders"]) == 64
    assert told["minimal"]["strict"] == [["HMAC(PMS)"], ["H(EPMS)"]]
    assert told["minimal"]["lax"] == [["H(EPMS)"], ["H(SPKI_S)", "HMAC(PMS)"]]


def test_models_and_results(tmp_path, monkeypatch):
    """ProVerif is played by a script: what is tested is how its answers are read and kept."""
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "models"
    assert "proverif is not on the PATH" in run("models", "trusted-passage", "--out", str(out))
    results = read_results(out / "results.json")
    assert set(results) == {f"trusted-passage-{goal}.pv" for goal in GOALS}
    assert not any(result.verdict for result in results.values())
    prover = tmp_path / "proverif"
    prover.write_text("#!/bin/sh\necho 'Proverif 2.05.'\necho 'RESULT not attacker(pin[]) is true.'\n")
    prover.chmod(prover.stat().st_mode | stat.S_IXUSR)
    run("models", "trusted-passage", "--out", str(out))
    assert {(r.verdict, r.version) for r in read_results(out / "results.json").values()} == {("proved", "2.05")}
    prover.write_text("#!/bin/sh\necho 'RESULT not attacker(pin[]) is false.'\n")
    run("models", "trusted-passage", "--out", str(out))
    assert {r.verdict for r in read_results(out / "results.json").values()} == {"proved"}  # the hash still fits
    run("models", "trusted-passage", "--power", "copy", "--power", "lax-peer", "--out", str(out))
    assert {r.verdict for r in read_results(out / "results.json").values()} == {"attack"}


def test_results_that_cannot_be_read(tmp_path):
    (tmp_path / "results.json").write_text("no")
    with pytest.raises(FinderError, match="remove it"):
        read_results(tmp_path / "results.json")


def test_a_model_knows_every_field():
    assert FIELD_TEXTS.keys() == FIELD_TERMS.keys()


def test_a_model_proves_a_key_only_where_the_connection_is_known():
    for when, proves in (("before", False), ("handshake", True)):
        design = Design.custom("mine", like=DESIGNS["tcb-key"], when=when, server=Binder(("nonce_C",)))
        text = model_of(design, frozenset({"network"}), "pin")
        assert ("(keyt, pS, (tcb, imgBank))" in text, "if polS = (tcb, imgBank) then" in text) == (proves, proves)
        assert text.count("(") == text.count(")")


def test_a_placement_without_a_model_is_named():
    design = Design.custom("mine", like=DESIGNS["tls13-nonce"], when="inside")
    with pytest.raises(FinderError, match="no model for ProVerif"):
        model_of(design, frozenset({"network"}), "pin")


def test_the_page_lists_every_power_goal_and_provenance(request):
    page = (request.config.rootpath / "docs" / "finder.md").read_text("utf-8")
    assert not [name for name in (*POWERS, *GOALS, *PROVENANCES) if f"`{name}`" not in page]


def test_a_search_needs_no_tpm_library():
    code = "import sys, trustlab.finder; sys.exit('tpm2_pytss' in sys.modules or 'trustlab.cloud' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
