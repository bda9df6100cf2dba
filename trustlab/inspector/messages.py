"""Messages on the ladder: the writer's half, the frames and the reader's half of one message become one row."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from trustlab.inspector.book import OFFSTAGE
from trustlab.inspector.connections import MIDDLE, OTHER
from trustlab.inspector.document import ConnectRow, MessageRow, Piece
from trustlab.inspector.legs import compare
from trustlab.inspector.rows import number_of, text_of, the
from trustlab.inspector.says import CONNECT, FORWARDED, UNREADABLE, alert_says, message_says
from trustlab.inspector.tree import paths
from trustlab.trace import TraceEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trustlab.inspector.book import Book

T = TypeVar("T")
WINDOW = 64
"""So many messages, or frames, of a stream are looked at to see which frame carries which message."""
IN_FLIGHT = "in flight"
KEPT = ("content_type", "version", "records", "passive")
"""What a row keeps of a message event's data."""
EVIDENCE = frozenset({"SupplementalData", "Evidence"})
FIRST: dict[str, tuple[str, ...]] = {
    "ClientHello": ("attestation/nonce", "random"),
    "ServerHello": ("random",),
    "Certificate": ("subjectPublicKeyInfo", "certificate[0]", "cert_data"),
    "SupplementalData": ("extraData", "data"),
    "Evidence": ("extraData", "evidence"),
    "ClientKeyExchange": ("encrypted_pre_master_secret",),
    "CertificateVerify": ("signature",),
    "Finished": ("verify_data",),
    "ApplicationData": ("encrypted",),
    "Alert": ("description",),
    "Challenge": ("nonce",),
}
"""The fields that tell most about a message, the best first, by the end of their path."""


class Messages:
    """Makes the rows of messages and connections from message, state and frame events."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._sides: Counter[tuple[object, ...]] = Counter()
        self._rows: dict[tuple[object, ...], MessageRow] = {}
        self._seen: dict[int, set[str]] = {}
        self._streams: dict[tuple[str, str], list[MessageRow]] = defaultdict(list)
        self._payloads: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self._by_connection: dict[str, list[MessageRow]] = defaultdict(list)
        self._kinds: dict[tuple[object, ...], dict[str, list[MessageRow]]] = defaultdict(dict)
        self._connects: list[ConnectRow] = []

    def of(self, connection: str, *names: str, direction: str = "") -> Iterator[MessageRow]:
        """Yield the messages of a connection in their order, those of some names and of one direction if given."""
        for row in self._by_connection.get(connection, ()):
            if (not names or row.name in names) and direction in {"", row.direction}:
                yield row

    # Who stands at which end

    def learn(self, connection: str, direction: str, party: str) -> None:
        """Note who writes `direction`; arrows that now know where they start or end are changed."""
        book = self._book
        if not party or party in OFFSTAGE or not book.connections.learn(connection, direction, party):
            return
        book.add_lifeline(party)
        for row in self._by_connection.get(connection, ()):
            if book.connections.aim(row, row.direction):
                self._name(row)
                book.touch(row)

    def held(self, connection: str, name: str) -> MessageRow | None:
        """Return the message of this name that was written and has not left yet."""
        return next((row for row in self.of(connection, name) if row.state == "written" and not row.dropped), None)

    def flown(self, event: TraceEvent) -> None:
        """Take the note that a message was edited or dropped in flight."""
        if not event.name.endswith(IN_FLIGHT):
            return
        for row in _near(self._streams[event.connection, event.direction]):
            if row.offset == event.offset and row.name == event.data.get("message"):
                row.dropped = event.name.startswith("dropped")
                row.altered = not row.dropped
                self._say(row)
                self._book.touch(row)

    def state(self, event: TraceEvent) -> None:
        """Learn from a state event at which end a party stands."""
        role = event.data.get("role")
        if isinstance(role, str):
            self.learn(event.connection, role, event.party)

    # Frames

    def frame(self, event: TraceEvent) -> None:
        """Take a frame: who sent it to whom, and which messages it carries."""
        book, key = self._book, (event.connection, event.direction)
        writer, reader = text_of(event, "from"), text_of(event, "to")
        first = not book.connections.known(event.connection)
        self.learn(event.connection, event.direction, writer)
        self.learn(event.connection, OTHER.get(event.direction, ""), reader)
        length = number_of(event.data.get("payload_length"))
        if event.offset is not None and length > 0:
            end, dropped = event.offset + length, event.data.get("fate") == "dropped"
            if not dropped:
                self._payloads[key].append((event.offset, end))
            for row in _near(self._streams[key]):
                if self._carry(row, event.offset, end, dropped=dropped):
                    book.touch(row)
        if first and writer and OFFSTAGE.isdisjoint((writer, reader)):
            self._connect(event, writer, reader)

    def _connect(self, event: TraceEvent, writer: str, reader: str) -> None:
        book = self._book
        row = book.new(
            ConnectRow,
            event,
            at=writer,
            to=reader,
            name="TCP connection",
            say=CONNECT,
            clause="RFC 9293 3.5",
            src=text_of(event, "src"),
            dst=text_of(event, "dst"),
        )
        row.anchor = book.anchors.name(book.connections.label(event.connection), "connect")
        for other in reversed(self._connects):
            if other.twin is None and book.connections.legs(other.connection, row.connection):
                other.twin, row.twin = row.id, other.id
                book.touch(other)
                break
        self._connects.append(row)

    @staticmethod
    def _carry(row: MessageRow, start: int, end: int, *, dropped: bool = False) -> bool:
        """Note that a frame carries octets of a message; False if it does not.

        A message is on the wire when its end is; what was dropped stays written (`trace.Stages`).
        """
        ranges = list(_ranges(row.details.get("records")))
        if not any(a < end and start < b for a, b in ranges):
            return False
        row.dropped = dropped
        if not dropped:
            row.details["frames"] = row.details.get("frames", 0) + 1
            if row.state == "written" and max(b for _, b in ranges) <= end:
                row.state = "wire"
        return True

    # Messages

    def message(self, event: TraceEvent, inside: str = "") -> MessageRow:
        """Take a message as one end wrote or read it, or as a listener saw it; return its row.

        `inside` names a protocol inside the channel.
        """
        passive = bool(event.data.get("passive"))
        side = ("passive " if passive else "") + ("received" if event.sent is False else "sent")
        if not passive:
            end = event.direction if event.sent else OTHER.get(event.direction, "")
            self.learn(event.connection, end, event.party)
        place = (event.connection, event.direction, event.offset, event.name, inside)
        self._sides[(*place, side)] += 1
        key = (*place, self._sides[(*place, side)])
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._new(event, side, inside)
        else:
            self._join(event, row, side)
        self._book.touch(row)
        return row

    def clear(self, event: TraceEvent, name: str, octets: bytes, offset: int) -> MessageRow:
        """Make the row of a message that a frame carried in clear, and return it."""
        book = self._book
        piece = Piece(title=name, hex=octets.hex(), role="wire", fields=book.trees.plaintext(octets))
        row = book.new(
            MessageRow,
            event,
            at="",
            name=name,
            text="",
            direction=event.direction,
            offset=offset,
            size=len(octets),
            state="wire",
            parts=[piece],
        )
        self._enter(row)
        return row

    def read(self, rows: Iterable[MessageRow]) -> None:
        """Note that rows in clear have been read: a frame came back from their reader."""
        for row in rows:
            row.state = "read"
            self._book.touch(row)

    def _enter(self, row: MessageRow) -> None:
        """Put a new row where it belongs: at its connection, and beside its twin."""
        self._book.connections.aim(row, row.direction)
        row.first = first_of(row.parts[0], self._book.labels(row.parts[0]), row.name)
        self._streams[row.connection, row.direction].append(row)
        self._by_connection[row.connection].append(row)
        self._name(row)
        self._pair(row)

    def _new(self, event: TraceEvent, side: str, inside: str) -> MessageRow:
        book = self._book
        details: dict[str, Any] = {k: event.data[k] for k in KEPT if event.data.get(k)}
        if inside:
            details["inside"] = inside
        row = book.new(
            MessageRow,
            event,
            at=event.party if side == "sent" else "",
            to=event.party if side == "received" else "",
            direction=event.direction,
            offset=event.offset,
            size=len(event.raw),
            encrypted=bool(event.data.get("encrypted")) or bool(inside),
            state="read" if side.endswith("received") else "written",
            details=details,
            parts=[book.piece(event, event.name, "wire")],
        )
        self._seen[row.id] = {side}
        if event.name == "Alert":
            row.alert, row.fatal = _alert(event)
        for start, end in _near(self._payloads[event.connection, event.direction]):
            self._carry(row, start, end)
        self._enter(row)
        return row

    def _join(self, event: TraceEvent, row: MessageRow, side: str) -> None:
        self._book.join(event, row)
        self._seen[row.id].add(side)
        if not side.startswith("passive"):
            row.details.pop("passive", None)
        if side.endswith("received"):
            row.state = "read"
        row.text = row.text or text_of(event)
        mine = row.parts[0]
        if event.raw.hex() != mine.hex:
            # Somebody changed it under way: both versions are kept and the arrow says so.
            row.altered = True
            title = f"{event.name}, as {event.party} {'wrote' if event.sent else 'read'} it"
            row.parts.append(self._book.piece(event, title, "wire"))
        elif event.spans and not mine.fields:
            mine.fields = self._book.trees.of(event)
        self._say(row)

    def open(self, row: MessageRow, content: int) -> None:
        """Name the fields inside a record of which it is known how many octets of plaintext it holds."""
        record = row.parts[0]
        version = {"version": row.details.get("version")}
        event = TraceEvent("tls.message", row.at, 0, name=row.name, raw=bytes.fromhex(record.hex), data=version)
        record.fields = self._book.trees.of(event, content=content)
        row.first = first_of(record, self._book.labels(record), row.name)
        twin = None if row.twin is None else self._book.document.rows[row.twin]
        if isinstance(twin, MessageRow):
            compare(self._book, row, twin)  # fields have other numbers now
            self._book.touch(twin)

    def _name(self, row: MessageRow) -> None:
        """Give a row the anchor and the sentence that follow from its ends."""
        label = self._book.connections.label(row.connection)
        if not row.anchor.startswith(f"{self._book.anchors.act}/{label}/"):
            row.anchor = self._book.anchors.name(label, str(row.details.get("inside", "")), row.name)
        self._say(row)

    def _say(self, row: MessageRow) -> None:
        if row.name == "Alert":
            row.say = alert_says(row.alert, row.at, row.to, fatal=row.fatal)
            return
        labels = self._book.labels(row.parts[0]) if row.name == "ClientKeyExchange" else ()
        row.say = message_says(
            row.name,
            row.at,
            row.to,
            version=str(row.details.get("version", "")),
            transports="encrypted_pre_master_secret" in labels,
        )
        row.say = row.say or row.text or (UNREADABLE if row.encrypted else "")
        if row.name in EVIDENCE and row.at == MIDDLE and row.twin is not None and not row.differs:
            row.say = FORWARDED
        if row.altered:
            row.say = f"Somebody changed this message on the way. {row.say}"
        if row.dropped:
            row.say = f"Somebody took this message off the wire: {the(row.to) if row.to else 'nobody'} never gets it."

    # The two legs of a connection that Alice took apart

    def _pair(self, row: MessageRow) -> None:
        """Find the same message on the other leg, the nth for the nth, and compare the two."""
        book, middle = self._book, MIDDLE in self._book.connections.ends(row.connection)
        if row.name == "Alert" or not middle:
            return  # a connection's end is its own, not the other leg's
        kind = row.direction, row.name, row.details.get("inside"), row.section
        mine = self._kinds[kind].setdefault(row.connection, [])
        mine.append(row)
        for connection, others in self._kinds[kind].items():
            if len(others) < len(mine) or not book.connections.legs(connection, row.connection):
                continue
            twin = others[len(mine) - 1]
            if twin.twin is None:
                row.twin, twin.twin = twin.id, row.id
                compare(book, row, twin)
                self._say(row)
                book.touch(twin)
                return


def _near(items: Sequence[T]) -> Sequence[T]:
    """Return the last of what came in a stream: what is written and what carries it lie close together."""
    return items[-WINDOW:]


def first_of(piece: Piece, labels: list[str], name: str) -> int:
    """Return the number of the field to look at first."""
    ways = [f"/{path}".replace(".", "/") for path in paths(labels, piece.fields)]
    for want in FIRST.get(name, ()):
        found = next((number for number, way in enumerate(ways) if way.endswith(f"/{want}")), None)
        if found is not None:
            return found
    return 0


def _alert(event: TraceEvent) -> tuple[str, bool]:
    """Return what an alert says, and whether it ends the connection in anger (RFC 5246, 7.2)."""
    says = next((span.value for span in event.spans if span.name.endswith("description")), "")
    return says.partition(" (")[0], event.raw[:1] == b"\x02"


def _ranges(records: Any) -> Iterable[tuple[int, int]]:  # noqa: ANN401 - whatever stands in an event's data
    """Return the ranges of a stream that a message's records fill; an odd trace may hold anything there."""
    if not isinstance(records, list):
        return
    for pair in records:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, int) for n in pair):
            yield pair[0], pair[1]
