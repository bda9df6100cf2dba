"""What every picture of a trace is made of: rows, and the octets behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from trustlab.explain import fields_of
from trustlab.trace import Span  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from trustlab.trace import TraceEvent

Kind = Literal[
    "section",
    "connect",
    "message",
    "tpm",
    "machine",
    "attack",
    "binder",
    "verdict",
    "appraisal",
    "app",
    "truth",
    "event",
]
Mark = Literal["", "pass", "fail", "none"]

MARKS: dict[str, Mark] = {"pass": "pass", "fail": "fail", "accepted": "pass", "refused": "fail"}
SIGNS: dict[str, str] = {"pass": "✔", "fail": "✘", "none": "○", "": ""}


class RowPart(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Octets behind a row, with their named fields: a message, a command, a response.

    `hex` is lower-case, two digits an octet. `secret` marks private plaintext; such parts exist only where secrets
    were asked for.
    """

    title: str
    hex: str
    spans: tuple[Span, ...] = ()
    secret: bool = False


class LadderRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the ladder.

    `at` is the lifeline it stands on and `to`, for arrows, the lifeline it leads to. `id` is its place in `Ladder.rows`
    and stays the same while the row grows. `mark` is a judgement, if the row is one, and `section` the number of
    narrations before it. `meta` holds what only this kind of row has;
    `events` are the (party, seq) of the events it was made from.
    """

    id: int
    kind: Kind
    at: str = ""
    to: str = ""
    name: str = ""
    text: str = ""
    mark: Mark = ""
    connection: str = ""
    direction: str = ""
    offset: int | None = None
    size: int = 0
    section: int = 0
    time: float = 0.0
    parts: list[RowPart] = msgspec.field(default_factory=list)
    meta: dict[str, Any] = msgspec.field(default_factory=dict)
    events: list[tuple[str, int]] = msgspec.field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the row in JSON values, empty fields left out."""
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result


def part_of(event: TraceEvent, title: str, *, secret: bool = False) -> RowPart:
    """Return the octets of an event, and all their fields."""
    return RowPart(title=title, hex=event.raw.hex(), spans=fields_of(event), secret=secret)


def text_of(event: TraceEvent, key: str = "sentence") -> str:
    """Return a text that an event's data may hold; an old or foreign trace may lack it."""
    value = event.data.get(key)
    return value if isinstance(value, str) else ""


def sign(mark: str) -> str:
    """Return the sign that says the same as the colour of a mark."""
    return SIGNS.get(mark, "")


class Difference(msgspec.Struct, frozen=True):
    """How found octets differ from expected ones; `first` is None when they are equal."""

    octets: tuple[int, ...]
    first: int | None
    length: int


def difference(expected: str, found: str) -> Difference:
    """Compare two octet strings in hex; a missing octet counts as a differing one."""
    a, b = _octets(expected), _octets(found)
    length = max(len(a), len(b))
    octets = tuple(n for n in range(length) if a[n : n + 1] != b[n : n + 1])
    return Difference(octets, octets[0] if octets else None, length)


def _octets(text: str) -> list[str]:
    return [text[n : n + 2] for n in range(0, len(text), 2)]


def octets(count: int) -> str:
    """Return a count of octets in words."""
    return "1 octet" if count == 1 else f"{count:,} octets"
