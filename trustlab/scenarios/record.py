"""Save a run: the trace as JSON Lines, and the packets as a pcapng that opens decrypted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trustlab.capture import write_trace

if TYPE_CHECKING:
    from trustlab.trace import Trace


class Recording(NamedTuple):
    """The files to which a run was written."""

    trace: Path
    capture: Path


def writable_folder(name: str | Path) -> Path:
    """Return a folder to keep things in: `name`, or a temporary one, with a sentence, if nothing can be written there.

    A notebook may lie in a folder that its reader cannot write to, and is to run to its end all the same.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        other = Path(tempfile.mkdtemp(prefix="trustlab-out-"))
        reason = (error.strerror or "no reason is known").lower()
        print(f"Nothing can be written to {folder.absolute()} ({reason}), so everything goes to {other}.")  # noqa: T201
        return other


def record(trace: Trace, folder: str | Path, name: str) -> Recording:
    """Write `name`.jsonl and `name`.pcapng into `folder`, *with* the run's secrets: this is a lab.

    A file gets its name only when it is complete. OSError if it cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    final = Recording(folder / f"{name}.jsonl", folder / f"{name}.pcapng")
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as unfinished:
        begun = Path(unfinished)
        trace.save(begun / "trace", secrets=True).replace(final.trace)
        write_trace(begun / "capture", trace).replace(final.capture)
    return final
