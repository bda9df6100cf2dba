"""One line of a terminal with lifelines on it: characters and styles, written over one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

ASCII = str.maketrans("│├┤┼─═╪▶◀●✔✘○·≠…▲╞╡→╰┄✱", "|+++-=+><*+x-.#.^++>`.*")


class TextLine:
    """A line of `width` cells. Later writing covers earlier; cells that would fall outside are dropped."""

    def __init__(self, width: int, lifelines: Sequence[int] = (), style: str = "dim") -> None:
        self._cells = [" "] * width
        self._styles = [""] * width
        for x in lifelines:
            self.put(x, "│", style)

    def put(self, x: int, text: str, style: str = "") -> None:
        """Write `text` from cell `x` on."""
        for n, character in enumerate(text, start=x):
            if 0 <= n < len(self._cells):
                self._cells[n] = character
                self._styles[n] = style

    def at(self, x: int) -> str:
        """Return the character in cell `x`."""
        return self._cells[x]

    def text(self) -> Text:
        """Return the line with its styles, without the blanks at its end."""
        result = Text(no_wrap=True, overflow="crop", end="\n")
        length = len("".join(self._cells).rstrip())
        start = 0
        for n in range(1, length + 1):
            if n == length or self._styles[n] != self._styles[start]:
                result.append("".join(self._cells[start:n]), self._styles[start] or None)
                start = n
        return result


def clean(text: str) -> str:
    """Return `text` without characters that steer a terminal: a trace may quote what a stranger wrote."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def plain(text: str) -> str:
    """Return `text` in characters that every terminal has."""
    return text.translate(ASCII).encode("ascii", "replace").decode("ascii")
