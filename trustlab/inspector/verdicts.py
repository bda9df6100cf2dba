"""The Verifier's word: each check a row, the appraisal a row with its checks, and a refusal in plain words."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from trustlab.inspector.bindings import refusal
from trustlab.inspector.bindinputs import covers
from trustlab.inspector.document import AppraisalRow, VerdictRow
from trustlab.inspector.rows import MARKS, cap, text_of, the

if TYPE_CHECKING:
    from trustlab.inspector.bindings import Bindings
    from trustlab.inspector.book import Book
    from trustlab.inspector.document import Binding
    from trustlab.trace import TraceEvent

BINDER_CHECK, KEY_CHECK = "extraData", "AK public area"
MEANS: dict[str, str] = {
    "evidence format": "Nothing in the evidence can be believed if it cannot be read.",
    "AK chain": "Without a privacy CA's word anybody could have made this attestation key.",
    "AK public area": "The rules of the key say whether only a TPM can sign with it.",
    "AK policy": "If other software can use the attestation key, a quote does not say who asked for it.",
    "machine pinned": "It may be a genuine TPM and still not the machine that was rented.",
    "signature": "The bytes were changed, or another key signed them.",
    "magic and type": "A TPM begins what it says itself with these bytes. Software can have anything else signed.",
    "selection and bank": "A register that was not quoted may hold anything.",
    "log equals pcrDigest": "The log tells another story than the registers that the TPM signed.",
    "events": "The log has something in it that does not belong there, or lacks what does.",
    "reference values": "Something else runs on that machine than what Bob published.",
    "reference version": "It is an old list: a version with known holes might still stand on it.",
    "key identity": "The key that opens this connection is not the key that the TPM vouched for.",
    "key provenance": "A key that was not made in the TPM may have a copy elsewhere.",
    "key policy": "Other software on that machine could use the key.",
    "one AK for both": "The quote and the key may come from two different machines.",
    "boot continuity": "The machine was restarted: what was true before need not be true now.",
    "claims": "The machine says something of itself that the policy does not accept.",
}
"""What it means if a check fails."""


class Verdicts:
    """Makes the rows of checks and appraisals."""

    def __init__(self, book: Book, bindings: Bindings) -> None:
        self._book = book
        self._bindings = bindings
        self._judged: dict[tuple[str, str, str], list[VerdictRow]] = defaultdict(list)

    def verdict(self, event: TraceEvent) -> None:
        """Take one check."""
        book, about = self._book, text_of(event, "about")
        row = book.new(
            VerdictRow,
            event,
            mark=MARKS.get(text_of(event, "verdict"), "none"),
            clause=text_of(event, "clause"),
            expected=text_of(event, "expected"),
            found=text_of(event, "found"),
            say=text_of(event),
            details={"about": about} if about else {},
        )
        if row.mark == "fail":
            row.more = MEANS.get(row.name, "")
        row.anchor = book.anchors.name(event.party, book.connections.label(event.connection), "check", event.name)
        self._judged[event.party, about, event.connection].append(row)

    def appraisal(self, event: TraceEvent) -> None:
        """Take an appraisal: its checks are those of the same party about the same peer since the last one."""
        book, about = self._book, text_of(event, "about")
        verdicts = self._judged.pop((event.party, about, event.connection), [])
        failed = event.data.get("failed")
        row = book.new(
            AppraisalRow,
            event,
            mark=MARKS.get(event.name, "none"),
            about=about,
            refused_by=text_of(event, "refused_by"),
            failed=[str(name) for name in failed] if isinstance(failed, list) else [],
            verdicts=[verdict.id for verdict in verdicts],
        )
        row.anchor = book.anchors.name(event.party, book.connections.label(event.connection), "appraisal")
        for verdict in verdicts:
            verdict.appraisal = row.id
            book.touch(verdict)
        judged = next((v for v in reversed(verdicts) if v.name == BINDER_CHECK), None)
        binding = self._bindings.judged(row, judged)
        if binding is not None:
            row.binding = next(n for n, b in enumerate(book.frame.bindings) if b is binding)
        self._say(row, verdicts, binding)
        if judged is not None and binding is not None and judged.mark == "fail":
            judged.say = refusal(binding, sealed=False)[0]

    @staticmethod
    def _say(row: AppraisalRow, verdicts: list[VerdictRow], binding: Binding | None) -> None:
        check = next((v for v in verdicts if v.name == row.refused_by), None)
        if row.mark != "fail":
            row.say = f"{cap(the(row.at))} accepts the evidence."
            passed = sum(v.mark == "pass" for v in verdicts)
            names = [i.name for i in binding.inputs] if binding else []
            bound = f"{covers(names, binding.role)} {binding.not_covered}" if binding else ""
            row.more = f"{passed} checks passed. {bound}".strip() if verdicts else bound
        elif row.refused_by == BINDER_CHECK and binding is not None:
            sealed = any(v.name == KEY_CHECK and v.mark == "pass" for v in verdicts)
            row.say, row.more = refusal(binding, sealed=sealed)
        elif check is not None:
            row.say, row.more = check.text or check.name, MEANS.get(check.name, "")
        else:
            row.say = row.text
        row.clause = check.clause if check else ""
