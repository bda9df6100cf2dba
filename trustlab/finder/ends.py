"""Honest ends: what the teller and the bank do, one move after the other.

An end is a list of moves. A move reads what the end needs next, and yields each way in which it can go on: the end's
view afterwards, the terms that it sends, and the step that says where Alice's fields come from. A move that waits for
something that Alice cannot make yields nothing.

Free fields come from a small menu: Alice's own value, or the value of the other connection. That is the bound that
keeps the search short. It loses little, because the honest ends can make use of a value only where they expect one.

A move that `chooses` may go on in several ways, and in more of them later. The others go on in one way as soon as they
can, and that never hurts Alice: she only learns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from trustlab.finder.provenance import AttackStep, step
from trustlab.finder.terms import NOTHING, Term, atom, pk, public, senc, seq
from trustlab.finder.world import (
    BANK_KEY,
    BANK_NAME,
    GENUINE_KEY,
    ROGUE_KEY,
    TELLER_KEY,
    TELLER_NAME,
    SymbolicWorld,
    as_it_is,
    certificate,
    own,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.finder.deduction import Deduction
    from trustlab.finder.terms import View

FROM_CLIENT, FROM_SERVER = public("from the client"), public("from the server")
SIGNED, CLIENT_FINISHED, SERVER_FINISHED = (public(name) for name in ("signed", "client finished", "server finished"))
REQUEST, EVIDENCE, ORDER, ANSWER = (public(name) for name in ("request", "evidence", "order", "answer"))


class Way(NamedTuple):
    """One way in which a move goes on."""

    view: View
    sent: tuple[Term, ...]
    step: AttackStep


@dataclass(frozen=True)
class Move:
    """One move: `ways` takes the end's view, the view of the end on Alice's other connection, and her knowledge."""

    ways: Callable[[View, View, Deduction], Iterator[Way]]
    chooses: bool = False


class Choice(NamedTuple):
    """A value for a free field, and its provenance."""

    value: Term
    where: str


def menu(alice: Deduction, mine: Term, other: View, name: str, where: str) -> list[Choice]:
    """Return the choices for a free field: her own value, or that of the other connection if she has it."""
    seen = other.get(name)
    return [Choice(mine, "own")] + ([Choice(seen, where)] if seen is not None and alice.derives(seen) else [])


def inside(mine: Term, other: View, name: str, where: str) -> list[Choice]:
    """Return the choices for a field of an encrypted message; Alice need not read what she forwards."""
    return [Choice(mine, "own")] + ([Choice(other[name], where)] if name in other else [])


def differs_in_vain(world: SymbolicWorld, leading: Choice, others: dict[str, Choice]) -> bool:
    """Return whether a field that no binder names comes from elsewhere than the leading field: the share, the random.

    Such a field counts only as a part of the transcript. That is the same on both connections if all of it is
    forwarded, and different if anything is her own.
    """
    named = {name for binder in (world.design.server, world.design.client) if binder for name in binder.fields}
    return any((at.where == "own") != (leading.where == "own") for name, at in others.items() if name not in named)


def server_keys(world: SymbolicWorld, alice: Deduction) -> list[tuple[Term, Term, str]]:
    """Return the private keys, with certificates for the bank's name, that Alice can show the teller."""
    keys = [(BANK_KEY, "bank"), (ROGUE_KEY, "rogue")] + ([(GENUINE_KEY, "genuine")] if has_machine(world) else [])
    shown = [(key, certificate(BANK_NAME, pk(key)), where) for key, where in keys]
    return [(key, named, where) for key, named, where in shown if alice.derives(named)]


def client_keys(world: SymbolicWorld, alice: Deduction) -> list[tuple[Term, Term, str]]:
    """Return the public keys, with certificates, that Alice can show a bank that asks its client for one."""
    if not world.design.client_key:
        return [(NOTHING, NOTHING, "")]
    shown = [
        (key, certificate(TELLER_NAME, pk(key)), where) for key, where in ((TELLER_KEY, "teller"), (ROGUE_KEY, "rogue"))
    ]
    return [(pk(key), named, where) for key, named, where in shown if alice.derives(named)]


def teller_key(world: SymbolicWorld) -> tuple[Term, Term]:
    """Return the teller's public key and certificate, if the design gives it one."""
    return (pk(TELLER_KEY), certificate(TELLER_NAME, pk(TELLER_KEY))) if world.design.client_key else (NOTHING, NOTHING)


def has_machine(world: SymbolicWorld) -> bool:
    """Return whether Alice has a genuine machine with the bank's image."""
    return "own-machine" in world.powers


def asks_before(world: SymbolicWorld) -> list[Move]:
    """Return the teller's first connection, on which it asks the machine for a quote."""
    nonce = atom("teller's nonce_C")

    def ask(view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        yield Way({**view, "nonce_C": nonce}, (nonce,), step("teller", "question"))

    def judge(view: View, _other: View, alice: Deduction) -> Iterator[Way]:
        if found := world.teller_accepts(alice, view, as_it_is):
            yield Way(view, (), step("teller", "evidence before the connection", evidence=found[1]))

    return [Move(ask), Move(judge)]


def answers_before(world: SymbolicWorld) -> list[Move]:
    """Return the machine's port for questions: it quotes over the nonce of anybody."""

    def answer(view: View, other: View, alice: Deduction) -> Iterator[Way]:
        for nonce in menu(alice, own("question"), other, "nonce_C", "teller"):
            asked = {**view, "nonce_C": nonce.value}
            yield Way(asked, (world.bank_evidence(asked),), step("machine", "question", nonce=nonce.where))

    return [Move(answer, chooses=True)]


def asks_inside(world: SymbolicWorld, key: str) -> list[Move]:
    """Return the teller's question inside the finished channel, under the key of that name, and how it judges."""
    nonce = atom("teller's nonce inside")

    def ask(view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        asked = senc(view[key], seq(REQUEST, nonce))
        yield Way({**view, "nonce_C": nonce}, (asked,), step("teller", "question inside"))

    def judge(view: View, _other: View, alice: Deduction) -> Iterator[Way]:
        asked = {"nonce_C": view["nonce_C"]}
        if found := world.teller_accepts(alice, asked, lambda shown: senc(view[key], seq(EVIDENCE, shown))):
            yield Way(view, (), step("teller", "evidence inside", evidence=found[1]))

    return [Move(ask), Move(judge)]


def answers_inside(world: SymbolicWorld, key: str, machine: str) -> Move:
    """Return how a bank answers that question; as before the connection, the quote knows no more than the nonce."""

    def answer(view: View, other: View, alice: Deduction) -> Iterator[Way]:
        for nonce in inside(own("nonce inside"), other, "nonce_C", "teller"):
            if alice.derives(senc(view[key], seq(REQUEST, nonce.value))):
                asked = {"nonce_C": nonce.value}
                sent = senc(view[key], seq(EVIDENCE, world.bank_evidence(asked, machine)))
                yield Way({**view, **asked}, (sent,), step(machine, "question inside", nonce=nonce.where))

    return Move(answer, chooses=True)


def orders(key: str, secret: Term) -> Move:
    """Return the teller's payment: the PIN, in its channel."""

    def pay(view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        yield Way({**view, "done": NOTHING}, (senc(view[key], seq(ORDER, secret)),), step("teller", "order"))

    return Move(pay)


def answers_orders(key: str, secret: Term, party: str) -> Move:
    """Return the bank's answer to an order, with the balance."""

    def answer(view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        yield Way({**view, "done": NOTHING}, (senc(view[key], seq(ANSWER, secret)),), step(party, "answer"))

    return Move(answer)


class EachAsks(ABC):
    """An end that asks its peer after Finished, answers it, and judges its answer: three moves."""

    def __init__(self, world: SymbolicWorld, party: str) -> None:
        self._world, self._party = world, party
        self._is_teller = party == "teller"
        self._me, self._peer = (FROM_CLIENT, FROM_SERVER) if self._is_teller else (FROM_SERVER, FROM_CLIENT)

    def moves(self) -> list[Move]:
        """Return the three moves: ask, answer, judge."""
        return [Move(self._asks), Move(self._answers, chooses=True), Move(self._judges)]

    @abstractmethod
    def _asks(self, view: View, other: View, alice: Deduction) -> Iterator[Way]: ...

    @abstractmethod
    def _answers(self, view: View, other: View, alice: Deduction) -> Iterator[Way]: ...

    @abstractmethod
    def _judges(self, view: View, other: View, alice: Deduction) -> Iterator[Way]: ...
