"""What a page makes of a batch's half of the frame."""

from __future__ import annotations

from typing import Any


def reframed(frame: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """Return a frame, in JSON values, after a batch."""
    changed = {**frame, **batch["frame"]}
    for splice in batch["lists"]:
        before = frame[splice["name"]]
        head, tail = splice["head"], splice["tail"]
        assert head + tail <= len(before), "a batch left a gap in a list of the frame"
        changed[splice["name"]] = [*before[:head], *splice["items"], *before[len(before) - tail :]]
    return changed
