"""What `check` returns: a sentence, with the run that it is about. Drawn in a notebook, a few lines elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustlab.trace import Trace

# Styles stand in attributes: notebook viewers drop style elements. Colours are the page's own, in light and dark; the
# one of the left edge says nothing that mark, word and line do not say.
BOX = (
    "border:1px solid currentColor;border-left-width:6px;border-radius:6px;padding:8px 12px;margin:4px 0;"
    "max-width:60em;line-height:1.45"
)
DASHED = BOX + ";border-style:dashed;border-left-style:solid"
GREEN, AMBER = "#2f9e5f", "#c77700"
SMALL = "margin:6px 0 0;font-size:.92em"
PRE = "margin:4px 0 0;white-space:pre-wrap;max-height:12em;overflow:auto;font-size:.92em"


@dataclass(frozen=True)
class CheckedRun:
    """The run that a verdict is about. `Inspector(verdict.act)` shows it."""

    trace: Trace = field(repr=False)
    outcome: str = "played by a check"

    @property
    def title(self) -> str:
        return self.trace.title


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    `right`, and a `sentence`; `token` is not empty if it is right. `act` is the run that the sentence is about, None if
    nothing was played; `look` says where to look in it, and `show` opens it in the inspector. `printed` is what the
    student's code printed, `predicted` what the student expected, `note` what the classroom adds.
    """

    right: bool
    sentence: str
    token: str = ""
    act: CheckedRun | None = None
    exercise: str = ""
    look: str = ""
    printed: str = ""
    predicted: str = ""
    note: str = ""
    seconds: float = 0.0

    @property
    def trace(self) -> Trace | None:
        """The trace of the run; None if nothing was played."""
        return self.act.trace if self.act else None

    def show(self, *, secrets: bool = True) -> Any:  # noqa: ANN401 - an Inspector, which needs the extra [labs]
        """Return an inspector of the run, as the last line of a cell: `verdict.show()`. None if nothing was played."""
        if self.act is None:
            print("Nothing was played for this verdict, so there is nothing to show.")  # noqa: T201
            return None
        from trustlab.inspector import Inspector  # noqa: PLC0415 - anywidget only where it is asked for

        return Inspector(self.act, secrets=secrets)

    @property
    def _head(self) -> str:
        return "✔ Right." if self.right else "✘ Not yet."

    def _parts(self) -> list[tuple[str, str]]:
        """Return the smaller lines under the sentence: what they are, and their text."""
        parts = [("Look at", f"{self.look} (verdict.show() opens the run)" if self.act else self.look)]
        if not self.look and self.act:
            parts = [("Look", "verdict.show() opens the run of this check")]
        parts += [("You predicted", self.predicted), ("", self.note), ("Token", self.token)]
        return [(what, text) for what, text in parts if text]

    def __str__(self) -> str:
        lines = [f"{self._head} {self.sentence}"]
        lines += [f"  {what}: {text}" if what else f"  {text}" for what, text in self._parts()]
        if self.printed:
            lines += ["  Your code printed:", *(f"    {line}" for line in self.printed.splitlines())]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = [f"<p style='margin:0'><b>{self._head}</b> {escape(self.sentence)}</p>"]
        for what, text in self._parts():
            label = f"<b>{what}:</b> " if what else ""
            said.append(f"<p style='{SMALL}'>{label}{escape(text)}</p>")
        if self.printed:
            said.append(
                f"<p style='{SMALL}'><b>Your code printed:</b></p><pre style='{PRE}'>{escape(self.printed)}</pre>"
            )
        style = f"{BOX};border-left-color:{GREEN}" if self.right else f"{DASHED};border-left-color:{AMBER}"
        return f"<div class='tl-verdict' role='status' style='{style}'>{''.join(said)}</div>"


@dataclass(frozen=True)
class Note:
    """A short word of the classroom, such as a hint. Drawn as a verdict is."""

    head: str
    text: str

    def __str__(self) -> str:
        return f"{self.head} {self.text}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = f"<p style='margin:0'><b>{escape(self.head)}</b> {escape(self.text)}</p>"
        return f"<div class='tl-note' style='{BOX}'>{said}</div>"
