"""Functions of this process as a guest's program: the program is a line of source that fetches them here.

An image holds source text, and a virtual machine gets nothing else. In memory all machines share one process, so a
student's function can be played as it is, with the helpers and variables of its notebook.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest

_numbers = count(1)
_held: dict[int, tuple[Callable[[Guest], None], ...]] = {}


def hold(start: Callable[[Guest], None], afterwards: Callable[[Guest], None] | None = None) -> str:
    """Keep functions, and return the source of a program that fetches them."""
    number = next(_numbers)
    functions = (start,) if afterwards is None else (start, afterwards)
    _held[number] = functions
    names = ("start", "afterwards")[: len(functions)]
    return f"from trustlab.attacks.live import held\n\n{', '.join(names)}{',' * (len(names) == 1)} = held({number})\n"


def held(number: int) -> tuple[Callable[[Guest], None], ...]:
    """Return functions that were kept. LookupError in another process."""
    if number not in _held:
        raise LookupError("this program is a function of another process: give its source text (Attack.from_source)")
    return _held[number]
