"""The ladder as a still picture: one SVG without scripts or styles from outside, for readers without a live kernel."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

from trustlab.inspector.rows import sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.ladder import Ladder
    from trustlab.inspector.rows import LadderRow

WIDTH = 900
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


def _groups(rows: Sequence[LadderRow]) -> list[list[LadderRow]]:
    """Return the rows to draw, in order; a list of several holds TPM commands of one machine."""
    groups: list[list[LadderRow]] = []
    for row in rows:
        if row.kind == "verdict" and "appraisal" in row.meta:
            continue
        if row.kind == "tpm" and groups and groups[-1][0].kind == "tpm" and groups[-1][0].at == row.at:
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
        names = ladder.lifelines
        margin = 90 if len(names) > 1 else width // 3
        step = (width - 2 * margin) / max(len(names) - 1, 1)
        self._x = {name: margin + n * step for n, name in enumerate(names)}

    def add(self, group: list[LadderRow]) -> None:
        """Draw one row, or the TPM commands that share a line."""
        row = group[0]
        if row.kind == "tpm":
            words = " · ".join(f"{sign(r.mark)}{r.name.removeprefix('TPM2_')}" for r in group)
            self._beside(row.at, f"TPM: {words}", DIM, 11)
        elif row.kind in ("message", "connect"):
            self._arrow(row)
        elif row.kind == "section":
            self._y += 10
            self._block(row.name, row.text, INK, PAPER, RULE)
        elif row.kind == "appraisal":
            self._appraisal(row)
        elif row.kind == "binder":
            names = ", ".join(str(field[0]) for field in row.meta.get("fields") or [])
            verb = "recomputes" if row.meta.get("side") == "verifier" else "binds"
            self._beside(row.at, f"{verb} H({names}) = {str(row.meta.get('binder', ''))[:16]}…", "#7a4b00")
        elif row.at in self._x:
            self._beside(row.at, row.text or row.name, TONES["alice"] if row.kind == "attack" else INK)
        else:
            self._block("Ground truth" if row.kind == "truth" else row.name, row.text, DIM, "#f6f7f9", RULE)

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

    def _arrow(self, row: LadderRow) -> None:
        start = self._x.get(row.at)
        end = self._x.get(row.to)
        if start is None and end is None:
            return
        start = start if start is not None else (end or 0) - 120
        end = end if end is not None else start + 120
        colour = "#ab1f17" if row.meta.get("fatal") else DIM if row.kind == "connect" else TONES.get(row.at, INK)
        self._y += 20
        label = _fitting(row, int(abs(end - start) / AVERAGE) - 4)
        self._write((start + end) / 2, label, colour, anchor="middle", bold=row.kind == "message")
        self._y += 6
        dash = " stroke-dasharray='2 3'" if row.kind == "connect" else ""
        offsets = (-1.5, 1.5) if row.meta.get("encrypted") else (0.0,)
        tip = -7 if end > start else 7
        for dy in offsets:
            y = self._y + dy
            self._parts.append(
                f"<line x1='{start:.0f}' x2='{end + tip:.0f}' y1='{y:.1f}' y2='{y:.1f}' stroke='{colour}' "
                f"stroke-width='1.4'{dash}/>"
            )
        self._parts.append(f"<path d='M{end:.0f} {self._y:.0f} l{tip} -4 v8 z' fill='{colour}'/>")

    def _beside(self, name: str, text: str, colour: str, size: int = 12) -> None:
        if name not in self._x:  # somebody who has no lifeline
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

    def _appraisal(self, row: LadderRow) -> None:
        verdicts = [self._ladder.rows[n] for n in row.meta.get("verdicts") or []]
        refused = row.mark == "fail"
        title = f"✘ {row.at} refuses: {row.meta.get('refused_by')}" if refused else f"✔ {row.at} accepts"
        tally = " ".join(f"{sign(v.mark)} {v.name}" for v in verdicts)
        self._y += 6
        self._block(title, f"{row.text}\n{tally}", *MARKS[row.mark], MARKS[row.mark][0])

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


def _fitting(row: LadderRow, room: int) -> str:
    """Return the longest label of an arrow that fits into `room` characters; what differs is cut first."""
    if row.kind == "connect":
        return f"connects to {row.meta.get('dst', '')}"
    label = f"{row.name}: {row.meta['says']}" if row.meta.get("says") else f"{row.name} · {row.size}"
    lock = " (encrypted)" if row.meta.get("encrypted") else ""
    names = [name.rpartition(".")[2] for name in row.meta.get("changed") or []]
    if not names:
        return label + lock
    forms = [f" ≠ {', '.join(names)}", f" ≠ {names[0]} …" if len(names) > 1 else "", f" ≠ {len(names)} fields", " ≠"]
    return next((text for form in forms if form and len(text := label + form + lock) <= room), label + " ≠")
