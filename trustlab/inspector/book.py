"""What the makers of rows share: the document so far, and which of its rows have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from trustlab.inspector.anchors import Anchors, slug
from trustlab.inspector.connections import Connections
from trustlab.inspector.document import Document, Frame, Piece, PlainRow
from trustlab.inspector.rows import text_of
from trustlab.inspector.texts import Texts
from trustlab.inspector.tree import Trees

if TYPE_CHECKING:
    from trustlab.inspector.document import AnyRow
    from trustlab.trace import TraceEvent

    Role = Any

ORDER = ("carol", "teller", "alice", "bank")
OFFSTAGE = frozenset({"", "lab", "network", "cloud", "capture", "web-ca"})
R = TypeVar("R", bound=PlainRow)


class Book:
    """A document that grows. `changed` holds the rows that are new or changed since somebody last emptied it."""

    def __init__(self, frame: Frame) -> None:
        self.document = Document(frame=frame)
        self.changed: dict[int, AnyRow] = {}
        self.frame_changed = True
        self.section = 0
        self.connections = Connections()
        self.anchors = Anchors()
        self.anchors.act = slug(frame.title)
        self.texts = Texts()
        self.document.texts = self.texts.all
        self.trees = Trees(self.texts)
        self._made: dict[tuple[str, int], PlainRow] = {}

    @property
    def frame(self) -> Frame:
        """The part of the document that is not rows."""
        return self.document.frame

    @property
    def secrets(self) -> bool:
        """Whether private octets may stand in the document."""
        return self.frame.secrets_shown

    def new(self, kind: type[R], event: TraceEvent, **fields: Any) -> R:  # noqa: ANN401 - the row's own fields
        """Append a row made from an event."""
        row = kind(
            **{
                "id": len(self.document.rows),
                "at": event.party,
                "name": event.name,
                "text": text_of(event),
                "connection": event.connection,
                "section": self.section,
                "time": event.time,
                **fields,
            }
        )
        self.document.rows.append(row)
        self.join(event, row)
        return row

    def join(self, event: TraceEvent, row: PlainRow) -> None:
        """Note that an event says more about a row."""
        self._made[event.party, event.seq] = row
        self.touch(row)

    def row_of(self, event: TraceEvent, rel: str) -> PlainRow | None:
        """Return the row of the event that `event` links to by `rel`."""
        return next((self._made.get((x.party, x.seq)) for x in event.links if x.rel == rel), None)

    def touch(self, row: PlainRow) -> None:
        """Note that a row has changed."""
        self.changed[row.id] = row

    def reframe(self) -> None:
        """Note that the frame has changed."""
        self.frame_changed = True

    def piece(self, event: TraceEvent, title: str, role: Role = "data", *, secret: bool = False) -> Piece:
        """Return the octets and fields of an event."""
        return Piece(title=title, hex=event.raw.hex(), role=role, fields=self.trees.of(event), secret=secret)

    def add_lifeline(self, party: str) -> None:
        """Show a party, if it belongs on the stage and is not there yet."""
        lifelines = self.frame.lifelines
        if party in OFFSTAGE or party in lifelines:
            return
        lifelines.append(party)
        lifelines.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
        self.reframe()

    def labels(self, piece: Piece) -> list[str]:
        """Return the label of each field of a piece."""
        return self.trees.labels(piece.fields)
