"""Write docs/ablation.md: every check, binder field and rule with the attack that needs it, each from real runs."""

from __future__ import annotations

from pathlib import Path

from trustlab.attacks import BY_CAROL, CATALOGUE, Attack, Experiment, experiments, stopped_by_no_check
from trustlab.attacks.verifier import ATTACKS_ON_BINDERS, ATTACKS_ON_VERIFIER
from trustlab.passage import NOT_LEFT_OUT, PARTS, RULES
from trustlab.scenarios import Result, formulas, run

PAGE = Path(__file__).with_name("ablation.md")
HEAD = """# What each check is for

*Written by `docs/ablation_page.py`: every line on this page was played twice with real TPMs: with everything in place, and with one thing left out.*

Every check has an attack that needs it, and every attack has a check that stops it, or a reason. Checks overlap on purpose, so each line has a **base**: a design, a policy and an attacker for which this
one thing decides. On that base the attack is refused, and succeeds when the one thing is left out. What else refuses an attack elsewhere is in [the matrix](matrix.md).

```
trustlab ablation checks                      # these lists, played now
trustlab ablation fields
trustlab ablation rules
trustlab ablation overlaps
trustlab matrix --without extraData           # the whole matrix, with a check, field or rule left out
trustlab matrix --design trusted-passage --without "H(EPMS)"
```

Nothing can be taken out of the *program* unnoticed either: `tests/test_removals.py` takes out each check, field and rule in turn, and a named test fails each time.
"""

HEADINGS = {
    "checks": "| check | attack | the base that makes the check decisive |",
    "fields": "| field | what it is for | attack | on | base | binder | without it | refused by |",
    "rules": "| rule | what it says | attack | on | base | refused by |",
    "overlaps": "| attack | on | base | refused by | succeeds without |",
}


def described(experiment: Experiment) -> Attack:
    """Return the attack of an experiment of any kind."""
    name = experiment.attack
    if experiment.design is None:
        return ATTACKS_ON_VERIFIER[name].attack
    if name in ATTACKS_ON_BINDERS:
        return ATTACKS_ON_BINDERS[name].attack
    return BY_CAROL.get(name) or CATALOGUE[name]


def lines(kind: str) -> list[str]:
    """Return the list of one kind, played now; AssertionError for a line that is not decisive."""
    heading = HEADINGS[kind]
    told = [heading, "|---" * (heading.count("|") - 1) + "|"]
    for result in run(experiments()[kind]):
        assert result.decisive, result
        told.append("| " + " | ".join(line(result)) + " |")
    return told


def line(result: Result) -> list[str]:
    """Return the columns of a line."""
    experiment, refused = result.experiment, ", ".join(result.whole.failed) or "no check"
    attack, name = f"`{experiment.attack}`: {described(experiment).why}", experiment.without[0]
    on = [attack, f"`{experiment.place}`", experiment.base]
    match experiment.kind:
        case "checks":
            return [name, attack, experiment.base]
        case "fields":
            return [name, PARTS[name].sentence, *on, *(f"`{formula}`" for formula in formulas(experiment)), refused]
        case "rules":
            return [name, RULES[name].sentence, *on, refused]
        case _:
            return [*on, refused, " and ".join(experiment.without)]


def told_beside(title: str, reasons: dict[str, str]) -> list[str]:
    """Return the lines beside a list: the things that are not in it, and why."""
    return ["", f"{title}:", "", *(f"- {name} {why}." for name, why in reasons.items())]


def main() -> None:
    """Run everything and write the page."""
    parts = [
        HEAD,
        "## The Verifier's checks",
        "",
        "On its base each attack, with real octets of real TPMs, is refused by exactly one check.",
        "",
        *lines("checks"),
        "",
        "`evidence format`, the first of the checks, cannot be left out: what cannot be read cannot be judged.",
        "",
        "## Fields of the binders",
        "",
        "Without the field, only the design's binders change. If fields overlap, the base is one on which they do not. Nonce and randoms serve the same purpose,",
        "freshness, and are left out together.",
        "",
        *lines("fields"),
        *told_beside("Not left out", {f"`{name}`": why for name, why in NOT_LEFT_OUT.items()}),
        "",
        "## Rules that are not checks",
        "",
        "Only a measured configuration can leave a rule out, and the trace says so. If no check refuses, the rule itself ends the attack: by an alert,",
        "or because Alice does not get what she needs.",
        "",
        *lines("rules"),
        "",
        "## Attacks in none of these lists",
        "",
        "Each is stopped as long as one of the things in the last column is in place, and succeeds when all of them are left out.",
        "",
        *lines("overlaps"),
        *told_beside("Stopped by no check", {f"`{name}`:": why for name, why in stopped_by_no_check().items()}),
    ]
    PAGE.write_text("\n".join(parts) + "\n")
    print(f"wrote {PAGE}")  # noqa: T201 - a script's word


if __name__ == "__main__":
    main()
