"""The ladder as a still picture: one SVG without scripts or styles from outside, for readers without a live kernel."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

from trustlab.inspector.document import (
    AppraisalRow,
    AttackRow,
    BinderRow,
    ConnectRow,
    MessageRow,
    PlainRow,
    ReadRow,
    SectionRow,
    TpmRow,
    TruthRow,
    VerdictRow,
)
from trustlab.inspector.legs import changed
from trustlab.inspector.rows import CROWD, sign
from trustlab.trace import other_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.document import AnyRow
    from trustlab.inspector.ladder import Ladder

WIDTH = 900
SIDES: dict[str, str] = {"client": "clients", "server": "servers"}
INK, DIM, RULE, PAPER = "#1c2430", "#5a6473", "#b3bccb", "#ffffff"
TONES = {"teller": "#0b6b63", "bank": "#2350c4", "alice": "#a81d70", "carol": "#4a6b0c"}
MARKS = {"pass": ("#14662f", "#eaf6ee"), "fail": ("#ab1f17", "#fdeeec"), "none": (DIM, "#f6f7f9"), "": (INK, "#f6f7f9")}
SANS = "font-family='system-ui, DejaVu Sans, sans-serif'"
AVERAGE = 6.4
"""Width of a character of 12 px, on the average and on the safe side."""


def ladder_svg(ladder: Ladder, *, width: int = WIDTH) -> str:
    """Return the whole ladder as SVG; TPM commands in a row share a line, verdicts stand with their appraisal."""
    drawing = _Drawing(ladder, width)
    for group in _groups(ladder.rows):
        drawing.add(group)
    return drawing.text()


def _groups(rows: Sequence[AnyRow]) -> list[list[AnyRow]]:
    """Return the rows to draw, in order; a list of several holds TPM commands of one machine."""
    groups: list[list[AnyRow]] = []
    for row in rows:
        if isinstance(row, VerdictRow) and row.appraisal is not None:
            continue
        if isinstance(row, TpmRow) and groups and isinstance(groups[-1][0], TpmRow) and groups[-1][0].at == row.at:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


class _Drawing:
    def __init__(self, ladder: Ladder, width: int) -> None:
        self._ladder = ladder
        self._width = width
        self._y = 40.0
        self._parts: list[str] = []
        crowd = len(ladder.lifelines) > CROWD
        self._crowd = crowd
        names = list(SIDES.values()) if crowd else ladder.lifelines
        margin = 90 if len(names) > 1 else width // 3
        step = (width - 2 * margin) / max(len(names) - 1, 1)
        self._x = {name: margin + n * step for n, name in enumerate(names)}

    def add(self, group: list[AnyRow]) -> None:
        """Draw one row, or the TPM commands that share a line."""
        row = group[0]
        match row:
            case TpmRow():
                words = " · ".join(f"{sign(r.mark)}{r.name.removeprefix('TPM2_')}" for r in group)
                self._beside(row.at, f"TPM: {words}", DIM, 11)
            case MessageRow() | ConnectRow():
                self._arrow(row)
            case SectionRow():
                self._y += 10
                self._block(row.name, row.text, INK, PAPER, RULE)
            case AppraisalRow():
                self._appraisal(row)
            case ReadRow(secret=True):
                self._y += 6
                self._block(f"✘ {row.say}", row.more, MARKS["fail"][0], MARKS["fail"][1], MARKS["fail"][0])
            case BinderRow():
                names = ", ".join(row.details.get("fields") or [])
                verb = "recomputes" if row.side == "verifier" else "binds"
                self._beside(row.at, f"{verb} H({names}) = {row.binder[:16]}…", "#7a4b00")
            case PlainRow() if row.at in self._x:
                alice = isinstance(row, AttackRow | ReadRow)
                self._beside(row.at, row.say or row.text or row.name, TONES["alice"] if alice else INK)
            case _:
                title = "Ground truth" if isinstance(row, TruthRow) else row.name
                self._block(title, row.say or row.text, DIM, "#f6f7f9", RULE)

    def text(self) -> str:
        height = self._y + 14
        lines = [
            f"<line x1='{x:.0f}' x2='{x:.0f}' y1='30' y2='{height - 8:.0f}' stroke='{RULE}'/>" for x in self._x.values()
        ]
        names = [
            f"<text x='{x:.0f}' y='22' text-anchor='middle' font-size='13' font-weight='bold' "
            f"fill='{TONES.get(name, INK)}'>{escape(name)}</text>"
            for name, x in self._x.items()
        ]
        label = escape(f"Ladder with {len(self._ladder.rows)} rows")
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self._width} {height:.0f}' width='100%' "
            f"role='img' aria-label='{label}' {SANS}>"
            f"<rect width='{self._width}' height='{height:.0f}' fill='{PAPER}'/>"
            f"{''.join(lines + names + self._parts)}</svg>"
        )

    def _write(
        self, x: float, text: str, fill: str, *, size: int = 12, anchor: str = "start", bold: bool = False
    ) -> None:
        weight = " font-weight='bold'" if bold else ""
        self._parts.append(
            f"<text x='{x:.0f}' y='{self._y:.0f}' font-size='{size}' text-anchor='{anchor}' fill='{fill}'{weight}>"
            f"{escape(text)}</text>"
        )

    def _arrow(self, row: MessageRow | ConnectRow) -> None:
        side = row.direction if isinstance(row, MessageRow) else "client"
        at, to = (SIDES[side], SIDES[other_role(side)]) if self._crowd and side in SIDES else (row.at, row.to)
        start = self._x.get(at)
        end = self._x.get(to)
        if start is None and end is None:
            return
        start = start if start is not None else (end or 0) - 120
        end = end if end is not None else start + 120
        message = row if isinstance(row, MessageRow) else None
        colour = DIM if message is None else "#ab1f17" if message.fatal else TONES.get(row.at, INK)
        self._y += 20
        label = self._fitting(row, int(abs(end - start) / AVERAGE) - 4)
        label += f" · {row.at} → {row.to}" if self._crowd else ""
        self._write((start + end) / 2, label, colour, anchor="middle", bold=message is not None)
        self._y += 6
        dash = " stroke-dasharray='2 3'" if message is None else ""
        offsets = (-1.5, 1.5) if message is not None and message.encrypted else (0.0,)
        tip = -7 if end > start else 7
        for dy in offsets:
            y = self._y + dy
            self._parts.append(
                f"<line x1='{start:.0f}' x2='{end + tip:.0f}' y1='{y:.1f}' y2='{y:.1f}' stroke='{colour}' "
                f"stroke-width='1.4'{dash}/>"
            )
        self._parts.append(f"<path d='M{end:.0f} {self._y:.0f} l{tip} -4 v8 z' fill='{colour}'/>")

    def _beside(self, name: str, text: str, colour: str, size: int = 12) -> None:
        if name not in self._x:  # somebody who is not on stage did it: an odd trace
            self._block(name, text, colour, "#f6f7f9", RULE)
            return
        x, places = self._x[name], sorted(self._x.values())
        last = x == places[-1] and len(places) > 1
        gap = (x - places[-2]) if last else next((p for p in places if p > x), self._width) - x
        self._y += 5
        for n, words in enumerate(textwrap.wrap(text, max(16, int((gap - 24) / (AVERAGE * size / 12))))):
            self._y += 15
            if n == 0:
                self._parts.append(
                    f"<circle cx='{x:.0f}' cy='{self._y - 4:.0f}' r='3.5' fill='{PAPER}' "
                    f"stroke='{colour}' stroke-width='2'/>"
                )
            self._write(x - 12 if last else x + 12, words, colour, size=size, anchor="end" if last else "start")

    def _appraisal(self, row: AppraisalRow) -> None:
        verdicts = [self._ladder.rows[n] for n in row.verdicts]
        title = f"✘ {row.at} refuses: {row.refused_by}" if row.mark == "fail" else f"✔ {row.at} accepts"
        tally = " ".join(f"{sign(v.mark)} {v.name}" for v in verdicts)
        self._y += 6
        self._block(title, f"{row.say}\n{tally}", *MARKS[row.mark], MARKS[row.mark][0])

    def _fitting(self, row: MessageRow | ConnectRow, room: int) -> str:
        """Return the longest label of an arrow that fits into `room` characters; what differs is cut first."""
        if isinstance(row, ConnectRow):
            return f"connects to {row.dst}"
        label = f"{row.name}: {row.alert}" if row.alert else f"{row.name} · {row.size}"
        lock = " (encrypted)" if row.encrypted else ""
        names = changed(self._ladder.book, row)
        if not names:
            return label + lock
        forms = [f" ≠ {', '.join(names)}"]
        forms += [f" ≠ {names[0]} …", f" ≠ {len(names)} fields"] if len(names) > 1 else []
        return next((text for form in forms if len(text := label + form + lock) <= room), label + " ≠")

    def _block(self, title: str, text: str, colour: str, fill: str, edge: str) -> None:
        size = int((self._width - 64) / AVERAGE)
        lines = [words for line in text.split("\n") for words in textwrap.wrap(line, size)]
        height = 26 + 16 * len(lines)
        self._y += 8
        self._parts.append(
            f"<rect x='16' y='{self._y:.0f}' width='{self._width - 32}' height='{height}' rx='7' "
            f"fill='{fill}' stroke='{edge}'/>"
        )
        self._y += 18
        self._write(30, title, colour, size=13, bold=True)
        for words in lines:
            self._y += 16
            self._write(30, words, INK)
        self._y += 10
