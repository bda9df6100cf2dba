"""06-forward-secrecy: predict four runs. An ephemeral key protects a recording, and nothing else."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played
from trustlab.passage import DESIGNS, Design

RSA, ECDHE = "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
FOUR = [(suite, attack) for suite in (RSA, ECDHE) for attack in ("deployed-key", "deployed-key-middle")]
LESSONS = {
    (RSA, "deployed-key"): "RSA key exchange: whoever has the key opens the secret, also in a recording.",
    (RSA, "deployed-key-middle"): "She has the bank's own key, and answers the teller with it.",
    (ECDHE, "deployed-key"): "With ephemeral keys a recording stays closed, even to the holder of the bank's key.",
    (ECDHE, "deployed-key-middle"): (
        "Forward secrecy is about a key that is stolen after the recording. Here she has it now, and answers the teller "
        "with it."
    ),
}


def succeeds() -> list[bool]:
    """Return four times True or False, for whether Alice reads the PIN.

    In this order: RSA, she records; RSA, in the middle; ECDHE, she records; ECDHE, in the middle.
    """
    return [True, True, False, True]


def _judge(answer: Any, student: Student) -> Ruling:
    said = answer()
    if not isinstance(said, list | tuple) or len(said) != len(FOUR) or not all(isinstance(one, bool) for one in said):
        return wrong(f"Return four times True or False, in a list. You returned {said!r}.")
    for number in student.shuffled("order", range(len(FOUR))):
        suite, attack = FOUR[number]
        act = played(Design.custom("forward secrecy", like=DESIGNS["key-in-quote"], suite=suite), attack)
        outcome = act.run()
        if said[number] is not (outcome.outcome == "succeeded"):
            how = "she records" if attack == "deployed-key" else "she stands in the middle"
            kind = "RSA" if suite == RSA else "ECDHE"
            return wrong(
                f"{kind}, {how}: you say {said[number]}. {outcome.sentence} {LESSONS[suite, attack]}", trace=act.trace
            )
    return right("All four. Three are Alice's: an ephemeral key saves the recording, and only the recording.")


EXERCISE = Exercise(
    id="06-forward-secrecy",
    task="Alice has the bank's key. In which of four runs does she read the PIN?",
    hints=(
        "Ask for each run: does she open a recording, or is she an end of the channel?",
        "Ephemeral keys protect recordings.",
        "In the middle she does not need a recording: only one of the four goes well for Bob.",
    ),
    judge=_judge,
    solution=succeeds,
    wrong={
        "ephemeral saves all": (lambda: [True, True, False, False], "stolen after the recording"),
        "the middle is noticed": (lambda: [True, False, False, False], "answers the teller with it"),
        "nothing helps": (lambda: [True, True, True, True], "a recording stays closed"),
        "none": (lambda: [False, False, False, False], "Alice read the PIN"),
        "three": (lambda: [True, True, False], "Return four times"),
    },
    varies="which run is looked at first",
)
