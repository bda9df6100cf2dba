"""05-relay: a relay that defeats an attested channel, and forges nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trustlab.attacks import Attack, kit
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.scenarios import rung

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustlab.cloud import Guest
    from trustlab.scenarios import Outcome
    from trustlab.trace import Trace

    Relay = Callable[[str, bytes], Mapping[str, bytes] | None]

QUESTION = 34
"""Bytes of the teller's question: a length and 32 bytes of nonce."""
LONG = 1000
"""Bytes that an answer with evidence has at least."""


def relay(heard_from: str, data: bytes) -> dict[str, bytes]:
    """Return what Alice says now, and to whom. She has read `data` on one of her two TLS channels.

    `heard_from` is "teller" or "bank". Return {"bank": ..., "teller": ...}; leave out whoever she says nothing to.
    """
    return {"bank": data} if heard_from == "teller" else {"teller": data}


def _judge(answer: Relay, student: Student) -> Ruling:  # noqa: ARG001 - PIN and nonce are others in each run
    heard: list[kit.Heard] = []

    def start(guest: Guest) -> None:
        kit.relay(guest, answer, heard)

    with rung("connect-then-attest", Attack.from_function("my-relay", start)) as act:
        outcome = act.run()
    if outcome.outcome == "succeeded":
        return _read(outcome, len(heard), act.trace)
    return _stopped(outcome, heard, act.trace)


def _read(outcome: Outcome, passed: int, trace: Trace) -> Ruling:
    if trace.select("app", party="bank", name="payment") and trace.select("app", party="teller", name="answer"):
        return right(
            f"You read {outcome.alice_read.strip()!r}, the bank paid, and the teller is content. Your program passed on {passed} "
            "messages and changed none. All checks of the teller passed, on genuine evidence, fresh from a genuine TPM.",
            look="the teller's green row",
            trace=trace,
        )
    return wrong(
        "You read the PIN, but the payment, or the bank's answer to it, never arrived. Bob will notice tomorrow. A good relay is "
        "one that nobody misses.",
        look="the end of the ladder",
        trace=trace,
    )


def _stopped(outcome: Outcome, heard: list[kit.Heard], trace: Trace) -> Ruling:
    asked_bank = any(one.said.get("bank") for one in heard)
    if not asked_bank and any(one.said.get("teller") for one in heard):
        return wrong(
            f"You answered the teller yourself. {outcome.sentence} You have no TPM that could sign for the bank. But you know "
            "who has.",
            look="the teller's red row",
            trace=trace,
        )
    if not asked_bank:
        return wrong(
            "You heard the teller's question and told nobody. It waited for an answer that never came. You cannot answer it "
            "yourself; who can?",
            look="the last row of the ladder",
            trace=trace,
        )
    if outcome.refused_by == "extraData":
        return wrong(
            "Refused by 'extraData': the quote answers another question than the one that the teller asked. Every byte must "
            "come through as it was.",
            look="the equation in the red row",
            trace=trace,
        )
    if outcome.refused_by:
        return wrong(
            f"Refused by {outcome.refused_by!r}. Some byte of the evidence changed on its way through your hands. Each part of it "
            "is signed, or hashed into something that is signed.",
            look="the red row",
            trace=trace,
        )
    return wrong(
        "The bank answered, and the teller never got it. Pass on what the bank says, too.",
        look="the last row",
        trace=trace,
    )


def _own_question(heard_from: str, data: bytes) -> dict[str, bytes]:
    if heard_from == "teller" and len(data) == QUESTION:
        return {"bank": data[:2] + os.urandom(QUESTION - 2)}
    return relay(heard_from, data)


def _flipped(heard_from: str, data: bytes) -> dict[str, bytes]:
    if heard_from == "bank" and len(data) > LONG:
        data = data[:700] + bytes([data[700] ^ 1]) + data[701:]
    return relay(heard_from, data)


EXERCISE = Exercise(
    id="05-relay",
    task="Write Alice's relay: she reads the PIN, and nobody misses anything.",
    hints=(
        "Two channels, three things to pass on: the question, the answer, and then everything else.",
        "You need not understand a single byte. Who said it decides where it goes.",
        'return {"bank": data} if heard_from == "teller" else {"teller": data}',
    ),
    judge=_judge,
    solution=relay,
    wrong={
        "silent": (lambda heard_from, data: {}, "told nobody"),
        "invents an answer": (
            lambda heard_from, data: {"teller": b"\0\x05quote"} if heard_from == "teller" else {},
            "You have no TPM",
        ),
        "echoes": (lambda heard_from, data: {heard_from: data}, "You have no TPM"),
        "the question only": (
            lambda heard_from, data: {"bank": data} if heard_from == "teller" else {},
            "never got it",
        ),
        "a question of her own": (_own_question, "Every byte must come through"),
        "flips a bit": (_flipped, "is signed, or hashed"),
        "keeps the order": (
            lambda heard_from, data: {} if b"PIN" in data else relay(heard_from, data),
            "Bob will notice",
        ),
        "carol": (lambda heard_from, data: {"carol": data}, "there is nobody called 'carol'"),
    },
    varies="PIN and nonce, in each run",
)
