"""What the terminal inspector shows of a row: its line, its fields, and whether a search finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from trustlab.inspector.document import ConnectRow, MessageRow, SectionRow, TpmRow
from trustlab.inspector.rows import count_of_bytes, sign
from trustlab.inspector.terminal_page import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.document import Piece, PlainRow

MARKS = {"pass": "green", "fail": "bold red", "none": "dim"}


class FieldLine(NamedTuple):
    """One field of a row: its path, how deep it lies, its value, what it is for, and its octets in hex."""

    path: str
    depth: int = 0
    value: str = ""
    sentence: str = ""
    clause: str = ""
    hex: str = ""


def is_refusal(row: PlainRow) -> bool:
    """Whether a row says that somebody refused: a failed check or appraisal, a fatal alert, a TPM's error."""
    return row.mark == "fail" or (isinstance(row, MessageRow) and row.fatal)


def row_line(row: PlainRow) -> Text:
    """Return a row as one line, as long as it comes."""
    if isinstance(row, SectionRow):
        return Text.assemble(("── ", "dim"), (row.name, "bold"))
    style = MARKS.get(row.mark, "") or ("bold red" if is_refusal(row) else "")
    line = Text()
    if row.mark:
        line.append(f"{sign(row.mark)} ", style)
    if row.at:
        line.append(row.at, COLOURS.get(row.at, "bold"))
    if row.to:
        line.append(f" {_shaft(row)} ", "dim")
        line.append(row.to, COLOURS.get(row.to, "bold"))
    line.append("  " if row.at or row.to else "")
    line.append(row.name, style or "bold")
    if isinstance(row, MessageRow):
        _message(line, row, style)
    elif not isinstance(row, TpmRow | ConnectRow) and row.text:
        line.append(f"  {row.text}", style if row.mark == "fail" else "dim")
    return line


def _shaft(row: PlainRow) -> str:
    if isinstance(row, MessageRow) and row.encrypted:
        return "═▶"
    return "┄▶" if isinstance(row, ConnectRow) else "─▶"


def _message(line: Text, row: MessageRow, style: str) -> None:
    if row.alert:
        line.append(f": {row.alert}", style)
    elif row.size:
        line.append(f" · {count_of_bytes(row.size)}", "dim")
    if row.differs:
        line.append(" ≠", "bold red")


def fields_of(row: PlainRow, texts: Sequence[str]) -> list[FieldLine]:
    """Return the fields of a row's octets, or the facts that a row without octets stands for.

    `texts` are those of the row's document.
    """
    found: list[FieldLine] = []
    for piece in row.parts:
        found.append(FieldLine(piece.title, 0, count_of_bytes(len(piece.hex) // 2), "", "", piece.hex))
        found += _piece_fields(piece, texts)
    if row.parts:
        return found
    facts = {"connection": row.connection, "clause": row.clause, **row.details}
    return [FieldLine(name, 0, str(value)) for name, value in facts.items() if value not in (None, "", [], {})]


def _piece_fields(piece: Piece, texts: Sequence[str]) -> list[FieldLine]:
    if not piece.fields and piece.secret:
        return [FieldLine("text", 1, bytes.fromhex(piece.hex).decode("utf-8", "replace"), "", "", piece.hex)]
    found: list[FieldLine] = []
    path: list[str] = []
    for field in piece.fields:
        del path[field.depth :]
        path.append(texts[field.label])
        octets = piece.hex[2 * field.start : 2 * field.end]
        found.append(
            FieldLine(
                "/".join(path), 1 + field.depth, texts[field.value], texts[field.note], texts[field.clause], octets
            )
        )
    return found


def field_line(field: FieldLine) -> Text:
    """Return a field as one line."""
    name = field.path.rpartition("/")[2] if field.depth else field.path
    line = Text("  " * field.depth)
    line.append(name, "" if field.depth else "bold")
    if field.value:
        line.append(f"  {field.value}", "cyan" if field.depth else "dim")
    return line


def row_matches(row: PlainRow, texts: Sequence[str], wanted: str) -> bool:
    """Whether a text (in lower case) stands in a row, in one of its fields, or as hex in its octets."""
    if any(wanted in text.lower() for text in (row.name, row.text, row.at, row.to, row.connection)):
        return True
    return any(field_matches(field, wanted) for field in fields_of(row, texts))


def field_matches(field: FieldLine, wanted: str) -> bool:
    """Whether a text (in lower case) stands in a field, or as hex in its octets."""
    digits = wanted.replace(" ", "")
    if digits and len(digits) % 2 == 0 and digits in field.hex and not set(digits) - set("0123456789abcdef"):
        return True
    return any(wanted in text.lower() for text in (field.path, field.value, field.sentence))
