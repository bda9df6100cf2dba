"""`trustlab matrix` in processes of its own: the tables, the checks, what is left out."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from rich.console import Console

from trustlab.attacks import ATTACKS, SLIDES
from trustlab.attacks import table as whole_table
from trustlab.cli.matrix_table import NAMES, show_table
from trustlab.passage import DESIGNS
from trustlab.scenarios import CellResult
from trustlab.scenarios.cell import said_once

TABLE = whole_table()


SOAK = bool(os.environ.get("TRUSTLAB_SOAK"))


def run(
    *arguments: str, command: str = "matrix", env: dict[str, str] | None = None, timeout: float = 100
) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "trustlab", command, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False, env=env)


@pytest.mark.timeout(900)
def test_the_table_comes_out_a_second_time_as_cell_by_cell():
    """The slides' part; all of it with TRUSTLAB_SOAK=1."""
    done = run("--json", *([] if SOAK else ["--slides"]), timeout=850)
    assert done.returncode == 0, done.stderr
    told = {(cell["design"], cell["attack"]): cell for cell in json.loads(done.stdout)["cells"]}
    assert list(told) == [place for place in TABLE if SOAK or place in told]
    assert len(told) >= 80
    marks = {"succeeded": "S", "refused": "x", "failed": "x", "senseless": "-"}
    for place, cell in told.items():
        wanted = TABLE[place]
        assert cell["as_expected"], place
        assert (cell["expected"], cell["why"]) == (wanted.mark, wanted.sentence)
        assert cell["goal"] in {"pin", "balance", "agree", "peer", "service", "evidence"}
        assert tuple(cell["stopped_by"]) == (() if wanted.only == "uml" else wanted.stopped_by)
        assert bool(cell["stopped_by"]) == (cell["outcome"] in {"refused", "failed"})
        assert marks.get(cell["outcome"], wanted.only and wanted.mark) == wanted.mark
        assert cell["source"] == said_once(wanted.source)
        assert bool(cell["evidence"]) == (cell["outcome"] not in {"senseless", "unplayed"})


def test_the_table_fits_into_eighty_columns_and_says_what_its_letters_stand_for():
    env = dict(os.environ) | {"COLUMNS": "80", "TERM": "dumb"}
    done = run("--attack", "stale-antivirus", "--attack", "own-genuine-machine-other-image", env=env)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[1:] for line in lines if line.strip().startswith("stale-antivirus")]
    assert rows == [[*"------xxxxx", *"---xxx"], [*"-", *"xx-----"]]
    assert any("q tls13-exporter" in line for line in lines)
    assert lines.index("another machine") < lines.index("an unwilling customer")


def test_what_takes_virtual_machines_is_said_and_not_played():
    done = run("--design", "plain-tls", "--attack", "memory-scrape")
    assert done.returncode == 0, done.stderr
    assert "o plain-tls / memory-scrape: In the memory substrate" in " ".join(done.stdout.split())


def test_a_column_of_the_table_as_json_with_evidence_and_traces(tmp_path):
    done = run("--attack", "deployed-key", "--json", "--keep", str(tmp_path))
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert len(cells) == len(DESIGNS)
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
    won = [cell["design"] for cell in cells if cell["outcome"] == "succeeded"]
    assert won == ["tls13-nonce", "tls13-key", "tls13-nonce-key", "tls13-client-random"]
    assert len(cells) == len([design for design in DESIGNS.values() if design.tls == "1.3"])
    assert all(cell["leaks"] == ["key usable"] for cell in cells)


def test_every_check_has_an_attack_that_only_it_refuses():
    done = run("checks", "--json", command="ablation")
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
    assert "create it first" in " ".join(done.stderr.split())
    done = run("--checks", "--html", str(tmp_path / "matrix.html"))
    assert done.returncode == 2
    assert "trustlab ablation checks" in " ".join(done.stderr.split())


def table(*arguments: str) -> list[str]:
    done = run(*arguments, env=dict(os.environ) | {"COLUMNS": "80", "TERM": "dumb"})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("designs", "heading", "letters"),
    [
        (("trusted-passage",), "TLS 1.2", "j"),
        (("tls13-key",), "TLS 1.3", "m"),
        (("trusted-passage", "tcb-key"), "TLS 1.2", "f j"),
        (("trusted-passage", "tls13-key"), "TLS 1.2  TLS 1.3", "j        m"),
        (("tcb-key", "trusted-passage", "session-hash", "tls13-key"), "TLS 1.2  TLS 1.3", "f j k    m"),
    ],
)
def test_a_part_of_the_table_has_whole_headings_and_the_letters_of_the_whole(designs, heading, letters):
    chosen = [word for design in designs for word in ("--design", design)]
    lines = table(*chosen, "--attack", "key-abuse")
    at = lines.index(" " * NAMES + heading)
    assert lines[at + 1].rstrip() == " " * NAMES + letters
    row = next(line for line in lines if line.startswith("  key-abuse"))
    marked = [n for n, letter in enumerate(lines[at + 1]) if letter != " "]
    assert [row[n] for n in marked] == ["x"] * len(designs)
    assert " ".join(lines).count("j trusted-passage") == ("trusted-passage" in designs)


def test_what_is_changed_by_leaving_a_check_out_is_called_so():
    arguments = ("--design", "key-in-quote", "--design", "tcb-key", "--attack", "tunnel-relay")
    lines = table(*arguments, "--without", "extraData")
    text = " ".join(" ".join(lines).split())
    assert "S!x" in text
    assert "! changed" in text
    assert "changed by leaving out extraData: key-in-quote / tunnel-relay: Alice knows the canary 'pin'" in text
    assert "expected" not in text
    assert "nothing changed" not in text
    assert "! unexpected" in " ".join(table(*arguments))


@pytest.mark.parametrize(
    ("design", "attack", "without", "says"),
    [
        ("trusted-passage", "rogue-certificate", "extraData", "nothing changed: still refused by key identity"),
        ("trusted-passage", "rogue-certificate", "claims", "nothing changed: still refused by extraData, key identity"),
        (
            "tcb-key",
            "key-abuse",
            "claims",
            "nothing changed: attacks that failed otherwise were not refused by a check",
        ),
        ("plain-tls", "rogue-certificate", "claims", "nothing changed"),
    ],
)
def test_where_leaving_a_check_out_changes_nothing_what_else_refused_is_said(design, attack, without, says):
    assert table("--design", design, "--attack", attack, "--without", without)[-1] == says


def test_the_page_says_what_was_left_out_and_what_that_changed(tmp_path):
    page = tmp_path / "matrix.html"
    table("--design", "key-in-quote", "--attack", "tunnel-relay", "--without", "extraData", "--html", str(page))
    text = page.read_text("utf-8")
    assert "Here extraData was left out." in text
    assert "<dt>changed</dt><dd>by leaving out extraData</dd>" in text
    assert "Alice wins, changed" in text
    assert "as expected" not in text


def test_the_help_and_the_page_count_the_attacks_of_the_slides_alike():
    assert [attack for attack in SLIDES if attack not in ATTACKS] == ["memory-scrape"]
    assert len(SLIDES) == 8
    shown = " ".join(run("--help").stdout.replace("│", " ").split())
    assert "their 8 attacks (the 7 signed ones, and memory-scrape)" in shown
    told = " ".join((Path(__file__).parents[1] / "docs" / "matrix.md").read_text("utf-8").split())
    assert "7 of the slides' 8 attacks (all except `memory-scrape`" in told


def test_a_cell_that_came_out_differently_is_shown_with_what_was_expected_and_every_check_that_failed():
    result = CellResult(
        *("key-in-quote", "tunnel-relay", "S", "refused", "Refused.", "strict", "teller refused by 'extraData'"),
        failed=("extraData", "key identity"),
    )
    shown = Console(file=io.StringIO(), width=200)
    show_table(shown, [result])
    told = "not as expected: key-in-quote / tunnel-relay: x, expected S; failed checks: extraData, key identity; teller"
    assert told in shown.file.getvalue()


def test_a_cell_that_something_else_stopped_is_not_as_expected():
    """She was stopped, but by accident."""
    result = CellResult(
        *("session-hash", "toctou-redirect", "x", "failed", "Failed.", "strict", "teller ended the connection"),
        stopped_by=("alert internal_error",),
        must_stop=("evidence format",),
    )
    assert not result.as_expected
    shown = Console(file=io.StringIO(), width=200)
    show_table(shown, [result])
    assert ": x, stopped by alert internal_error, expected evidence format; teller ended" in shown.file.getvalue()


def test_a_run_that_broke_is_shown_with_its_reason():
    result = CellResult(*("tls13-key", "tunnel-relay", "x", "broke", "No honest payment.", "strict", "an alert"))
    assert not result.as_expected
    shown = Console(file=io.StringIO(), width=200)
    show_table(shown, [result])
    assert "tls13-key / tunnel-relay: ?, expected x; No honest payment." in shown.file.getvalue()
