"""The processes below one, by /proc."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> dict[int, str]:
    """The processes under a process, theirs too, each with its name; what has ended is left out."""
    parents: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (path / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if state != "Z":
            parents[int(path.name)] = (int(parent), name)
    found: dict[int, str] = {}
    new = {pid}
    while new:
        new = {one for one, (parent, _) in parents.items() if parent in new}
        found |= {one: parents[one][1] for one in new}
    return found
