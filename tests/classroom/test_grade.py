"""`trustlab grade` and `trustlab answers`: marks come from the grader's own run, whatever a file says of itself."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from trustlab.classroom import EXERCISES, ClassroomSession
from trustlab.classroom.progress import FILE
from trustlab.cli import app

SEED = "a seed of this autumn"


@pytest.fixture
def one_exercise(monkeypatch, counting):
    """Have a course of one exercise, which costs no time."""
    for name in list(EXERCISES):
        if name != counting.id:
            monkeypatch.delitem(EXERCISES, name)


@pytest.fixture
def folder(tmp_path, one_exercise):
    folder = tmp_path / "handed in"
    folder.mkdir()
    (tmp_path / "seed").write_text(SEED)
    return folder


def works(folder, name, answer):
    """Have a student work with the course's seed."""
    own = folder / name
    own.mkdir()
    (own / "course.seed").write_text(SEED)
    session = ClassroomSession(own)
    session.restore(name)
    session.check("00-add", answer)
    return own / FILE


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def marks(folder):
    done = run("grade", folder, "--seed", folder.parent / "seed")
    return done, {row["student"]: row for row in csv.DictReader(io.StringIO(done.stdout))}


def right(number):
    return number + 1


def wrong(number):
    return number


def test_who_was_right_is_right_and_who_was_not_is_not(folder):
    works(folder, "ada", right)
    works(folder, "bert", wrong)
    done, rows = marks(folder)
    assert done.exit_code == 0
    assert list(rows["ada"].values()) == ["ada", "00-add", "true", "true", "1"]
    assert list(rows["bert"].values()) == ["bert", "00-add", "false", "false", "1"]


def edited(path, **more):
    told = json.loads(path.read_text("utf-8"))
    told["exercises"]["00-add"] |= more
    path.write_text(json.dumps(told), "utf-8")


def test_a_file_that_only_says_that_it_is_right_is_wrong(folder):
    path = works(folder, "ada", wrong)
    edited(path, right=True, token="0123456789abcdef")
    _, rows = marks(folder)
    assert rows["ada"]["right"] == rows["ada"]["token_ok"] == "false"


def test_a_token_of_somebody_else_does_not_fit(folder):
    path = works(folder, "ada", right)
    token = json.loads(path.read_text("utf-8"))["exercises"]["00-add"]["token"]
    edited(works(folder, "bert", right), token=token)
    _, rows = marks(folder)
    assert (rows["bert"]["right"], rows["bert"]["token_ok"]) == ("true", "false")


@pytest.mark.parametrize("source", ["import os; os._exit(0)", "def add(number", "add = 5", "", "raise SystemExit"])
def test_an_answer_that_does_harm_costs_its_own_mark_only(folder, source):
    edited(works(folder, "ada", right), answer=source)
    works(folder, "bert", right)
    done, rows = marks(folder)
    assert done.exit_code == 0
    assert (rows["ada"]["right"], rows["bert"]["right"]) == ("false", "true")


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_graded(folder):
    works(folder, "ada", right).write_text("{")
    works(folder, "bert", right)
    done, rows = marks(folder)
    assert done.exit_code == 1
    assert "is not progress that this classroom saved" in done.stderr
    assert rows["bert"]["right"] == "true"


def test_two_files_of_one_student_are_named(folder):
    path = works(folder, "ada", right)
    (folder / "again").mkdir()
    (folder / "again" / FILE).write_text(path.read_text("utf-8"), "utf-8")
    done, _ = marks(folder)
    assert "ada handed in 2 files; graded is the first: ada/trustlab-progress.json" in done.stderr


def test_the_table_goes_to_a_file_and_no_cell_is_a_formula(folder, tmp_path):
    works(folder, "=cmd()", right)
    out = tmp_path / "marks.csv"
    done = run("grade", folder, "--seed", tmp_path / "seed", "--csv", out)
    assert done.stdout == f"1 student graded, in {out}.\n"
    assert out.read_text("utf-8").splitlines()[1] == "'=cmd(),00-add,true,true,1"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("grade", "{}/none"), "there is no folder"),
        (("grade", "{}/empty"), "there is no trustlab-progress.json in"),
        (("grade", "{}", "--seed", "{}/none"), "the course seed"),
        (("answers", "--student", ""), "is no student's name"),
        (("answers", "--student", "ada", "--exercise", "none"), "there is no exercise 'none'; choose from: 00-add"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path, one_exercise, arguments, sentence):
    (tmp_path / "empty").mkdir()
    done = run(*(word.format(tmp_path) for word in arguments))
    assert done.exit_code == 1
    assert sentence in str(done.exception)


def test_the_key_says_task_solution_and_token(folder, tmp_path):
    path = works(folder, "ada", right)
    token = json.loads(path.read_text("utf-8"))["exercises"]["00-add"]["token"]
    told = run("answers", "--student", "ada", "--seed", tmp_path / "seed").stdout
    assert f"00-add  Add 1.\ntoken {token}\n\ndef add(number):" in told
    key = json.loads(run("answers", "--student", "ada", "--seed", tmp_path / "seed", "--json").stdout)
    assert [(one["exercise"], one["token"]) for one in key] == [("00-add", token)]
    assert json.loads(run("answers", "--student", "bert", "--json").stdout)[0]["token"] != token
