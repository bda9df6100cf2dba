"""Claims that measured code makes at run time, and the conditions a Relying Party puts on them."""

from __future__ import annotations

import datetime as dt
import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from trustlab.attest.errors import PolicyError
from trustlab.attest.eventlog import EVENT_CLAIM

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attest.eventlog import EventLog

CONDITION = re.compile(r"\s*([A-Za-z][\w.-]*)\s*(==|!=|>=|<=|>|<)\s*(\S.*?)\s*\Z")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
INTEGER = re.compile(r"-?\d{1,18}\Z", re.ASCII)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`name operator value`: dates (2026-11-01) and integers are ordered, other texts are only equal or not."""

    name: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a condition such as `antivirus.signatures >= 2026-11-01`; PolicyError says what is wrong with it."""
        found = CONDITION.match(text)
        if not found:
            raise PolicyError(f"claims: {text!r} is not of the form 'name >= value'")
        condition = cls(found[1], found[2], found[3])
        if condition.operator not in {"==", "!="} and isinstance(_typed(condition.value), str):
            raise PolicyError(f"claims: {text!r} puts {condition.value!r}, neither date nor integer, in an order")
        return condition

    def holds(self, claimed: str) -> bool:
        """Whether a claimed value meets the condition; False where it is not of the condition's type."""
        wanted, found = _typed(self.value), _typed(claimed)
        return type(wanted) is type(found) and OPERATORS[self.operator](found, wanted)

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value}"


@lru_cache(maxsize=256)
def _typed(text: str) -> dt.date | int | str:
    if DATE.match(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            return text
    return int(text) if INTEGER.match(text) else text


def claims_of(log: EventLog) -> dict[str, str]:
    """Return what the log's claim events say, the last one of a name; what is not `name=value` is left out."""
    claims: dict[str, str] = {}
    for event in log.events:
        name, equals, value = event.data.decode(errors="replace").partition("=")
        if event.event_type == EVENT_CLAIM and equals:
            claims[name] = value
    return claims
