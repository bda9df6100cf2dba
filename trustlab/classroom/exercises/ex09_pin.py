"""09-pin: tell Bob's genuine machine from Alice's genuine machine."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from trustlab.attacks.verifier import VerifierTestbed
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import policy_in


def pinned(ek_key: bytes) -> str:
    """Return a policy in TOML that accepts one machine and no other.

    `ek_key` is the SHA-256 of the public endorsement key (EK) of Bob's machine, 32 bytes. The line is called ek-keys, and
    wants a list of such digests in hex.
    """
    return f'ek-keys = ["{ek_key.hex()}"]'


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - fresh TPMs each time
    with VerifierTestbed() as bed:
        mine, other = bed.machine("Bob's").boot(), bed.machine("Alice's").boot()
        text = answer(mine.ek_key)
        demanded = policy_in(text)
        if isinstance(demanded, Ruling):
            return demanded
        demanded = msgspec.structs.replace(demanded, key_attestation=False)
        honest = bed.present(mine.evidence(bed.binder), policy=demanded).appraise()
        if not honest.accepted:
            return wrong(
                f"You refuse Bob's own machine, by the check {honest.refused_by!r}. Is it the digest of its EK's public key?",
                trace=bed.trace,
            )
        result = bed.present(other.evidence(bed.binder), policy=demanded).appraise()
    if result.accepted:
        return wrong(
            "A genuine machine of Alice's, with the very same image, passes. All checks are green, and all are right: they say "
            "what it is, and not which one.",
            trace=bed.trace,
        )
    return right(
        f"Refused, by {result.refused_by!r}. Without the pin she wins on every rung of the ladder: no binder tells two genuine "
        "machines apart.",
        trace=bed.trace,
    )


EXERCISE = Exercise(
    id="09-pin",
    task="Accept Bob's machine, and no other genuine one.",
    hints=(
        "What is different in the TPMs of two machines with the same software?",
        "The endorsement key: born in the chip, certified by its maker. The policy's line is called ek-keys.",
        'ek-keys = ["..."] with the digest in hex: ek_key.hex()',
    ),
    judge=_judge,
    solution=pinned,
    wrong={
        "any machine": (
            lambda ek_key: "ek-policy = true" if not ek_key else "ak-policy = true",
            "A genuine machine of Alice's",
        ),
        "the image": (lambda ek_key: 'allowed-images = ["bank 1.0"]', "A genuine machine of Alice's"),
        "another digest": (lambda ek_key: f'ek-keys = ["{hashlib.sha256(ek_key).hexdigest()}"]', "Bob's own machine"),
        "the old name": (lambda ek_key: f'ek-digests = ["{ek_key.hex()}"]', "cannot be read"),
        "bytes": (lambda ek_key: f"ek-keys = [{ek_key!r}]", "cannot be read"),
    },
    varies="fresh TPMs each time",
)
