"""Write docs/ablation.md: every check, binder field and rule with the attack that needs it, each from real runs."""

from __future__ import annotations

from pathlib import Path

from trustlab.attacks import CATALOGUE, RULE_ROWS, STOPPED_BY_NO_CHECK, Attack, RuleRow
from trustlab.attacks.on_binder import ATTACKS_ON_BINDERS
from trustlab.attacks.on_verifier import ATTACKS_ON_VERIFIER, OnVerifier, ablate
from trustlab.attacks.unwilling import BY_CAROL
from trustlab.passage import NOT_LEFT_OUT, PARTS, RULES
from trustlab.scenarios import FieldResult, OverlapResult, run_fields, run_overlaps, run_rules

PAGE = Path(__file__).with_name("ablation.md")
HEAD = """# What each check is good for

*Written by `docs/ablation_page.py`: every line on this page was played with real TPMs, twice: with the thing it is about, and without it.*

No check without an attack, no attack without a check. Checks overlap on purpose, so each line has a **base**: a design, a policy and an attacker for which this
one thing decides. There the attack is refused, and succeeds when the one thing is left out. What else refuses elsewhere is in [the matrix](matrix.md).

```
trustlab matrix --checks                      # these lists, played now
trustlab matrix --fields
trustlab matrix --rules
trustlab matrix --overlaps
trustlab matrix --without extraData           # the whole matrix, with a check, field or rule left out
trustlab matrix --design trusted-passage --without "H(EPMS)"
```

That nothing can be taken out of the *program* unnoticed either is what `tests/test_removals.py` shows: it takes out each check, field and rule in its turn,
and a named test fails each time.
"""


def known(attack: str) -> Attack:
    """Return an attack of any list."""
    if attack in ATTACKS_ON_BINDERS:
        return ATTACKS_ON_BINDERS[attack].attack
    return BY_CAROL[attack] if attack in BY_CAROL else CATALOGUE[attack]


def checks() -> list[str]:
    """Return the list of checks: the attack that only this check refuses on its base."""
    lines = ["| check | attack | the base that makes the check decisive |", "|---|---|---|"]
    for attack in ATTACKS_ON_VERIFIER.values():
        (whole,), (less,) = ablate([attack], ()), ablate([attack])
        assert whole.refused_by == (attack.check,), whole
        assert less.succeeded, less
        lines.append(check_line(attack))
    return lines


def check_line(attack: OnVerifier) -> str:
    """Return a check's line."""
    return f"| {attack.check} | `{attack.name}`: {attack.attack.why} | {attack.base} |"


def fields() -> list[str]:
    """Return the list of the binders' fields, and why two are not on it."""
    lines = ["| field | what it is for | attack | on | base | binder | without it | refused by |", "|---" * 8 + "|"]
    for row in run_fields():
        assert row.decisive, row
        lines.append(field_line(row))
    return [*lines, "", "Not left out:", "", *(f"- `{name}` {why}." for name, why in NOT_LEFT_OUT.items())]


def field_line(row: FieldResult) -> str:
    """Return a field's line."""
    played = f"`{row.attack}`: {known(row.attack).why} | `{row.design}` | {row.base}"
    binders = f"`{row.binder}` | `{row.binder_without}`"
    return f"| {row.field} | {PARTS[row.field].sentence} | {played} | {binders} | {', '.join(row.refused_by)} |"


def rules() -> list[str]:
    """Return the list of the rules that are no checks."""
    lines = ["| rule | what it says | attack | on | base | refused by |", "|---|---|---|---|---|---|"]
    for row, result in zip(RULE_ROWS, run_rules(), strict=True):
        assert result.decisive, result
        lines.append(rule_line(row, result.refused_by))
    return lines


def rule_line(row: RuleRow, refused_by: tuple[str, ...]) -> str:
    """Return a rule's line."""
    why, says = CATALOGUE[row.attack].why, RULES[row.rule].sentence
    refused = ", ".join(refused_by) or "no check"
    return f"| {row.rule} | {says} | `{row.attack}`: {why} | `{row.design.name}` | {row.base} | {refused} |"


def overlaps() -> list[str]:
    """Return the list of the attacks in no other list, and of those that no check stops."""
    lines = ["| attack | on | base | refused by | succeeds without |", "|---|---|---|---|---|"]
    for row in run_overlaps():
        assert row.decisive, row
        lines.append(overlap_line(row))
    return [
        *lines,
        "",
        "Stopped by no check:",
        "",
        *(f"- `{name}`: {why}." for name, why in STOPPED_BY_NO_CHECK.items()),
    ]


def overlap_line(row: OverlapResult) -> str:
    """Return such an attack's line."""
    refused = ", ".join(row.refused_by) or "no check"
    together = " and ".join(row.together)
    return f"| `{row.attack}`: {known(row.attack).why} | `{row.design}` | {row.base} | {refused} | {together} |"


def main() -> None:
    """Run everything and write the page."""
    parts = [
        HEAD,
        "## The Verifier's checks",
        "",
        "On its base each attack, with real octets of real TPMs, is refused by exactly one check.",
        "",
        *checks(),
        "",
        "`evidence format`, the first of the checks, is no choice: what cannot be read cannot be judged.",
        "",
        "## Fields of the binders",
        "",
        "A line's design without the field is a design like any other: no more is changed than its binders. Where fields overlap, the base is one where they",
        "do not. Nonce and randoms are fresh for the same purpose, and are left out together.",
        "",
        *fields(),
        "",
        "## Rules that are no checks",
        "",
        "What leaves a rule out is a switch of the lab's, off by default and told in the trace. Where no check refuses, the rule itself ends the attack: by an alert,",
        "or by what it does not give.",
        "",
        *rules(),
        "",
        "## Attacks in none of these lists",
        "",
        "Each is stopped as long as one of the things in the last column is there, and succeeds when all of them are left out.",
        "",
        *overlaps(),
    ]
    PAGE.write_text("\n".join(parts) + "\n")
    print(f"wrote {PAGE}")  # noqa: T201 - a script's word


if __name__ == "__main__":
    main()
