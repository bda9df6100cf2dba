"""Small things that everybody who draws rows needs: signs, texts out of events, octets compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.inspector.document import Mark
    from trustlab.trace import TraceEvent

MARKS: dict[str, Mark] = {"pass": "pass", "fail": "fail", "accepted": "pass", "refused": "fail"}
SIGNS: dict[str, str] = {"pass": "✔", "fail": "✘", "none": "○", "": ""}
CROWD = 6
"""How many lifelines fit beside one another. Of more hosts, clients stand left and servers right."""


def text_of(event: TraceEvent, key: str = "sentence") -> str:
    """Return a text that an event's data may hold; an old or foreign trace may lack it."""
    value = event.data.get(key)
    return value if isinstance(value, str) else ""


def number_of(value: Any, otherwise: int = 0) -> int:  # noqa: ANN401 - whatever stands in an event's data
    """Return a whole number that an event's data may hold."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


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


def count(number: int, what: str) -> str:
    """Return a count in words: `1 byte`, `2,048 bytes`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def joined(words: Iterable[str]) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


PARTIES = {"alice": "Alice", "bob": "Bob", "carol": "Carol"}


def the(party: str) -> str:
    """Return a party as a sentence names it: `the bank`, `Alice`; an address stays as it is."""
    if party in PARTIES:
        return PARTIES[party]
    return f"the {party}" if party.isalpha() else party


def cap(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def count_of_bytes(count: int) -> str:
    """Return a count of bytes in words."""
    return "1 byte" if count == 1 else f"{count:,} bytes"
