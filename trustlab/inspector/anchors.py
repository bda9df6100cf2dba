"""Names of rows that are the same in every run, for links: `act-2/alice-bank/ServerHello`, `act-2/bank/TPM2_Quote`."""

from __future__ import annotations

import re
from collections import Counter

ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}


class Anchors:
    """Gives each row its name; one that was given before gets a number."""

    def __init__(self) -> None:
        self.act = "run"
        self._given: Counter[str] = Counter()

    def name(self, *words: str) -> str:
        """Return the anchor for these words inside the act."""
        base = "/".join([self.act, *(re.sub(r"[^\w.-]+", "-", word).strip("-") for word in words if word)])
        self._given[base] += 1
        count = self._given[base]
        return base if count == 1 else f"{base}/{count}"


def slug(title: str) -> str:
    """Return a short name of an act: `act-2` for `Act II: ...`, else the words of its title joined."""
    act = re.match(r"Act ([IVX]+)\b", title)
    if act and act[1] in ROMAN:
        return f"act-{ROMAN[act[1]]}"
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "run"
