"""Write docs/matrix.md: the two signed tables and the checks, each from real runs, with a sentence for every cell."""

from __future__ import annotations

from pathlib import Path

from trustlab.attacks import CATALOGUE, RULE_ROWS, RuleRow
from trustlab.attacks.on_binder import ATTACKS_ON_BINDERS
from trustlab.attacks.on_verifier import ATTACKS_ON_VERIFIER, ablate
from trustlab.cli.matrix_page import page_of
from trustlab.inspector.screenshot import screenshot
from trustlab.passage import DESIGNS, NOT_LEFT_OUT, PARTS, RULES
from trustlab.scenarios import TABLES, FieldResult, run_fields, run_matrix, rung

PAGE = Path(__file__).with_name("matrix.md")
PICTURE = Path(__file__).with_name("matrix.png")
SIGNS = {"succeeded": "**S**", "refused": "x", "failed": "x", "senseless": "-"}
HEAD = """# Every design, every attack

*Written by `docs/matrix_page.py`: every mark on this page comes from a real run with real TPMs (`trustlab matrix`), judged by the facts of its trace.
S: Alice holds the secret, or a client trusts a machine of hers; x: she was refused, or got nothing; -: the attack makes no sense there.*

![The ladder against every attack, on TLS 1.2: each rung stops what broke the one below; the last two stop everything](matrix.png)

`trustlab matrix --html matrix.html --keep traces` writes this table as a page whose cells open: what happened, which facts say so, and the trace in the inspector.
"""


def table(version: str) -> list[str]:
    """Return one signed table as Markdown, with its cells' sentences below."""
    results = run_matrix(tls=version)
    wrong = [r for r in results if not r.as_expected]
    assert not wrong, wrong
    if version == "1.2":
        screenshot(page_of(results), PICTURE)
    attacks = list(dict.fromkeys(r.attack for r in results))
    by_place = {(r.design, r.attack): r for r in results}
    designs = list(dict.fromkeys(r.design for r in results))
    lines = ["| design | " + " | ".join(attacks) + " |", "|---" * (len(attacks) + 1) + "|"]
    lines += [
        f"| `{design}` | " + " | ".join(SIGNS[by_place[design, a].outcome] for a in attacks) + " |"
        for design in designs
    ]
    lines += ["", "The designs:", ""]
    lines += [f"- `{design}`: {DESIGNS[design].sentence} {DESIGNS[design].not_enough}".rstrip() for design in designs]
    lines += ["", "The attacks, and what they need:", ""]
    for attack in attacks:
        known = CATALOGUE[attack]
        leaks = f" The lab gives her: {', '.join(known.leaks)}." if known.leaks else ""
        lines.append(
            f"- `{attack}`: {known.why} Needs: {'; '.join(known.needs)}.{leaks} Stopped by: {known.stopped_by}. *{known.source}*"
        )
    lines += ["", "Cell by cell:", "", "| design | attack | | why |", "|---|---|---|---|"]
    lines += [f"| `{d}` | `{a}` | {c.mark} | {c.sentence} |" for (d, a), c in TABLES[version].items() if c.mark != "-"]
    return lines


def checks() -> list[str]:
    """Return the ablation table: every check of the Verifier, and the attack that only it refuses."""
    lines = ["| check | attack | the base that makes the check decisive |", "|---|---|---|"]
    for attack in ATTACKS_ON_VERIFIER.values():
        (whole,), (less,) = ablate([attack], ()), ablate([attack])
        assert whole.refused_by == (attack.check,), whole
        assert less.succeeded, less
        lines.append(f"| {attack.check} | `{attack.name}`: {attack.attack.why} | {attack.base} |")
    return lines


def rules() -> list[str]:
    """Return the table of the rules that are no checks, and the attack that needs each, run with and without it."""
    lines = ["| rule | what it says | attack | on | base |", "|---|---|---|---|---|"]
    for row in RULE_ROWS:
        with rung(row.design, row.attack) as whole, rung(row.design, row.attack, without=(row.rule,)) as less:
            assert whole.run().outcome in ("refused", "failed"), row
            assert less.run().outcome == "succeeded", row
        lines.append(rule_line(row))
    return lines


def rule_line(row: RuleRow) -> str:
    """Return a rule's line."""
    why, says = CATALOGUE[row.attack].why, RULES[row.rule].sentence
    return f"| {row.rule} | {says} | `{row.attack}`: {why} | `{row.design.name}` | {row.base} |"


def fields() -> list[str]:
    """Return the table of the binders' fields, and the attack that needs each, run with and without it."""
    lines = ["| field | what it is for | attack | on | base | binder | without it | refused by |", "|---" * 8 + "|"]
    for row in run_fields():
        assert row.decisive, row
        lines.append(field_line(row))
    lines += ["", "Not left out:", "", *(f"- `{name}` {why}." for name, why in NOT_LEFT_OUT.items())]
    return lines


def field_line(row: FieldResult) -> str:
    """Return a field's line."""
    attack = ATTACKS_ON_BINDERS[row.attack].attack if row.attack in ATTACKS_ON_BINDERS else CATALOGUE[row.attack]
    binders = f"`{row.binder}` | `{row.binder_without}`"
    played = f"`{row.attack}`: {attack.why} | `{row.design}` | {row.base}"
    return f"| {row.field} | {PARTS[row.field].sentence} | {played} | {binders} | {', '.join(row.refused_by)} |"


def main() -> None:
    """Run everything and write the page."""
    parts = [HEAD, "## The ladder, on TLS 1.2", "", *table("1.2"), "", "## TLS 1.3", ""]
    parts += [
        "No binder helps against a known DH secret (passive reading) or a genuine machine elsewhere (pin it, or publish reference values). Early",
        "transcript binding is disputed in the literature: these are the runs, and nobody's verdict.",
        "",
        *table("1.3"),
        "",
        "## The Verifier's checks",
        "",
        "Each attack, with real octets of real TPMs, is refused by exactly one check on its base, and succeeds when that check is left out.",
        "",
        *checks(),
        "",
        "## Fields of the binders",
        "",
        "Each attack is refused on its base, and succeeds over the same design without that one field (`trustlab matrix --fields`). Where fields",
        "overlap the base is one where they do not; nonce and randoms are fresh for the same purpose, and are left out together.",
        "",
        *fields(),
        "",
        "## Rules that are no checks",
        "",
        "Each attack is stopped on its base, and succeeds when its rule is left out: a switch of the lab's, off by default and told in the trace.",
        "",
        *rules(),
    ]
    PAGE.write_text("\n".join(parts) + "\n")
    print(f"wrote {PAGE}")  # noqa: T201 - a script's word


if __name__ == "__main__":
    main()
