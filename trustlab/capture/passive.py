"""Turn captured frames into the `tls.message` events the two ends would have written themselves.

Where the ends are not ours (OpenSSL), the ladder still shows both of them: for each message decoded from the wire, one
event at the writer (`sent=True`) and one at the reader (`sent=False`), marked `passive`. After an edit in flight the
two ends saw different connections: then each has a view of its own, of what it wrote and what reached it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from trustlab import tls
from trustlab.capture.decoded import Decoded, Trouble
from trustlab.capture.decoder import DIRECTIONS, ConnectionDecoder
from trustlab.capture.keys import TraceKeys
from trustlab.capture.limits import EVERYTHING, Keeping
from trustlab.trace import Link, other_role
from trustlab.wire import FrameError, Reassembler

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from trustlab.capture.keys import KeySource
    from trustlab.trace import Span, Trace, TraceEvent
    from trustlab.wire import Direction, Flow, StreamPiece

    _Seen = tuple[Decoded | Trouble, tuple[bool, ...]]


class _Views:
    """What the two ends of a connection see of it: one and the same, until an edit in flight parts them."""

    def __init__(self, decoder: ConnectionDecoder) -> None:
        self._ends: dict[Direction, ConnectionDecoder] = {"client": decoder, "server": decoder}
        self._parted = False
        self._begun: set[Direction] = set()
        self._said: set[Trouble] = set()

    @property
    def held(self) -> int:
        """Records that wait for a key."""
        return sum(decoder.held for decoder in self._ends.values())

    def feed(self, piece: StreamPiece) -> Iterator[_Seen]:
        """Yield what the next octets of a stream say, to its writer and to its reader."""
        if piece.data != piece.written and not self._parted:
            self._parted = True
            self._ends["server"] = self._ends["client"].copy()
        writer, reader = piece.direction, other_role(piece.direction)
        yield from self._seen(writer, self._ends[writer].feed(writer, piece.written))
        if self._parted:
            yield from self._seen(reader, self._ends[reader].feed(writer, piece.data))

    def begin_once(self, piece: StreamPiece) -> None:
        """Have a direction's TLS begin where its first piece does."""
        if piece.direction not in self._begun:
            self._begun.add(piece.direction)
            self._ends["client"].begin(piece.direction, piece.offset)

    def settle(self, most: int) -> Iterator[_Seen]:
        """Yield, unread, what waits for a key that will not come; `most` records may wait for anything else."""
        for end in self._all():
            yield from self._seen(end, self._ends[end].settle(most))

    def poll(self) -> Iterator[_Seen]:
        """Yield what can be read since keys have come."""
        for end in self._all():
            yield from self._seen(end, self._ends[end].poll())

    def finish(self) -> Iterator[_Seen]:
        """Yield what is still held, unread."""
        for end in self._all():
            yield from self._seen(end, self._ends[end].finish())

    def _all(self) -> tuple[Direction, ...]:
        return ("client", "server") if self._parted else ("client",)

    def _seen(self, end: Direction, found: Iterable[Decoded | Trouble]) -> Iterator[_Seen]:
        for item in found:
            if isinstance(item, Decoded):
                yield item, (item.direction == end,) if self._parted else (True, False)
            elif item not in self._said:
                self._said.add(item)
                yield item, ()


class PassiveDecoder:
    """Decode the `frame` events of a trace, live or afterwards, and append what the ends wrote and read.

    `keys` offers master secrets (default: all `secret` events of the trace, the view of one who sits behind the
    scenes; a `KeyLogReader` reads a file that may still grow). Records whose key is not known yet are held until it is,
    or until `finish`; with `hold=False` they are shown unread at once. `connections` and `parties` restrict what is
    decoded and whose ends are written, for those who write their own events. `keeping` decides what is written of many
    messages. What is not TLS gives one `note`, never an exception.

    As a context manager it follows the trace: `with PassiveDecoder(trace): network.run()`.
    """

    def __init__(
        self,
        trace: Trace,
        *,
        keys: KeySource | None = None,
        connections: Collection[str] | None = None,
        parties: Collection[str] | None = None,
        hold: bool = True,
        keeping: Keeping | None = None,
    ) -> None:
        self.trace = trace
        self._keeping = keeping or Keeping(EVERYTHING)
        self._keys = keys or TraceKeys(trace)
        self._connections = connections
        self._parties = parties
        self._hold = hold
        self._noted = 0
        self._reassembler = Reassembler()
        self._views: dict[Flow, _Views] = {}
        self._ends: dict[Flow, dict[Direction, str]] = {}
        self._leave: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self._leave = self.trace.subscribe(self.observe)
        return self

    def __exit__(self, *_: object) -> None:
        if self._leave is not None:
            self._leave()
        self.finish()

    def observe(self, event: TraceEvent) -> None:
        """Take one event of the trace: decode a frame, or try a new secret on what is held; ignore all others.

        A damaged key log or secret is noted, and opens nothing.
        """
        if event.kind == "frame" and event.data.get("fate") != "dropped":
            self._frame(event)
        elif event.secret and event.name != "application data":
            for flow, views in self._views.items():
                if views.held:
                    self._emit(flow, views.poll())
        self._note_problems()

    def feed(self, events: Iterable[TraceEvent]) -> Self:
        """Observe many events, such as those of a finished trace."""
        for event in tuple(events):
            self.observe(event)
        return self

    def finish(self) -> None:
        """Show what is still held, unread, and note every stream that is cut short or has a gap."""
        for flow in tuple(self._views):
            self.end(flow)
        self._note_problems()

    def end(self, flow: Flow) -> None:
        """Do for one connection what `finish` does for all, and forget it."""
        views = self._views.pop(flow, None)
        if views is None:
            return
        self._emit(flow, views.finish())
        for direction in DIRECTIONS:
            gap = flow.gap(direction)
            if gap is not None:
                sentence = f"octets {gap.start} to {gap.end} were never captured: what follows cannot be read"
                self._trouble(flow, Trouble(direction, gap.start, sentence))
        self._ends.pop(flow, None)

    def take(self, piece: StreamPiece, ends: Mapping[Direction, str], *, most: int) -> None:
        """Take the next TLS octets of a connection, for whoever puts streams together and has all keys.

        `ends` names who writes each direction. Records that only a later key could open come out unread at once, as do
        those behind `most` that wait for something else.
        """
        if piece.flow not in self._views:
            self._views[piece.flow] = _Views(ConnectionDecoder(self._keys, hold=self._hold))
            self._ends[piece.flow] = dict(ends)
        views = self._views[piece.flow]
        views.begin_once(piece)
        self._emit(piece.flow, views.feed(piece))
        self._emit(piece.flow, views.settle(most))

    def _note_problems(self) -> None:
        """Note each key that cannot be used, once."""
        problems = getattr(self._keys, "problems", [])
        for problem in problems[self._noted :]:
            self._note("", "", f"a key that cannot be used: {problem}")
        self._noted = len(problems)

    def _frame(self, event: TraceEvent) -> None:
        if self._connections is not None and event.connection not in self._connections:
            return
        try:
            pieces = self._reassembler.feed(
                event.raw, name=event.connection, original=original_of(event), link=link_of(event)
            )
        except FrameError as error:
            self._note(event.connection, "", f"a frame that cannot be read: {error}")
            return
        for piece in pieces:
            self._learn_ends(piece.flow, piece.direction, event)
            if piece.flow not in self._views:
                self._views[piece.flow] = _Views(ConnectionDecoder(self._keys, hold=self._hold))
            self._emit(piece.flow, self._views[piece.flow].feed(piece))

    def _learn_ends(self, flow: Flow, direction: Direction, event: TraceEvent) -> None:
        """Return who is at each end: as the frame says, else by its addresses."""
        if flow not in self._ends:
            writer = str(event.data.get("from") or _address(flow, direction))
            reader = str(event.data.get("to") or _address(flow, other_role(direction)))
            self._ends[flow] = {direction: writer, other_role(direction): reader}

    def _emit(self, flow: Flow, seen: Iterable[_Seen]) -> None:
        for item, rows in seen:
            if isinstance(item, Trouble):
                self._trouble(flow, item)
            elif self._keeping.message(flow, item):
                self._message(flow, item, rows)

    def _trouble(self, flow: Flow, item: Trouble) -> None:
        self._note(flow.name, item.direction, f"the {item.direction}'s stream: {item.sentence}", item.offset)

    def _note(self, connection: str, direction: str, sentence: str, offset: int | None = None) -> None:
        if not self._keeping.note():
            return
        self.trace.party("network").emit(
            "note",
            "not decoded",
            connection=connection,
            direction=direction,
            offset=offset,
            sentence=sentence,
            passive=True,
        )

    def _message(self, flow: Flow, decoded: Decoded, rows: tuple[bool, ...]) -> None:
        """Write the row of the writer (`sent` is True in `rows`), of the reader, or of both."""
        ends, spans = self._ends[flow], spans_of(decoded)
        for sent in rows:
            party = ends[decoded.direction if sent else other_role(decoded.direction)]
            taken = sent or not decoded.refused  # a server passes over early data that it refused
            if self._parties is not None and party not in self._parties:
                continue
            pen = self.trace.party(party)
            event = pen.emit(
                "tls.message",
                decoded.name,
                raw=decoded.raw,
                spans=spans,
                connection=flow.name,
                direction=decoded.direction,
                offset=decoded.offset,
                sent=sent,
                content_type=decoded.content_type,
                version=_version(decoded).title,
                encrypted=decoded.encrypted,
                readable=decoded.readable and taken,
                records=decoded.records,
                sentence=sentence_of(decoded),
                passive=True,
            )
            if decoded.plaintext is not None and taken:
                pen.secret(
                    "application data",
                    decoded.plaintext,
                    links=[Link("inside", event.party, event.seq)],
                    connection=flow.name,
                    direction=decoded.direction,
                    label="application data",
                    inputs=[],
                    passive=True,
                )


def original_of(event: TraceEvent) -> bytes:
    """Return a frame's TCP payload before an edit in flight, empty if there was none; FrameError if it is not hex."""
    original = event.data.get("original", "")
    try:
        return bytes.fromhex(str(original))
    except ValueError as error:
        raise FrameError(f"its original payload {str(original)[:20]!r} is not hexadecimal") from error


def link_of(event: TraceEvent) -> int | None:
    """Return the link type of a frame that comes from a capture, None for one of our own wire."""
    link = event.data.get("link")
    return link if isinstance(link, int) else None


def spans_of(decoded: Decoded) -> tuple[Span, ...]:
    """Name every octet of a decoded message."""
    content_type = decoded.content_type if decoded.readable else tls.ContentType.APPLICATION_DATA
    return tls.describe(decoded.raw, content_type, decoded.suite or None, _version(decoded))


def sentence_of(decoded: Decoded) -> str:
    """Say in a sentence what the message is, or why it cannot be read."""
    what = f"A protected record ({decoded.name})" if decoded.encrypted and not decoded.readable else decoded.name
    if decoded.problem:
        return f"{decoded.name}: {decoded.problem}."
    if decoded.undecoded:
        return f"{what}: this lab does not decode {decoded.undecoded}."
    refused = " The server refused it and passes over it." if decoded.refused else ""
    if not decoded.readable:
        return f"{what}: {decoded.unread}.{refused}"
    if decoded.message is not None:
        return tls.sentence(decoded.message)
    return f"Application data, protected with the keys of this connection.{refused}"


def _version(decoded: Decoded) -> tls.Version:
    return tls.Version(decoded.version or tls.Version.TLS12)


def _address(flow: Flow, direction: Direction) -> str:
    host, port = flow.client if direction == "client" else flow.server
    return f"{host}:{port}"
