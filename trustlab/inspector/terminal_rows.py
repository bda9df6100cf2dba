"""What the terminal inspector shows of a row: its line, its fields, and whether a search finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from trustlab.inspector.rows import octets, sign
from trustlab.inspector.terminal_page import COLOURS

if TYPE_CHECKING:
    from trustlab.inspector.rows import LadderRow, RowPart

MARKS = {"pass": "green", "fail": "bold red", "none": "dim"}


class FieldLine(NamedTuple):
    """One field of a row: its path, how deep it lies, its value, what it is for, and its octets in hex."""

    path: str
    depth: int = 0
    value: str = ""
    sentence: str = ""
    clause: str = ""
    hex: str = ""


def is_refusal(row: LadderRow) -> bool:
    """Whether a row says that somebody refused: a failed check or appraisal, a fatal alert, a TPM's error."""
    return row.mark == "fail" or bool(row.meta.get("fatal"))


def row_line(row: LadderRow) -> Text:
    """Return a row as one line, as long as it comes."""
    if row.kind == "section":
        return Text.assemble(("── ", "dim"), (row.name, "bold"))
    style = MARKS.get(row.mark, "") or ("bold red" if is_refusal(row) else "")
    line = Text()
    if row.mark:
        line.append(f"{sign(row.mark)} ", style)
    if row.at:
        line.append(row.at, COLOURS.get(row.at, "bold"))
    if row.to:
        shaft = "═▶" if row.meta.get("encrypted") else "┄▶" if row.kind == "connect" else "─▶"
        line.append(f" {shaft} ", "dim")
        line.append(row.to, COLOURS.get(row.to, "bold"))
    line.append("  " if row.at or row.to else "")
    line.append(row.name, style or "bold")
    if row.meta.get("says"):
        line.append(f": {row.meta['says']}", style)
    elif row.size:
        line.append(f" · {octets(row.size)}", "dim")
    if row.meta.get("changed"):
        line.append(" ≠", "bold red")
    if row.kind not in {"message", "tpm", "connect"} and row.text:
        line.append(f"  {row.text}", style if row.mark == "fail" else "dim")
    return line


def fields_of(row: LadderRow) -> list[FieldLine]:
    """Return the fields of a row's octets; of a row without octets the facts it stands for."""
    found: list[FieldLine] = []
    for part in row.parts:
        found.append(FieldLine(part.title, 0, octets(len(part.hex) // 2), "", "", part.hex))
        found += _part_fields(part)
    if row.parts:
        return found
    facts = {"connection": row.connection, **row.meta}
    return [FieldLine(name, 0, str(value)) for name, value in facts.items() if value not in (None, "", [], {})]


def _part_fields(part: RowPart) -> list[FieldLine]:
    if not part.spans and part.secret:
        return [FieldLine("text", 1, bytes.fromhex(part.hex).decode("utf-8", "replace"), "", "", part.hex)]
    return [
        FieldLine(
            span.name,
            1 + span.name.count("."),
            span.value,
            span.note,
            span.clause,
            part.hex[2 * span.start : 2 * span.end],
        )
        for span in part.spans
    ]


def field_line(field: FieldLine) -> Text:
    """Return a field as one line."""
    name = field.path.rpartition(".")[2] if field.depth else field.path
    line = Text("  " * field.depth)
    line.append(name, "" if field.depth else "bold")
    if field.value:
        line.append(f"  {field.value}", "cyan" if field.depth else "dim")
    return line


def row_matches(row: LadderRow, wanted: str) -> bool:
    """Whether a text (in lower case) stands in a row, in one of its fields, or as hex in its octets."""
    if any(wanted in text.lower() for text in (row.name, row.text, row.at, row.to, row.connection)):
        return True
    return any(field_matches(field, wanted) for field in fields_of(row))


def field_matches(field: FieldLine, wanted: str) -> bool:
    """Whether a text (in lower case) stands in a field, or as hex in its octets."""
    digits = wanted.replace(" ", "")
    if digits and len(digits) % 2 == 0 and digits in field.hex and not set(digits) - set("0123456789abcdef"):
        return True
    return any(wanted in text.lower() for text in (field.path, field.value, field.sentence))
