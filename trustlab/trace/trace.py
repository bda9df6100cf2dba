"""The append-only Trace, its parties, its order, and its form on disk (JSON Lines)."""

from __future__ import annotations

import gzip
import re
import threading
import time
import zlib
from collections import Counter, defaultdict, deque
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, overload

import msgspec

from trustlab.trace.event import Link, Span, TraceEvent, Value
from trustlab.trace.private import private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FORMAT = 1
LONGEST = 512 << 20
"""Octets of a file that is read as a trace: `/dev/zero` is a file too."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # what msgspec raises on bad input


class TraceFormatError(ValueError):
    """A file is not a trace this version can read; the message names the line and what is wrong with it."""


class _Header(msgspec.Struct, omit_defaults=True):
    trustlab_trace: int
    title: str = ""
    substrate: str = ""
    secrets: bool = False
    began_at: float = 0.0


class Emitter:
    """Emits events of one party, each with its name and its own running number. It cannot read the trace."""

    def __init__(self, name: str, append: Callable[..., TraceEvent]) -> None:
        self.name = name
        self._append = append

    def emit(  # noqa: PLR0913 - the parameters are the event's fields
        self,
        kind: str,
        name: str = "",
        *,
        raw: bytes = b"",
        spans: Iterable[Span] = (),
        links: Iterable[Link] = (),
        connection: str = "",
        direction: str = "",
        offset: int | None = None,
        sent: bool | None = None,
        data: Mapping[str, Value] | None = None,
        **more: Value,
    ) -> TraceEvent:
        """Append an event; keyword arguments beyond the event's own fields are added to its `data`."""
        whole = {**data, **more} if data and more else dict(data or more)
        return self._append(  # all by their places, which is quicker
            self.name, kind, name, raw, tuple(spans), tuple(links), connection, direction, offset, sent, whole
        )

    def emit_all(self, kind: str, entries: Iterable[tuple[str, dict[str, Value]]], *, connection: str = "") -> None:
        """Append events of one kind, each of a name and its `data`."""
        for name, data in entries:
            self._append(self.name, kind, name, b"", (), (), connection, "", None, None, data)

    def secret(self, name: str, raw: bytes, *, links: Iterable[Link] = (), **data: Value) -> TraceEvent:
        """Append key material or private plaintext, as an event of the kind that exports leave out."""
        return self._append(self.name, "secret", name, raw, (), tuple(links), "", "", None, None, data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Party(Emitter):
    """A participant as the lab sees it: an emitter, and the trace it emits into."""

    def __init__(self, trace: Trace, name: str) -> None:
        super().__init__(name, trace.append)
        self.trace = trace

    @property
    def emitter(self) -> Emitter:
        """The emitter alone, for programs that may write what they do but not read what others did."""
        return Emitter(self.name, self.trace.append)


class Trace:
    """Everything that happened in one run, in the order in which it was appended; safe to use from several threads.

    `substrate` says where it ran (`memory`, `uml`, `qemu`, `replay`). With `keep` it forgets: it holds at least that
    many of the last events and at most twice as many, and positions count from the oldest one held. That is for a
    server that runs for days; every event still reaches the subscribers.
    """

    def __init__(self, title: str = "", substrate: str = "memory", *, keep: int | None = None) -> None:
        self.title = title
        self.substrate = substrate
        self._keep = keep
        self._events: list[TraceEvent] = []
        self._next: dict[str, Iterator[int]] = defaultdict(count)
        self._subscribers: dict[object, Callable[[TraceEvent], None]] = {}  # by a token: one may subscribe twice
        self._untold: deque[TraceEvent] = deque()
        self._telling = False
        self._teller: int | None = None
        self._lock = threading.RLock()
        self._began = time.monotonic()
        self.began_at = time.time()
        """Seconds since 1970 when the trace began: dates the packets of a capture, orders nothing."""

    def party(self, name: str) -> Party:
        """Return the emitter of the party called `name`."""
        return Party(self, name)

    def append(  # noqa: PLR0913, PLR0917 - the parameters are the event's fields
        self,
        party: str,
        kind: str,
        name: str,
        raw: bytes = b"",
        spans: tuple[Span, ...] = (),
        links: tuple[Link, ...] = (),
        connection: str = "",
        direction: str = "",
        offset: int | None = None,
        sent: bool | None = None,  # noqa: FBT001
        data: dict[str, Value] | None = None,
    ) -> TraceEvent:
        """Record one event of `party`, number and time it, and tell the subscribers.

        A subscriber may append events of its own; all subscribers still hear all events in order of appending.
        """
        with self._lock:
            seq, when = next(self._next[party]), time.monotonic() - self._began
            event = TraceEvent(
                kind, party, seq, when, name, connection, direction, offset, sent, raw, spans, links, data or {}
            )
            self._events.append(event)
            if self._keep is not None and len(self._events) > 2 * self._keep:
                del self._events[: -self._keep]
            if self._subscribers:
                self._untold.append(event)
                if not self._telling:
                    self._tell()
            return event

    @property
    def telling_here(self) -> bool:
        """Whether this thread is inside a subscriber.

        All others wait there with their next event: a subscriber that waits for one of them waits for ever.
        """
        return self._teller == threading.get_ident()

    def _tell(self) -> None:
        self._telling, self._teller = True, threading.get_ident()
        try:
            while self._untold:
                event = self._untold.popleft()
                for callback in tuple(self._subscribers.values()):
                    callback(event)
        finally:
            self._telling, self._teller = False, None

    def subscribe(self, callback: Callable[[TraceEvent], None]) -> Callable[[], None]:
        """Call `callback` with every event from now on; the returned function ends that."""
        token = object()
        with self._lock:
            self._subscribers[token] = callback

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.pop(token, None)

        return unsubscribe

    def select(
        self,
        kind: str | None = None,
        *,
        party: str | None = None,
        name: str | None = None,
        connection: str | None = None,
    ) -> list[TraceEvent]:
        """Return the events that match all that is given; `kind="tls"` also matches `tls.message` and its siblings."""
        return [
            e
            for e in self
            if (kind is None or e.kind == kind or e.kind.startswith(kind + "."))
            and (party is None or e.party == party)
            and (name is None or e.name == name)
            and (connection is None or e.connection == connection)
        ]

    def legs(
        self, left: str = "teller", right: str = "bank", *, fields: tuple[str, ...] = ("random",)
    ) -> dict[str, tuple[bytes, bytes]]:
        """Lay what two parties noted side by side: {name: (the value on the left, the value on the right)}.

        If somebody sits between them, each noted another connection. Compared are the first message of each name,
        with those of its `fields` (as "ClientHello.random"), and the first secret of each name that belongs to a
        connection; only what both have.
        """
        sides = []
        for party in (left, right):
            found: dict[str, bytes] = {}
            for event in self.select(party=party):
                of_it = event.raw and event.kind in {"tls.message", "secret"} and _connection(event)
                if not of_it or event.name in found:
                    continue
                found[event.name] = event.raw
                for span in event.spans:
                    if span.name in fields:
                        found[f"{event.name}.{span.name}"] = event.raw[span.start : span.end]
            sides.append(found)
        return {name: (value, sides[1][name]) for name, value in sides[0].items() if name in sides[1]}

    def find(self, party: str, seq: int) -> TraceEvent:
        """Return the event that a `Link` names; KeyError if there is none."""
        for event in self:
            if event.party == party and event.seq == seq:
                return event
        raise KeyError(f"no event {party}#{seq} in this trace")

    def ordered(self) -> list[TraceEvent]:
        """Return the events in an order in which nothing is received before it was sent.

        Each party's own events keep their sequence; a reader's event of (connection, direction, offset) waits for the
        writer's events of the same three (several, where one record carries several messages). Among what is possible,
        the order of appending wins. Events that wait for each other in a circle (a damaged trace) are put out in order
        of appending rather than lost.
        """
        events = list(self)
        rank = {(e.party, e.seq): n for n, e in enumerate(events)}
        queues: dict[str, deque[TraceEvent]] = defaultdict(deque)
        for event in sorted(events, key=lambda e: e.seq):
            queues[event.party].append(event)
        unsent = Counter(_place(e) for e in events if e.sent and e.offset is not None)
        result: list[TraceEvent] = []
        while queues:
            heads = sorted((q[0] for q in queues.values()), key=lambda e: rank[e.party, e.seq])
            ready = next((e for e in heads if e.sent is not False or not unsent[_place(e)]), heads[0])
            queue = queues[ready.party]
            queue.popleft()
            if not queue:
                del queues[ready.party]
            if ready.sent and ready.offset is not None:
                unsent[_place(ready)] -= 1
            result.append(ready)
        return result

    def save(self, path: str | Path, *, secrets: bool = False) -> Path:
        """Write JSON Lines: a header, then one event a line, `raw` in base64.

        Secrets only if asked for; then nobody else on this machine can read the file.
        """
        path = Path(path)
        header = _Header(FORMAT, self.title, self.substrate, secrets, self.began_at)
        lines = [msgspec.json.encode(header)]
        lines += [msgspec.json.encode(e) for e in self if secrets or not e.secret]
        with open(path, "wb", opener=private if secrets else None) as file:
            file.write(b"\n".join(lines) + b"\n")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read what `save` wrote, plain or compressed by gzip; TraceFormatError names the line that cannot be read."""
        with Path(path).open("rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            try:
                octets = (gzip.GzipFile(fileobj=file) if packed else file).read(LONGEST + 1)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise TraceFormatError(f"{path}: the gzip file is damaged or ends too early") from error
        if len(octets) > LONGEST:
            raise TraceFormatError(f"{path}: more than {LONGEST >> 20} MiB is not a trace of ours")
        lines = octets.splitlines()
        try:
            header = msgspec.json.decode(lines[0] if lines else b"", type=_Header)
        except _UNREADABLE as error:
            raise TraceFormatError(f"{path}: the first line is not a trustlab trace header: {_why(error)}") from error
        if header.trustlab_trace > FORMAT:
            raise TraceFormatError(
                f"{path}: trace format {header.trustlab_trace}, but this version reads up to {FORMAT}: update trustlab"
            )
        trace = cls(header.title, header.substrate)
        trace.began_at = header.began_at
        known: set[tuple[str, int]] = set()
        last: Counter[str] = Counter()
        for number, line in enumerate(lines[1:], start=2):
            try:
                event = msgspec.json.decode(line, type=TraceEvent)
            except _UNREADABLE as error:
                raise TraceFormatError(f"{path}, line {number}: not an event: {_why(error)}") from error
            if (event.party, event.seq) in known:
                raise TraceFormatError(f"{path}, line {number}: event {event.party}#{event.seq} occurs twice")
            known.add((event.party, event.seq))
            trace._events.append(event)
            last[event.party] = max(last[event.party], event.seq)
        trace._next.update((party, count(seq + 1)) for party, seq in last.items())
        return trace

    @overload
    def __getitem__(self, index: int) -> TraceEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[TraceEvent]: ...
    def __getitem__(self, index: int | slice) -> TraceEvent | list[TraceEvent]:
        with self._lock:
            return self._events[index]

    def __iter__(self) -> Iterator[TraceEvent]:
        with self._lock:
            return iter(tuple(self._events))

    def __len__(self) -> int:
        with self._lock:
            return len(self._events)

    def __repr__(self) -> str:
        return f"<Trace {self.title!r} ({self.substrate}), {len(self)} events>"


def _why(error: Exception) -> str:
    """Say what is wrong with a line, in our words and not msgspec's."""
    if isinstance(error, msgspec.ValidationError):
        missing = re.search("missing required field `(.+?)`", str(error))
        if missing:
            return f"its field {missing[1]} is missing"
        place = re.search(r"at `\$\.?(.*)`$", str(error))
        return f"its field {place[1]} has a value of another kind" if place and place[1] else "it is not a JSON object"
    if isinstance(error, msgspec.DecodeError):
        return "it is not JSON"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it is not UTF-8"


def _connection(event: TraceEvent) -> Value:
    """Return the name of the connection to which an event belongs; secrets carry it among their data."""
    return event.connection or event.data.get("connection", "")


def _place(event: TraceEvent) -> tuple[str, str, int | None]:
    return event.connection, event.direction, event.offset
