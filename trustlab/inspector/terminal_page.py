"""What the terminal ladder is written on: lines with lifelines, arrows between them, text beside them, panels."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich import box
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from trustlab.inspector.canvas import TextLine, clean, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

COLOURS = {"teller": "cyan", "bank": "blue", "alice": "magenta", "carol": "green"}
WIDEST = 132
NARROWEST = 60
MARGIN = 8


class TerminalPage:
    """A console with lifelines on it. `lifelines` are the names of those shown, from left to right."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._ascii = not console.encoding.lower().startswith("utf")
        self.width = max(NARROWEST, min(console.width, WIDEST))
        self.lifelines: Sequence[str] = ()

    def show(self, names: Sequence[str]) -> None:
        """Write the names of the lifelines, which run on from here."""
        self.lifelines = tuple(names)
        line = TextLine(self.width)
        for name, x in zip(names, self._columns(), strict=True):
            line.put(x - len(name) // 2, name, f"bold {COLOURS.get(name, '')}".strip())
        self.print()
        self._put(line)

    def arrow(self, ends: tuple[str, str], labels: Sequence[str], style: str, shaft: str) -> None:
        """Draw an arrow between two lifelines with the first label that fits, or the last one cut."""
        line, known = self._line(), dict(zip(self.lifelines, self._columns(), strict=True))
        start, end = (known.get(name) for name in ends)
        if start is None or end is None or start == end:
            self.beside(ends[0] or ends[1], f"{labels[0]} (the other end was not seen)", style)
            return
        step = 1 if end > start else -1
        for x in range(start + step, end, step):
            line.put(x, ("╪" if shaft == "═" else "┼") if line.at(x) == "│" else shaft, style)
        line.put(end - step, "▶" if step > 0 else "◀", style)
        first, cells = self._room(start, end)
        label = next((text for text in labels if len(text) + 4 <= cells), labels[-1])
        text = f" {label if len(label) + 4 <= cells else label[: cells - 5] + '…'} "
        line.put(first + (cells - len(text)) // 2, text, style)
        self._put(line)

    def _room(self, start: int, end: int) -> tuple[int, int]:
        """Return the first cell and the length of the stretch of an arrow before the next lifeline, at its writer."""
        stops = sorted([start, *(x for x in self._columns() if min(start, end) < x < max(start, end)), end])
        left, right = stops[:2] if end > start else stops[-2:]
        return left + 1, right - left - 1

    def beside(self, name: str, text: str, style: str = "", *, room: int = 1) -> None:
        """Write text on the right of a lifeline, or on the left of the last one.

        It stays clear of the next lifeline where it fits into `room` lines, and covers it where it does not.
        """
        columns = dict(zip(self.lifelines, self._columns(), strict=True))
        if name not in columns:
            self.paragraph(text, style or "dim")
            return
        x, others = columns[name], list(columns.values())
        left = x == max(others) and len(others) > 1
        if left:
            gap, whole = x - max(o for o in others if o < x), x - min(others)
        else:
            gap = min((o for o in others if o > x), default=self.width) - x
            whole = max(*others, x + gap) - x
        lines = textwrap.wrap(text, gap - 4)
        if len(lines) > room:
            lines = textwrap.wrap(text, whole - 4)
        longest = max(map(len, lines), default=0)
        for n, words in enumerate(lines):
            line = self._line()
            line.put(x, ("┤" if left else "├") if n == 0 else "│", "dim")
            line.put(x - 2 - longest if left else x + 2, words, style)
            self._put(line)

    def paragraph(self, text: str, style: str, *, indent: int = 2, width: int = WIDEST) -> None:
        """Write text over the whole width, lifelines interrupted."""
        for words in textwrap.wrap(text, min(width, self.width - 2 * indent)):
            self.print(Text(" " * indent + words, style=style))

    def rule(self, title: Text) -> None:
        """Write a heading in a rule."""
        rule = Rule(self._safe(title), style="dim", characters="-" if self._ascii else "─")
        self._console.print(rule, width=self.width)

    def panel(self, title: str, lines: Sequence[Text]) -> None:
        """Write lines in a red frame."""
        panel = Panel(
            Text("\n").join(self._safe(line) for line in lines),
            title=self._safe(Text(f" {title} ", style="bold red")),
            title_align="left",
            border_style="red",
            box=box.ASCII if self._ascii else box.HEAVY,
            padding=(1, 2),
            width=self.width,
        )
        self._console.print(panel)

    def print(self, text: Text | None = None) -> None:
        """Write one line; without text, an empty one."""
        self._console.print(self._safe(text or Text()), highlight=False, soft_wrap=True)

    def _columns(self) -> list[int]:
        count = len(self.lifelines)
        if count < 2:
            return [MARGIN] * count
        return [MARGIN + n * (self.width - 2 * MARGIN - 1) // (count - 1) for n in range(count)]

    def _line(self) -> TextLine:
        return TextLine(self.width, self._columns())

    def _put(self, line: TextLine) -> None:
        self.print(line.text())

    def _safe(self, text: Text) -> Text:
        """Return the text in characters that this terminal has, and that do nothing to it."""
        shown = clean(text.plain)
        return Text(plain(shown) if self._ascii else shown, style=text.style, spans=text.spans)
