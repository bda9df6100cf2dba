"""A refusal explained: the check, its sentence and clause, expected against found octets, and the field that lied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from trustlab.inspector.hexdiff import aligned
from trustlab.inspector.rows import count, difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.document import AppraisalRow, Binding, VerdictRow


def refused_by(row: AppraisalRow) -> str:
    """Return the name of the check that refused."""
    return row.refused_by or "an unnamed check"


def explanation(row: AppraisalRow, verdicts: Sequence[VerdictRow], binding: Binding | None) -> list[Text]:
    """Return the lines that say why an appraisal (`row`) refused."""
    check = next((verdict for verdict in verdicts if verdict.name == refused_by(row)), None)
    lines = [Text(line, style=style) for line, style in ((row.say, "bold"), (row.more, "")) if line]
    if check is None:
        return lines
    if check.clause:
        lines.append(Text(f"{check.name} · {check.clause}", style="dim"))
    lines += _octets(check) + _inputs(binding)
    also = [name for name in row.failed if name != check.name]
    return [*lines, Text(f"Also failed: {', '.join(also)}.")] if also else lines


def _octets(check: VerdictRow) -> list[Text]:
    result = difference(check.expected, check.found)
    if result.first is None:
        return []
    sum_ = f"first differing octet: {result.first}; {len(result.octets)} of {count(result.length, 'octet')} differ"
    return [Text(""), *aligned(check.expected, check.found), Text(sum_, style="dim")]


def _inputs(binding: Binding | None) -> list[Text]:
    """Return a line for each input of the hash that the two sides filled differently."""
    return [
        Text(
            f"✘ {i.name}, {i.plain}: here {short(i.verifier or 'absent')}, "
            f"under the quote {short(i.attester or 'absent')}",
            style="red",
        )
        for i in (binding.inputs if binding else ())
        if i.differs
    ]


def short(value: str) -> str:
    """Return the beginning of long hex."""
    return value if len(value) <= 16 else f"{value[:12]}…"
