"""A recorded run to look at before anything starts: Act I between virtual machines, as `make recorded` kept it."""

from __future__ import annotations

from pathlib import Path

from trustlab.trace import Trace

RECORDED = Path(__file__).parent / "static" / "recorded.jsonl.gz"


def recorded() -> Trace:
    """Return the recording. Its title and its badge say that it is one; nothing is started to show it."""
    return Trace.load(RECORDED)
