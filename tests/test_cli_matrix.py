"""`trustlab matrix` in processes of its own: the tables, the checks, what is left out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from urllib.parse import unquote


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trustlab", "matrix", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=env)


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
        assert named in " ".join(done.stderr.split())


def test_the_page_leads_to_the_kept_traces_and_their_inspector_pages(tmp_path):
    page, keep = tmp_path / "out" / "matrix.html", tmp_path / "keep it"
    page.parent.mkdir()
    choice = ("--design", "trusted-passage", "--attack", "rogue-certificate", "--attack", "tunnel-relay")
    done = run(*choice, "--html", str(page), "--keep", str(keep))
    assert done.returncode == 0, done.stderr
    links = re.findall(r'href="([^"]*)"', page.read_text("utf-8"))
    assert len(links) == 4
    for link in links:
        assert link.startswith("../keep%20it/trusted-passage-")
        linked = (page.parent / unquote(link)).read_text("utf-8")
        assert "extraData" in linked
    assert "refused by “extraData”" in page.read_text("utf-8")


def test_a_picture_of_the_table_is_drawn_where_there_is_a_browser(tmp_path):
    png = tmp_path / "matrix.png"
    done = run("--attack", "rogue-certificate", "--design", "plain-tls", "--png", str(png))
    assert done.returncode == 0, done.stderr
    assert png.read_bytes().startswith(b"\x89PNG")


def test_without_a_browser_a_picture_is_refused_before_anything_runs(tmp_path):
    bare = {name: value for name, value in os.environ.items() if name != "TRUSTLAB_CHROMIUM"} | {"PATH": ""}
    done = run("--png", str(tmp_path / "matrix.png"), env=bare)
    assert done.returncode == 1
    assert "install the package chromium" in " ".join(done.stderr.split())


def test_a_page_that_cannot_be_written_is_refused_before_anything_runs(tmp_path):
    done = run("--html", str(tmp_path / "nowhere" / "matrix.html"))
    assert done.returncode == 1
    assert "make it first" in " ".join(done.stderr.split())
    done = run("--checks", "--html", str(tmp_path / "matrix.html"))
    assert done.returncode == 1
    assert "no --html" in " ".join(done.stderr.split())
