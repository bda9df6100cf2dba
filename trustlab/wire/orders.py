"""What Alice can order her switch to do with frames: drop, delay, duplicate, hold, edit, mirror.

An order acts on the frames that its `match` picks, on at most `times` of them, until it is undone. Orders act one after
the other, in the order in which they were given; each returns the frames that the next one sees.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from trustlab.wire.errors import OrderError
from trustlab.wire.ethernet import patch_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.wire.ethernet import Segment

_ranks = itertools.count()


@dataclass(frozen=True, slots=True)
class Passing:
    """A frame on its way through the switch, as it looks on the client's leg of its connection.

    `source` and `destination` are the parties that really hold the ends. `connection`, `direction` and `offset` are
    those of its `frame` event, empty if it is not TCP. `fate` says what was done to it, `original` is its payload
    before an edit.
    """

    number: int
    port: str
    frame: bytes
    segment: Segment | None = None
    connection: str = ""
    direction: str = ""
    offset: int | None = None
    source: str = ""
    destination: str = ""
    fate: str = ""
    original: bytes = b""

    @property
    def payload(self) -> bytes:
        """The TCP payload, empty if there is none."""
        return self.segment.payload if self.segment else b""


@dataclass(frozen=True, slots=True)
class Match:
    """Picks frames by everything that is given: parties, connection, direction, a TCP port of either end, payload."""

    source: str = ""
    destination: str = ""
    connection: str = ""
    direction: str = ""
    port: int = 0
    payload: bool | None = None
    contains: bytes = b""

    def __call__(self, passing: Passing) -> bool:
        """Return whether this frame matches."""
        ports = {passing.segment.source_port, passing.segment.destination_port} if passing.segment else set()
        return (
            self.source in {"", passing.source}
            and self.destination in {"", passing.destination}
            and self.connection in {"", passing.connection}
            and self.direction in {"", passing.direction}
            and (not self.port or self.port in ports)
            and self.payload in {None, bool(passing.payload)}
            and self.contains in passing.payload
        )


class SwitchActions(Protocol):
    """The actions that an order may ask of the switch."""

    def later(self, passing: Passing, seconds: float, after: SwitchOrder) -> None:
        """Let a frame go on after `seconds`, past the order `after`."""

    def resume(self, passing: Passing, after: SwitchOrder) -> None:
        """Let a frame go on now, past the order `after`."""

    def copy_to(self, port: str, frame: bytes) -> None:
        """Send a copy out at a port."""

    def record(self, passing: Passing) -> None:
        """Write a frame that goes no further into the trace."""

    def forget(self, order: SwitchOrder) -> None:
        """Take an order back."""


class SwitchOrder:
    """One order of Alice's; `hits` counts the frames it acted on."""

    def __init__(self, switch: SwitchActions, match: Callable[[Passing], bool], times: int | None = None) -> None:
        self.switch = switch
        self.match = match
        self.times = times
        self.hits = 0
        self.rank = next(_ranks)
        """Orders act by rank: in the order in which they were given."""

    def apply(self, passing: Passing) -> list[Passing]:
        """Act on a frame if it matches; return the frames that go on. OrderError if `match` or `act` fails."""
        try:
            if (self.times is not None and self.hits >= self.times) or not self.match(passing):
                return [passing]
            self.hits += 1
            return self.act(passing)
        except Exception as error:
            what = f"{type(self).__name__} on frame {passing.number} of {passing.connection or passing.port}"
            raise OrderError(f"{what}: {type(error).__name__}: {error}") from error

    def act(self, passing: Passing) -> list[Passing]:
        """Do what this kind of order does; the base class only counts."""
        return [passing]

    def undo(self) -> None:
        self.switch.forget(self)


class Drop(SwitchOrder):
    """The frame is dropped; TCP will send it again."""

    def act(self, passing: Passing) -> list[Passing]:
        """Record it, and drop it."""
        self.switch.record(replace(passing, fate="dropped"))
        return []


class Delay(SwitchOrder):
    """The frame goes on after `seconds`."""

    def __init__(
        self, switch: SwitchActions, match: Callable[[Passing], bool], seconds: float, times: int | None = None
    ) -> None:
        super().__init__(switch, match, times)
        self.seconds = seconds

    def act(self, passing: Passing) -> list[Passing]:
        self.switch.later(replace(passing, fate="delayed"), self.seconds, self)
        return []


class Duplicate(SwitchOrder):
    """The frame goes on, followed by `copies` copies of it."""

    def __init__(
        self, switch: SwitchActions, match: Callable[[Passing], bool], copies: int, times: int | None = None
    ) -> None:
        super().__init__(switch, match, times)
        self.copies = copies

    def act(self, passing: Passing) -> list[Passing]:
        return [passing, *[replace(passing, fate="duplicate")] * self.copies]


class Hold(SwitchOrder):
    """The frame waits until it is released; a run is stepped like this."""

    def __init__(self, switch: SwitchActions, match: Callable[[Passing], bool], times: int | None = None) -> None:
        super().__init__(switch, match, times)
        self.held: list[Passing] = []

    def act(self, passing: Passing) -> list[Passing]:
        self.held.append(passing)
        return []

    def release(self, count: int | None = None) -> int:
        """Let the first `count` held frames (all if None) go on; return how many went."""
        going = self.held[:count]
        del self.held[:count]
        for passing in going:
            self.switch.resume(replace(passing, fate="held"), self)
        return len(going)

    def undo(self) -> None:
        """Release everything and take the order back."""
        self.release()
        super().undo()


class Edit(SwitchOrder):
    """The payload becomes `change(payload)`, of the same length; checksums are corrected."""

    def __init__(
        self,
        switch: SwitchActions,
        match: Callable[[Passing], bool],
        change: Callable[[bytes], bytes],
        times: int | None = None,
    ) -> None:
        super().__init__(switch, match, times)
        self.change = change

    def act(self, passing: Passing) -> list[Passing]:
        """Patch the frame; without a payload, or without a change, it goes on as it is."""
        segment, changed = passing.segment, self.change(passing.payload) if passing.payload else b""
        if segment is None or changed == passing.payload:
            return [passing]
        frame = patch_frame(passing.frame, payload=changed)
        edited = replace(segment, payload=changed)
        return [replace(passing, frame=frame, segment=edited, fate="edited", original=passing.payload)]


class Mirror(SwitchOrder):
    """A copy of the frame also goes out at another port."""

    def __init__(
        self, switch: SwitchActions, match: Callable[[Passing], bool], to: str, times: int | None = None
    ) -> None:
        super().__init__(switch, match, times)
        self.to = to

    def act(self, passing: Passing) -> list[Passing]:
        self.switch.copy_to(self.to, passing.frame)
        return [passing]


O = TypeVar("O", bound=SwitchOrder)  # noqa: E741 - never a zero


class OrderBook(SwitchActions):
    """The orders in force; the switch is a subclass, which adds the actions that they need."""

    def __init__(self) -> None:
        self._orders: list[SwitchOrder] = []

    def drop(self, match: Callable[[Passing], bool], *, times: int | None = None) -> Drop:
        """Drop matching frames."""
        return self.give(Drop(self, match, times))

    def delay(self, match: Callable[[Passing], bool], seconds: float, *, times: int | None = None) -> Delay:
        """Let matching frames go on after `seconds`."""
        return self.give(Delay(self, match, seconds, times))

    def duplicate(self, match: Callable[[Passing], bool], copies: int = 1, *, times: int | None = None) -> Duplicate:
        """Let matching frames go on more than once."""
        return self.give(Duplicate(self, match, copies, times))

    def hold(self, match: Callable[[Passing], bool], *, times: int | None = None) -> Hold:
        """Keep matching frames until they are released."""
        return self.give(Hold(self, match, times))

    def edit(
        self, match: Callable[[Passing], bool], change: Callable[[bytes], bytes], *, times: int | None = None
    ) -> Edit:
        """Replace the payload of matching frames by `change(payload)`, of the same length."""
        return self.give(Edit(self, match, change, times))

    def mirror(self, match: Callable[[Passing], bool], *, to: str, times: int | None = None) -> Mirror:
        """Send copies of matching frames out at the port of `to`."""
        return self.give(Mirror(self, match, to, times))

    def forget(self, order: SwitchOrder) -> None:
        """Take an order back; taking it back twice does nothing."""
        if order in self._orders:
            self._orders.remove(order)

    def give(self, order: O) -> O:
        """Have an order of any kind obeyed from now on."""
        self._orders.append(order)
        return order

    def _through(self, passing: Passing, after: SwitchOrder | None = None) -> list[Passing]:
        """Let the orders after `after` act (all if None); return the frames that go on after the last."""
        going = [passing]
        for order in [o for o in self._orders if after is None or o.rank > after.rank]:
            going = [result for one in going for result in order.apply(one)]
        return going
