"""What a terminal sends for a key, as names: `up`, `enter`, `page-down`, or the character itself."""

from __future__ import annotations

import re

_NAMES = {
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down",
    "\x1b[C": "right", "\x1bOC": "right", "\x1b[D": "left", "\x1bOD": "left",
    "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home", "\x1b[7~": "home",
    "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end", "\x1b[8~": "end",
    "\x1b[5~": "page-up", "\x1b[6~": "page-down",
    "\x1b": "escape", "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace",
}  # fmt: skip
_KEY = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b|.", re.DOTALL)
"""A control sequence of ECMA-48, one of the keypad's, a lone escape, or a character."""


def keys(octets: bytes) -> list[str]:
    """Return the keys in what was read at once; sequences of keys that have no name here are left out."""
    found = (_NAMES.get(key, key) for key in _KEY.findall(octets.decode("utf-8", "replace")))
    return [key for key in found if not key.startswith("\x1b") and (len(key) > 1 or key.isprintable())]
