"""What a reader without a live kernel sees: the ladder as a picture and every judgement in words. No scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from trustlab.inspector.badge import badge
from trustlab.inspector.rows import difference, octets, sign
from trustlab.inspector.static_svg import DIM, INK, MARKS, ladder_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.ladder import Ladder
    from trustlab.inspector.rows import LadderRow

# Styles stand in attributes: those who clean foreign HTML (notebook viewers) drop style elements.
FONT = "font-family:system-ui,'DejaVu Sans',sans-serif"
MONO = "font-family:ui-monospace,'DejaVu Sans Mono',monospace"
FRAME = f"{FONT};color:{INK};background:#fff;border:1px solid #d9dee6;border-radius:9px;padding:12px;font-size:13px"
BADGE = "border:1px solid #7a4b00;color:#7a4b00;border-radius:9px;padding:0 7px;font-size:11px"
BYTES = f"{MONO};font-size:12px;padding:3px 0 3px 20px"
EMPTY = f"<p style='color:{DIM}'>Nothing had happened yet when this picture was made.</p>"
WORDS = {"pass": "passed", "fail": "failed", "none": "not demanded", "": ""}


def picture_html(ladder: Ladder, title: str, substrate: str, alice_knows: Sequence[str] | None = None) -> str:
    """Return one element of HTML that needs nothing from outside: title, badge, ladder and verdicts."""
    parts = [
        f"<p style='margin:0'><b>{escape(title or 'Trace')}</b> <span style='{BADGE}'>{escape(substrate)}</span></p>",
        f"<p style='margin:4px 0 8px;color:{DIM};font-size:12px'>{escape(badge(substrate))}</p>",
        _knows(alice_knows),
        ladder_svg(ladder) if ladder.rows else EMPTY,
        *(_appraisal(ladder, row) for row in ladder.rows if row.kind == "appraisal"),
    ]
    return f'<div style="{FRAME}">{"".join(parts)}</div>'


def picture_svg(ladder: Ladder) -> str:
    """Return the ladder alone, as an image."""
    return ladder_svg(ladder)


def _knows(names: Sequence[str] | None) -> str:
    if names is None:
        return ""
    mark = "fail" if names else "pass"
    text = f"✘ Alice knows: {', '.join(names)}" if names else "✔ Alice knows none of Bob's secrets."
    return f"<p style='margin:4px 0;color:{MARKS[mark][0]};font-weight:600'>{escape(text)}</p>"


def _appraisal(ladder: Ladder, row: LadderRow) -> str:
    colour = MARKS[row.mark][0]
    word = f"refuses: {row.meta.get('refused_by')}" if row.mark == "fail" else "accepts"
    about = f", evidence about {row.meta['about']}" if row.meta.get("about") else ""
    items = "".join(_verdict(ladder.rows[n]) for n in row.meta.get("verdicts") or [])
    return (
        f"<div style='margin-top:12px'><p style='margin:0;color:{colour};font-weight:600'>{sign(row.mark)} "
        f"{escape(f'{row.at} {word}{about}')}</p><p style='margin:0'>{escape(row.text)}</p>"
        f"{_binding(row)}<ul style='list-style:none;margin:4px 0;padding:0'>{items}</ul></div>"
    )


def _binding(row: LadderRow) -> str:
    """Return the equation behind an appraisal: each field under the hash, as either side had it."""
    equation = row.meta.get("binding")
    if not equation:
        return ""
    same = "=" if equation["holds"] else "≠"
    head = f"extraData {same} H({', '.join(field['name'] for field in equation['fields'])})"
    lines = [_field(field) for field in equation["fields"] if equation.get("compared")]
    return f'<div style="{BYTES}">{"<br>".join([escape(head), *lines])}</div>'


def _field(field: dict[str, str]) -> str:
    mine, theirs = (field.get(side) or "absent" for side in ("verifier", "attester"))
    if mine == theirs:
        return f"<span style='color:{MARKS['pass'][0]}'>✔ {escape(field['name'])}</span> {escape(mine[:32])}"
    text = f"here {mine[:32]}, under the quote {theirs[:32]}"
    return f"<b style='color:{MARKS['fail'][0]}'>✘ {escape(field['name'])}</b> {escape(text)}"


def _verdict(row: LadderRow) -> str:
    detail = _bytes(row) if row.mark == "fail" else ""
    colour = MARKS[row.mark][0]
    return (
        f"<li style='margin:2px 0'><b style='color:{colour}'>{sign(row.mark)} {escape(row.name)}</b> "
        f"<span style='color:{DIM}'>({WORDS[row.mark]})</span> {escape(row.text)}{detail}</li>"
    )


def _bytes(row: LadderRow) -> str:
    expected, found = str(row.meta.get("expected") or ""), str(row.meta.get("found") or "")
    if not expected and not found:
        return ""
    result = difference(expected, found)
    lines = [_octets("expected", expected, result.octets), _octets("found", found, result.octets)]
    sentence = (
        f"first differing octet: {result.first}; {len(result.octets)} of {octets(result.length)} differ"
        if result.first is not None
        else "equal"
    )
    clause = f" · {escape(str(row.meta['clause']))}" if row.meta.get("clause") else ""
    return f'<div style="{BYTES}">{"<br>".join(lines)}<br><em>{sentence}{clause}</em></div>'


def _octets(label: str, value: str, differing: Sequence[int], limit: int = 64) -> str:
    marked = set(differing)
    shown = []
    for n in range(min(len(value) // 2, limit)):
        octet = escape(value[2 * n : 2 * n + 2])
        shown.append(f"<u><b>{octet}</b></u>" if n in marked else octet)
    more = " …" if len(value) // 2 > limit else ""
    return f"{label.ljust(8).replace(' ', '&nbsp;')}&nbsp;{' '.join(shown)}{more}"
