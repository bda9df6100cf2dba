"""TPM commands on the ladder: a command and its response are one row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trustlab.inspector.document import TpmRow
from trustlab.inspector.messages import first_of
from trustlab.inspector.rows import number_of, text_of

if TYPE_CHECKING:
    from trustlab.inspector.book import Book
    from trustlab.trace import TraceEvent

CODE = "commandCode"


class Commands:
    """Makes the rows of TPM commands."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._last: dict[str, TpmRow] = {}

    def command(self, event: TraceEvent) -> None:
        """Take a command."""
        row = self._new(event)
        row.parts.append(self._book.piece(event, "command", "command"))
        row.first = first_of(row.parts[0], self._book.labels(row.parts[0]), row.name)
        code = next((span for span in event.spans if span.name == CODE), None)
        if code is not None:
            row.say, row.clause = code.note or row.text, code.clause
        self._last[event.party] = row

    def response(self, event: TraceEvent) -> None:
        """Take a response: it belongs to the command that it links to, else to the last of that TPM."""
        book = self._book
        row = book.row_of(event, "response-to") or self._last.get(event.party)
        if not isinstance(row, TpmRow):
            row = self._new(event)
        book.join(event, row)
        row.parts.append(book.piece(event, "response", "response"))
        ms = event.data.get("ms")
        if isinstance(ms, int | float) and not isinstance(ms, bool) and math.isfinite(ms):
            row.ms = max(0.0, float(ms))
        row.rc, row.rc_name = number_of(event.data.get("rc")), text_of(event, "rc_name")
        if row.rc:
            row.mark = "fail"
            row.say = f"The TPM refused: {row.rc_name or hex(row.rc)}. {row.say}".strip()

    def _new(self, event: TraceEvent) -> TpmRow:
        book = self._book
        row = book.new(
            TpmRow,
            event,
            client=text_of(event, "client"),
            locality=number_of(event.data.get("locality")),
            say=text_of(event),
        )
        row.anchor = book.anchors.name(event.party, event.name)
        return row
