"""10-nothing-helps: a design that stops an attack, or none."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.exercises.ex10_choose import LADDER
from trustlab.classroom.material import played

NONE = {
    "known-dh-secret": "She only listened, with a secret that leaked. Every check passed, and each was right: there was nothing to notice.",
    "own-genuine-machine": (
        "Her machine is genuine, and runs Bob's own image. Every quote is true. Only a relying party that names the machine "
        "(a pin) can refuse it."
    ),
}
SOME = ("tunnel-relay", "evidence-relay", "evidence-replay", "known-dh-secret-and-key")


def stopper(attack: str) -> str | None:
    """Return the name of a design that stops this attack, or None if none of the six does.

    The designs: "tls13-nonce", "tls13-key", "tls13-nonce-key", "tls13-early", "tls13-handshake-secret",
    "tls13-exporter". Machines are not pinned.
    """
    return None if attack in {"known-dh-secret", "own-genuine-machine"} else "tls13-exporter"


def _judge(answer: Any, student: Student) -> Ruling:
    asked = student.shuffled("order", [*NONE, *student.shuffled("some", SOME)[:2]])
    for attack in asked:
        name = answer(attack)
        if name is not None and name not in LADDER:
            return wrong(f"{name!r} is not one of the six: {', '.join(LADDER)}. If none of them helps, return None.")
        if name is None and attack in NONE:
            continue
        act = played(name or LADDER[-1], attack)
        outcome = act.run()
        stopped = outcome.outcome != "succeeded"
        if name is None:
            return wrong(
                f"{attack}: you say that nothing helps. At least one of the six does: it was just run. {outcome.sentence}",
                trace=act.trace,
            )
        if not stopped:
            told = NONE.get(attack, "Another one does.")
            return wrong(
                f"{attack}: {name} falls. {outcome.sentence} {told}", look="the checks: all green", trace=act.trace
            )
    return right(
        "Right, for the ones that have an answer and for the two that have none. A channel binding says where a channel "
        "ends. It cannot keep a secret that has leaked, and it cannot tell two genuine machines apart."
    )


EXERCISE = Exercise(
    id="10-nothing-helps",
    task="For each attack: which design stops it, or does none?",
    hints=(
        "Run the strongest design first. If even that one falls, ask what it could have compared.",
        "An attack that changes nothing on the wire leaves nothing to compare.",
        "Two have no answer: a leaked DH secret, and a genuine machine of Alice's with Bob's image.",
    ),
    judge=_judge,
    solution=stopper,
    wrong={
        "the strongest for all": (lambda attack: "tls13-exporter", "tls13-exporter falls"),
        "nothing ever": (lambda attack: None if attack else "", "you say that nothing helps"),
        "nonce and key": (
            lambda attack: None if attack in {"known-dh-secret", "own-genuine-machine"} else "tls13-nonce",
            "tls13-nonce falls",
        ),
        "another name": (lambda attack: "trusted-passage", "not one of the six"),
    },
    varies="which attacks, and in which order",
)
