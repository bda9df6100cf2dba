"""`trustlab matrix --fields` and `--overlaps`: every line is decisive; `--without` takes any name, and knows them all."""

from __future__ import annotations

import json

import msgspec
import pytest
from typer.testing import CliRunner

from trustlab.attacks import FIELD_ROWS, OVERLAP_ROWS, STOPPED_BY_NO_CHECK
from trustlab.cli import ablation, app
from trustlab.passage import NOT_LEFT_OUT
from trustlab.scenarios import FieldResult

RESULT = FieldResult(
    "HMAC(PMS)",
    "client-impersonation",
    "pms-in-quote",
    "",
    "H(L, C, nonce_S, client_random, server_random, HMAC(PMS))",
    "H(L, C, nonce_S, client_random, server_random)",
    "refused",
    ("extraData",),
    "succeeded",
)
LEAKY = msgspec.structs.replace(RESULT, without="refused")


def invoke(*arguments):
    return CliRunner().invoke(app, ["matrix", *arguments])


def test_the_fields_are_shown_with_their_attacks_as_json():
    done = invoke("--fields", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [(row["field"], row["attack"]) for row in told["fields"]] == [(row.part, row.attack) for row in FIELD_ROWS]
    assert {(row["outcome"], row["without"]) for row in told["fields"]} == {("refused", "succeeded")}
    assert told["not_left_out"] == NOT_LEFT_OUT


def test_the_list_of_fields_fits_a_narrow_terminal_and_shows_the_binders(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(ablation, "run_fields", lambda **_: iter([RESULT]))
    done = invoke("--fields")
    assert done.exit_code == 0, done.output
    assert "HMAC(PMS) client-impersonation extraData succeeds" in " ".join(done.stdout.split())
    assert "    without  H(L, C, nonce_S, client_random, server_random)" in done.stdout
    assert "L is not left out" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout


def test_a_field_that_is_not_decisive_ends_with_1(monkeypatch):
    monkeypatch.setattr(ablation, "run_fields", lambda **_: iter([LEAKY]))
    assert invoke("--fields").exit_code == 1


def test_what_stops_the_other_attacks_is_shown_as_json():
    done = invoke("--overlaps", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [row["attack"] for row in told["overlaps"]] == [row.attack for row in OVERLAP_ROWS]
    assert {row["without_all"] for row in told["overlaps"]} == {"succeeded"}
    assert told["stopped_by_no_check"] == STOPPED_BY_NO_CHECK


def test_a_field_may_be_left_out_of_the_matrix():
    done = invoke("--design", "trusted-passage", "--attack", "same-pms-reencryption", "--without", "H(EPMS)", "--json")
    assert done.exit_code == 0, done.output
    assert [cell["outcome"] for cell in json.loads(done.stdout)["cells"]] == ["succeeded"]


def test_a_rule_may_be_left_out_of_the_attacks_on_all_rules():
    done = invoke("--rules", "--without", "error refuses", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rules"]
    assert [row["rule"] for row in rows if row["without"] == "succeeded"] == ["error refuses"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--without", "moon"), "called 'moon'; there are checks: AK chain"),
        (("--without", "moon"), "rules: offer answered"),
        (("--fields", "--without", "moon"), "binder fields: nonce and randoms, role"),
        (("--checks", "--without", "role"), "'role' is no check: leave it out of the table"),
        (("--overlaps", "--without", "role"), "it takes no --without"),
        (("--fields", "--rules"), "ask for one of them at a time"),
        (("--fields", "--attack", "reflection"), "--design, --attack, --slides, --tls and --keep are"),
        (("--rules", "--keep", "traces"), "--design, --attack, --slides, --tls and --keep are"),
        (("--fields", "--substrate", "uml"), "it does not go with --substrate uml"),
        (("--fields", "--html", "x.html"), "--fields is a list, not a table"),
    ],
)
def test_what_does_not_go_together_is_said_with_what_does(arguments, says):
    done = invoke(*arguments)
    assert done.exit_code == 1
    assert says in str(done.exception) + " ".join(done.output.split())
