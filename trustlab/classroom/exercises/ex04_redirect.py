"""04-redirect: Alice's switch asks the student about each connection of the teller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks import Attack, kit
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.scenarios import rung

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest


def where(number: int, port: int) -> str:  # noqa: ARG001 - the port is enough
    """Return where this connection of the teller goes: "bank", or "alice", the clone on your own machine.

    `number` counts the teller's connections from 1. `port` is 4433 for the question, 443 for the payment. The clone has a
    certificate for the bank's name, and no TPM that says what it runs.
    """
    return "bank" if port == 4433 else "alice"


def _judge(answer: Callable[[int, int], str], student: Student) -> Ruling:  # noqa: ARG001 - the PIN is another in each run
    asked: dict[int, str] = {}

    def ask(number: int, port: int) -> str:
        asked[port] = answer(number, port)
        return asked[port]

    def start(guest: Guest) -> None:
        kit.redirect(guest, ask)

    with rung("attest-then-connect", Attack.from_function("my-redirect", start)) as act:
        outcome = act.run()
    trace = act.trace
    if outcome.outcome == "succeeded":
        return right(
            f"You read {outcome.alice_read.strip()!r}. The teller checked one machine and paid on another: time of check, time "
            "of use. Every signature that it verified was genuine.",
            look="the two lines about who holds the far end",
            trace=trace,
        )
    if asked.get(kit.QUESTIONS) == "alice":
        return wrong(
            "Your clone got the question, and had nothing to show. The teller never came back to pay. Who can answer it?",
            look="the teller's red row",
            trace=trace,
        )
    return wrong(
        "Both connections went to the bank. Nothing was refused, and you read nothing. The question has been answered: who says "
        "that the next connection must go to the same machine?",
        look="the second connection",
        trace=trace,
    )


EXERCISE = Exercise(
    id="04-redirect",
    task="Where should each of the teller's two connections go?",
    hints=(
        "The teller makes two connections. Play attest-then-connect without Alice, and look which one carries what.",
        "Your clone cannot answer the question. Which connection must reach the real bank?",
        'Return "bank" for port 4433 and "alice" for port 443.',
    ),
    judge=_judge,
    solution=where,
    wrong={
        "all to Alice": (lambda number, port: "alice", "had nothing to show"),
        "none": (lambda number, port: "bank", "you read nothing"),
        "the wrong one": (lambda number, port: "alice" if number == 1 else "bank", "had nothing to show"),
        "nowhere": (lambda number, port: "carol", "there is nowhere called 'carol'"),
        "a capital": (lambda number, port: "Alice", "there is nowhere called 'Alice'"),
    },
    varies="the PIN, in each run",
)
