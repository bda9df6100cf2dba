"""09-policy: Bob's policy for whoever wants to pay at his bank."""

from __future__ import annotations

import re
from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import policy_in
from trustlab.passage import DESIGNS
from trustlab.scenarios import third_party

QUICK = DESIGNS["tls13-early"]
"""Carol attests in it, and its keys are made in a tenth of the time that RSA takes."""
OLDEST = "2026-11-01"
"""The date of the oldest signatures that may pay."""
TRICKS = {
    "stale-antivirus": "Carol's signatures are of 2026-03-01. Her own measured agent says so",
    "lying-agent": "Carol changed the agent so that it claims another date. That makes it another image",
    "posture-drift": "The signatures were current at the first payment and old at the second, on evidence taken anew",
    "rolled-back-log": "Carol's root VM rewrote the claim in the log on its way out",
}


def policy() -> str:
    """Return Bob's policy in TOML: only Carol's image may pay, with antivirus signatures of 2026-11-01 or newer.

    Two lines are enough: allowed-images = ["..."], and claims = ["name >= value"]. The image is called carol, the claim
    antivirus.signatures, and dates are compared as text.
    """
    return 'allowed-images = ["carol"]\nclaims = ["antivirus.signatures >= 2026-11-01"]'


def _asked(text: str) -> str:
    found = re.search(r'"([^"]*[<>=][^"]*)"', text)
    return f"your policy asks for no more than {found[1]!r}" if found else "your policy does not ask for any claim"


def _judge(answer: Any, student: Student) -> Ruling:
    text = answer()
    demanded = policy_in(text)
    if isinstance(demanded, Ruling):
        return demanded
    with third_party(policy=text, design=QUICK) as act:
        outcome = act.run()
    if outcome.outcome != "completed":
        return wrong(
            f"Honest Carol, with signatures of 2026-11-20, may not pay. {outcome.sentence}",
            look="the bank's red row",
            trace=act.trace,
        )
    for trick in student.shuffled("order", list(TRICKS)):
        with third_party(trick, policy=text, design=QUICK) as act:
            outcome = act.run()
        if outcome.outcome != "refused":
            return wrong(
                f"{trick}: the bank paid. {TRICKS[trick]}; and {_asked(text)}.",
                look="the check 'claims' in the bank's green row",
                trace=act.trace,
            )
    strict = next((c for c in demanded.conditions if c.name == "antivirus.signatures" and not c.holds(OLDEST)), None)
    if strict is not None:
        return wrong(
            f"A customer whose signatures are of {OLDEST} should pay, and could not: your policy asks for {str(strict)!r}.",
            trace=act.trace,
        )
    if tuple(demanded.allowed_images) != ("carol",):
        return wrong(
            "Honest Carol pays, and all four tricks are refused. But your policy would let any image that Bob published pay, "
            "also his own teller: name Carol's."
        )
    return right(
        "Honest Carol pays; four tricks are refused. Some by the claim, some by measurement: a claim is worth as much as the "
        "software that makes it.",
        trace=act.trace,
    )


EXERCISE = Exercise(
    id="09-policy",
    task="Write Bob's policy for whoever wants to pay.",
    hints=(
        "A policy says two things here: which software may speak, and what that software must say.",
        "The claim is called antivirus.signatures. Dates are compared as text, so write 2026-11-01, not 1.11.2026.",
        'allowed-images = ["carol"]   and   claims = ["antivirus.signatures >= 2026-11-01"]',
    ),
    judge=_judge,
    solution=policy,
    wrong={
        "no claim": (lambda: 'allowed-images = ["carol"]', "does not ask for any claim"),
        "too old a date": (
            lambda: 'allowed-images = ["carol"]\nclaims = ["antivirus.signatures >= 2026-01-01"]',
            "asks for no more than",
        ),
        "exactly": (lambda: 'claims = ["antivirus.signatures == 2026-11-01"]', "Honest Carol"),
        "the other way round": (
            lambda: 'allowed-images = ["carol"]\nclaims = ["antivirus.signatures <= 2026-11-01"]',
            "Honest Carol",
        ),
        "the wrong image": (
            lambda: 'allowed-images = ["bank"]\nclaims = ["antivirus.signatures >= 2026-11-01"]',
            "Honest Carol",
        ),
        "the wrong name": (lambda: 'claims = ["antivirus >= 2026-11-01"]', "Honest Carol"),
        "too new a date": (
            lambda: 'allowed-images = ["carol"]\nclaims = ["antivirus.signatures >= 2026-11-20"]',
            "should pay, and could not",
        ),
        "any image": (lambda: 'claims = ["antivirus.signatures >= 2026-11-01"]', "name Carol's"),
        "no TOML": (lambda: "claims: antivirus", "cannot be read"),
        "a typing error": (lambda: 'allowed-image = ["carol"]', "cannot be read"),
    },
    varies="the order of the tricks",
)
