"""05-reading: five statements, and a quote that makes two of them."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

STATEMENTS = {
    "a": ("it was made after the teller asked", True, "The teller's nonce is in it."),
    "b": (
        "it comes from a machine that runs Bob's bank under HyperSafe",
        True,
        "HyperSafe and Bob's bank image were measured into this machine's TPM.",
    ),
    "c": (
        "this TLS connection ends in that machine",
        False,
        "The quote does not say where the channel ends. Nothing of the channel is in it: look at what extraData was "
        "made from.",
    ),
    "d": (
        "it was made for the teller",
        False,
        "This bank answers anybody who connects. The quote does not say who asked.",
    ),
    "e": (
        "whoever sent it is the bank",
        False,
        "Attestation is not authentication. It says what runs there, not who is at the other end of your connection.",
    ),
}
ORDER = "cdeab"
"""The beliefs that do most harm come first."""


def statements() -> str:
    """Return the letters of the true statements, as one string."""
    return "ab"


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - the statements are the same for all
    said = answer()
    if not isinstance(said, str):
        return wrong(f'Return the letters as one string, such as "ace". You returned {said!r}.')
    got = set(said.lower()) - set(" ,()")
    if unknown := got - set(STATEMENTS):
        return wrong(f"{min(unknown)!r} is not one of a, b, c, d, e.")
    for letter in ORDER:
        text, true, why = STATEMENTS[letter]
        if (letter in got) is not true:
            verdict = "the quote does say that" if true else "the quote does not say that"
            return wrong(f"({letter}) {text}: {verdict}. {why}", look="the bank's yellow row, which binds the quote")
    return right(
        "(a) and (b), and no more. Keep the other three in mind: each is what somebody once believed who built this "
        "design."
    )


EXERCISE = Exercise(
    id="05-reading",
    task="Which of the five statements does this quote make?",
    hints=(
        "Read the quote field by field. A statement counts only if some field says it.",
        "extraData is the teller's nonce and nothing else.",
        "Two of the five are true: one about when, one about what runs there.",
    ),
    judge=_judge,
    solution=statements,
    wrong={
        "all": (lambda: "abcde", "does not say where the channel ends"),
        "with the channel": (lambda: "abc", "does not say where the channel ends"),
        "with the teller": (lambda: "abd", "does not say who asked"),
        "with the sender": (lambda: "abe", "Attestation is not authentication"),
        "only the time": (lambda: "a", "Bob's bank image"),
        "a letter too far": (lambda: "abx", "not one of a, b, c, d, e"),
        "a list": (lambda: ["a", "b"], "as one string"),
    },
)
