"""Texts that come again and again, each kept once and named by its number."""

from __future__ import annotations


class Texts:
    """The texts of a document in the order in which they came; number 0 is the empty text."""

    def __init__(self) -> None:
        self.all: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        """Return the number of a text, which is kept if it is new."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.all)
            self.all.append(text)
        return number
