"""Keeping what happened: the trace as JSON Lines and the packets as a pcapng that opens decrypted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trustlab.capture import keylog
from trustlab.wire import write_pcapng

if TYPE_CHECKING:
    from trustlab.trace import Trace


class Recording(NamedTuple):
    """Where a run was written to."""

    trace: Path
    capture: Path


def message_comments(trace: Trace) -> dict[tuple[str, int], str]:
    """Return a comment for each frame that carries the beginning of TLS messages: their names."""
    starts: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for event in trace.select("tls.message"):
        if event.sent and event.offset is not None:
            starts.setdefault((event.connection, event.direction), []).append((event.offset, event.name))
    comments = {}
    for frame in trace.select("frame"):
        first, length = frame.offset, frame.data.get("payload_length")
        if first is None or not isinstance(length, int):
            continue
        messages = starts.get((frame.connection, frame.direction), [])
        names = [name for offset, name in messages if first <= offset < first + length]
        if names:
            comments[frame.party, frame.seq] = f"{frame.data['from']} -> {frame.data['to']}: {', '.join(names)}"
    return comments


def record(trace: Trace, folder: str | Path, name: str) -> Recording:
    """Write `name`.jsonl and `name`.pcapng into `folder`, *with* the run's secrets: this is a lab."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Recording(
        trace.save(folder / f"{name}.jsonl", secrets=True),
        write_pcapng(folder / f"{name}.pcapng", trace, keylog=keylog(trace), comments=message_comments(trace)),
    )
