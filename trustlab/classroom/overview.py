"""The table of a student's progress, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from trustlab.classroom.exercises import EXERCISES

if TYPE_CHECKING:
    from trustlab.classroom.progress import Progress

CELL = "text-align:left;padding:2px 12px 2px 0;border:0"


@dataclass(frozen=True)
class Overview:
    """What a student has done so far."""

    student: str
    progress: Progress

    def _rows(self) -> list[tuple[str, str, str]]:
        """Return exercise, state and tries of what was begun."""
        rows = []
        for name, exercise in EXERCISES.items():
            done = self.progress.record.exercises.get(name)
            if done is None or not (done.attempts or done.right):
                continue
            tries = "1 try" if done.attempts == 1 else f"{done.attempts} tries"
            rows.append((exercise.id, "✔ right" if done.right else "✘ not yet", tries))
        return rows

    @property
    def _sentence(self) -> str:
        right = sum(done.right for name, done in self.progress.record.exercises.items() if name in EXERCISES)
        where = self.progress.trouble or f"Kept in {self.progress.path.name}, beside this notebook."
        return f"{self.student}: {right} of {len(EXERCISES)} exercises are right. {where}"

    def __str__(self) -> str:
        rows = [f"  {name:<22} {state:<10} {tries}" for name, state, tries in self._rows()]
        return "\n".join([self._sentence, *rows])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th scope='col' style='{CELL}'>{text}</th>" for text in ("Exercise", "State", "Tries"))
        lines = [f"<tr>{head}</tr>"]
        for row in self._rows():
            cells = "".join(f"<td style='{CELL}'>{escape(text)}</td>" for text in row)
            lines.append(f"<tr>{cells}</tr>")
        style = "margin:6px 0 0;border-collapse:collapse;font-size:inherit"
        table = f"<table style='{style}'>{''.join(lines)}</table>" if lines[1:] else ""
        return f"<div class='tl-progress'><p style='margin:0'>{escape(self._sentence)}</p>{table}</div>"
