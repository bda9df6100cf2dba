"""The ladder in a terminal: rows as they happen, in columns of lifelines.

Double arrows are encrypted on the wire; every judgement has its sign as well as its colour. Works in any width from
60 columns, without colour, and when piped.
"""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING, Self

from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from trustlab.inspector.badge import badge
from trustlab.inspector.canvas import Line, plain
from trustlab.inspector.follow import Follower
from trustlab.inspector.hexdiff import aligned
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.rows import Row, difference, octets, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from rich.console import Console, RenderableType

    from trustlab.trace import Event, Trace

COLOURS = {"teller": "cyan", "bank": "blue", "alice": "magenta", "carol": "green"}
MARKS = {"pass": "green", "fail": "bold red", "none": "dim"}
WIDEST = 132
MARGIN = 8
LEGEND = "─▶ message · octets   ═▶ encrypted on the wire   ≠ field differs from the other leg"


class TerminalLadder:
    """Prints the rows of a trace while it grows. `pace` is the pause in seconds after each row, for an audience.

    Use as a context manager, or call the function that `attach` returns, so that nothing held back is lost.
    """

    def __init__(self, console: Console, *, pace: float = 0.0, lifelines: Iterable[str] = ("teller", "bank")) -> None:
        self.console = console
        self.pace = pace
        self.width = max(60, min(console.width, WIDEST))
        self._ascii = not console.encoding.lower().startswith("utf")
        self._ladder = Ladder()
        self._names = list(lifelines)
        self._shown: list[str] = []
        self._waiting: dict[int, Row] = {}
        self._ticks: list[Row] = []
        self._printed: set[int] = set()
        self._judging = ""
        self._titled = ""
        self._detach: Callable[[], None] | None = None

    # Feeding

    def attach(self, trace: Trace) -> Callable[[], None]:
        """Print what `trace` holds and then what it gets; the returned function prints what is left and lets go."""
        self._title(trace)
        follower = Follower(trace, self._take)
        follower.start()

        def detach() -> None:
            follower.stop()
            self.flush()

        self._detach = detach
        return detach

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self.feed(event)

    def feed(self, event: Event) -> None:
        """Take one event and print the rows that are complete with it."""
        for row in self._ladder.feed(event):
            if row.id in self._printed:
                self._amend(row)
            elif _complete(row):
                self._waiting.pop(row.id, None)
                self._row(row)
            else:
                self._waiting[row.id] = row

    def flush(self) -> None:
        """Print the rows that still waited for their other half: a message nobody read, a command without answer."""
        for row in list(self._waiting.values()):
            self._row(row)
        self._waiting.clear()
        self._flush_ticks()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._detach is not None:
            self._detach()
            self._detach = None

    # Rows

    def _row(self, row: Row) -> None:
        self._printed.add(row.id)
        if self._joins(row):
            self._ticks.append(row)
            return
        self._flush_ticks()
        if row.kind == "tpm" and not row.mark:
            self._ticks.append(row)
            return
        if row.kind != "verdict":
            self._judging = ""
        self._header(row)
        draw = {
            "section": self._section,
            "connect": self._connect,
            "message": self._message,
            "tpm": self._failed_command,
            "binder": self._binder,
            "verdict": self._verdict,
            "appraisal": self._appraisal,
            "truth": self._truth,
        }.get(row.kind, self._step)
        draw(row)
        if self.pace:
            time.sleep(self.pace / 4 if row.kind in ("verdict", "tpm") else self.pace)

    def _amend(self, row: Row) -> None:
        if row.meta.get("altered") and -row.id - 1 not in self._printed:
            self._printed.add(-row.id - 1)
            self._beside(row.to or row.at, f"✘ {row.name} arrived with other octets than were written", "bold red")

    def _header(self, row: Row) -> None:
        """Print the names of the lifelines whenever their set grows."""
        for name in self._ladder.lifelines:
            if name not in self._names:
                self._names.append(name)
        order = [name for name in self._ladder.lifelines if name in self._names]
        names = sorted(self._names, key=lambda n: order.index(n) if n in order else 2 * (n == "bank") - 1)
        if names == self._shown or row.kind in ("section", "verdict", "appraisal", "truth"):
            return
        self._shown = names
        line = Line(self.width)
        for name, x in zip(names, self._columns(), strict=True):
            line.put(x - len(name) // 2, name, f"bold {COLOURS.get(name, '')}".strip())
        self._print()
        self._put(line)

    def _title(self, trace: Trace) -> None:
        self._titled = trace.title
        self._rule(Text.assemble((trace.title, "bold"), ("  [", "dim"), (trace.substrate, "bold yellow"), ("]", "dim")))
        for text in textwrap.wrap(badge(trace.substrate), self.width - 2):
            self._print(Text(text, style="dim"))
        for text in textwrap.wrap(LEGEND, self.width - 2):
            self._print(Text(text, style="dim"))

    def _section(self, row: Row) -> None:
        self._print()
        if row.name != self._titled:
            self._rule(Text(row.name, style="bold"))
        for text in textwrap.wrap(row.text, min(self.width - 4, 96)):
            self._print(Text(f"  {text}", style="italic"))
        self._shown = []

    def _message(self, row: Row) -> None:
        label = f"{row.name}: {row.meta['says']}" if row.meta.get("says") else f"{row.name} · {row.size}"
        changed = [name.rpartition(".")[2] for name in row.meta.get("changed") or []]
        forms = [f" ≠ {', '.join(changed[:3])}{' …' if len(changed) > 3 else ''}", f" ≠ {len(changed)} fields", " ≠"]
        labels = [label + form for form in forms if changed] or [label]
        style = COLOURS.get(row.at, "")
        self._arrow(
            row, labels, "bold red" if row.meta.get("fatal") else style, "═" if row.meta.get("encrypted") else "─"
        )

    def _connect(self, row: Row) -> None:
        self._arrow(row, [f"connects to {row.meta.get('dst', '')}", "connects"], "dim", "┄")

    def _arrow(self, row: Row, labels: list[str], style: str, shaft: str) -> None:
        """Draw an arrow with the first label that fits, or the last one cut."""
        line, known = self._line(), dict(zip(self._shown, self._columns(), strict=True))
        start, end = known.get(row.at), known.get(row.to)
        if start is None or end is None or start == end:
            self._beside(row.at or row.to, f"{labels[0]} (the other end was not seen)", style)
            return
        step = 1 if end > start else -1
        for x in range(start + step, end, step):
            line.put(x, ("╪" if shaft == "═" else "┼") if line.at(x) == "│" else shaft, style)
        line.put(end - step, "▶" if step > 0 else "◀", style)
        room = self._room(start, end)
        cells = room[1] - room[0] + 1
        label = next((text for text in labels if len(text) + 4 <= cells), labels[-1])
        text = f" {label if len(label) + 4 <= cells else label[: cells - 5] + '…'} "
        line.put(room[0] + (cells - len(text)) // 2, text, style)
        self._put(line)

    def _room(self, start: int, end: int) -> tuple[int, int]:
        """Return the widest stretch of an arrow that no lifeline crosses, nearest to its writer."""
        stops = [start, *(x for x in self._columns() if min(start, end) < x < max(start, end)), end]
        pairs = list(zip(sorted(stops), sorted(stops)[1:], strict=False))
        pair = pairs[0] if end > start else pairs[-1]
        return pair[0] + 1, pair[1] - 1

    def _step(self, row: Row) -> None:
        name = row.meta.get("step") or row.name
        head = f"{name}: " if name and row.kind in ("machine", "attack") else ""
        style = COLOURS["alice"] if row.kind == "attack" else ""
        self._beside(row.at, f"● {head}{row.text or row.name}", style, room=2)

    def _binder(self, row: Row) -> None:
        names = ", ".join(str(field[0]) for field in row.meta.get("fields") or [])
        verb = "recomputes" if row.meta.get("side") == "verifier" else "binds"
        self._beside(row.at, f"{verb} H({names}) = {_short(str(row.meta.get('binder', '')))}", "yellow", room=2)

    def _failed_command(self, row: Row) -> None:
        self._beside(row.at, f"✘ {row.name}: {row.meta.get('rc_name') or hex(row.meta.get('rc', 0))}", "red")

    def _truth(self, row: Row) -> None:
        self._paragraph(f"Ground truth: {row.text or row.name}", "dim italic")

    # TPM ticks: several commands in a row share a line

    def _joins(self, row: Row) -> bool:
        return (
            row.kind == "tpm"
            and not row.mark
            and bool(self._ticks)
            and self._source(row) == self._source(self._ticks[0])
        )

    @staticmethod
    def _source(row: Row) -> tuple[object, ...]:
        return row.at, row.meta.get("client"), row.meta.get("locality")

    def _flush_ticks(self) -> None:
        if not self._ticks:
            return
        rows, self._ticks = self._ticks, []
        self._header(rows[0])
        words = [f"{count}{name} {spent:.1f}" for name, count, spent in _runs(rows)]
        self._beside(rows[0].at, f"TPM {' · '.join(words)} ms", "dim", room=2)

    # The Verifier's word

    def _verdict(self, row: Row) -> None:
        about = str(row.meta.get("about") or "its peer")
        group = f"{row.at}/{about}/{row.connection}"
        if group != self._judging:
            self._judging = group
            self._print()
            self._print(
                Text.assemble(
                    "  ", (row.at, f"bold {COLOURS.get(row.at, '')}"), " judges the evidence about ", (about, "bold")
                )
            )
        style = MARKS.get(row.mark, "")
        indent = 28
        lines = textwrap.wrap(row.text or row.name, self.width - indent - 2) or [""]
        for n, text in enumerate(lines):
            head = f"    {sign(row.mark)} {row.name}".ljust(indent) if n == 0 else " " * indent
            self._print(Text.assemble((head, style), (text, style if row.mark != "pass" else "")))

    def _appraisal(self, row: Row) -> None:
        if row.mark != "fail":
            self._paragraph(f"✔ {row.at} accepts. {row.text}", "bold green", indent=4)
            self._print()
            return
        refused = str(row.meta.get("refused_by") or "an unnamed check")
        check = next((self._ladder.rows[n] for n in row.meta["verdicts"] if self._ladder.rows[n].name == refused), None)
        said = check is not None and check.text in row.text
        body = [] if said else [Text(row.text), Text("")]
        body += _reason(check, row) if check else []
        also = [name for name in row.meta.get("failed") or [] if name != refused]
        if also:
            body.append(Text(f"Also failed: {', '.join(also)}."))
        self._print()
        content = Text("\n").join(self._safe(text) for text in body)
        self._print(self._panel(content, f" ✘ REFUSED by {row.at}: {refused} "))
        self._print()

    def _panel(self, content: Text, title: str) -> Panel:
        from rich import box  # noqa: PLC0415 - only where something was refused

        shape = box.ASCII if self._ascii else box.HEAVY
        heading = self._safe(Text(title, style="bold red"))
        return Panel(
            content, title=heading, title_align="left", border_style="red", box=shape, padding=(1, 2), width=self.width
        )

    # Printing

    def _columns(self) -> list[int]:
        count = len(self._shown or self._names)
        if count < 2:
            return [MARGIN] * count
        return [MARGIN + n * (self.width - 2 * MARGIN - 1) // (count - 1) for n in range(count)]

    def _line(self) -> Line:
        return Line(self.width, self._columns() if self._shown else ())

    def _beside(self, name: str, text: str, style: str = "", *, room: int = 1) -> None:
        """Write text on the right of a lifeline, or on the left of the last one; not through the next, if it fits."""
        columns = dict(zip(self._shown, self._columns(), strict=True))
        if name not in columns:
            self._paragraph(text, style or "dim")
            return
        x, others = columns[name], list(columns.values())
        left = x == max(others) and len(others) > 1
        gap = (
            (x - max(o for o in others if o < x))
            if left
            else (min((o for o in others if o > x), default=self.width) - x)
        )
        whole = x - min(others) if left else max(*others, gap + x) - x
        lines = textwrap.wrap(text, gap - 4)
        if len(lines) > room:
            lines = textwrap.wrap(text, max(gap, whole) - 4)
        longest = max(map(len, lines), default=0)
        for n, words in enumerate(lines):
            line = self._line()
            line.put(x, ("┤" if left else "├") if n == 0 else "│", "dim")
            line.put(x - 2 - longest if left else x + 2, words, style)
            self._put(line)

    def _paragraph(self, text: str, style: str, *, indent: int = 2) -> None:
        for words in textwrap.wrap(text, self.width - 2 * indent):
            self._print(Text(" " * indent + words, style=style))

    def _rule(self, title: Text) -> None:
        characters = "-" if self._ascii else "─"
        self.console.print(Rule(self._safe(title), style="dim", characters=characters), width=self.width)

    def _put(self, line: Line) -> None:
        self.console.print(line.text(ascii_only=self._ascii), soft_wrap=True, highlight=False)

    def _print(self, what: RenderableType = "") -> None:
        content = self._safe(what) if isinstance(what, Text) else what
        self.console.print(content, highlight=False, soft_wrap=isinstance(what, Text))

    def _safe(self, text: Text) -> Text:
        return Text(plain(text.plain), style=text.style) if self._ascii else text


def _complete(row: Row) -> bool:
    if row.kind == "tpm":
        return len(row.parts) > 1
    return row.kind != "message" or bool(row.at and row.to)


def _runs(rows: list[Row]) -> list[tuple[str, str, float]]:
    """Return commands in order, repetitions in a row counted: (name without TPM2_, "3x " or "", ms)."""
    result: list[tuple[str, int, float]] = []
    for row in rows:
        name, spent = row.name.removeprefix("TPM2_"), float(row.meta.get("ms") or 0.0)
        if result and result[-1][0] == name:
            result[-1] = (name, result[-1][1] + 1, result[-1][2] + spent)
        else:
            result.append((name, 1, spent))
    return [(name, f"{count}x " if count > 1 else "", spent) for name, count, spent in result]


def _reason(check: Row, row: Row) -> list[Text]:
    expected, found = str(check.meta.get("expected") or ""), str(check.meta.get("found") or "")
    lines = [Text(f"{check.name}: {check.text}", style="bold")]
    if check.meta.get("clause"):
        lines.append(Text(str(check.meta["clause"]), style="dim"))
    if expected or found:
        lines += [Text(""), *aligned(expected, found)]
        result = difference(expected, found)
        if result.first is not None:
            lines.append(
                Text(
                    f"first differing octet: {result.first}; {len(result.octets)} of {octets(result.length)} differ",
                    style="dim",
                )
            )
    for field in (row.meta.get("binding") or {}).get("fields", []):
        if row.meta["binding"].get("compared") and field.get("verifier") != field.get("attester"):
            mine, theirs = _short(field.get("verifier") or "absent"), _short(field.get("attester") or "absent")
            lines.append(Text(f"✘ {field['name']}: here {mine}, under the quote {theirs}", style="red"))
    return lines


def _short(value: str) -> str:
    return value if len(value) <= 16 else f"{value[:12]}…"
