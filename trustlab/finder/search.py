"""The search: every order of the honest ends' moves, and every choice of Alice's, within bounds.

Each honest end plays once: one teller, one bank, the machine's port for questions, and the bank's image on a machine of
Alice's if she has one. So a search that finds nothing has looked at everything within these sessions and menus, if it
says `complete`. It is not a proof: there may be an attack with more sessions, or with a value that no menu has.

A move without a choice is made as soon as it can be made. That leaves out orders which differ in nothing that Alice
could use, and it is what makes the search short.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from trustlab.finder.ends import answers_before, asks_before
from trustlab.finder.ends12 import Ends12
from trustlab.finder.ends13 import Ends13
from trustlab.finder.explanation import explained
from trustlab.finder.powers import DEFAULT, goal_named, powers_of
from trustlab.finder.provenance import AttackStep, from_genuine
from trustlab.finder.terms import FinderError, pk
from trustlab.finder.world import BALANCE, BANK, BANK_KEY, GENUINE, GENUINE_KEY, PIN, TELLER, SymbolicWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trustlab.finder.deduction import Deduction
    from trustlab.finder.ends import Move, Way
    from trustlab.finder.terms import View
    from trustlab.passage import Design

STATES = 60_000
"""How many states a search looks at before it gives up."""
MACHINE = "machine"
"""The machine's port for questions, as an end of its own."""


class SearchStoppedError(FinderError):
    """Whoever asked no longer wants the answer."""


class Bounds(msgspec.Struct, frozen=True):
    """Within which bounds a search looked: how many ends, how many moves of theirs, how many states at most.

    `complete` says that it did not meet the limit of states.
    """

    sessions: int
    depth: int
    states_limit: int
    complete: bool

    @property
    def sentence(self) -> str:
        """The bounds in words."""
        looked = f"{self.sessions} sessions of honest ends with {self.depth} moves in all, each field from its menu"
        return f"{looked}; {'all' if self.complete else f'only the first {self.states_limit}'} states were searched"


class Found(msgspec.Struct, frozen=True):
    """The answer of a search: an `attack` with its steps, or `none` within the bounds, which is not a proof.

    `replay` says that the bank was gone before the teller came. `unchanged` says that both ends saw the same
    handshake: Alice only forwards and reads.
    """

    design: Design
    powers: tuple[str, ...]
    goal: str
    verdict: Literal["attack", "none"]
    bounds: Bounds
    states: int
    seconds: float
    steps: tuple[AttackStep, ...] = ()
    replay: bool = False
    unchanged: bool = False


class Position(NamedTuple):
    alice: Deduction
    views: dict[str, View]
    moved: dict[str, int]
    steps: tuple[AttackStep, ...]

    @property
    def key(self) -> object:
        views = tuple(frozenset(view.items()) for view in self.views.values())
        return self.alice.known, tuple(self.moved.values()), views


def find(
    design: Design,
    powers: Iterable[str] = DEFAULT,
    goal: str = "pin",
    *,
    replay: bool = False,
    states: int = STATES,
    stop: Callable[[], bool] = lambda: False,
) -> Found:
    """Search an attack on a design; FinderError if a power or the goal is unknown.

    With `replay` the bank has ended before the teller begins: what Alice shows was made before. `stop` is asked before
    each state; SearchStoppedError if it says so.
    """
    began = time.perf_counter()
    search = Exploration(SymbolicWorld(design, powers_of(tuple(powers))), goal_named(goal), replay=replay)
    won, seen, complete = search.run(states, stop)
    depth = sum(len(moves) for moves in search.ends.values())
    return Found(
        design=design,
        powers=tuple(sorted(search.world.powers)),
        goal=goal,
        verdict="none" if won is None else "attack",
        bounds=Bounds(len(search.ends), depth, states, complete),
        states=seen,
        seconds=time.perf_counter() - began,
        steps=() if won is None else explained(won.steps),
        replay=replay,
        unchanged=won is not None and _unchanged(won),
    )


def _unchanged(state: Position) -> bool:
    """Return whether teller and bank have the same transcript, so that Alice's part was to forward."""
    one, other = (state.views[party].get("transcript") for party in (TELLER, BANK))
    return one is not None and one is other


class Exploration:
    def __init__(self, world: SymbolicWorld, goal: str, *, replay: bool) -> None:
        self.world, self._goal, self._replay = world, goal, replay
        handshake = Ends12(world) if world.design.tls == "1.2" else Ends13(world)
        self.ends: dict[str, list[Move]] = {TELLER: handshake.teller(), BANK: handshake.bank(BANK, BANK_KEY)}
        if world.design.when == "before":
            self.ends[TELLER] = asks_before(world) + self.ends[TELLER]
            self.ends[MACHINE] = answers_before(world)
        if "own-machine" in world.powers:
            self.ends[GENUINE] = handshake.bank(GENUINE, GENUINE_KEY)

    def run(self, limit: int, stop: Callable[[], bool]) -> tuple[Position | None, int, bool]:
        """Return the state in which Alice has won, or None; how many states were seen; and whether these were all."""
        first = Position(self.world.beginning(), {name: {} for name in self.ends}, dict.fromkeys(self.ends, 0), ())
        stack = [first]
        seen: set[object] = set()
        while stack:
            state = stack.pop()
            if stop():
                raise SearchStoppedError("the search was stopped before it had an answer")
            if self._won(state):
                return state, len(seen) + 1, True
            if state.key in seen:
                continue
            if len(seen) >= limit:
                return None, len(seen), False
            seen.add(state.key)
            stack.extend(self._next(state))
        return None, len(seen), True

    def _won(self, state: Position) -> bool:
        teller, bank = state.views[TELLER], state.views[BANK]
        if self._goal == "pin":
            return PIN in state.alice.known
        if self._goal == "balance":
            return BALANCE in state.alice.known
        if "done" not in teller:
            return False
        if self._goal == "peer":
            return teller["spki_S"] is pk(GENUINE_KEY)
        return bank.get("traffic_key") is not teller["traffic_key"] and state.alice.derives(teller["traffic_key"])

    def _next(self, state: Position) -> Iterator[Position]:
        choices: list[Position] = []
        for name, moves in self.ends.items():
            at = state.moved[name]
            if at >= len(moves):
                continue
            if self._replay and name != TELLER and state.moved[TELLER]:
                continue
            reached = [self._after(state, name, way) for way in moves[at].ways(*self._views(state, name), state.alice)]
            forced = not moves[at].chooses and not (self._replay and at == 0)
            if forced and reached:
                yield reached[0]
                return
            choices += reached
        yield from choices

    def _views(self, state: Position, name: str) -> tuple[View, View]:
        """Return an end's own view, and that of the end on Alice's other connection."""
        behind = GENUINE if state.moved.get(GENUINE) else BANK
        return state.views[name], state.views[behind if name == TELLER else TELLER]

    @staticmethod
    def _after(state: Position, name: str, way: Way) -> Position:
        """Return the position after a way; what the teller gets from the genuine machine's connection is named so."""
        return Position(
            state.alice.learn(way.sent),
            {**state.views, name: way.view},
            {**state.moved, name: state.moved[name] + 1},
            (*state.steps, from_genuine(way.step) if name == TELLER and state.moved.get(GENUINE) else way.step),
        )
