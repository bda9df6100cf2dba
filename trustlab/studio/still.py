"""What a reader without a live kernel sees of the studio: the proposal and the answer in words. No scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from trustlab.finder import GOALS, AttackStep
from trustlab.finder.explanation import sentence_of
from trustlab.inspector.static_html import FRAME, MONO
from trustlab.inspector.static_svg import DIM, MARKS

if TYPE_CHECKING:
    from trustlab.finder.proposal import Proposal
    from trustlab.studio.answer import DrawnStep, StudioAnswer

VERDICTS = {"attack": ("fail", "An attack"), "none": ("pass", "Nothing found")}


def answer_html(proposal: Proposal, answer: StudioAnswer) -> str:
    """Return one element of HTML that needs nothing from outside."""
    mark, title = VERDICTS.get(answer.verdict, ("none", answer.error or "The search has not ended yet."))
    binders = [
        f"{who}'s quote: H({', '.join(fields)})"
        for who, fields in (("bank", proposal.server), ("teller", proposal.client))
        if fields
    ]
    lines = [
        f"<p style='margin:0'><b>The studio: {escape(answer.name or 'a design')}</b></p>",
        f"<p style='margin:4px 0;{MONO};font-size:12px'>{'<br>'.join(map(escape, binders))}</p>",
        f"<p style='margin:4px 0;color:{DIM}'>Alice: {escape(', '.join(proposal.powers))}</p>",
        f"<p style='margin:4px 0;color:{MARKS[mark][0]};font-weight:600'>{escape(title)}</p>",
    ]
    if answer.verdict:
        lines.append(f"<p style='margin:0'>{escape(GOALS[proposal.goal])}. {escape(answer.bounds)}.</p>")
    steps = "".join(f"<li>{escape(_sentence(step))}</li>" for step in answer.steps)
    return f'<div style="{FRAME}">{"".join(lines)}{f"<ol>{steps}</ol>" if steps else ""}</div>'


def _sentence(step: DrawnStep) -> str:
    return sentence_of(AttackStep(step.party, step.message, step.fields))


def answer_text(answer: StudioAnswer) -> str:
    """Return the answer in one line."""
    told = VERDICTS[answer.verdict][1] if answer.verdict else answer.error or "no answer yet"
    return f"Studio: {answer.name or 'a design'}: {told}"
