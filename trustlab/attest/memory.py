"""What a Relying Party remembers from one passage to the next: the last versions it accepted, and each machine's boot.

Versions are those of the Reference Values and of the revocation list. All of it only goes forward. It stands in a
small JSON file that survives the process. A lock on its folder lets one process at a time read, compare and write, so
that two which accept at once cannot undo each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.errors import ReferenceValuesError
from trustlab.octets import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.attest.result import BootCounters

LOCK_SECONDS = 10.0
"""How long one process waits for another one's turn."""
EARLIER = 32
"""How many earlier launches of a machine are remembered."""
IN_A_FOLDER = "memory.json"


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last boot of one machine; digests of launch nonces in hex, `earlier` those of launches before the last."""

    reset_count: int
    restart_count: int
    launch: str = ""
    earlier: tuple[str, ...] = ()

    def problem(self, now: BootCounters) -> str:
        """Say why a boot is no later one than this; empty if it is."""
        if now.launch and now.launch.hex() in self.earlier:
            return "This machine was launched again since: evidence of a later launch was accepted before."
        if (now.reset_count, now.restart_count) < (self.reset_count, self.restart_count):
            return (
                "The machine's counters went back since its last accepted evidence: its TPM was cleared, or this is an "
                "earlier boot. If its owner cleared it, take the machine out of the memory file."
            )
        return ""

    def then(self, now: BootCounters) -> Remembered:
        """Return what to remember once `now` was accepted."""
        launch = now.launch.hex()
        earlier = self.earlier
        if self.launch and launch != self.launch:
            earlier = (*earlier, self.launch)[-EARLIER:]
        return Remembered(now.reset_count, now.restart_count, launch, earlier)


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int = 0
    revocations: int = 0
    machines: dict[str, Remembered] = {}


class Memory:
    """The memory in a file, or in the folder that is given.

    ReferenceValuesError if it cannot be read or written: forgetting would be the rollback that it is there to prevent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path / IN_A_FOLDER if path.is_dir() else path

    @property
    def last(self) -> int:
        """The highest version accepted so far; 0 before the first."""
        return self._read().version

    @property
    def last_list(self) -> int:
        """The highest version of a revocation list by which evidence was accepted; 0 before the first."""
        return self._read().revocations

    def boot_of(self, machine: bytes) -> Remembered | None:
        """Return the last accepted boot of a machine; None if it is not known yet."""
        return self._read().machines.get(machine.hex())

    def remember(self, version: int) -> None:
        """Note that a version was accepted; a lower one than before changes nothing."""
        with self._alone():
            known = self._read()
            if version > known.version:
                self._write(msgspec.structs.replace(known, version=version))

    def accept(self, version: int, machine: bytes, boot: BootCounters, revocations: int = 0) -> str:
        """Note what was accepted, or say what has gone back: another process may have accepted something meanwhile.

        `revocations` is the version of the revocation list it was judged by, 0 if there was none.
        """
        with self._alone():
            known = self._read()
            if version < known.version:
                return f"Version {known.version} of the Reference Values was accepted meanwhile."
            if 0 < revocations < known.revocations:
                return f"Version {known.revocations} of the revocation list was used meanwhile."
            before = known.machines.get(machine.hex())
            if before is not None and (problem := before.problem(boot)):
                return problem
            launch = boot.launch.hex()
            after = before.then(boot) if before else Remembered(boot.reset_count, boot.restart_count, launch)
            content = _Content(version, max(revocations, known.revocations), {**known.machines, machine.hex(): after})
            if content != known:
                self._write(content)
        return ""

    def _read(self) -> _Content:
        try:
            found = msgspec.json.decode(read_file(self.path), type=_Content | int)
        except FileNotFoundError:
            return _Content()
        except (OSError, msgspec.MsgspecError) as error:
            why = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not a memory of ours"
            raise ReferenceValuesError(f"{self.path}: what was accepted last cannot be read ({why})") from error
        return _Content(found) if isinstance(found, int) else found

    def _write(self, content: _Content) -> None:
        """Replace the file: all or nothing, a crash leaves the old memory or the new."""
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(content))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ReferenceValuesError:
        why = (error.strerror or "no reason is known").lower()
        return ReferenceValuesError(f"{self.path}: what was accepted cannot be remembered there ({why})")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock; it ends with the process that holds it."""
        try:
            descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            until = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise ReferenceValuesError(
                            f"{self.path}: another process has held its lock for {LOCK_SECONDS:g} seconds"
                        ) from None
                    time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)


class VersionMemory(Memory):
    """A memory of which only the version is used: hand `last` to the Verifier as `last_reference_version`.

    `remember` a version once evidence was accepted by it.
    """
