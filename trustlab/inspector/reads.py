"""The moments at which Alice reads what she was not meant to read: rows of their own.

Nothing here is declared. She reads what her end of a connection decrypted, and what `capture.knowledge` can open of the
recorded frames with the keys that she holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.capture import CaptureError, knowledge
from trustlab.inspector.connections import MIDDLE
from trustlab.inspector.document import MessageRow, ReadRow
from trustlab.inspector.rows import count, text_of, the
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.inspector.book import Book
    from trustlab.inspector.document import Piece
    from trustlab.trace import TraceEvent

CANARY = "canary "
DATA = "application data"
PRIZES = {"pin": "Bob's PIN", "balance": "Bob's balance"}


class Reads:
    """Makes the rows of what Alice reads. `canaries` are Bob's secrets by their names."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.canaries: dict[str, bytes] = {}
        self._listened = Trace()
        self._keys = 0
        self._tried = 0
        self._shown: set[tuple[str, bytes]] = set()
        self._taken: set[tuple[int, bytes]] = set()
        self.found: dict[int, list[str]] = {}
        """The names of the canaries in what a row shows her reading."""

    def frame(self, event: TraceEvent) -> None:
        """Keep a frame: she records the network."""
        self._keep(event)

    def clear(self, event: TraceEvent, row: MessageRow) -> None:
        """Take a message in clear: everybody on the wire reads it."""
        raw = bytes.fromhex(row.parts[0].hex)
        if any(canary and canary in raw for canary in self.canaries.values()):
            self._row(event, row, raw, "It travels in clear: she reads it off the wire.")

    def secret(self, event: TraceEvent) -> None:
        """Take a secret: a canary of Bob's, a key of Alice's, or what her end of a connection decrypted."""
        if event.name.startswith(CANARY):
            name = event.name.removeprefix(CANARY)
            self.canaries[name] = event.raw
            if not self._book.frame.prize or name == "pin":
                self._book.frame.prize = prize(name)
                self._book.reframe()
        elif event.party != MIDDLE:
            return
        elif event.name != DATA:
            self._keep(event)
            # What she holds of a connection that ends at her opens nothing more than what she reads there.
            self._keys += MIDDLE not in self._book.connections.ends(text_of(event, "connection"))
        else:
            row = self._book.row_of(event, "inside")
            if isinstance(row, MessageRow) and row.to == MIDDLE and (row.id, event.raw) not in self._taken:
                self._taken.add((row.id, event.raw))
                self._row(event, row, event.raw, "She decrypted it at her own end of this connection.")

    def _keep(self, event: TraceEvent) -> None:
        self._listened.append(
            event.party,
            event.kind,
            event.name,
            event.raw,
            connection=event.connection,
            direction=event.direction,
            offset=event.offset,
            data=event.data,
        )

    def listen(self, event: TraceEvent) -> None:
        """Look what Alice can read of the recording with the keys she has by now, on connections that are not hers."""
        if self._keys == self._tried or not self.canaries:
            return
        self._tried = self._keys
        try:
            known = knowledge(self._listened, MIDDLE)
        except CaptureError:
            return  # a damaged secret opens nothing
        for canary in self.canaries.values():
            for place in known.holds(canary):
                if MIDDLE in self._book.connections.ends(place.connection):
                    continue
                whole = known.plaintext(place.connection, place.direction)
                line = _line(whole if place.where == "decrypted" else canary, canary)
                row = self._carrier(place.connection, place.direction, line)
                if (place.connection, line) not in self._shown:
                    self._row(event, row, line, "She opened her recording with a key that she holds.")

    def _carrier(self, connection: str, direction: str, line: bytes) -> MessageRow | None:
        """Return the message that carried a line: the one whose plaintext is known to be it, or the first of data."""
        rows = [
            row
            for row in self._book.document.rows
            if isinstance(row, MessageRow)
            and (row.connection, row.direction, row.name) == (connection, direction, "ApplicationData")
        ]
        return next((r for r in rows if any(line.hex() in p.hex for p in r.parts)), rows[0] if rows else None)

    def _row(self, event: TraceEvent, of: MessageRow | None, raw: bytes, how: str) -> None:
        book = self._book
        found = [name for name, canary in self.canaries.items() if canary and canary in raw]
        connection = of.connection if of else event.connection
        self._shown.add((connection, raw))
        shown = _shown(raw)
        what = prize(found[0]) if found else count(len(raw), "byte")
        row = book.new(
            ReadRow,
            event,
            at=MIDDLE,
            name="Alice reads",
            text=shown if book.secrets else what,
            say=f"Alice reads {what}." if found else f"Alice reads {what} from {the(of.at) if of else 'somebody'}.",
            more=how,
            mark="fail" if found else "",
            connection=connection,
            of=of.id if of else max(len(book.document.rows) - 1, 0),
            secret=bool(found),
        )
        if book.secrets:
            row.parts.append(self._piece(event, raw, of))
            row.loot = next(_ranges(shown, [_shown(self.canaries[name]) for name in found]), None)
        row.anchor = book.anchors.name(book.connections.label(connection), "alice-reads")
        if found:
            self.found[row.id] = found
            book.frame.reads.append(row.id)
            book.reframe()

    def _piece(self, event: TraceEvent, raw: bytes, of: MessageRow | None) -> Piece:
        """Return the octets that she reads, with the fields that the message's own plaintext has."""
        fields = next((p.fields for p in of.parts if p.hex == raw.hex()), []) if of else []
        piece = self._book.piece(event, "what Alice reads", "plain", secret=True)
        piece.hex, piece.fields = raw.hex(), fields or (piece.fields if raw == event.raw else [])
        return piece


def prize(name: str) -> str:
    """Return one of Bob's secrets in words."""
    return PRIZES.get(name, f"Bob's {name}")


def _line(whole: bytes, canary: bytes) -> bytes:
    at = whole.find(canary)
    start, end = whole.rfind(b"\n", 0, at) + 1, whole.find(b"\n", at)
    return whole[start : len(whole) if end < 0 else end + 1]


def _shown(raw: bytes) -> str:
    """Return what octets say, as text where they are text."""
    text = raw.decode("utf-8", "replace").strip()
    return text if text.isprintable() else raw.hex()


def _ranges(text: str, words: list[str]) -> Iterator[tuple[int, int]]:
    for word in words:
        at = text.find(word)
        if word and at >= 0:
            yield at, at + len(word)
