"""Keeping what happened: the trace as JSON Lines and the packets as a pcapng that opens decrypted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trustlab.capture import write_trace

if TYPE_CHECKING:
    from trustlab.trace import Trace


class Recording(NamedTuple):
    """Where a run was written to."""

    trace: Path
    capture: Path


def record(trace: Trace, folder: str | Path, name: str) -> Recording:
    """Write `name`.jsonl and `name`.pcapng into `folder`, *with* the run's secrets: this is a lab."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Recording(
        trace.save(folder / f"{name}.jsonl", secrets=True),
        write_trace(folder / f"{name}.pcapng", trace),
    )
