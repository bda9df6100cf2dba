"""The page of what each check is good for has every line of every list; the page itself was written from real runs."""

from __future__ import annotations

from pathlib import Path

from trustlab.attacks import CATALOGUE, FIELD_ROWS, OVERLAP_ROWS, RULE_ROWS, STOPPED_BY_NO_CHECK
from trustlab.attacks.on_verifier import ATTACKS_ON_VERIFIER
from trustlab.passage import NOT_LEFT_OUT, PARTS, RULES, design_without

PAGE = (Path(__file__).parents[2] / "docs" / "ablation.md").read_text()


def line_of(*cells):
    """Return the line that begins with these cells."""
    begins = "| " + " | ".join(cells)
    return next((line for line in PAGE.splitlines() if line.startswith(begins)), "")


def formula(binder):
    return binder.formula if binder else "not compared"


def test_the_page_has_every_attack_on_the_verifier():
    for attack in ATTACKS_ON_VERIFIER.values():
        assert f"| {attack.check} | `{attack.name}`: {attack.attack.why} | {attack.base} |" in PAGE


def test_the_page_has_every_field_with_its_attack_and_both_binders():
    for row in FIELD_ROWS:
        line = line_of(row.part, PARTS[row.part].sentence, f"`{row.attack}`:")
        whole, less = (getattr(design, row.binder) for design in (row.design, design_without(row.design, [row.part])))
        binders = f"`{formula(whole)}` | `{formula(less)}`"
        assert f" | `{row.design.name}` | {row.base} | {binders} | " in line
        assert line.endswith((" | extraData |", " | key identity |"))


def test_the_page_says_why_two_fields_are_not_left_out():
    for name, why in NOT_LEFT_OUT.items():
        assert f"- `{name}` {why}." in PAGE


def test_the_page_has_every_rule_with_its_attack():
    for row in RULE_ROWS:
        says, why = RULES[row.rule].sentence, CATALOGUE[row.attack].why
        assert f"| {row.rule} | {says} | `{row.attack}`: {why} | `{row.design.name}` | {row.base} |" in PAGE


def test_the_page_has_every_other_attack_with_all_that_stops_it_or_why_nothing_does():
    for row in OVERLAP_ROWS:
        assert line_of(f"`{row.attack}`:").endswith(f"| {' and '.join(row.together)} |")
    for name, why in STOPPED_BY_NO_CHECK.items():
        assert f"- `{name}`: {why}." in PAGE
