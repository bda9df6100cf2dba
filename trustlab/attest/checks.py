"""What every check is made of: a function from a Case to an Outcome, registered under its name in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.errors import shown
from trustlab.attest.result import FAIL, NOT_DEMANDED, PASS

if TYPE_CHECKING:
    from trustlab.attest.case import Case


class Outcome(msgspec.Struct, frozen=True):
    """A check's verdict with the octets it compared."""

    verdict: str
    sentence: str
    expected: bytes = b""
    found: bytes = b""
    fields: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check: `judge` may rely on the Case being well-formed and on nothing else."""

    name: str
    clause: str
    judge: Callable[[Case], Outcome]


def passed(sentence: str, expected: bytes = b"", found: bytes | None = None) -> Outcome:
    """Return a pass; what was found is what was expected unless given."""
    return Outcome(PASS, sentence, expected, expected if found is None else found)


def failed(sentence: str, expected: bytes = b"", found: bytes = b"") -> Outcome:
    """Return a fail."""
    return Outcome(FAIL, sentence, expected, found)


SAID = 400
"""At most so many characters of what a check of somebody's own says are shown."""
Judge = Callable[["Case"], "str | None"]
"""A check of somebody's own: None if all is well, or a sentence that says what is not."""


def judged_by(judge: Judge) -> Callable[[Case], Outcome]:
    """Return a check of somebody's own as one of ours; anything but None or a sentence refuses."""

    def outcome(case: Case) -> Outcome:
        said = judge(case)
        if said is None:
            return passed("This check, which is not one of the Verifier's own, finds nothing wrong.")
        if not isinstance(said, str) or not said:
            return failed(f"This check returned {shown(repr(said))}: it should return None or a sentence.")
        return failed(shown(said, SAID))

    return outcome


def not_demanded(sentence: str) -> Outcome:
    """Return that the policy, or this passage, does not ask for this."""
    return Outcome(NOT_DEMANDED, sentence)
