"""The page of what each check is good for has every line of every list; the page itself was written from real runs."""

from __future__ import annotations

from pathlib import Path

from trustlab.attacks import CATALOGUE, experiments, stopped_by_no_check
from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER
from trustlab.passage import NOT_LEFT_OUT, PARTS, RULES
from trustlab.scenarios import formulas

PAGE = (Path(__file__).parents[2] / "docs" / "ablation.md").read_text()
WRITE = "docs/ablation.md is not up to date: run `python docs/ablation_page.py`"


def line_of(*cells):
    """Return the line that begins with these cells."""
    begins = "| " + " | ".join(cells)
    return next((line for line in PAGE.splitlines() if line.startswith(begins)), "")


def test_the_page_has_every_attack_on_the_verifier():
    for attack in ATTACKS_ON_VERIFIER.values():
        assert f"| {attack.check} | `{attack.name}`: {attack.attack.why} | {attack.base} |" in PAGE, WRITE


def test_the_page_has_every_field_with_its_attack_and_both_binders():
    for row in experiments()["fields"]:
        line = line_of(row.without[0], PARTS[row.without[0]].sentence, f"`{row.attack}`:")
        binders = " | ".join(f"`{formula}`" for formula in formulas(row))
        assert f" | `{row.design.name}` | {row.base} | {binders} | " in line, WRITE
        assert line.endswith((" | extraData |", " | key identity |"))


def test_the_page_says_why_two_fields_are_not_left_out():
    for name, why in NOT_LEFT_OUT.items():
        assert f"- `{name}` {why}." in PAGE


def test_the_page_has_every_rule_with_its_attack():
    for row in experiments()["rules"]:
        (rule,) = row.without
        says, why = RULES[rule].sentence, CATALOGUE[row.attack].why
        assert f"| {rule} | {says} | `{row.attack}`: {why} | `{row.design.name}` | {row.base} |" in PAGE, WRITE


def test_the_page_has_every_other_attack_with_all_that_stops_it_or_why_nothing_does():
    for row in experiments()["overlaps"]:
        assert line_of(f"`{row.attack}`:").endswith(f"| {' and '.join(row.without)} |"), WRITE
    for name, why in stopped_by_no_check().items():
        assert f"- `{name}`: {why}." in PAGE, WRITE
