"""09-hole: a policy with one hole. Name a trick that goes through, then close the hole."""

from __future__ import annotations

from typing import Any

from trustlab.attest import AppraisalPolicy, PolicyError
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.passage import DESIGNS
from trustlab.scenarios import third_party

QUICK = DESIGNS["tls13-early"]
"""Carol attests in it, and its keys are made in a tenth of the time that RSA takes."""
TRICKS = ("stale-antivirus", "lying-agent", "posture-drift", "rolled-back-log")
HOLES = (
    'allowed-images = ["carol"]\n',
    'allowed-images = ["carol"]\nclaims = ["antivirus.signatures >= 2026-02-01"]\n',
    'allowed-images = ["carol"]\nclaims = ["antivirus.signatures <= 2026-11-20"]\n',
    'allowed-images = ["carol"]\nclaims = ["antivirus.signatures >= 2025-11-01"]\n',
)
"""Policies of Bob's colleagues. Each lets honest Carol pay, and Carol with old signatures, too."""


def hole(policy: str) -> tuple[str, str]:
    """Return (trick, repaired): a trick that this policy lets pass, and the policy without the hole.

    `policy` is TOML. The tricks: "stale-antivirus", "lying-agent", "posture-drift", "rolled-back-log". The repaired policy
    must still let honest Carol pay, whose signatures are of 2026-11-20; signatures older than 2026-11-01 are too old.
    """
    first = policy.splitlines()[0]
    return "stale-antivirus", f'{first}\nclaims = ["antivirus.signatures >= 2026-11-01"]'


def _judge(answer: Any, student: Student) -> Ruling:
    policy = student.choose("hole", HOLES)
    story = f"The policy: {policy.strip()!r}. "
    said = answer(policy)
    if not isinstance(said, tuple | list) or len(said) != 2 or not all(isinstance(part, str) for part in said):
        return wrong(story + f"Return (trick, repaired policy), two texts. You returned {said!r}."[:250])
    trick, repaired = said
    if trick not in TRICKS:
        return wrong(story + f"There is no trick {trick!r}. Choose from: {', '.join(TRICKS)}.")
    with third_party(trick, policy=policy, design=QUICK) as act:
        outcome = act.run()
    if outcome.outcome == "refused":
        return wrong(
            story
            + f"You say {trick}. It was just played against this policy, and refused by {outcome.refused_by!r}. Try another.",
            look="the bank's red row",
            trace=act.trace,
        )
    try:
        AppraisalPolicy.from_toml(repaired)
    except PolicyError as error:
        return wrong(story + f"Your repaired policy cannot be read: {str(error).rstrip('.')[:200]}.")
    with third_party(policy=repaired, design=QUICK) as act:
        outcome = act.run()
    if outcome.outcome != "completed":
        return wrong(
            story + f"With your repaired policy honest Carol may not pay any more. {outcome.sentence}",
            look="the bank's red row",
            trace=act.trace,
        )
    for other in dict.fromkeys((trick, "stale-antivirus", "posture-drift")):  # measurement stops the others
        with third_party(other, policy=repaired, design=QUICK) as act:
            outcome = act.run()
        if outcome.outcome != "refused":
            return wrong(story + f"Your repaired policy still lets {other} pass: the bank paid.", trace=act.trace)
    return right(
        f"The hole let {trick} pass, and your policy does not. You found it by playing, as whoever attacks you would.",
        trace=act.trace,
    )


EXERCISE = Exercise(
    id="09-hole",
    task="Which trick does this policy let pass, and how do you close the hole?",
    hints=(
        "Two of the tricks are stopped by measurement, whatever the claims say. Which two are not?",
        "Play them: third_party(trick, policy=policy, design=QUICK).run().",
        'Old signatures pass. The repair: claims = ["antivirus.signatures >= 2026-11-01"].',
    ),
    judge=_judge,
    solution=hole,
    given="from trustlab.scenarios import third_party",
    wrong={
        "the liar": (lambda policy: ("lying-agent", policy), "refused by 'reference values'"),
        "the log": (lambda policy: ("rolled-back-log", policy), "refused by 'log equals pcrDigest'"),
        "no repair": (lambda policy: ("stale-antivirus", policy), "still lets stale-antivirus pass"),
        "too strict": (
            lambda policy: (
                "stale-antivirus",
                policy.splitlines()[0] + '\nclaims = ["antivirus.signatures >= 2026-12-01"]',
            ),
            "honest Carol may not pay",
        ),
        "no TOML": (lambda policy: ("stale-antivirus", "newer than November"), "cannot be read"),
        "unknown": (lambda policy: ("old antivirus", policy), "There is no trick"),
    },
    varies="the hole",
)
