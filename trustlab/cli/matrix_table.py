"""The matrix in a terminal of eighty columns: a line for each attack, by families, and a letter for each design."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from rich.text import Text

from trustlab.attacks.table import FAMILIES, attack_on
from trustlab.passage import DESIGNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from trustlab.scenarios import Result

SIGNS = {
    "succeeded": ("S", "bold red"),
    "refused": ("x", "green"),
    "failed": ("x", "green"),
    "senseless": ("-", "dim"),
    "unplayed": ("o", "dim"),
}
"""Of each outcome: its sign and its style."""
KEY = "S Alice wins   x she does not   - makes no sense   o not run here   ! unexpected"
NAMES = 34
"""Columns for the attack's name."""


def show_table(console: Console, results: Sequence[Result]) -> None:
    """Print the table, what its letters stand for, and every cell that is not as expected."""
    console.print(KEY + "\n", markup=False)
    for line in table_lines(results):
        console.print(line, soft_wrap=True)
    for reason, places in _unplayed(results).items():
        console.print(f"o {', '.join(places)}: {reason}", markup=False, style="dim")
    for result in results:
        if not result.as_expected:
            console.print(f"not as expected: {result.design} / {result.attack}: {result.evidence}", markup=False)


def table_lines(results: Sequence[Result]) -> Iterator[Text]:
    """Yield the lines of the table and of its legend."""
    designs = list(dict.fromkeys(result.design for result in results))
    letters = dict(zip(designs, string.ascii_lowercase, strict=False))
    places = {(result.design, result.attack): result for result in results}
    yield from _head(designs, letters)
    for family in FAMILIES:
        attacks = [attack for attack in family.attacks if any(result.attack == attack for result in results)]
        if attacks:
            yield Text(family.title, style="bold")
        for attack in attacks:
            line = Text(f"  {attack}".ljust(NAMES))
            for design in designs:
                line.append_text(_between(designs, design)).append_text(_sign(places.get((design, attack))))
            yield line
    yield Text()
    yield from _legend(designs, letters)
    yield from _leaks(results)


def _head(designs: list[str], letters: dict[str, str]) -> Iterator[Text]:
    versions, line = Text(" " * NAMES), Text(" " * NAMES)
    for design in designs:
        version = DESIGNS[design].tls
        first = next(name for name in designs if DESIGNS[name].tls == version)
        gap = _between(designs, design)
        versions.append_text(gap)
        room = 2 * sum(DESIGNS[name].tls == version for name in designs)
        versions.append(f"TLS {version}"[:room].ljust(room) if design == first else "", style="dim")
        line.append_text(gap).append(letters[design] + " ")
    yield versions
    yield line


def _between(designs: list[str], design: str) -> Text:
    """Return the gap before a column: two spaces where the next version begins."""
    at = designs.index(design)
    return Text("  " if at and DESIGNS[designs[at - 1]].tls != DESIGNS[design].tls else "")


def _sign(result: Result | None) -> Text:
    if result is None:
        return Text("  ")
    sign, style = SIGNS[result.outcome]
    return Text(sign, style=style) + Text(" " if result.as_expected else "!", style="bold yellow")


def _legend(designs: list[str], letters: dict[str, str]) -> Iterator[Text]:
    entries = [f"{letters[design]} {design}" for design in designs]
    for start in range(0, len(entries), 3):
        yield Text("".join(entry.ljust(26) for entry in entries[start : start + 3]).rstrip(), style="dim")


def _leaks(results: Sequence[Result]) -> Iterator[Text]:
    """Yield what the lab assumes to have leaked, and for which attacks."""
    found: dict[str, list[str]] = {}
    for result in results:
        known = attack_on(result.attack, DESIGNS[result.design].tls)
        if known.leaks:
            found.setdefault(", ".join(known.leaks), []).append(result.attack)
    for leak, attacks in found.items():
        yield Text(f"assumed ({leak}): {', '.join(dict.fromkeys(attacks))}", style="dim")


def _unplayed(results: Sequence[Result]) -> dict[str, list[str]]:
    """Return why cells were not run, and which."""
    found: dict[str, list[str]] = {}
    for result in results:
        if result.outcome == "unplayed":
            places = found.setdefault(result.sentence, [])
            places.append(f"{result.design} / {result.attack}")
    return found
