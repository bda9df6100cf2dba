"""Steering a run: pause, step, break, edit, drop and cancel, from any thread but the run's own.

The run asks `passing` before each item, on whichever thread it lives; there it is held. Whoever steers calls the other
methods, which return at once (except `wait`). Nothing is polled, and a run that nobody steers is never held.

Two clocks. A run that is held does not fail by a time-out: `now` counts seconds, but stands still while it is held.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trustlab.trace import leaves
from trustlab.wire.errors import HeldError
from trustlab.wire.gate import Cancelled, FlightField, Item, overwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from trustlab.trace import Emitter, Span
    from trustlab.wire.conversation import Direction
    from trustlab.wire.gate import Cutter

State = Literal["running", "held", "ended"]
Place = tuple[str, str]
"""A connection (or whose TPM), and the name of the message or command."""


@dataclass(eq=False)
class _Rule:
    """What is to be done when the `nth` message of a name passes, on a connection or, if none is named, anywhere."""

    name: str
    connection: str
    nth: int
    field: str = ""
    value: bytes = b""
    octet: int | None = None
    drops: bool = False
    anywhere: bool = False
    """Whether the field may be of any message in the record: of what is held now."""

    def __str__(self) -> str:
        return f"{self.name}.{self.field}" if self.field else self.name


class _Waiting:
    """An item that is held, and what lets it go."""

    def __init__(self, item: Item, octets: bytes, then: Callable[[bytes], None] | None) -> None:
        self.item = item
        self.octets = octets
        self.then = then
        self.gone = False


class Steering:
    """Steers one run; a `trace.Controller`, a `StreamGate` and a `CommandGate`.

    `cutter` says how streams are cut and what is in them; without one each chunk passes as it is written, and nothing
    in it has a name. `party` notes in the trace what was edited and dropped. Safe to use from several threads.
    """

    def __init__(self, cutter: Cutter | None = None, party: Emitter | None = None) -> None:
        self._cutter = cutter
        self._party = party
        self._turn = threading.Condition()
        self._free = True
        self._credit = 0
        self._into = False
        self._breaks: list[tuple[str, str]] = []
        self._rules: list[_Rule] = []
        self._seen: dict[tuple[str, str], int] = {}
        self._waiting: list[_Waiting] = []
        self._cancelled = self._ended = False
        self._runners: set[int] = set()
        self._began = time.monotonic()
        self._stood = 0.0
        self._stopped_at: float | None = None
        self._watchers: dict[object, Callable[[], None]] = {}
        self.error: Exception | None = None
        """Why the run could not go on: an edit that does not fit what passed. None if there is no such thing."""

    # What whoever steers may ask

    @property
    def state(self) -> State:
        """`held` while something waits to be let go, `ended` when the run is over, else `running`."""
        with self._turn:
            return "ended" if self._ended else "held" if self._waiting else "running"

    @property
    def at(self) -> Place | None:
        """The connection and the message where the run is held; None if it is not."""
        held = self.held
        return None if held is None else (held.connection, held.name)

    @property
    def held(self) -> Item | None:
        """What waits to be let go next; None if nothing is held."""
        with self._turn:
            return self._waiting[0].item if self._waiting else None

    @property
    def waiting(self) -> list[Item]:
        """All that waits, in the order in which it goes; between virtual machines that can be several."""
        with self._turn:
            return [each.item for each in self._waiting]

    @property
    def why_held(self) -> str:
        """A sentence for whoever asks something of a run that is held; empty if it is not."""
        place = self.at
        return f"the run is held at {place[1]} on {place[0]}: play, step or close it first" if place else ""

    def now(self) -> float:
        """Return the seconds since the beginning, without those in which the run was held."""
        with self._turn:
            until = time.monotonic() if self._stopped_at is None else self._stopped_at
            return until - self._began - self._stood

    def wait(self, timeout: float | None = None) -> Place | None:
        """Wait until the run is held, and return where; None when it has ended. TimeoutError after so many seconds."""
        with self._turn:
            if not self._turn.wait_for(lambda: self._waiting or self._ended, timeout):
                raise TimeoutError(f"neither held nor over within {timeout:g} s")
            return self.at

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` whenever the state or the place has changed; the returned function ends that."""
        token = object()
        with self._turn:
            self._watchers[token] = callback

        def leave() -> None:
            with self._turn:
                self._watchers.pop(token, None)

        return leave

    # The buttons

    def pause(self) -> None:
        """Hold the run before the next message."""
        with self._turn:
            self._free, self._credit, self._into = False, 0, False

    def play(self) -> None:
        """Let everything that is held go on, and hold no more before the next `break_on`."""
        with self._turn:
            self._free, self._credit, self._into = True, 0, False
            going = self._let_go(len(self._waiting))
        self._send(going)

    def step(self, what: str = "message") -> None:
        """Let what is held go, and hold before the next message; with `what="tpm"` before the next TPM command too.

        A message is one record. Of a run that nothing holds, the next message is held.
        """
        if what not in {"message", "tpm"}:
            raise ValueError(f"a step is a 'message' or a 'tpm' command, not {what!r}")
        with self._turn:
            begun, self._free, self._into = not self._free, False, what == "tpm"
            going = self._let_go(1)
            if begun and not going:
                self._credit += 1
            while not self._into and self._waiting and self._waiting[0].item.kind == "tpm":
                going += self._let_go(1)
        self._send(going)

    def break_on(self, name: str, *, connection: str = "") -> None:
        """Hold whenever a message or TPM command of this name is about to pass (on that connection if one is named)."""
        with self._turn:
            self._breaks.append((name, connection))

    def tamper(
        self, name: str, field: str, value: bytes, *, nth: int = 1, connection: str = "", octet: int | None = None
    ) -> None:
        """Change a field of the `nth` message of this name as it passes; if that is held now, at once.

        `value` is the whole field, or with `octet` as much of it as begins there. ValueError if it does not fit; a
        message that comes later ends the run with it.
        """
        self._give(_Rule(name, connection, _positive(nth), field, _as_octets(value), octet))

    def drop(self, name: str, *, nth: int = 1, connection: str = "") -> None:
        """Let the `nth` message of this name fall; if it is held now, at once.

        In the memory substrate it is cut out of the stream. Between virtual machines TCP sends it again, and each copy
        falls too. A TPM command cannot be dropped: ValueError, or the end of the run if it comes later.
        """
        self._give(_Rule(name, connection, _positive(nth), drops=True))

    def _give(self, rule: _Rule) -> None:
        """Follow a rule now, if what it means is held, else when that passes."""
        with self._turn:
            held = next((each for each in self._waiting if self._means(rule, each.item)), None)
            if held is None:
                self._rules.append(rule)
                return
            held.octets = _edited(rule, held.item, held.octets)
        self._note(rule, held.item)

    def edit(self, field: str, value: bytes, *, octet: int | None = None) -> None:
        """Change a field of what is held now; HeldError if nothing is, ValueError if it does not fit."""
        self._edit_held({field: value}, octet)

    def change(self, fields: Mapping[str, bytes]) -> None:
        """Change several fields of what is held now, all or none; errors as of `edit`."""
        self._edit_held(fields, None)

    def _edit_held(self, fields: Mapping[str, bytes], octet: int | None) -> None:
        held = self._held_now()
        name, connection = held.item.name, held.item.connection
        rules = [_Rule(name, connection, 1, f, _as_octets(v), octet, anywhere=True) for f, v in fields.items()]
        with self._turn:
            octets = held.octets
            for rule in rules:
                octets = _edited(rule, held.item, octets)
            held.octets = octets
        for rule in rules:
            self._note(rule, held.item)

    def drop_held(self) -> None:
        """Let what is held now fall, and go on to the next as a step does; HeldError if nothing is held."""
        held = self._held_now()
        rule = _Rule(held.item.name, held.item.connection, 1, drops=True)
        with self._turn:
            held.octets = _edited(rule, held.item, held.octets)
            going = self._let_go(1) if self._waiting[:1] == [held] else []
        self._note(rule, held.item)
        self._send(going)

    def cancel(self) -> None:
        """End the run where it is; harmless at any time. It raises `Cancelled` on its own threads."""
        with self._turn:
            self._cancelled = True
            self._waiting.clear()
            self._clock()
            self._turn.notify_all()

    @property
    def pending(self) -> list[str]:
        """What was to be edited or dropped and has not passed yet, each as `message.field`."""
        with self._turn:
            return [str(rule) for rule in self._rules]

    @property
    def cancelled(self) -> bool:
        with self._turn:
            return self._cancelled

    # The run's side

    def run_here(self) -> None:
        """Say that this thread is the run's own: whoever steers is never refused on it."""
        with self._turn:
            self._runners.add(threading.get_ident())

    def over(self) -> None:
        """Say that the run has ended, however it did."""
        with self._turn:
            self._ended = True
            self._waiting.clear()
            self._runners.clear()
            self._clock()
            self._turn.notify_all()
        self._tell()

    def refuse_others(self) -> None:
        """Refuse with HeldError what another thread than the run's own asks of a run that is held."""
        with self._turn:
            if self._waiting and threading.get_ident() not in self._runners:
                raise HeldError(self.why_held)

    def cut(self, connection: str, direction: Direction, octets: bytes) -> list[Item]:
        """Return the next octets of a stream as items."""
        if self._cutter is not None:
            return self._cutter.cut(connection, direction, octets)
        return [Item("message", connection, direction, 0, octets, called="octets")]

    def whole(self, connection: str, octets: bytes) -> int:
        """Return how many of the next octets of a stream are whole items."""
        return len(octets) if self._cutter is None else self._cutter.whole(connection, octets)

    def poll(self, connection: str) -> None:
        """Name what could not be read of a connection, if its keys have come since."""
        if self._cutter is not None:
            self._cutter.poll(connection)

    @property
    def curious(self) -> bool:
        """Whether anybody wants to know what passes."""
        with self._turn:
            return not self._free or bool(self._breaks or self._rules)

    def passing(self, item: Item) -> bytes:
        """Return the octets that go on, none if the item is dropped; waits while it is held."""
        octets, held = self._arrived(item)
        if held is None:
            return octets
        with self._turn:
            self._turn.wait_for(lambda: held.gone or self._cancelled or self._ended)
            self._check()
            return held.octets

    def ask(self, item: Item, then: Callable[[bytes], None]) -> None:
        """Ask as `passing` does, but do not wait: `then` gets the octets that go on, now or when it is let go."""
        octets, held = self._arrived(item, then)
        if held is None:
            then(octets)

    def command(self, machine: str, name: str, octets: bytes, spans: Callable[[], Iterable[Span]]) -> bytes:
        """Return the octets of a TPM command that is sent; waits while it is held."""

        def fields() -> list[FlightField]:
            return [FlightField(name, 1, s.name, octets[s.start : s.end], ((s.start, s.end),)) for s in leaves(spans())]

        item = Item("tpm", f"TPM of {machine}", "", 0, octets, called=name, messages=[(name, 1)], fields=fields)
        return self.passing(item)

    # inside

    def _arrived(self, item: Item, then: Callable[[bytes], None] | None = None) -> tuple[bytes, _Waiting | None]:
        """Follow the rules for what arrives, and hold it if it is to be; notes and watchers come without the lock."""
        with self._turn:
            octets, rules = self._ruled(item)
        for rule in rules:
            self._note(rule, item)
        with self._turn:
            self._check()
            held = _Waiting(item, octets, then) if self._stops(item) else None
            if held is not None:
                self._hold(held)
        if held is not None:
            self._tell()
        return octets, held

    def _ruled(self, item: Item) -> tuple[bytes, list[_Rule]]:
        """Count what passes; return its octets after the rules that mean it, and those rules."""
        self._check()
        for name in {name for name, _ in item.messages}:
            count = sum(name == other for other, _ in item.messages)
            for place in {"", item.connection}:
                before = self._seen.get((name, place), 0)
                self._seen[name, place] = before + count
                item.numbers[name, place] = range(before + 1, before + count + 1)
        octets, due = item.octets, [rule for rule in self._rules if self._means(rule, item)]
        try:
            for rule in due:
                octets = _edited(rule, item, octets)
                self._rules.remove(rule)
        except ValueError as error:
            self.error, self._cancelled = error, True
            self._turn.notify_all()
            raise Cancelled from error
        return octets, due

    @staticmethod
    def _means(rule: _Rule, item: Item) -> bool:
        """Tell whether a rule means an item that has been counted."""
        return rule.connection in {"", item.connection} and rule.nth in item.numbers.get(
            (rule.name, rule.connection), ()
        )

    def _stops(self, item: Item) -> bool:
        names = {name for name, _ in item.messages} or {item.name}
        if any(name in names and where in {"", item.connection} for name, where in self._breaks):
            self._free, self._credit = False, 0
            return True
        if self._free or (item.kind == "tpm" and not self._into):
            return False
        if self._credit and not self._waiting:
            self._credit -= 1
            return False
        return True

    def _hold(self, held: _Waiting) -> None:
        self._waiting.append(held)
        self._clock()
        self._turn.notify_all()

    def _let_go(self, count: int) -> list[_Waiting]:
        going, self._waiting = self._waiting[:count], self._waiting[count:]
        for each in going:
            each.gone = True
        self._clock()
        self._turn.notify_all()
        return going

    def _send(self, going: list[_Waiting]) -> None:
        for each in going:
            if each.then is not None:
                each.then(each.octets)
        self._tell()

    def _clock(self) -> None:
        """Stop the clock while something is held, and let it go on afterwards."""
        if self._waiting and self._stopped_at is None:
            self._stopped_at = time.monotonic()
        elif not self._waiting and self._stopped_at is not None:
            self._stood += time.monotonic() - self._stopped_at
            self._stopped_at = None

    def _held_now(self) -> _Waiting:
        with self._turn:
            if not self._waiting:
                raise HeldError("nothing is held now: pause, or break on a message, and wait until it comes")
            return self._waiting[0]

    def _check(self) -> None:
        if self._cancelled:
            raise Cancelled

    def _tell(self) -> None:
        """Tell the watchers, without the lock: they may ask back."""
        with self._turn:
            watchers = list(self._watchers.values())
        for watcher in watchers:
            watcher()

    def _note(self, rule: _Rule, item: Item) -> None:
        """Put into the trace what was done, so that a view need not ask whoever steered."""
        if self._party is None:
            return
        what, before, after = "dropped" if rule.drops else "edited", b"", b""
        if not rule.drops:
            before = item.field(rule.field, "" if rule.anywhere else rule.name).octets
            at = rule.octet or 0
            after = before[:at] + rule.value + before[at + len(rule.value) :]
        self._party.emit(
            "note",
            f"{what} in flight",
            connection=item.connection,
            direction=item.direction,
            offset=item.offset if item.direction else None,
            sentence=f"{rule} was {what} in flight.",
            message=rule.name,
            field=rule.field,
            before=before.hex(),
            after=after.hex(),
        )


def _edited(rule: _Rule, item: Item, octets: bytes) -> bytes:
    """Return what becomes of an item's octets by a rule; ValueError if it cannot be done."""
    if not rule.drops:
        field = item.field(rule.field, "" if rule.anywhere else rule.name)
        return overwritten(item, octets, field, rule.value, rule.octet)
    if item.kind == "tpm":
        raise ValueError(f"{rule.name} cannot be dropped: whoever sent it waits for the TPM's response")
    return b""


def _as_octets(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray):
        raise TypeError(f"the new value of a field is bytes, not {type(value).__name__}")
    return bytes(value)


def _positive(nth: int) -> int:
    if nth < 1:
        raise ValueError(f"messages of a name are counted from 1, not {nth}")
    return nth
