"""The inspector in a terminal, by keyboard: a list of rows, and the fields of one of them.

`TerminalBrowser` knows keys and lines and does no I/O; `browse` connects it with a real terminal and leaves that as it
was, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import textwrap
import tty
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from trustlab.inspector.canvas import clean, plain
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.terminal_keys import keys
from trustlab.inspector.terminal_rows import (
    FieldLine,
    field_line,
    field_matches,
    fields_of,
    is_refusal,
    row_line,
    row_matches,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trustlab.inspector.document import PlainRow
    from trustlab.trace import Trace

DETAIL = 6
"""Lines below the list: a rule, four about what is chosen, and one for keys and answers."""
SMALLEST = (20, 9)
WAIT = 0.5
"""Seconds after which the size of the terminal is looked at again."""
ROW_KEYS = "↑↓ move   Enter fields   / search   n next refusal   q quit"
FIELD_KEYS = "↑↓ move   ← back   / search   n next refusal   q quit"


class NoTerminalError(Exception):
    """There is no terminal to draw on or to read keys from."""


class TerminalBrowser:
    """What is shown of a trace, and what keys do to it. `screen` returns as many lines as `size` has.

    With `secrets` decrypted data is shown where it was carried.
    """

    def __init__(self, trace: Trace, *, secrets: bool = False, size: tuple[int, int] = (80, 24)) -> None:
        self.size = size
        self.over = False
        self._title = f"{trace.title or 'Trace'} [{trace.substrate}]"
        document = Ladder.of(trace, secrets=secrets).document
        self._rows, self._texts = document.rows, document.texts
        self._row = 0
        self._fields: list[FieldLine] | None = None
        self._field = 0
        self._typing: str | None = None
        self._searched = ""
        self._answer = ""

    @property
    def row(self) -> PlainRow | None:
        """The chosen row, None if there are none."""
        return self._rows[self._row] if self._rows else None

    def press(self, key: str) -> None:
        """Take a key by its name (see `terminal_keys`)."""
        self._answer = ""
        if self._typing is not None:
            self._type(key)
            return
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "page-up": -self._height, "page-down": self._height}
        jumps = {"home": -len(self._list), "g": -len(self._list), "end": len(self._list), "G": len(self._list)}
        if key in moves or key in jumps:
            self._move({**moves, **jumps}[key])
        elif key == "q":
            self.over = True
        elif key == "/":
            self._typing = ""
        elif key == "n":
            self._find(is_refusal, "nobody refused anything in this trace")
        elif key in {"enter", "right"} and self._fields is None and self.row is not None:
            self._fields, self._field = fields_of(self.row, self._texts), 0
        elif key in {"left", "escape", "backspace"}:
            self._fields = None

    @property
    def _list(self) -> Sequence[PlainRow | FieldLine]:
        return self._rows if self._fields is None else self._fields

    @property
    def _height(self) -> int:
        return max(1, self.size[1] - DETAIL - 1)

    def _move(self, by: int) -> None:
        last = max(0, len(self._list) - 1)
        if self._fields is None:
            self._row = min(max(0, self._row + by), last)
        else:
            self._field = min(max(0, self._field + by), last)

    def _type(self, key: str) -> None:
        typed = self._typing or ""
        if key == "enter":
            self._typing, self._searched = None, typed or self._searched
            if self._searched:
                self._search(self._searched.lower())
        elif key == "escape":
            self._typing = None
        elif key == "backspace":
            self._typing = typed[:-1]
        elif len(key) == 1:
            self._typing = typed + key

    def _search(self, wanted: str) -> None:
        answer = f"{self._searched!r} was not found"
        if self._fields is None:
            self._find(lambda row: row_matches(row, self._texts, wanted), answer)
            return
        count = len(self._fields)
        order = ((self._field + step) % count for step in range(1, count + 1))
        found = next((n for n in order if field_matches((self._fields or [])[n], wanted)), None)
        self._answer = answer if found is None else ""
        self._field = self._field if found is None else found

    def _find(self, wanted: Callable[[PlainRow], bool], answer: str) -> None:
        """Go to the next row that is wanted; from the last one on it begins again with the first."""
        count = len(self._rows)
        order = ((self._row + step) % count for step in range(1, count + 1))
        found = next((n for n in order if wanted(self._rows[n])), None)
        if found is None:
            self._answer = answer
            return
        self._row, self._fields = found, None

    # Drawing

    def screen(self) -> list[Text]:
        """Return the lines of the screen, each of them as wide as the terminal at most."""
        width, height = self.size
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return [self._cut(Text("too small"))][:height]
        chosen = self._row if self._fields is None else self._field
        place = f"{chosen + 1} of {len(self._list)}" if self._list else "nothing to see"
        title = self._title if self._fields is None or self.row is None else f"{self.row.name} · fields"
        lines = [self._cut(Text.assemble((title, "bold"), (f"   {place}", "dim")))]
        lines += self._listed(chosen)
        lines.append(Text("─" * width, "dim"))
        lines += self._detail()
        lines.append(self._cut(self._last()))
        return lines

    def _listed(self, chosen: int) -> list[Text]:
        height, entries = self._height, self._list
        first = min(max(0, chosen - height // 2), max(0, len(entries) - height))
        lines = []
        for number, entry in enumerate(entries[first : first + height], start=first):
            line = field_line(entry) if isinstance(entry, FieldLine) else row_line(entry)
            line = self._cut(Text.assemble("▶ " if number == chosen else "  ", line))
            if number == chosen:
                line.stylize("reverse")
            lines.append(line)
        return lines + [Text()] * (height - len(lines))

    def _detail(self) -> list[Text]:
        """Return four lines about what is chosen."""
        room = DETAIL - 2
        if self._fields:
            field = self._fields[self._field]
            octets = " ".join(field.hex[n : n + 2] for n in range(0, min(len(field.hex), 2 * self.size[0]), 2))
            clause = f" · {field.clause}" if field.clause else ""
            left = max(8, self.size[0] - len(clause))
            path = field.path if len(field.path) <= left else f"…{field.path[1 - left :]}"
            lines = [path + clause, *[*self._wrapped(field.sentence or field.value), ""][: room - 2], octets]
        else:
            lines = self._wrapped(self.row.text or self.row.name if self.row is not None else "")
        return [self._cut(Text(line)) for line in [*lines, *[""] * room][:room]]

    def _wrapped(self, text: str) -> list[str]:
        return textwrap.wrap(clean(text), self.size[0]) or [""]

    def _last(self) -> Text:
        if self._typing is not None:
            return Text(f"/{self._typing}█")
        if self._answer:
            return Text(self._answer, "bold yellow")
        return Text(ROW_KEYS if self._fields is None else FIELD_KEYS, "dim")

    def _cut(self, line: Text) -> Text:
        """Return a line without what steers a terminal, no wider than the screen."""
        safe = Text(clean(line.plain.replace("\n", " ")), style=line.style, spans=line.spans, no_wrap=True)
        safe.truncate(self.size[0], overflow="ellipsis")
        return safe


def browse(trace: Trace, *, secrets: bool = False) -> None:
    """Show a trace in this terminal until `q` is pressed; NoTerminalError if there is none."""
    for stream, name in ((sys.stdin, "standard input"), (sys.stdout, "standard output")):
        if stream is None or not stream.isatty():
            raise NoTerminalError(f"{name} is not a terminal, so there are no keys to press")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise NoTerminalError("this terminal cannot move its cursor (TERM is not set, or `dumb`)")
    browser = TerminalBrowser(trace, secrets=secrets, size=_size())
    console = Console(highlight=False)
    ascii_only = not console.encoding.lower().startswith("utf")
    keyboard = sys.stdin.fileno()
    with _raw(keyboard):
        while not browser.over:
            browser.size = _size()
            _draw(console, browser.screen(), ascii_only=ascii_only)
            if select.select([keyboard], [], [], WAIT)[0]:
                read = os.read(keyboard, 1024)
                for key in keys(read) if read else ["q"]:  # the terminal has gone
                    browser.press(key)


def _size() -> tuple[int, int]:
    """Return columns and lines of the terminal."""
    return tuple(os.get_terminal_size(sys.stdout.fileno()))  # type: ignore[return-value] # it has just these two


def _draw(console: Console, lines: list[Text], *, ascii_only: bool) -> None:
    with console.capture() as capture:
        for line in lines:
            text = Text(plain(line.plain), style=line.style, spans=line.spans) if ascii_only else line
            console.print(text, end="\x1b[K\n", soft_wrap=True)
    sys.stdout.write("\x1b[H" + capture.get().removesuffix("\n") + "\x1b[J")
    sys.stdout.flush()


@contextlib.contextmanager
def _raw(keyboard: int) -> Iterator[None]:
    """Have keys come one by one, on a screen of our own; Ctrl-C still interrupts, Ctrl-Z does nothing."""
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        attributes = termios.tcgetattr(keyboard)
        attributes[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(keyboard, termios.TCSANOW, attributes)
        sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[2J")
        yield
    finally:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
