"""The stretches of a run: boot, hello, evidence, checks, keys, payment or hang-up, off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.inspector.document import (
    AppraisalRow,
    BinderRow,
    ConnectRow,
    MachineRow,
    MessageRow,
    Phase,
    ReadRow,
    VerdictRow,
)

if TYPE_CHECKING:
    from trustlab.inspector.book import Book
    from trustlab.inspector.document import PlainRow

BOOT, HELLO, EVIDENCE, CHECKS, KEYS, HANG_UP, PAYMENT, OFF = (
    *("boot", "hello", "evidence", "checks", "keys", "hang-up", "payment", "off"),
)
ORDER = (BOOT, HELLO, EVIDENCE, CHECKS, KEYS, HANG_UP, PAYMENT, OFF)
OF_KEYS = frozenset({"ClientKeyExchange", "ChangeCipherSpec", "Finished"})
SAID_IN = {"SupplementalData": EVIDENCE, "Evidence": EVIDENCE, "ApplicationData": PAYMENT, "ClientHello": HELLO}


class Phases:
    """Keeps the document's list of phases, one row at a time."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._refused = False
        self._seen = 0

    def catch_up(self) -> None:
        """Put the rows that are new into phases."""
        rows = self._book.document.rows
        while self._seen < len(rows):
            self._row(rows[self._seen])
            self._seen += 1

    def _row(self, row: PlainRow) -> None:
        phases = self._book.frame.phases
        name = self._named(row, phases[-1].name if phases else "")
        if phases and name in {"", phases[-1].name}:
            phases[-1].last = row.id
        else:
            phases.append(Phase(name=name or BOOT, first=row.id, last=row.id))
        self._book.reframe()

    def _named(self, row: PlainRow, now: str) -> str:
        """Return the phase that a row begins or belongs to; nothing if it says nothing of that."""
        rank = ORDER.index(now or BOOT)
        match row:
            case MachineRow(name="power off") if rank > 0:
                name = OFF
            case ConnectRow():
                self._refused = False
                name = "" if now == EVIDENCE else HELLO
            case BinderRow():
                name = EVIDENCE if row.side == "attester" else CHECKS
            case VerdictRow():
                name = CHECKS
            case AppraisalRow():
                self._refused = row.mark == "fail"
                name = CHECKS
            case ReadRow(secret=True):
                name = PAYMENT
            case MessageRow():
                name = self._of_message(row, now)
            case _:
                name = ""
        return name

    def _of_message(self, row: MessageRow, now: str) -> str:
        if self._refused or (row.name == "Alert" and row.fatal):
            return HANG_UP
        if row.name in OF_KEYS:
            return KEYS if now in {HELLO, CHECKS} and row.details.get("version") != "TLS 1.3" else ""
        wanted = SAID_IN.get(row.name, "")
        return wanted if wanted and ORDER.index(wanted) > ORDER.index(now or BOOT) else ""
