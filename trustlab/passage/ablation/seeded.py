"""A seed in place of random numbers: the same octets in each run, for everything that we draw ourselves."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SeedError(ValueError):
    """A seed that is neither a whole number nor text; the message shows it."""


def seed_setting(seed: int | str) -> str:
    """Return the setting for a seed; SeedError if it cannot be one."""
    if isinstance(seed, bool) or not isinstance(seed, int | str):
        raise SeedError(f"a seed must be a whole number or text, not {seed!r}")
    return str(seed)


def seeded(seed: int | str, name: str) -> Callable[[int], bytes]:
    """Return a function like `os.urandom` whose octets follow from the seed and the name of the machine.

    It is SHA-256 over seed, name and a counter: nothing drawn from it is secret.
    """
    key = hashlib.sha256(f"{seed_setting(seed)}\0{name}".encode()).digest()
    counter = itertools.count()

    def draw(size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            octets += hashlib.sha256(key + next(counter).to_bytes(8, "big")).digest()
        return octets[:size]

    return draw
