"""The page of the matrix says what the table says; the page itself was written from real runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trustlab.attacks import families, known
from trustlab.attacks import table as whole_table
from trustlab.passage import DESIGNS

PAGE = (Path(__file__).parents[2] / "docs" / "matrix.md").read_text()
TABLE = whole_table()
ATTACKS = [attack for family in families() for attack in family.attacks]
NAMES = list(DESIGNS)
LINE = re.compile(r"- (\*\*S\*\*|x|–) `([^`]+)`(?: to `([^`]+)`)?(?: \(only in `(\w+)`\))?: (.+?)(?: \*[^*]+\*)?")  # noqa: RUF001 - the sign of the page
MARKS = {"**S**": "S", "x": "x", "–": "-"}  # noqa: RUF001
WRITE = "docs/matrix.md is not up to date: run `python docs/matrix_page.py`"


def test_the_page_has_the_attacks_of_the_table_in_their_order():
    assert re.findall(r"^### (\S+)$", PAGE, re.MULTILINE) == ATTACKS, WRITE


def section(attack):
    assert f"\n### {attack}\n" in PAGE, WRITE
    return PAGE.split(f"\n### {attack}\n")[1].split("\n## ")[0].split("\n### ")[0]


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_page_says_of_every_design_what_the_table_says(attack):
    told = {}
    for line in section(attack).splitlines():
        if found := LINE.fullmatch(line):
            mark, first, last, only, sentence = found.groups()
            for name in NAMES[NAMES.index(first) : NAMES.index(last or first) + 1]:
                told[name] = (MARKS[mark], sentence, only or "")
    wanted = {design: cell for (design, name), cell in TABLE.items() if name == attack}
    assert told == {design: (cell.mark, cell.sentence, cell.only) for design, cell in wanted.items()}, WRITE


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_grid_on_the_page_has_the_marks_of_the_table(attack):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| [`{attack}`](#{attack}) |")] or [WRITE]
    marks = [cell.strip(" *") for cell in row.split("|")[2:-1]]
    assert marks == [("o" if cell.only else cell.mark) for (_, name), cell in TABLE.items() if name == attack], WRITE


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_page_says_what_an_attack_needs_and_where_it_comes_from(attack):
    for tls in ("1.2", "1.3"):
        played = known(attack, tls)
        if played.tls in {"any", tls}:
            assert played.why in section(attack)
            assert f"*{played.source}*" in section(attack)
            assert all(leak in section(attack) for leak in played.assumes.leaks)


def test_every_design_is_on_the_page_with_what_is_not_enough():
    for name, design in DESIGNS.items():
        assert f"`{name}`: {design.sentence} {design.not_enough} *{design.source}*" in PAGE, WRITE
