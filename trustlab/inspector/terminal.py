"""The ladder in a terminal: rows as they happen, in columns of lifelines.

Double arrows are encrypted on the wire; every judgement has its sign as well as its colour. Works in any width from
60 columns, without colour, and when piped.
"""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING, Self

from rich.text import Text

from trustlab.inspector.badge import badge
from trustlab.inspector.document import (
    AppraisalRow,
    AttackRow,
    BinderRow,
    ConnectRow,
    MachineRow,
    MessageRow,
    PlainRow,
    ReadRow,
    SectionRow,
    TpmRow,
    TruthRow,
    VerdictRow,
)
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.legs import changed
from trustlab.inspector.refusal import explanation, refused_by, short
from trustlab.inspector.rows import CROWD, count, sign
from trustlab.inspector.terminal_page import COLOURS, TerminalPage
from trustlab.inspector.trace_tail import TraceTail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from rich.console import Console

    from trustlab.trace import Trace, TraceEvent

MARKS = {"pass": "green", "fail": "bold red", "none": "dim"}
LEGEND = "─▶ message · octets   ═▶ encrypted on the wire   ≠ field differs from the other leg"


class TerminalLadder:
    """Prints the rows of a trace while it grows. `pace` is the pause in seconds after each row, for an audience.

    Use as a context manager, or call the function that `attach` returns, so that nothing held back is lost.
    """

    def __init__(self, console: Console, *, pace: float = 0.0, lifelines: Iterable[str] = ("teller", "bank")) -> None:
        self.console = console
        self.pace = pace
        self._page = TerminalPage(console)
        self._ladder = Ladder()
        self._names = list(lifelines)
        self._waiting: dict[int, PlainRow] = {}
        self._ticks: list[TpmRow] = []
        self._printed: set[int] = set()
        self._judging = ""
        self._titled = ""
        self._detach: Callable[[], None] | None = None

    # Feeding

    def attach(self, trace: Trace) -> Callable[[], None]:
        """Print what `trace` holds and then what it gets; the returned function prints what is left and lets go."""
        self._title(trace)
        follower = TraceTail(trace, self._take)
        follower.start()

        def detach() -> None:
            follower.stop()
            self.flush()

        self._detach = detach
        return detach

    def _take(self, events: Iterable[TraceEvent]) -> None:
        for event in events:
            self.feed(event)

    def feed(self, event: TraceEvent) -> None:
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

    def _row(self, row: PlainRow) -> None:
        self._printed.add(row.id)
        if isinstance(row, TpmRow) and self._joins(row):
            self._ticks.append(row)
            return
        self._flush_ticks()
        if isinstance(row, TpmRow) and not row.mark:
            self._ticks.append(row)
            return
        if not isinstance(row, VerdictRow):
            self._judging = ""
        self._header(row)
        self._draw(row)
        if self.pace:
            time.sleep(self.pace / 4 if isinstance(row, VerdictRow | TpmRow) else self.pace)

    def _draw(self, row: PlainRow) -> None:
        match row:
            case SectionRow():
                self._section(row)
            case ConnectRow():
                self._page.arrow((row.at, row.to), [f"connects to {row.dst}", "connects"], "dim", "┄")
            case MessageRow():
                self._message(row)
            case TpmRow():
                self._page.beside(row.at, f"✘ {row.name}: {row.rc_name or hex(row.rc)}", "red")
            case BinderRow():
                self._binder(row)
            case VerdictRow():
                self._verdict(row)
            case AppraisalRow():
                self._appraisal(row)
            case ReadRow():
                self._read(row)
            case TruthRow():
                self._page.paragraph(f"Ground truth: {row.say or row.text or row.name}", "dim italic")
            case _:
                self._step(row)

    def _amend(self, row: PlainRow) -> None:
        if isinstance(row, MessageRow) and row.altered and -row.id - 1 not in self._printed:
            self._printed.add(-row.id - 1)
            self._page.beside(
                row.to or row.at,
                f"✘ {row.name} was changed on the way: other octets arrived than were written",
                "bold red",
            )

    def _header(self, row: PlainRow) -> None:
        """Print the names of the lifelines whenever their set grows; of many hosts, only those of each connection."""
        for name in self._ladder.lifelines:
            if name not in self._names:
                self._names.append(name)
        if len(self._names) > CROWD:
            if row.to and set(self._page.lifelines) != {row.at, row.to}:
                self._page.show((row.at, row.to))
            return
        order = [name for name in self._ladder.lifelines if name in self._names]
        names = sorted(self._names, key=lambda n: order.index(n) if n in order else 2 * (n == "bank") - 1)
        if names == list(self._page.lifelines) or isinstance(row, _OVER):
            return
        self._page.show(names)

    def _title(self, trace: Trace) -> None:
        self._titled = trace.title
        self._page.rule(
            Text.assemble((trace.title, "bold"), ("  [", "dim"), (trace.substrate, "bold yellow"), ("]", "dim"))
        )
        self._page.paragraph(badge(trace.substrate), "dim", indent=0)
        self._page.paragraph(LEGEND, "dim", indent=0)

    def _section(self, row: SectionRow) -> None:
        self._page.print()
        if row.name != self._titled:
            self._page.rule(Text(row.name, style="bold"))
        self._page.paragraph(row.text, "italic", width=96)
        self._page.lifelines = ()

    def _message(self, row: MessageRow) -> None:
        label = f"{row.name}: {row.alert}" if row.alert else f"{row.name} · {row.size}"
        names = changed(self._ladder.book, row)
        forms = [f" ≠ {', '.join(names[:3])}{' …' if len(names) > 3 else ''}", f" ≠ {count(len(names), 'field')}", " ≠"]
        labels = [label + form for form in forms if names] or [label]
        style = "bold red" if row.fatal else COLOURS.get(row.at, "")
        self._page.arrow((row.at, row.to), labels, style, "═" if row.encrypted else "─")

    def _step(self, row: PlainRow) -> None:
        name = str(row.details.get("step") or row.name)
        head = f"{name}: " if name and isinstance(row, MachineRow | AttackRow) else ""
        style = COLOURS["alice"] if isinstance(row, AttackRow) else ""
        self._page.beside(row.at, f"● {head}{row.text or row.name}", style, room=2)

    def _binder(self, row: BinderRow) -> None:
        names = ", ".join(row.details.get("fields") or [])
        verb = "recomputes" if row.side == "verifier" else "binds"
        self._page.beside(row.at, f"{verb} H({names}) = {short(row.binder)}", "yellow", room=2)

    def _read(self, row: ReadRow) -> None:
        self._page.beside(row.at, f"{'✘' if row.secret else '●'} {row.say}", "bold red" if row.secret else "", room=2)

    # TPM ticks: several commands in a row share a line

    def _joins(self, row: TpmRow) -> bool:
        return not row.mark and bool(self._ticks) and _source(row) == _source(self._ticks[0])

    def _flush_ticks(self) -> None:
        if not self._ticks:
            return
        rows, self._ticks = self._ticks, []
        self._header(rows[0])
        words = [f"{count}{name} {spent:.1f}" for name, count, spent in _runs(rows)]
        self._page.beside(rows[0].at, f"TPM {' · '.join(words)} ms", "dim", room=2)

    # The Verifier's word

    def _verdict(self, row: VerdictRow) -> None:
        about = str(row.details.get("about") or "its peer")
        group = f"{row.at}/{about}/{row.connection}"
        if group != self._judging:
            self._judging = group
            self._page.print()
            self._page.print(
                Text.assemble(
                    "  ", (row.at, f"bold {COLOURS.get(row.at, '')}"), " judges the evidence about ", (about, "bold")
                )
            )
        style = MARKS.get(row.mark, "")
        indent = 28
        lines = textwrap.wrap(row.text or row.name, self._page.width - indent - 2) or [""]
        for n, text in enumerate(lines):
            head = f"    {sign(row.mark)} {row.name}".ljust(indent) if n == 0 else " " * indent
            self._page.print(Text.assemble((head, style), (text, style if row.mark != "pass" else "")))

    def _appraisal(self, row: AppraisalRow) -> None:
        if row.mark != "fail":
            self._page.paragraph(f"✔ {row.say} {row.more}", "bold green", indent=4)
            self._page.print()
            return
        rows, bindings = self._ladder.rows, self._ladder.document.frame.bindings
        verdicts = [verdict for n in row.verdicts if isinstance(verdict := rows[n], VerdictRow)]
        binding = None if row.binding is None else bindings[row.binding]
        self._page.print()
        self._page.panel(f"✘ REFUSED by {row.at}: {refused_by(row)}", explanation(row, verdicts, binding))
        self._page.print()


_OVER = (SectionRow, VerdictRow, AppraisalRow, TruthRow)
"""Rows over the whole width, for which no lifelines are named."""


def _source(row: TpmRow) -> tuple[object, ...]:
    return row.at, row.client, row.locality


def _complete(row: PlainRow) -> bool:
    if isinstance(row, TpmRow):
        return len(row.parts) > 1
    return not isinstance(row, MessageRow) or bool(row.at and row.to)


def _runs(rows: list[TpmRow]) -> list[tuple[str, str, float]]:
    """Return commands in order, repetitions in a row counted: (name without TPM2_, "3x " or "", ms)."""
    result: list[tuple[str, int, float]] = []
    for row in rows:
        name, spent = row.name.removeprefix("TPM2_"), row.ms
        if result and result[-1][0] == name:
            result[-1] = (name, result[-1][1] + 1, result[-1][2] + spent)
        else:
            result.append((name, 1, spent))
    return [(name, f"{count}x " if count > 1 else "", spent) for name, count, spent in result]
