"""The binding as an equation: what the quote holds, input by input, beside what the Verifier computed itself.

A binding begins when either side hashes, so that a view in the middle of a run shows what was known then; it is
complete with the appraisal. Each input says from which octets of the handshake each side took it, where it can be seen
there: octets equal to the input, or octets whose SHA-256 it is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from trustlab.inspector.bindinputs import not_covered, said, words_of
from trustlab.inspector.document import BinderRow, Binding, Input, Source
from trustlab.inspector.rows import cap, joined, text_of, the

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.inspector.book import Book
    from trustlab.inspector.document import AppraisalRow, MessageRow, VerdictRow
    from trustlab.inspector.messages import Messages
    from trustlab.trace import TraceEvent

HASHED = ("subjectPublicKeyInfo", "encrypted_pre_master_secret")
"""Labels of fields that enter a binder as their hash."""
COMPUTED = (
    *("HMAC(PMS)", "session_hash", "attest_secret", "exporter"),
    *("early(", "early_exporter", "standard_early_exporter", "expat(", "H(HPKE_S)"),
)
"""How the names of inputs begin that stand in no message: both ends compute them."""
SHORTEST = 16
"""Octets of an input that is worth looking for: shorter ones are constants."""
COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


class Bindings:
    """Makes binder rows and the document's bindings."""

    def __init__(self, book: Book, messages: Messages) -> None:
        self._book = book
        self._messages = messages
        self._fields: dict[int, list[tuple[str, str]]] = {}
        self._open: dict[str, dict[str, list[tuple[Input, str]]]] = {}

    def binder(self, event: TraceEvent) -> None:
        """Take a binder event: a side hashes its view of the handshake."""
        book = self._book
        side, role, value = text_of(event, "side"), text_of(event, "role"), text_of(event, "binder")
        fields = pairs(event.data.get("fields"))
        row = book.new(
            BinderRow,
            event,
            side=side if side in {"attester", "verifier"} else "",
            binder=value,
            details={"role": role, "fields": [name for name, _ in fields]},
        )
        row.say = _says(row, [name for name, _ in fields])
        row.anchor = book.anchors.name(event.party, book.connections.label(event.connection), "binder", role)
        self._fields[row.id] = fields
        if row.side == "attester":
            self._begin(row, None)
        elif row.side == "verifier":
            theirs = self._latest("attester", row)
            binding = None if theirs is None else self._of(theirs)
            if binding is not None and binding.verifier_row is None:
                self._fill(binding, theirs, row)
            else:
                self._begin(theirs, row)
        book.reframe()

    def judged(self, appraisal: AppraisalRow, verdict: VerdictRow | None) -> Binding | None:
        """Complete the binding behind an appraisal with what stood in the quote; None where nothing was bound."""
        mine = self._latest("verifier", appraisal)
        if verdict is None or mine is None:
            return None
        binding = self._of(mine)
        theirs = next((r for r in self._rows("attester") if verdict.found and r.binder == verdict.found), None)
        if binding is None or binding.appraisal is not None:
            binding = self._begin(theirs, mine)
        elif theirs is not None and binding.attester_row != theirs.id:
            self._fill(binding, theirs, mine)
        elif theirs is None and verdict.found and verdict.found != binding.binder:
            self._fill(binding, None, mine)  # nobody in this trace hashed what stands in this quote
        binding.extra_data = verdict.found
        binding.holds = bool(binding.binder) and binding.binder == binding.extra_data
        binding.appraisal = appraisal.id
        self._book.reframe()
        return binding

    def message(self, row: MessageRow) -> None:
        """Look in a message for sources that were not there yet: it was hashed before it was sent."""
        if row.connection in self._open:
            self._look(row)

    # Pairs of rows

    def _rows(self, side: str) -> Iterator[BinderRow]:
        rows = self._book.document.rows
        for number in reversed(self._fields):
            row = rows[number]
            if isinstance(row, BinderRow) and row.side == side:
                yield row

    def _latest(self, side: str, row: BinderRow | AppraisalRow) -> BinderRow | None:
        """Return the last row of a side that belongs to `row`: of the same role, or of the same party's appraisal."""
        for other in self._rows(side):
            if isinstance(row, BinderRow):
                if self._same(other, row):
                    return other
            elif other.at == row.at and (not row.connection or row.connection == other.connection):
                return other
        return None

    @staticmethod
    def _same(one: BinderRow, other: BinderRow) -> bool:
        return one.details.get("role") == other.details.get("role")

    def _of(self, row: BinderRow) -> Binding | None:
        bindings = self._book.frame.bindings
        return next((b for b in reversed(bindings) if row.id in {b.attester_row, b.verifier_row}), None)

    def _begin(self, theirs: BinderRow | None, mine: BinderRow | None) -> Binding:
        binding = Binding(design="", role="")
        self._book.frame.bindings.append(binding)
        self._fill(binding, theirs, mine)
        return binding

    def _fill(self, binding: Binding, theirs: BinderRow | None, mine: BinderRow | None) -> None:
        """Write into a binding what both rows say."""
        row = mine or theirs
        if row is None:
            return
        binding.design, binding.role = row.name, str(row.details.get("role", ""))
        binding.attester, binding.attester_row = (theirs.at, theirs.id) if theirs else ("", None)
        binding.verifier, binding.verifier_row = (mine.at, mine.id) if mine else ("", None)
        binding.binder = mine.binder if mine else ""
        binding.extra_data = theirs.binder if theirs else ""
        own, other = self._fields.get(mine.id, []) if mine else [], self._fields.get(theirs.id, []) if theirs else []
        binding.inputs = _inputs(own, other, both=mine is not None and theirs is not None)
        names = [name for name, _ in own or other]
        binding.not_covered = not_covered(names, binding.role)
        for side, r in (("attester", theirs), ("verifier", mine)):
            if r is not None:
                self._seek(binding.inputs, side, r.connection)

    # Sources

    def _seek(self, inputs: list[Input], side: str, connection: str) -> None:
        """Look in the messages of a connection for the octets that its side took each input from."""
        wanted = self._open.setdefault(connection, {})
        for each in inputs:
            value = getattr(each, side)
            if value and len(value) >= 2 * SHORTEST and not each.name.startswith(COMPUTED):
                wanted.setdefault(value, []).append((each, side))
        for row in self._messages.of(connection):
            self._look(row)

    def _look(self, row: MessageRow) -> None:
        wanted = self._open.get(row.connection)
        if not wanted:
            return
        sizes = {len(value) // 2 for value in wanted}
        texts = self._book.texts.all
        for part, piece in enumerate(row.parts):
            for field in piece.fields:
                hashed = texts[field.label].endswith(HASHED)
                if not hashed and field.end - field.start not in sizes:
                    continue
                octets = piece.hex[2 * field.start : 2 * field.end]
                value = octets if octets in wanted else _sha256(octets) if hashed else ""
                for each, side in wanted.pop(value, ()):
                    setattr(each, f"{side}_source", Source(row=row.id, part=part, start=field.start, end=field.end))
                    self._book.reframe()


def pairs(fields: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - whatever stands in an event's data
    """Return a binder's (name, hex) fields; entries of another shape are left out."""
    if not isinstance(fields, list):
        return []
    return [
        (x[0], x[1])
        for x in fields
        if isinstance(x, list | tuple) and len(x) == 2 and isinstance(x[0], str) and isinstance(x[1], str)
    ]


def differing(binding: Binding) -> list[str]:
    """Return the inputs in which the two sides differ, in plain words; empty if one side's are not known."""
    return list(dict.fromkeys(said(i.name) for i in binding.inputs if i.differs))


def refusal(binding: Binding, *, sealed: bool) -> tuple[str, str]:
    """Return why a quote does not fit: a sentence, and more about it.

    `sealed`: the Verifier has checked that the signing key never leaves its TPM.
    """
    text = "This quote was made for another connection."
    if binding.attester_row is None:
        return text, "Nobody in this recording hashed what stands in this quote, so it cannot show which input differs."
    names = differing(binding)
    if binding.attester == binding.verifier:
        return text, f"It is the quote that {the(binding.verifier)} made itself: somebody sends it back."
    if not names:
        return text, "All inputs agree, and yet the hashes differ: the two sides put them together differently."
    count = COUNTS[len(names)] if len(names) < len(COUNTS) else str(len(names))
    verb = "input differs" if len(names) == 1 else "inputs differ"
    attester, verifier = the(binding.attester), the(binding.verifier)
    more = (
        f"{cap(attester)}'s TPM signed a hash over {attester}'s view of the handshake. {cap(verifier)} computed the "
        "hash over its own view."
    )
    if sealed:
        more += " Nobody else can have another hash signed: the signing key never leaves the TPM."
    return f"{text} {count} {verb}: {joined(names)}.", more


def _inputs(own: list[tuple[str, str]], other: list[tuple[str, str]], *, both: bool) -> list[Input]:
    mine, theirs = dict(own), dict(other)
    result = []
    for name in dict.fromkeys([*mine, *theirs]):
        words = words_of(name)
        attester, verifier = theirs.get(name), mine.get(name)
        result.append(
            Input(
                name=name,
                plain=words.plain,
                say=words.say,
                attester=attester,
                verifier=verifier,
                differs=both and attester != verifier,
            )
        )
    return result


def _sha256(octets: str) -> str:
    return hashlib.sha256(bytes.fromhex(octets)).hexdigest()


def _says(row: BinderRow, names: list[str]) -> str:
    who = cap(the(row.at))
    what = joined([said(name) for name in names]) or "nothing"
    if row.side == "attester":
        return f"{who} hashes what it knows of this connection, and asks its TPM to sign the hash. Inputs: {what}."
    return f"{who} hashes what it saw of the same connection, to compare with the quote. Inputs: {what}."
