"""The teacher's pages and the cheat sheet say what is so: minutes, exercises, wrong answers, runs, and the offline kit."""

from __future__ import annotations

import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import trustlab.classroom
import trustlab.inspector
import trustlab.passage
import trustlab.scenarios
from trustlab.attacks import CATALOGUE, table
from trustlab.classroom import EXERCISES
from trustlab.classroom.exercises import PATHS
from trustlab.passage import DESIGNS, Binder, Design

ROOT = Path(__file__).parents[1]
COURSE = {path.stem: path for path in sorted((ROOT / "course").glob("[01][0-9]-*.md"))}
TEACHING = ROOT / "docs/teaching"
LABS = [stem for stem in COURSE if not stem.startswith("00")]
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(TEACHING.glob("*.md"))}
INDEX = PAGES["index"]
CHEATSHEET = (ROOT / "docs/cheatsheet.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
ANSWERS = re.compile(r'`(\d\d-[\w-]+)`, answers? ("[^"|]+"(?: and "[^"|]+")*)')
RUN = re.compile(r'rung\("([\w-]+)"(?:, "([\w-]+)")?(?:, without=\("([^"]+)",\))?\)')


@cache
def minutes(stem: str) -> int:
    return int(re.search(r"\*\*Minutes\*\* \| (\d+)", COURSE[stem].read_text("utf-8"))[1])


def exercises(stem: str) -> list[str]:
    return re.findall(r"^```exercise ([\w-]+)", COURSE[stem].read_text("utf-8"), re.MULTILINE)


def section(text: str, heading: str) -> str:
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def test_every_lab_has_a_page_and_no_page_is_about_another() -> None:
    assert sorted(PAGES) == sorted([*LABS, "index"])


@pytest.mark.parametrize("stem", LABS)
def test_a_page_has_its_labs_minutes_and_exercises(stem: str) -> None:
    page = PAGES[stem]
    title = COURSE[stem].read_text("utf-8").splitlines()[0].removeprefix("# ")
    assert page.startswith(f"# Teaching {title}\n")
    assert f"· {minutes(stem)} minutes" in page
    parts = section(page, "Minutes")
    assert sum(map(int, re.findall(r"^\|[^|]+\| (\d+) \|", parts, re.MULTILINE))) == minutes(stem)
    assert sorted(set(re.findall(r"`(\d\d-[\w-]+)`", re.sub(r"\|[^|\n]*\|$", "|", parts, flags=re.MULTILINE)))) == (
        sorted(exercises(stem))
    )


@pytest.mark.parametrize("stem", LABS)
def test_a_page_has_errors_and_questions_enough(stem: str) -> None:
    page = PAGES[stem]
    rows = re.findall(r"^\| (?!they write|---).*\|$", section(page, "Common errors"), re.MULTILINE)
    questions = re.findall(
        r"^\d\. (?:\*\(before [^)]+\)\* )?\*\*.*\*\* \S", section(page, "Questions, with answers"), re.MULTILINE
    )
    assert len(rows) >= 6
    assert len(questions) >= 5
    assert section(page, "Show first").strip()
    without = [name for name in exercises(stem) if f"`{name}`" not in section(page, "Common errors")]
    assert not without, "no common error of these exercises"


@pytest.mark.parametrize("stem", LABS)
def test_the_wrong_answers_that_a_page_names_are_those_that_the_exercise_knows(stem: str) -> None:
    named = [
        (exercise, name) for exercise, said in ANSWERS.findall(PAGES[stem]) for name in re.findall('"([^"]+)"', said)
    ]
    assert len(named) >= 5
    for exercise, name in named:
        assert name in EXERCISES[exercise].wrong, f"{exercise} has no wrong answer {name!r}"


@pytest.mark.parametrize("name", [*PAGES, "cheatsheet"])
def test_a_run_that_a_page_names_can_be_played_and_is_in_the_table(name: str) -> None:
    cells = table()
    for design, attack, _ in RUN.findall(CHEATSHEET if name == "cheatsheet" else PAGES[name]):
        assert design in DESIGNS
        if attack:
            assert attack in CATALOGUE
            assert cells[design, attack].mark != "-", f"{attack} makes no sense on {design}"


def test_the_index_tells_each_labs_minutes_exercises_and_their_sum() -> None:
    total = 0
    for stem in COURSE:
        row = re.search(rf"^\| \[{stem[:2]} [^\n]*$", INDEX, re.MULTILINE)[0]
        target, told, count = re.search(r"\]\(([^)]+)\) \| (\d+) \| (\d+) \|", row).groups()
        assert (TEACHING / target).stem == stem
        assert (int(told), int(count)) == (minutes(stem), len(exercises(stem)))
        total += minutes(stem)
    assert f"{total // 60} hours and {total % 60} minutes" in INDEX


def test_readmes_map_tells_each_labs_minutes_and_their_sum() -> None:
    for stem in COURSE:
        row = re.search(rf"^\| \[{stem[:2]} [^\n]*$", README, re.MULTILINE)[0]
        assert re.search(rf"\]\(labs/{stem}\.ipynb\) \| {minutes(stem)} \|", row), row


def test_the_afternoon_is_as_long_as_it_says_and_the_short_path_is_the_classrooms() -> None:
    plan = re.search(r"### One afternoon\n(.*?)(?=^###|\*\*In 90)", INDEX, re.DOTALL | re.MULTILINE)[1]
    assert sum(map(int, re.findall(r"^\| (\d+) \|", plan, re.MULTILINE))) == 210
    short = next(line for line in INDEX.splitlines() if line.startswith("**In 90 minutes**"))
    assert {name[:2] for name in PATHS["90-minutes"]} <= set(re.findall(r"\b\d\d\b", short))
    assert sum(map(int, re.findall(r"\((\d+)\)", short))) <= 90


def ladder() -> list[tuple[str, str]]:
    return re.findall(r"^\| `([\w-]+)` \| [^|]+ \| `?([\w-]+)`? \|", section(CHEATSHEET, "The ladder"), re.MULTILINE)


def test_the_cheat_sheets_ladder_is_the_slides_and_each_attack_succeeds_there() -> None:
    cells = table()
    rungs = [
        name for name in map(str, (design.name for design in trustlab.passage.LADDER)) if name != "client-certificate"
    ]
    assert [design for design, _ in ladder()] == [name for name in rungs if name != "session-hash"]
    for design, attack in ladder():
        assert attack == "-" or cells[design, attack].mark == "S"
    for _, attack in ladder():
        assert attack == "-" or cells["trusted-passage", attack].mark != "S"


def test_what_the_cheat_sheet_imports_is_there_and_its_design_works() -> None:
    rooms: dict[str, Any] = {"scenarios": trustlab.scenarios, "passage": trustlab.passage}
    rooms |= {"inspector": trustlab.inspector, "classroom": trustlab.classroom}
    imports = re.findall(r"from trustlab\.(\w+) import ([\w, ]+)`", CHEATSHEET)
    assert {room for room, _ in imports} == set(rooms)
    for room, names in imports:
        for name in names.split(", "):
            assert hasattr(rooms[room], name)
    line = re.search(r"`(Design\.custom\(.*\))`", CHEATSHEET)[1]
    design = eval(line, {"Design": Design, "DESIGNS": DESIGNS, "Binder": Binder})  # noqa: S307 - a line of our page
    assert design.client is not None
    assert design.client.fields == ("L", "C", "nonce_S", "H(EPMS)")


def test_the_cheat_sheet_has_every_way_in_which_a_run_ends() -> None:
    told = trustlab.scenarios.Outcome.__doc__ or ""
    for word in ("succeeded", "refused", "failed", "broke", "completed"):
        assert f"`{word}`" in told
        assert f"`{word}` " in CHEATSHEET


KIT = runpy.run_path(str(ROOT / "docs/offline_kit.py"))


def test_the_kit_has_runs_of_every_notebook_and_the_page_counts_them() -> None:
    assert sorted(KIT["RUNS"]) == [stem[:2] for stem in COURSE]
    for runs in KIT["RUNS"].values():
        assert all(
            design in DESIGNS and (attack is None or attack in CATALOGUE)
            for design, attack in runs
            if " " not in design and design not in {"carol", "recorded"}
        )
    assert f"It plays {sum(map(len, KIT['RUNS'].values()))} runs" in INDEX


def test_a_kit_is_pages_traces_captures_and_a_list_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    KIT["main"]([str(tmp_path / "kit"), "01"])
    listed = re.findall(r'href="([^"]+)"', (tmp_path / "kit/index.html").read_text("utf-8"))
    assert len(listed) == len(KIT["RUNS"]["01"])
    for link in listed:
        page = (tmp_path / "kit" / link).read_text("utf-8")
        assert "<html" in page
        assert not re.search(r'(?:src|href)="https?:', page), "a page of the kit needs a network"
    capture = tmp_path / "kit/01/plain-tls.pcapng"
    assert capture.stat().st_size > 1000
    assert json.loads((tmp_path / "kit/01/plain-tls.jsonl").read_text("utf-8").splitlines()[0])
    assert "index.html in a browser" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "told"), [([], "no folder was named"), (["kit", "12"], "there is no notebook 12")])
def test_a_kit_that_cannot_be_made_says_why(words: list[str], told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        KIT["main"](words)


def test_a_kit_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"cannot write the kit into .*: name another folder"):
        KIT["main"]([str(tmp_path / "file"), "01"])
