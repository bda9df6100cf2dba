"""02-relay: finish Alice's relay on plain TLS: she reads the PIN, and nobody misses anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks import Attack, kit
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.scenarios import rung

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustlab.cloud import Guest

    Relay = Callable[[str, bytes], Mapping[str, bytes] | None]


def relay(heard_from: str, data: bytes) -> dict[str, bytes]:
    """Return what Alice says now, and to whom. She has read `data` on one of her two TLS channels.

    `heard_from` is "teller" or "bank". Return {"bank": ..., "teller": ...}; leave out whoever she says nothing to.
    """
    return {"bank": data} if heard_from == "teller" else {"teller": data}


def _judge(answer: Relay, student: Student) -> Ruling:  # noqa: ARG001 - the PIN is another one in each run
    heard: list[kit.Heard] = []

    def start(guest: Guest) -> None:
        kit.relay(guest, answer, heard)

    with rung("plain-tls", Attack.from_function("my-relay", start)) as act:
        outcome = act.run()
    trace = act.trace
    paid = bool(trace.select("app", party="bank", name="payment"))
    answered = bool(trace.select("app", party="teller", name="answer"))
    if outcome.outcome == "succeeded" and paid and answered:
        return right(
            f"You read {outcome.alice_read.strip()!r}. The bank paid, and the teller is content. Your program passed "
            f"on {len(heard)} messages and changed none; both channels were encrypted correctly all the time.",
            look="the two rows in which the order is sent, one on each leg",
            trace=trace,
        )
    if not paid and answered:
        return wrong(
            "You answered the teller yourself. It is content, and the bank never paid: nobody has been robbed but "
            "Carol, who waits for her money.",
            trace=trace,
        )
    if not paid and any(one.heard_from == "teller" and one.said.get("bank") for one in heard):
        return wrong(
            "The bank got something from you, and did not take it for an order. It reads a line that ends with a "
            "newline: are these the bytes that the teller sent?",
            look="what the bank received",
            trace=trace,
        )
    if not paid:
        return wrong(
            "You read the PIN, but the payment never reached the bank. Bob will notice tomorrow. A good relay is one "
            "that nobody misses.",
            look="the end of the ladder: the teller waits",
            trace=trace,
        )
    return wrong(
        "The bank paid and answered, and the teller never heard of it. Pass on what the bank says, too.",
        look="the end of the ladder: the teller waits",
        trace=trace,
    )


EXERCISE = Exercise(
    id="02-relay",
    task="Finish Alice's relay: she reads the PIN, and nobody notices.",
    hints=(
        "Who said it decides where it goes.",
        "Say nothing of your own: neither end may miss anything.",
        'If heard_from is "teller", the bytes go to the bank: return {"bank": data}. And the other way round.',
    ),
    judge=_judge,
    solution=relay,
    varies="the PIN, in each run",
    wrong={
        "silent": (lambda who, data: {"bank": b""}, "the payment never reached the bank"),
        "keeps the order": (
            lambda who, data: {} if who == "teller" else {"teller": data},
            "Bob will notice tomorrow",
        ),
        "answers herself": (lambda who, data: {"teller": b"PAID, with thanks\n"}, "nobody has been robbed but Carol"),
        "one way": (lambda who, data: {"bank": data} if who == "teller" else {}, "the teller never heard of it"),
        "changes it": (
            lambda who, data: {"bank": data[:3]} if who == "teller" else {"teller": data},
            "ends with a newline",
        ),
        "carol": (lambda who, data: {"carol": data}, "there is nobody called 'carol'"),
        "the bytes alone": (lambda who, data: data, "a relay returns a dict"),
    },
)
