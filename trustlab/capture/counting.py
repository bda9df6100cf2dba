"""Counts in words: `1 UDP packet`, `3 frames of EtherType 0x1234`."""

from __future__ import annotations

import re

_HEAD = re.compile(r"^(.*?)( of | in | \(| without | that | whose | behind | cut |$)")
"""The noun at the head of a phrase, and what follows it."""


def listed(what: str) -> str:
    """Return the plural of a phrase in the singular: its head gets the `s`, and `is` becomes `are`."""
    plural = _HEAD.sub(lambda found: f"{found[1]}s{found[2]}", what, count=1)
    return plural.replace(" that is ", " that are ", 1)


def counted(count: int, what: str) -> str:
    """Return a count of things in words; `what` is the phrase in the singular."""
    return f"1 {what}" if count == 1 else f"{count:,} {listed(what)}"
