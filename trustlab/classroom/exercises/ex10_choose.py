"""10-choose: for three threats, the weakest design that still holds."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played

THREATS = {
    "own certificate": ("tunnel-relay", "Alice has a certificate for the bank's name, and nothing else."),
    "usable key": ("evidence-relay", "Alice can have the bank's TLS key used: by a password, at locality 0."),
    "usable key and DH": (
        "known-dh-secret-and-key",
        "Alice can have the key used, and knows the secret of the key agreement.",
    ),
}
LADDER = ("tls13-nonce", "tls13-key", "tls13-nonce-key", "tls13-early", "tls13-handshake-secret", "tls13-exporter")
"""In the order of what they bind."""


def choose(threat: str) -> str:
    """Return the name of the weakest design that still holds.

    `threat` is "own certificate", "usable key" or "usable key and DH". The designs, from the weakest: "tls13-nonce",
    "tls13-key", "tls13-nonce-key", "tls13-early", "tls13-handshake-secret", "tls13-exporter".
    """
    return {"own certificate": "tls13-key", "usable key": "tls13-early", "usable key and DH": "tls13-exporter"}[threat]


def _judge(answer: Any, student: Student) -> Ruling:
    for threat in student.shuffled("order", list(THREATS)):
        attack, story = THREATS[threat]
        name = answer(threat)
        if name not in LADDER:
            return wrong(f"{name!r} is not one of the six: {', '.join(LADDER)}.")
        act = played(name, attack)
        outcome = act.run()
        if outcome.outcome == "succeeded":
            return wrong(
                f"{threat}: {story} {name} falls. {outcome.sentence}", look="the last green row", trace=act.trace
            )
        for weaker in LADDER[: LADDER.index(name)][-1:]:
            other = played(weaker, attack)
            if other.run().outcome != "succeeded":
                return wrong(
                    f"{threat}: {name} holds, but it binds more than it has to: {weaker} holds as well. What does it "
                    "cost you, and for what?",
                    trace=other.trace,
                )
    return right(
        "Each is the weakest that holds. And none of the six helps against an Alice who knows the DH secret and only "
        "listens: nobody can notice that."
    )


EXERCISE = Exercise(
    id="10-choose",
    task="For each of three threats, which is the weakest design that holds?",
    hints=(
        "Run the six designs against each threat: do not guess.",
        "A binder over the key is enough as long as nobody else can use the key.",
        "A usable key needs the hellos in the quote; a known DH secret on top of that needs what comes after them.",
    ),
    judge=_judge,
    solution=choose,
    wrong={
        "always the strongest": (lambda threat: "tls13-exporter", "binds more than it has to"),
        "always the usual one": (lambda threat: "tls13-nonce-key", "tls13-nonce-key"),
        "early for all": (
            lambda threat: "tls13-key" if threat == "own certificate" else "tls13-early",
            "tls13-early falls",
        ),
        "the weakest": (lambda threat: "tls13-nonce", "tls13-nonce falls"),
        "a short name": (lambda threat: "exporter", "not one of the six"),
    },
    varies="the order of the threats",
)
