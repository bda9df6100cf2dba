"""What a check is made of: a function from an Appraisal to a CheckOutcome, listed under its name and clause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.errors import shown
from trustlab.attest.result import FAIL, NOT_DEMANDED, PASS

if TYPE_CHECKING:
    from trustlab.attest.appraisal import Appraisal


class CheckOutcome(msgspec.Struct, frozen=True):
    """A check's verdict with the octets it compared."""

    verdict: str
    sentence: str
    expected: bytes = b""
    found: bytes = b""
    fields: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A named check: `judge` may rely on the Appraisal being well-formed and on nothing else."""

    name: str
    clause: str
    judge: Callable[[Appraisal], CheckOutcome]


def passed(sentence: str, expected: bytes = b"", found: bytes | None = None) -> CheckOutcome:
    """Return a pass; what was found is what was expected unless given."""
    return CheckOutcome(PASS, sentence, expected, expected if found is None else found)


def failed(sentence: str, expected: bytes = b"", found: bytes = b"") -> CheckOutcome:
    return CheckOutcome(FAIL, sentence, expected, found)


SAID = 400
"""At most so many characters of what a check of somebody's own says are shown."""
Judge = Callable[["Appraisal"], "str | None"]
"""A check of somebody's own: None if all is well, or a sentence that says what is not."""


def judged_by(judge: Judge) -> Callable[[Appraisal], CheckOutcome]:
    """Return a check of somebody's own as one of ours; anything but None or a sentence refuses."""

    def outcome(appraisal: Appraisal) -> CheckOutcome:
        said = judge(appraisal)
        if said is None:
            return passed("This check, which is not one of the Verifier's own, finds nothing wrong.")
        if not isinstance(said, str) or not said:
            return failed(f"This check returned {shown(repr(said))}: it should return None or a sentence.")
        return failed(shown(said, SAID))

    return outcome


def not_demanded(sentence: str) -> CheckOutcome:
    """Return that the policy, or this passage, does not ask for this."""
    return CheckOutcome(NOT_DEMANDED, sentence)
