"""`trustlab matrix` in processes of its own: the tables, the checks, what is left out."""

from __future__ import annotations

import json
import subprocess
import sys


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trustlab", "matrix", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_column_of_the_table_as_json_with_evidence_and_traces(tmp_path):
    done = run("--attack", "deployed-key", "--json", "--keep", str(tmp_path))
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert len(cells) == 11
    assert all(cell["as_expected"] for cell in cells)
    succeeded = [cell for cell in cells if cell["outcome"] == "succeeded"]
    assert {cell["design"] for cell in succeeded} == {
        "plain-tls",
        "attest-then-connect",
        "connect-then-attest",
        "key-in-quote",
    }
    assert all("canary 'pin'" in cell["evidence"] and cell["trace"].startswith(str(tmp_path)) for cell in succeeded)


def test_leaving_out_the_checks_that_catch_her_lets_alice_win():
    done = run(
        "--design",
        "trusted-passage",
        "--attack",
        "tunnel-relay",
        "--without",
        "extraData",
        "--without",
        "key identity",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert [cell["outcome"] for cell in json.loads(done.stdout)["cells"]] == ["succeeded"]


def test_a_row_of_the_tls_13_table_names_the_leak_it_assumes():
    done = run("--tls", "1.3", "--attack", "evidence-relay", "--json")
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert [cell["outcome"] == "succeeded" for cell in cells] == [True, True, True, False, False, False]
    assert all(cell["leaks"] == ["key usable"] for cell in cells)


def test_every_check_has_an_attack_that_only_it_refuses():
    done = run("--checks", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["checks"]
    assert len({row["check"] for row in rows}) == 18
    assert all(row["refused_by"] == [row["check"]] and row["succeeded"] for row in rows)


def test_what_does_not_exist_is_named_with_what_does():
    for arguments, named in (
        (("--design", "moon"), "plain-tls"),
        (("--attack", "moon"), "tunnel-relay"),
        (("--without", "moon"), "extraData"),
        (("--tls", "1.1"), "1.2, 1.3"),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert named in done.stderr.replace("\n", " ")
