"""09-rollback: accept Bob's Reference Values, version by version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attest import ReferenceValues, ReferenceValuesError, publish, read_published
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

HUGE = 2**53


@dataclass(frozen=True)
class Arrival:
    """A file that arrives: its version, and who signed it."""

    version: int
    by_bob: bool
    should: bool
    story: str


def accept(version: int, signed_by_bob: bool, last: int) -> tuple[bool, int]:  # noqa: FBT001
    """Return (accept, remember): whether to use this file, and the version to remember from now on.

    `version` is what the file says, `signed_by_bob` whether Bob's signature on it verifies, `last` what you remembered
    last time (0 at first).
    """
    if not signed_by_bob or version < last:
        return False, last
    return True, version


def _arrivals(student: Student) -> list[Arrival]:
    first = 3 + student.number("first", 5)
    hole = first - 1 - student.number("hole", first - 1)
    newer = first + 1 + student.number("newer", 3)
    return [
        Arrival(first, by_bob=True, should=True, story="Bob's first file was refused: nothing was known before it."),
        Arrival(
            first, by_bob=True, should=True, story="The same file twice is no rollback. Bob's teller could not restart."
        ),
        Arrival(
            hole,
            by_bob=True,
            should=False,
            story=f"Version {hole} came after {first}, and the image with the hole is good again. Bob did sign it, once.",
        ),
        Arrival(HUGE, by_bob=False, should=False, story="It was not signed by Bob, and you used it."),
        Arrival(
            newer,
            by_bob=True,
            should=True,
            story=f"Version {newer} is Bob's, and new. What did you remember that makes you refuse it?",
        ),
        Arrival(
            first,
            by_bob=True,
            should=False,
            story=f"Version {first} came after {newer}: a rollback to what you had accepted before.",
        ),
    ]


def _verified(arrival: Arrival, bob: Ed25519PrivateKey, alice: Ed25519PrivateKey) -> tuple[int, bool]:
    """Sign the file and read it again: the version it says, and whether Bob's signature verifies."""
    values = ReferenceValues(arrival.version, {b"\x11" * 32: "HyperSafe 1.0"}, {}, {b"\x22" * 32: "bank 1.0"})
    text = publish(values, bob if arrival.by_bob else alice)
    try:
        return read_published(text, [bob.public_key()]).version, True
    except ReferenceValuesError:
        return arrival.version, False


def _judge(answer: Any, student: Student) -> Ruling:
    bob, alice = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    last = 0
    for arrival in _arrivals(student):
        version, signed = _verified(arrival, bob, alice)
        said = answer(version, signed, last)
        if (
            not isinstance(said, tuple)
            or len(said) != 2
            or not isinstance(said[0], bool)
            or not isinstance(said[1], int)
        ):
            return wrong(f"Return (True or False, the version to remember). You returned {said!r}.")
        used, remembered = said
        if used is not arrival.should:
            return wrong(f"Version {version} arrives, and you remembered {last}. {arrival.story}")
        if remembered == HUGE:
            return wrong(
                "Alice sent a file of version 2^53 without Bob's signature. You refused it, and remembered its version: no "
                "update of Bob's will ever be accepted again."
            )
        if used and remembered < version:
            return wrong(f"You accepted version {version} and remembered {remembered}. The next older file will pass.")
        last = remembered
    return right(
        "Never back, the same is fine, and the signature is looked at before anything is remembered. A signature does not "
        "expire by itself: Bob did sign what he has since withdrawn."
    )


EXERCISE = Exercise(
    id="09-rollback",
    task="Accept Bob's Reference Values, version by version.",
    hints=(
        "Three rules: who signed, not older than the last, and what to remember.",
        "The same version again is fine: programs restart.",
        "Look at the signature first. Remember a version only if you accept the file.",
    ),
    judge=_judge,
    solution=accept,
    wrong={
        "another version": (
            lambda version, signed_by_bob, last: (signed_by_bob and (version != last or last == 0), version),
            "no rollback",
        ),
        "only newer": (
            lambda version, signed_by_bob, last: (
                signed_by_bob and version > last,
                max(version, last) if signed_by_bob else last,
            ),
            "The same file twice is no rollback",
        ),
        "any signed": (
            lambda version, signed_by_bob, last: (signed_by_bob, version if signed_by_bob else last),
            "the image with the hole",
        ),
        "remembers first": (
            lambda version, signed_by_bob, last: (signed_by_bob and version >= last, max(version, last)),
            "no update of Bob's will ever be accepted again",
        ),
        "no signature": (
            lambda version, signed_by_bob, last: (version >= last, max(version, last)),
            "not signed by Bob",
        ),
        "forgets": (
            lambda version, signed_by_bob, last: (signed_by_bob and version >= last, last),
            "The next older file will pass",
        ),
        "one value": (lambda version, signed_by_bob, last: signed_by_bob and version >= last, "Return (True or False"),
    },
    varies="the versions",
)
