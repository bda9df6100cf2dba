"""The matrix in a terminal of eighty columns: a line for each attack, by families, and a letter for each design."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from rich.text import Text

from trustlab.attacks import families, known
from trustlab.passage import DESIGNS, LADDER, LADDER13

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from trustlab.scenarios import CellResult

SIGNS = {
    "succeeded": ("S", "bold red"),
    "refused": ("x", "green"),
    "failed": ("x", "green"),
    "broke": ("?", "bold yellow"),
    "senseless": ("-", "dim"),
    "unplayed": ("o", "dim"),
}
"""The sign and the style of each outcome."""
KEY = "S Alice wins  x she does not  - makes no sense  o not run  ? broke  ! "
LETTERS = dict(zip(DESIGNS, string.ascii_lowercase, strict=False))
"""The letter of each design's column; it is the same in every part of the table."""
WIDTH, GAP = 80, 2
"""Characters of a line, and of the gap between two versions of TLS."""
NAMES = 34
"""The width of the attacks' names, in characters."""


def show_table(console: Console, results: Sequence[CellResult], without: Sequence[str] = ()) -> None:
    """Print the table, the meaning of its letters, and every cell that is not as expected.

    If something is left out (`without`), these are the cells that it changed; if there are none, print which checks
    refused instead.
    """
    console.print(f"{KEY}{'changed' if without else 'unexpected'}\n", markup=False)
    for part in parts_of(results):
        for line in table_lines(part):
            console.print(line, soft_wrap=True)
    for reason, places in _unplayed(results).items():
        console.print(f"o {', '.join(places)}: {reason}", markup=False, style="dim")
    others = [result for result in results if not result.as_expected]
    what = f"changed by leaving out {' and '.join(without)}" if without else "not as expected"
    for result in others:
        told = "" if without else f"{_became(result)}; "
        checks = f"failed checks: {', '.join(result.failed)}; " if result.failed else ""
        facts = result.sentence if result.outcome == "broke" else result.evidence
        console.print(f"{what}: {result.design} / {result.attack}: {told}{checks}{facts}", markup=False)
    if without and not others:
        console.print(_unchanged(results), markup=False)


def parts_of(results: Sequence[CellResult]) -> list[Sequence[CellResult]]:
    """Return the results in one part; if that is too wide, first those of the ladders, then of what is beside them."""
    if NAMES + 2 * len({result.design for result in results}) + GAP <= WIDTH:
        return [results]
    rungs = {design.name for design in (*LADDER, *LADDER13)}
    return [[result for result in results if (result.design in rungs) == on_ladder] for on_ladder in (True, False)]


def _became(result: CellResult) -> str:
    """Say how a cell came out, and what the table expected: the mark, or what stopped her if only that differs."""
    mark = SIGNS[result.outcome][0]
    if mark != result.expected:
        return f"{mark}, expected {result.expected}"
    stopped, expected = (", ".join(names) or "nothing" for names in (result.stopped_by, result.must_stop))
    return f"{mark}, stopped by {stopped}, expected {expected}"


def table_lines(results: Sequence[CellResult]) -> Iterator[Text]:
    """Yield the lines of the table and of its legend."""
    designs = list(dict.fromkeys(result.design for result in results))
    places = {(result.design, result.attack): result for result in results}
    yield from head_lines(designs)
    for family in families():
        attacks = [attack for attack in family.attacks if any(result.attack == attack for result in results)]
        if attacks:
            yield Text(family.title, style="bold")
        for attack in attacks:
            line = Text(f"  {attack}".ljust(NAMES))
            for design in designs:
                line.append_text(gap_before(designs, design)).append_text(_sign(places.get((design, attack))))
            yield line
    yield Text()
    yield from legend_lines(designs)
    yield from _leaks(results)


def head_lines(designs: list[str]) -> Iterator[Text]:
    versions = line = " " * NAMES
    for design in designs:
        line += gap_before(designs, design).plain
        if design == _group(designs, design)[0]:
            versions = versions.ljust(len(line)) + _version(design)
        line += LETTERS[design] + " "
    yield Text(versions, style="dim")
    yield Text(line)


def _version(design: str) -> str:
    return f"TLS {DESIGNS[design].tls}"


def _group(designs: list[str], design: str) -> list[str]:
    """Return the columns on a design's version of TLS."""
    return [name for name in designs if DESIGNS[name].tls == DESIGNS[design].tls]


def gap_before(designs: list[str], design: str) -> Text:
    """Return the gap before a column: between two versions two spaces, and enough room for the first one's title."""
    before = designs[: designs.index(design)][-1:]
    if not before or _version(before[0]) == _version(design):
        return Text()
    columns = 2 * len(_group(designs, before[0]))
    return Text("  " + " " * (len(_version(before[0])) - columns))


def _sign(result: CellResult | None) -> Text:
    if result is None:
        return Text("  ")
    sign, style = SIGNS[result.outcome]
    return Text(sign, style=style) + Text(" " if result.as_expected else "!", style="bold yellow")


def legend_lines(designs: list[str]) -> Iterator[Text]:
    entries = [f"{LETTERS[design]} {design}" for design in designs]
    for start in range(0, len(entries), 3):
        yield Text("".join(entry.ljust(26) for entry in entries[start : start + 3]).rstrip(), style="dim")


def _leaks(results: Sequence[CellResult]) -> Iterator[Text]:
    """Yield which leaks the lab assumes, and for which attacks."""
    found: dict[str, list[str]] = {}
    for result in results:
        attack = known(result.attack, DESIGNS[result.design].tls)
        if attack.assumes.leaks:
            found.setdefault(", ".join(attack.assumes.leaks), []).append(result.attack)
    for leak, attacks in found.items():
        yield Text(f"assumed ({leak}): {', '.join(dict.fromkeys(attacks))}", style="dim")


def _unplayed(results: Sequence[CellResult]) -> dict[str, list[str]]:
    """Return the reasons why cells were not run, each with its cells."""
    found: dict[str, list[str]] = {}
    for result in results:
        if result.outcome == "unplayed":
            places = found.setdefault(result.sentence, [])
            places.append(f"{result.design} / {result.attack}")
    return found


def _unchanged(results: Sequence[CellResult]) -> str:
    """Say that nothing changed, and which checks refused in these runs."""
    refused = dict.fromkeys(check for result in results if result.outcome == "refused" for check in result.failed)
    told = [f"still refused by {', '.join(refused)}"] if refused else []
    if any(result.outcome == "failed" for result in results):
        told.append("attacks that failed otherwise were not refused by a check")
    return ": ".join(filter(None, ("nothing changed", "; ".join(told))))
