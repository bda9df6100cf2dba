"""A refusal explained: the check, its sentence and clause, expected against found octets, and the field that lied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from trustlab.inspector.hexdiff import aligned
from trustlab.inspector.rows import LadderRow, difference, octets

if TYPE_CHECKING:
    from collections.abc import Sequence


def refused_by(row: LadderRow) -> str:
    """Return the name of the check that refused."""
    return str(row.meta.get("refused_by") or "an unnamed check")


def explanation(row: LadderRow, verdicts: Sequence[LadderRow]) -> list[Text]:
    """Return the lines that say why an appraisal (`row`) refused."""
    check = next((verdict for verdict in verdicts if verdict.name == refused_by(row)), None)
    if check is None:
        return [Text(row.text)]
    lines = [] if check.text in row.text else [Text(row.text), Text("")]
    lines += [Text(f"{check.name}: {check.text}", style="bold")]
    if check.meta.get("clause"):
        lines.append(Text(str(check.meta["clause"]), style="dim"))
    lines += _octets(check) + _fields(row)
    also = [str(name) for name in row.meta.get("failed") or [] if name != check.name]
    return [*lines, Text(f"Also failed: {', '.join(also)}.")] if also else lines


def _octets(check: LadderRow) -> list[Text]:
    expected, found = str(check.meta.get("expected") or ""), str(check.meta.get("found") or "")
    result = difference(expected, found)
    if result.first is None:
        return []
    sum_ = f"first differing octet: {result.first}; {len(result.octets)} of {octets(result.length)} differ"
    return [Text(""), *aligned(expected, found), Text(sum_, style="dim")]


def _fields(row: LadderRow) -> list[Text]:
    """Return a line for each field under the hash that the two sides filled differently."""
    equation = row.meta.get("binding") or {}
    if not equation.get("compared"):
        return []
    lines = []
    for field in equation["fields"]:
        mine, theirs = field.get("verifier"), field.get("attester")
        if mine != theirs:
            text = f"✘ {field['name']}: here {short(mine or 'absent')}, under the quote {short(theirs or 'absent')}"
            lines.append(Text(text, style="red"))
    return lines


def short(value: str) -> str:
    """Return the beginning of long hex."""
    return value if len(value) <= 16 else f"{value[:12]}…"
