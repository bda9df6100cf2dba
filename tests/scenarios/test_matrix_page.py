"""The page of the matrix says what the tables say; the page itself was written from real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustlab.scenarios import TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "matrix.md").read_text()


@pytest.mark.parametrize("version", TABLES)
def test_the_page_has_every_mark_and_every_sentence_of_the_table(version):
    for (design, attack), cell in TABLES[version].items():
        if cell.mark != "-":
            assert f"| `{design}` | `{attack}` | {cell.mark} | {cell.sentence} |" in PAGE


@pytest.mark.parametrize("version", TABLES)
def test_the_grid_on_the_page_is_the_signed_one(version):
    for design in dict.fromkeys(d for d, _ in TABLES[version]):
        marks = [cell.mark for (d, _), cell in TABLES[version].items() if d == design]
        row = next(
            line
            for line in PAGE.splitlines()
            if line.startswith(f"| `{design}` | ") and "`" not in line[len(design) + 6 :]
        )
        assert [cell.strip(" *") for cell in row.split("|")[2:-1]] == marks
