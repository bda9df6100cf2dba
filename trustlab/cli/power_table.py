"""`trustlab matrix --powers` in a terminal of eighty columns: a block for each goal, a line for each set of powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from trustlab.cli.matrix_table import NAMES, gap_before, head_lines, legend_lines
from trustlab.finder import GOALS, POWERS
from trustlab.passage import LADDER, LADDER13

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from trustlab.scenarios.powers import PowerCell

STYLES = {"S": "bold red", "x": "green", "-": "dim"}
KEY = "S an attack with at most these powers gets there  x none does  - none tries"
SHORT = {"network": "", "unpinned": "no pin", "own-machine": "machine", "evil-image": "image", "key-usable": "key"}
"""Shorter words for powers, where a line has to be short; `network` is always there."""


def show_powers(console: Console, cells: Sequence[PowerCell]) -> None:
    """Print the blocks, and what the words mean."""
    console.print(f"{KEY}\n", markup=False)
    rungs = {design.name for design in (*LADDER, *LADDER13)}
    for on_ladder in (True, False):  # all designs side by side are wider than eighty columns
        part = [cell for cell in cells if (cell.design in rungs) == on_ladder]
        for line in power_lines(part) if part else ():
            console.print(line, soft_wrap=True)
    for power, meaning in POWERS.items():
        word = SHORT.get(power, power)
        console.print(f"{word or f'{power} (always)'}: she {meaning}", markup=False, style="dim", soft_wrap=True)


def power_lines(cells: Sequence[PowerCell]) -> Iterator[Text]:
    """Yield the lines of all blocks, and of the legend."""
    designs = list(dict.fromkeys(cell.design for cell in cells))
    places = {(cell.design, cell.powers, cell.goal): cell.mark for cell in cells}
    sets = list(dict.fromkeys(cell.powers for cell in cells))
    yield from head_lines(designs)
    for goal in dict.fromkeys(cell.goal for cell in cells):
        yield Text(f"{goal}: {GOALS[goal]}", style="bold")
        for powers in sets:
            line = Text(f"  {named(powers)}".ljust(NAMES))
            for design in designs:
                mark = places[design, powers, goal]
                line.append_text(gap_before(designs, design)).append(f"{mark} ", style=STYLES[mark])
            yield line
    yield Text()
    yield from legend_lines(designs)
    yield Text()


def named(powers: Sequence[str]) -> str:
    """Return a set of powers in a few words."""
    if set(powers) >= {"ca", "copy", "root-tpm", "lax-peer"}:
        return "all of these"
    return ", ".join(word for power in powers if (word := SHORT.get(power, power))) or "the network alone"
