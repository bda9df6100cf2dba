"""What one student has done, in one file beside the notebooks: kept after each check, restored by the first cell.

Several notebooks may be open at once, each with a kernel of its own. So a change is made to what the file holds at that
moment, under a lock, and the file is replaced whole. If nothing can be written, progress lives in memory alone, and is
said to.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trustlab.classroom.exercise import ClassroomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILE = "trustlab-progress.json"
LARGEST = 8 << 20
VERSION = 1


class Done(msgspec.Struct, omit_defaults=True):
    """What somebody has done in one exercise."""

    attempts: int = 0
    right: bool = False
    token: str = ""
    hints: int = 0
    answer: str = ""
    """The last answer as source text; of a right one it stays until a newer one is right."""
    sentence: str = ""
    predictions: list[str] = []


class KeptProgress(msgspec.Struct):
    """The file's content."""

    trustlab_progress: int = VERSION
    student: str = ""
    exercises: dict[str, Done] = {}

    def of(self, exercise: str) -> Done:
        """Return what was done in an exercise; it is made if it is not there yet."""
        return self.exercises.setdefault(exercise, Done())


def read(path: Path) -> KeptProgress:
    """Read a file of progress. ClassroomError says why it is none."""
    try:
        with path.open("rb") as file:
            octets = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "no reason is known").lower()
        raise ClassroomError(f"the progress in {path} cannot be read ({reason})") from error
    try:
        record = msgspec.json.decode(octets if len(octets) <= LARGEST else b"", type=KeptProgress)
    except ValueError as error:
        raise ClassroomError(
            f"{path} is not progress that this classroom saved: move it away, or put a good copy in its place"
        ) from error
    if record.trustlab_progress > VERSION:
        raise ClassroomError(f"{path} was saved by a newer trustlab: update trustlab, or move the file away")
    return record


class Progress:
    """One student's progress, in memory and in a file of `folder`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.record = KeptProgress()
        self.trouble = ""
        """Why nothing is kept on disk; empty if it is."""

    def restore(self) -> bool:
        """Take what the file holds; return whether there was one."""
        if not self.path.exists():
            return False
        self.record = read(self.path)
        return True

    def change(self, what: Callable[[KeptProgress], None]) -> None:
        """Make a change to what the file holds now, and keep it. What is in the way stands in `trouble` then."""
        self.trouble = ""
        try:
            with self._alone():
                try:
                    if self.path.exists():
                        self.record = read(self.path)
                finally:
                    what(self.record)
                self._write()
        except ClassroomError as error:
            self.trouble = f"Your progress is not kept: {error}."
        except OSError as error:
            reason = (error.strerror or "no reason is known").lower()
            self.trouble = f"Your progress is not kept: nothing can be written to {self.path.parent} ({reason})."

    def put_away(self) -> Path | None:
        """Begin anew; return where the old file is now, None if there was none."""
        self.record = KeptProgress(student=self.record.student)
        old = self.path.with_suffix(".old.json")
        try:
            with self._alone():
                self.path.replace(old)
        except OSError:
            return None
        return old

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other kernels away meanwhile. The folder is what is locked, so nothing is left lying there."""
        descriptor = None
        with contextlib.suppress(OSError):  # some network file systems have no locks, and a folder may be gone
            descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _write(self) -> None:
        octets = msgspec.json.format(msgspec.json.encode(self.record), indent=1)
        descriptor, half = tempfile.mkstemp(prefix=".trustlab-", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(octets + b"\n")
            Path(half).replace(self.path)
        except OSError:
            Path(half).unlink(missing_ok=True)
            raise
