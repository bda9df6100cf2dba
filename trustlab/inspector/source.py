"""What may be inspected: a trace, an act, or the path of a file that holds one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.capture import CaptureError, decode_pcapng
from trustlab.trace import Trace, TraceFormatError

if TYPE_CHECKING:
    from trustlab.trace import Controller

PCAPNG = bytes.fromhex("0a0d0d0a")
WANTED = "give a Trace, an act, or the path of a trace (.jsonl) or a capture (.pcapng)"


def trace_of(source: object) -> tuple[Trace, Controller | None]:
    """Return the trace of a source and, if it is an act that can still be steered, its controller.

    ValueError says in a sentence what the source cannot be, or why its file cannot be read.
    """
    if isinstance(source, Trace):
        return source, None
    if isinstance(source, str | Path):
        return _read(Path(source)), None
    trace = getattr(source, "trace", None)
    if isinstance(trace, Trace):
        over = getattr(source, "outcome", None) is not None
        return trace, None if over else getattr(source, "controller", None)
    what = "None" if source is None else f"a {type(source).__name__}"
    raise ValueError(f"{what} cannot be inspected: {WANTED}")


def _read(path: Path) -> Trace:
    try:
        with path.open("rb") as file:
            begins = file.read(4)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return decode_pcapng(path) if begins == PCAPNG else Trace.load(path)
    except (CaptureError, TraceFormatError) as error:
        raise ValueError(str(error)) from error
