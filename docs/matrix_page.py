"""Write docs/matrix.md: the whole table from real runs, with a sentence for every cell."""

from __future__ import annotations

import string
from itertools import groupby
from pathlib import Path

from trustlab.attacks import ATTACKS, SLIDES, families, known
from trustlab.attacks import table as whole_table
from trustlab.cli.matrix_page import page_of
from trustlab.finder import POWERS
from trustlab.inspector.screenshot import screenshot
from trustlab.passage import DESIGNS, LADDER, LADDER13
from trustlab.scenarios import run_matrix
from trustlab.scenarios.cell import CellResult, policy_of
from trustlab.scenarios.powers import power_cells, power_sets

PAGE = Path(__file__).with_name("matrix.md")
PICTURE = Path(__file__).with_name("matrix.png")
SIGNS = {"succeeded": "**S**", "refused": "x", "failed": "x", "senseless": "-", "unplayed": "o"}
MARKS = {"S": "**S**", "x": "x", "-": "\u2013"}
HEAD = f"""# Every design, every attack

*Written by `docs/matrix_page.py`: every mark on this page comes from a real run with real TPMs (`trustlab matrix`), judged by the facts of its trace.
S: Alice can read the secret, a client trusts a wrong machine, or she got whatever else she was after; x: she was refused, or got nothing; -: the attack
makes no sense there. In italics after each x: what stopped her, in the run. o: it can be played only between virtual machines, which have memory of their own (`trustlab matrix --substrate uml`).*

![{sum(len(family.attacks) for family in families())} attacks against {len(DESIGNS)} designs: each rung stops what broke the one below](matrix.png)

`trustlab matrix --html matrix.html --keep traces` writes this table as a page with cells that you can open: what happened, which facts show it, and the trace in the inspector.

Two parts of the table were signed before anything ran: {len(ATTACKS)} of the slides' {len(SLIDES)} attacks (all except `memory-scrape`, which succeeds only between virtual machines)
on the ladder of TLS 1.2, and a table of the designs on TLS 1.3. No real run contradicts them. No binder helps against a known DH secret (passive reading) or against another genuine machine (pin the right one). Early
transcript binding is disputed in the literature: this page has the results of runs, and takes no side.
"""


POWERS_HEAD = """## By powers

An attack may fail because it was clumsy. So here a row is a set of powers, and a cell is the best that any of our attacks with at most these powers does (`trustlab matrix --powers`).
Whoever can do more never reaches less. P: she reads the PIN; B: she reads the balance; A: the teller is connected, she has its traffic keys, and the bank does not share them;
M: the teller is connected to a genuine machine that is not the bank's; x: none of these. That an attack of ours fails is no proof; [the finder](finder.md) searches within its bounds.
Example: with the use of the bank's key and a leaked DH secret, `tls13-exporter` keeps its ends in agreement (no A), and she reads the PIN all the same, by keeping silent (P).
"""
LETTER_OF_GOAL = {"pin": "P", "balance": "B", "agree": "A", "peer": "M"}


def by_powers(results: list[CellResult]) -> list[str]:
    """Return the table by powers as Markdown, and what each power means."""
    letters = dict(zip(DESIGNS, string.ascii_lowercase, strict=False))
    found: dict[tuple[tuple[str, ...], str], str] = {}
    for cell in power_cells(results):
        found[cell.powers, cell.design] = found.get((cell.powers, cell.design), "") + (
            LETTER_OF_GOAL[cell.goal] if cell.mark == "S" else ""
        )
    lines = [POWERS_HEAD, "| | " + " | ".join(letters.values()) + " |", "|---" + "|:-:" * len(letters) + "|"]
    for powers in power_sets():
        named = ", ".join(f"`{power}`" for power in powers if power != "network") or "the network alone"
        marks = (f"**{found[powers, design]}**" if found[powers, design] else "x" for design in letters)
        lines.append(f"| {named} | " + " | ".join(marks) + " |")
    return [*lines, "", *(f"- `{power}`: she {meaning}." for power, meaning in POWERS.items())]


def table() -> list[str]:
    """Return the whole table as Markdown: one grid, and below it each attack with what it does to which design."""
    results = run_matrix()
    wrong = [r for r in results if not r.as_expected]
    assert not wrong, wrong
    screenshot(page_of(results), PICTURE)
    places = {(r.design, r.attack): r.outcome for r in results}
    letters = dict(zip(DESIGNS, string.ascii_lowercase, strict=False))
    lines = ["| | " + " | ".join(letters.values()) + " |", "|---" + "|:-:" * len(letters) + "|"]
    for family in families():
        lines.append(f"| **{family.title}** |" + " |" * len(letters))
        for attack in family.attacks:
            marks = (SIGNS[places[design, attack]] for design in letters)
            lines.append(f"| [`{attack}`](#{attack}) | " + " | ".join(marks) + " |")
    spans = []
    for tls, ladder in (("1.2", LADDER), ("1.3", LADDER13)):
        spans.append(f"{letters[ladder[0].name]} to {letters[ladder[-1].name]} on TLS {tls}")
    lines += ["", f"The designs, {' and '.join(spans)}; the others stand [beside the ladders](designs.md):", ""]
    lines += [
        f"- **{letters[name]}** `{name}`: {design.sentence} {design.not_enough} *{design.source}*"
        for name, design in DESIGNS.items()
    ]
    lines += ["", *by_powers(results)]
    for family in families():
        lines += ["", f"## {family.title[0].upper()}{family.title[1:]}"]
        for attack in family.attacks:
            lines += ["", f"### {attack}", "", *told(attack)]
    return lines


def told(attack: str) -> list[str]:
    """Return the text about one attack: for each version of TLS, if it takes other steps there."""
    cells = {design: cell for (design, name), cell in whole_table().items() if name == attack}
    played = {known(attack, tls).name: known(attack, tls) for tls in dict.fromkeys(DESIGNS[d].tls for d in cells)}
    lines = []
    for found in played.values():
        where = f"On TLS {found.tls}: " if len(played) > 1 else ""
        leaks = f" The lab gives her: {', '.join(found.assumes.leaks)}." if found.assumes.leaks else ""
        lines.append(
            f"{where}{found.why} About: {found.goal}. Needs: {'; '.join(found.needs)}.{leaks} Policy: {policy_of(found)}. "
            f"Stopped by: {found.stopped_by}. *{found.source}*"
        )
        lines.append("")
    for (mark, sentence), group in groupby(cells, key=lambda design: (cells[design].mark, cells[design].sentence)):
        designs = list(group)
        span = f"`{designs[0]}`" + (f" to `{designs[-1]}`" if len(designs) > 1 else "")
        by = dict.fromkeys(", ".join(cells[design].stopped_by) for design in designs)
        stopped = f" *{'; or '.join(by)}*" if mark == "x" else ""
        only = f" (only in `{cells[designs[0]].only}`)" if cells[designs[0]].only else ""
        lines.append(f"- {MARKS[mark]} {span}{only}: {sentence}{stopped}")
    return lines


def main() -> None:
    """Run everything and write the page."""
    parts = [
        HEAD,
        *table(),
        "",
        "What each check of the Verifier, each field of a binder and each rule is for, one at a time: [ablation.md](ablation.md).",
    ]
    PAGE.write_text("\n".join(parts) + "\n")
    print(f"wrote {PAGE}")  # noqa: T201 - a script's word


if __name__ == "__main__":
    main()
