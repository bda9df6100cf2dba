"""11-which-check: an attack on the Verifier. Which single check refuses it? Prove it by leaving the check out."""

from __future__ import annotations

from typing import Any

from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER, VerifierTestbed
from trustlab.attest import CHECKS
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

ASKED = 3
NAMES = tuple(sorted(ATTACKS_ON_VERIFIER))


def check_that_refuses(attack: str) -> str:
    """Return the name of the one check that refuses this attack: without it, the evidence is accepted.

    `ATTACKS_ON_VERIFIER[attack].attack` has `.needs`, `.steps` and `.why`; `CHECKS` has the names of all checks. To try them:
    `with VerifierTestbed() as bed: shown = ATTACKS_ON_VERIFIER[attack].carry_out(bed)`, and then
    `shown.appraise(without=(name,)).accepted`.
    """
    with VerifierTestbed() as bed:
        shown = ATTACKS_ON_VERIFIER[attack].carry_out(bed)
    for name in CHECKS[1:]:
        if shown.appraise(without=(name,)).accepted:
            return name
    return ""


def _judge(answer: Any, student: Student) -> Ruling:
    told = ""
    for name in student.shuffled("attacks", NAMES)[:ASKED]:
        attack = ATTACKS_ON_VERIFIER[name]
        got = answer(name)
        if got == CHECKS[0]:
            return wrong(f"{CHECKS[0]!r} cannot be left out: what cannot be read cannot be judged. {name} can be read.")
        if got not in CHECKS:
            return wrong(f"{got!r} is not the name of a check. There are: {', '.join(CHECKS[1:])}.")
        with VerifierTestbed() as bed:
            result = attack.carry_out(bed).appraise(without=(got,))
        if not result.accepted:
            return wrong(
                f"{name}: without {got!r} it is still refused, by {result.refused_by!r}. {attack.attack.why}",
                trace=bed.trace,
            )
        told = f"{name}: without {got!r} the relying party believes it. {attack.attack.why}"
    return right(f"All {ASKED}. The last was {told}")


def _signature(attack: str) -> str:
    return "signature" if ATTACKS_ON_VERIFIER[attack].check != "signature" else "extraData"


EXERCISE = Exercise(
    id="11-which-check",
    task="Which single check refuses this attack?",
    hints=(
        "Read what the attack needs and does. Which sentence of the Verifier would be false?",
        "You need not guess: leave out one check, and see whether the evidence is accepted.",
        "Loop over CHECKS, leave out one after the other, and return the first without which the attack is accepted.",
    ),
    judge=_judge,
    solution=check_that_refuses,
    given="from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER, VerifierTestbed\nfrom trustlab.attest import CHECKS",
    wrong={
        "a guess": (_signature, "is still refused"),
        "the first": (lambda attack: "evidence format", "cannot be left out"),
        "a typing error": (lambda attack: "nonce", "is not the name of a check"),
    },
    varies="the attacks",
)
