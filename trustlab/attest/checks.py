"""What every check is made of: a function from a Case to an Outcome, registered under its name in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.result import FAIL, NOT_DEMANDED, PASS

if TYPE_CHECKING:
    from collections.abc import Callable

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


def not_demanded(sentence: str) -> Outcome:
    """Return that the policy, or this passage, does not ask for this."""
    return Outcome(NOT_DEMANDED, sentence)
