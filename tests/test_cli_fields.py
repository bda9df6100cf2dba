"""`trustlab ablation fields` and `overlaps`: every line is decisive; `--without` takes any name, and knows them all."""

from __future__ import annotations

import importlib
import json

import msgspec
import pytest
from typer.testing import CliRunner

from trustlab.attacks import experiments, stopped_by_no_check
from trustlab.cli import app
from trustlab.passage import NOT_LEFT_OUT
from trustlab.scenarios import Played, Result

module = importlib.import_module("trustlab.cli.ablation")
FIELD = next(row for row in experiments()["fields"] if row.without == ("HMAC(PMS)",))
REFUSED, SUCCEEDED = Played("refused", ("extraData",), "extraData"), Played("succeeded")
RESULT = Result(FIELD, REFUSED, {"HMAC(PMS)": SUCCEEDED}, ("HMAC(PMS)",), SUCCEEDED)
LEAKY = msgspec.structs.replace(RESULT, less=REFUSED)


def invoke(command, *arguments):
    return CliRunner().invoke(app, [command, *arguments])


def test_the_fields_are_shown_with_their_attacks_as_json():
    done = invoke("ablation", "fields", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [(row["field"], row["attack"]) for row in told["fields"]] == [
        (row.without[0], row.attack) for row in experiments()["fields"]
    ]
    assert {(row["outcome"], row["without"]) for row in told["fields"]} == {("refused", "succeeded")}
    assert told["not_left_out"] == NOT_LEFT_OUT


def test_the_list_of_fields_fits_a_narrow_terminal_and_shows_the_binders(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(module, "run", lambda *_, **__: iter([RESULT]))
    done = invoke("ablation", "fields")
    assert done.exit_code == 0, done.output
    assert "HMAC(PMS) client-impersonation extraData succeeds" in " ".join(done.stdout.split())
    assert "    without  H(L, C, nonce_S, client_random, server_random)" in done.stdout
    assert "L is not left out" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout


def test_a_field_that_is_not_decisive_ends_with_1(monkeypatch):
    monkeypatch.setattr(module, "run", lambda *_, **__: iter([LEAKY]))
    assert invoke("ablation", "fields").exit_code == 1


def test_what_stops_the_other_attacks_is_shown_as_json():
    done = invoke("ablation", "overlaps", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [row["attack"] for row in told["overlaps"]] == [row.attack for row in experiments()["overlaps"]]
    assert {row["without_all"] for row in told["overlaps"]} == {"succeeded"}
    assert told["stopped_by_no_check"] == stopped_by_no_check()


def test_a_field_may_be_left_out_of_the_matrix():
    done = invoke(
        "matrix", "--design", "trusted-passage", "--attack", "same-pms-reencryption", "--without", "H(EPMS)", "--json"
    )
    assert done.exit_code == 0, done.output
    assert [cell["outcome"] for cell in json.loads(done.stdout)["cells"]] == ["succeeded"]


def test_a_rule_may_be_left_out_of_the_attacks_on_all_rules():
    done = invoke("ablation", "rules", "--without", "error refuses", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rules"]
    assert [row["rule"] for row in rows if row["without"] == "succeeded"] == ["error refuses"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("matrix", "--without", "moon"), "field 'moon'; choose from checks: AK chain"),
        (("matrix", "--without", "moon"), "rules: offer answered"),
        (("ablation", "fields", "--without", "moon"), "binder fields: nonce and randoms, role"),
        (("ablation", "checks", "--without", "role"), "'role' is not a check: use --without with trustlab matrix"),
        (("ablation", "overlaps", "--without", "role"), "do not give --without"),
        (
            ("matrix", "--attack", "evidence-relay-ecdhe"),
            "does not have its own row in attacks/expected/: add a row",
        ),
        (("matrix", "--attack", "evidence-relay-rsa"), "it plays the row evidence-relay on TLS 1.2"),
    ],
)
def test_what_does_not_go_together_is_said_with_what_does(arguments, says):
    done = invoke(*arguments)
    assert done.exit_code == 1
    assert says in str(done.exception) + " ".join(done.output.split())


@pytest.mark.parametrize("kind", experiments())
@pytest.mark.parametrize("more", [(), ("--json",), ("--without", "extraData"), ("--substrate", "uml"), ("--html", "x")])
def test_an_option_that_became_a_command_names_the_command(kind, more):
    done = invoke("matrix", f"--{kind}", *more)
    assert done.exit_code == 2
    assert f"trustlab ablation {kind}" in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize(
    "arguments", [(), ("moon",), ("fields", "rules"), ("fields", "--attack", "reflection"), ("rules", "--keep", "x")]
)
def test_a_list_that_is_not_there_and_options_of_the_table_are_bad_arguments(arguments):
    assert invoke("ablation", *arguments).exit_code == 2
