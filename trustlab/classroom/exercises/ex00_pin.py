"""00-pin: a warm-up. What Alice decrypted is a line of text; the PIN is at its end."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.classroom.material import played

DIGITS = 6


def pin(line: str) -> str:
    """Return the PIN in the line that Alice read, such as "PAY 120.00 TO carol PIN 493021"."""
    return line.rsplit(maxsplit=1)[-1]


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - the PIN is another one in each run
    act = played("plain-tls", "rogue-certificate")
    outcome = act.outcome
    line = outcome.alice_read.strip() if outcome else ""
    true = line.split()[-1]
    got = answer(line)
    if not isinstance(got, str):
        return wrong(f"Return the PIN as text; you returned {told(got)}.", trace=act.trace)
    if got == true:
        return right(
            f"{true}: it is the PIN of a run that was played just now, and not of the one above. Alice read it, and neither "
            "end noticed.",
            look="the row in which Alice reads the PIN",
            trace=act.trace,
        )
    if got.strip() == true:
        return wrong("Almost: there is space around it.", trace=act.trace)
    if len(got) == DIGITS and got.isdigit():
        return wrong(
            f"You returned {got}. That is a PIN, but not this one: the check has played a new run, and Alice read {line!r}. Take "
            "the PIN out of `line`.",
            trace=act.trace,
        )
    return wrong(f"Alice read {line!r}, and you returned {told(got)}. The PIN is the last word.", trace=act.trace)


EXERCISE = Exercise(
    id="00-pin",
    task="Take the PIN out of the line that Alice read.",
    hints=(
        "Print the line: what stands at its end?",
        "`line.split()` gives the words of a text, in a list.",
        "The last item of a list has the index -1: line.split()[-1]",
    ),
    judge=_judge,
    solution=pin,
    wrong={
        "a PIN from the page": (lambda line: "493021", "the check has played a new run"),
        "the whole line": (lambda line: line, "The PIN is the last word"),
        "a number": (lambda line: int(line.split()[-1]), "Return the PIN as text"),
        "with a space": (lambda line: line[line.index("PIN") + 3 :], "there is space around it"),
        "the amount": (lambda line: line.split()[1], "The PIN is the last word"),
    },
    varies="the PIN, in each run",
)
