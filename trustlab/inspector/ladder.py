"""From a trace to its document: plain Python, one event at a time, shared by every picture.

Lifelines run from left to right: teller, Alice between, bank. An event that says more about a row already there (the
reader's half of a message, a TPM's response, a frame that carries the octets) changes that row; all others become a row
of their own, or part of the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.inspector.anchors import slug
from trustlab.inspector.badge import badge
from trustlab.inspector.bindings import Bindings
from trustlab.inspector.book import OFFSTAGE, Book
from trustlab.inspector.clear import Clear
from trustlab.inspector.commands import Commands
from trustlab.inspector.document import (
    AppRow,
    AttackRow,
    Batch,
    Frame,
    MachineRow,
    MessageRow,
    PlainRow,
    SectionRow,
    SteeringState,
    TruthRow,
)
from trustlab.inspector.frame_changes import FrameChanges
from trustlab.inspector.holdings import Holdings
from trustlab.inspector.messages import Messages
from trustlab.inspector.pcrs import Pcrs
from trustlab.inspector.phases import Phases
from trustlab.inspector.reads import DATA, Reads
from trustlab.inspector.rows import cap, text_of, the
from trustlab.inspector.sound import sound
from trustlab.inspector.verdicts import Verdicts
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trustlab.inspector.document import AnyRow, Document, Tampering
    from trustlab.trace import Controller, TraceEvent

PLAIN: dict[str, type[PlainRow]] = {"attack": AttackRow, "app": AppRow}
AUTHENTICATOR = "exported authenticator"
OUTCOME = "outcome"
SEVERAL = " + "
"""Stands between the names of messages that one record carries."""
NARRATORS = frozenset({"", "lab"})
LISTENER = "capture"
"""Whose notes say what a capture holds that is not shown."""


class Ladder:
    """The document of one trace. `feed` events in their order; `document` is always up to date.

    With `secrets=True` the octets of keys and private plaintext are in it; without, only who holds them.
    """

    def __init__(self, title: str = "", substrate: str = "", *, secrets: bool = False) -> None:
        note = badge(substrate) if substrate else ""
        self._book = Book(Frame(title=title, substrate=substrate, badge=note, secrets_shown=secrets))
        self._messages = Messages(self._book)
        self._commands = Commands(self._book)
        self._clear = Clear(self._messages)
        self._bindings = Bindings(self._book, self._messages)
        self._verdicts = Verdicts(self._book, self._bindings)
        self._reads = Reads(self._book)
        self._holdings = Holdings(self._book, self._messages, self._reads)
        self._pcrs = Pcrs(self._book)
        self._phases = Phases(self._book)
        self._changes = FrameChanges()
        self._sent_texts = 0
        self._handlers: dict[str, Callable[[TraceEvent], object]] = {
            "tls.message": self._message,
            "authenticator": self._authenticator,
            "tls.state": self._messages.state,
            "frame": self._frame,
            "connection": self._messages.frame,
            "secret": self._secret,
            "tpm.command": self._commands.command,
            "tpm.response": self._commands.response,
            "binder": self._bindings.binder,
            "verdict": self._verdicts.verdict,
            "appraisal": self._verdicts.appraisal,
            "machine": self._machine,
            "ground-truth": self._truth,
            "note": self._note,
        }

    @classmethod
    def of(cls, events: Iterable[TraceEvent], *, secrets: bool = False) -> Ladder:
        """Return the ladder of a finished trace (or of any events)."""
        named = (events.title, events.substrate) if isinstance(events, Trace) else ("", "")
        ladder = cls(*named, secrets=secrets)
        for event in events:
            ladder.feed(event)
        return ladder

    @property
    def document(self) -> Document:
        """The document so far; it goes on growing."""
        self._holdings.settle()
        return self._book.document

    @property
    def rows(self) -> list[AnyRow]:
        """The rows so far."""
        return self._book.document.rows

    @property
    def lifelines(self) -> list[str]:
        """The parties on stage, from left to right."""
        return self._book.frame.lifelines

    @property
    def book(self) -> Book:
        """The texts and labels behind the document."""
        return self._book

    def feed(self, event: TraceEvent) -> list[AnyRow]:
        """Take one event; return the rows that are new or changed, oldest first."""
        event = sound(event)
        if event.party not in OFFSTAGE:
            self._book.add_lifeline(event.party)
        self._holdings.hear(event)
        self._handlers.get(event.kind, self._plain)(event)
        self._phases.catch_up()
        changed = [row for _, row in sorted(self._book.changed.items())]
        self._book.changed.clear()
        return changed

    def steer(self, controller: Controller | None, breaks: Sequence[str] = ()) -> None:
        """Write into the frame how a run that is steered stands; None if nobody can steer it any more."""
        steering = None
        if controller is not None:
            state, (connection, message) = controller.state, controller.at or ("", "")
            rows = (self._messages.held(connection, name) for name in message.split(SEVERAL))
            row = next(filter(None, rows), None)
            steering = SteeringState(
                state="held" if state == "held" else "ended" if state == "ended" else "running",
                connection=connection,
                message=message,
                row=None if row is None else row.id,
                breaks=list(breaks),
            )
        self._book.frame.steering = steering
        self._book.reframe()

    def tampering(self, progress: Tampering) -> None:
        """Write into the frame how far a tamper map is."""
        frame = self._book.frame
        if frame.tampering is not None and frame.tampering.keys != progress.keys:
            frame.other_layer = frame.tampering
        frame.tampering = progress
        self._book.reframe()

    def batch(self, rows: Iterable[AnyRow]) -> Batch:
        """Return these rows with the texts, and what there is of the frame, that are new since the last batch."""
        self._holdings.settle()
        book, start = self._book, self._sent_texts
        self._sent_texts = len(book.texts.all)
        frame, lists = self._changes.take(book.frame) if book.frame_changed else ({}, [])
        book.frame_changed = False
        return Batch(rows=list(rows), texts_from=start, texts=book.texts.all[start:], frame=frame, lists=lists)

    def restart(self) -> Document:
        """Return the whole document; the next batch goes on from here."""
        document = self.document
        self._sent_texts, self._book.frame_changed = len(self._book.texts.all), False
        self._changes.take(document.frame)
        return document

    # Kinds that need little

    def _message(self, event: TraceEvent) -> None:
        self._bindings.message(self._messages.message(event))

    def _authenticator(self, event: TraceEvent) -> None:
        self._bindings.message(self._messages.message(event, AUTHENTICATOR))

    def _frame(self, event: TraceEvent) -> None:
        self._messages.frame(event)
        self._reads.frame(event)
        if not OFFSTAGE.isdisjoint((text_of(event, "from"), text_of(event, "to"))):
            return  # a CA's questions and the like
        for row in self._clear.frame(event):
            self._bindings.message(row)
            self._reads.clear(event, row)
        self._holdings.reads()

    def _note(self, event: TraceEvent) -> None:
        """Take a note: the lab's own narrate, all others are steps like any."""
        book = self._book
        if event.connection or event.party not in NARRATORS:
            self._new(PlainRow, event)
            self._messages.flown(event)
            if event.party == LISTENER:
                book.frame.notes.append(text_of(event) or event.name)
                book.reframe()
            return
        self._reads.listen(event)
        self._holdings.reads()
        book.section += 1
        act = event.data.get("act")
        if isinstance(act, str | int) and act:
            book.anchors.act = slug(act if isinstance(act, str) else f"act {act}")
        row = book.new(SectionRow, event, at="", act=text_of(event, "act"), say=text_of(event))
        row.anchor = book.anchors.name("note", event.name)
        if event.name == OUTCOME:
            book.frame.outcome = row.text
            book.reframe()

    def _machine(self, event: TraceEvent) -> None:
        row = self._new(MachineRow, event)
        if isinstance(row, MachineRow):
            row.boot = not any(phase.name != "boot" for phase in self._book.frame.phases)
            self._pcrs.machine(event, row)

    def _truth(self, event: TraceEvent) -> None:
        addressed, answers = text_of(event, "addressed"), text_of(event, "server")
        row = self._new(TruthRow, event)
        if isinstance(row, TruthRow) and addressed and answers:
            row.addressed, row.answers = addressed, answers
            client = cap(the(text_of(event, "client"))) or "Somebody"
            same = addressed == answers
            row.say = f"{client} addressed {the(addressed)}. " + (
                f"{cap(the(answers))} answers." if same else f"In truth {the(answers)} answers."
            )

    def _plain(self, event: TraceEvent) -> None:
        self._new(PLAIN.get(event.kind, PlainRow), event)
        if event.kind == "attack":
            self._reads.listen(event)
            self._holdings.reads()

    def _new(self, kind: type[PlainRow], event: TraceEvent) -> PlainRow:
        book = self._book
        row = book.new(
            kind,
            event,
            at="" if event.party in OFFSTAGE else event.party,
            say=text_of(event),
            details={key: value for key, value in event.data.items() if key != "sentence"},
            parts=[book.piece(event, event.name or event.kind)] if event.raw else [],
        )
        row.anchor = book.anchors.name(event.party, event.kind, event.name)
        return row

    def _secret(self, event: TraceEvent) -> None:
        """Take a secret: private plaintext beside the message that carried it, where secrets were asked for."""
        book = self._book
        inside = book.row_of(event, "inside")
        if book.secrets and event.name == DATA and isinstance(inside, MessageRow):
            self._messages.open(inside, len(event.raw))
        if inside is not None and book.secrets and all(piece.hex != event.raw.hex() for piece in inside.parts):
            first = not any(piece.secret for piece in inside.parts)
            title = "decrypted" if first else f"decrypted, as {event.party} holds it"
            title = title if event.name == DATA else event.name
            role = "plain" if isinstance(inside, MessageRow) else "data"
            inside.parts.append(book.piece(event, title, role, secret=True))
            book.touch(inside)
            if isinstance(inside, MessageRow):
                self._bindings.message(inside)
        self._reads.secret(event)
        self._holdings.secret(event)
        self._holdings.reads()
