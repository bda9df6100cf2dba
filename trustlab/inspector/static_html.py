"""What a reader without a live kernel sees: the ladder as a picture and every judgement in words. No scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from trustlab.inspector.document import AppraisalRow, VerdictRow
from trustlab.inspector.rows import count, difference, sign
from trustlab.inspector.static_svg import DIM, INK, MARKS, ladder_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.document import Binding, Input
    from trustlab.inspector.ladder import Ladder

# Styles stand in attributes: those who clean foreign HTML (notebook viewers) drop style elements.
FONT = "font-family:system-ui,'DejaVu Sans',sans-serif"
MONO = "font-family:ui-monospace,'DejaVu Sans Mono',monospace"
FRAME = f"{FONT};color:{INK};background:#fff;border:1px solid #d9dee6;border-radius:9px;padding:12px;font-size:13px"
BADGE = "border:1px solid #7a4b00;color:#7a4b00;border-radius:9px;padding:0 7px;font-size:11px"
BYTES = f"{MONO};font-size:12px;padding:3px 0 3px 20px"
EMPTY = f"<p style='color:{DIM}'>Nothing had happened yet when this picture was made.</p>"
WORDS = {"pass": "passed", "fail": "failed", "none": "not demanded", "": ""}


def picture_html(ladder: Ladder) -> str:
    """Return one element of HTML that needs nothing from outside: title, badge, ladder and verdicts."""
    frame = ladder.document.frame
    title = frame.title or "Trace"
    parts = [
        f"<p style='margin:0'><b>{escape(title)}</b> <span style='{BADGE}'>{escape(frame.substrate)}</span></p>",
        f"<p style='margin:4px 0 8px;color:{DIM};font-size:12px'>{escape(frame.badge)}</p>",
        _reads(ladder),
        ladder_svg(ladder) if ladder.rows else EMPTY,
        *(_appraisal(ladder, row) for row in ladder.rows if isinstance(row, AppraisalRow)),
    ]
    return f'<div style="{FRAME}">{"".join(parts)}</div>'


def _reads(ladder: Ladder) -> str:
    """Say what Alice can read in the end."""
    frame = ladder.document.frame
    if not frame.prize:
        return ""
    mark = "fail" if frame.reads else "pass"
    text = f"✘ {ladder.rows[frame.reads[0]].say}" if frame.reads else f"✔ {frame.prize} is safe: Alice never read it."
    return f"<p style='margin:4px 0;color:{MARKS[mark][0]};font-weight:600'>{escape(text)}</p>"


def _appraisal(ladder: Ladder, row: AppraisalRow) -> str:
    colour = MARKS[row.mark][0]
    word = f"refuses: {row.refused_by}" if row.mark == "fail" else "accepts"
    about = f", evidence about {row.about}" if row.about else ""
    verdicts = [verdict for n in row.verdicts if isinstance(verdict := ladder.rows[n], VerdictRow)]
    binding = None if row.binding is None else ladder.document.frame.bindings[row.binding]
    return (
        f"<div style='margin-top:12px'><p style='margin:0;color:{colour};font-weight:600'>{sign(row.mark)} "
        f"{escape(f'{row.at} {word}{about}')}</p><p style='margin:0'>{escape(row.say)}</p>"
        f"<p style='margin:0'>{escape(row.more)}</p>{_binding(binding) if binding else ''}"
        f"<ul style='list-style:none;margin:4px 0;padding:0'>{''.join(map(_verdict, verdicts))}</ul></div>"
    )


def _binding(binding: Binding) -> str:
    """Return the equation behind an appraisal: each input of the hash, as either side had it."""
    same = "=" if binding.holds else "≠"
    head = f"extraData {same} H({', '.join(i.name for i in binding.inputs)})"
    lines = [_input(i) for i in binding.inputs if binding.attester_row is not None]
    return f'<div style="{BYTES}">{"<br>".join([escape(head), *lines])}</div>'


def _input(value: Input) -> str:
    mine, theirs = value.verifier or "absent", value.attester or "absent"
    if mine == theirs:
        return f"<span style='color:{MARKS['pass'][0]}'>✔ {escape(value.name)}</span> {escape(mine[:32])}"
    text = f"here {mine[:32]}, under the quote {theirs[:32]}"
    return f"<b style='color:{MARKS['fail'][0]}'>✘ {escape(value.name)}</b> {escape(text)}"


def _verdict(row: VerdictRow) -> str:
    detail = _bytes(row) if row.mark == "fail" else ""
    colour = MARKS[row.mark][0]
    return (
        f"<li style='margin:2px 0'><b style='color:{colour}'>{sign(row.mark)} {escape(row.name)}</b> "
        f"<span style='color:{DIM}'>({WORDS[row.mark]})</span> {escape(row.say or row.text)}{detail}</li>"
    )


def _bytes(row: VerdictRow) -> str:
    expected, found = row.expected, row.found
    if not expected and not found:
        return ""
    result = difference(expected, found)
    lines = [_octets("expected", expected, result.octets), _octets("found", found, result.octets)]
    sentence = (
        f"first differing octet: {result.first}; {len(result.octets)} of {count(result.length, 'octet')} differ"
        if result.first is not None
        else "equal"
    )
    clause = f" · {escape(row.clause)}" if row.clause else ""
    return f'<div style="{BYTES}">{"<br>".join(lines)}<br><em>{sentence}{clause}</em></div>'


def _octets(label: str, value: str, differing: Sequence[int], limit: int = 64) -> str:
    marked = set(differing)
    shown = []
    for n in range(min(len(value) // 2, limit)):
        octet = escape(value[2 * n : 2 * n + 2])
        shown.append(f"<u><b>{octet}</b></u>" if n in marked else octet)
    more = " …" if len(value) // 2 > limit else ""
    return f"{label.ljust(8).replace(' ', '&nbsp;')}&nbsp;{' '.join(shown)}{more}"
