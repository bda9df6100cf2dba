"""A real TPM through the kernel: `device:/dev/tpmrm0`.

The kernel's resource manager sends at locality 0 only and starts no DRTM, so keys are bound to the firmware's PCRs
(0, 2, 4, 7) without a locality: whoever controls the operating system can have the AK quote anything (the quote
oracle is open).
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import time
from typing import TYPE_CHECKING, Self

from trustlab.tpm.errors import TpmDead, TpmError, TpmProtocolError, TpmStartError, TpmTimeout
from trustlab.tpm.transport import DEFAULT_TIMEOUT, MAX_RESPONSE

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEME = "device:"


def _open(path: str) -> int:
    """Open a character device, or connect to a socket behind which an emulator stands in for one."""
    mode = os.stat(path).st_mode  # noqa: PTH116 - one call, no object
    if stat.S_ISSOCK(mode):
        with socket.socket(socket.AF_UNIX) as stand_in:
            stand_in.connect(path)
            return stand_in.detach()
    if not stat.S_ISCHR(mode):
        raise TpmStartError(f"{path} is not a TPM: it is neither a character device nor an emulator's socket")
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


HINTS = {
    errno.ENOENT: "this machine has no TPM there (see `ls /dev/tpm*`); leave the TPM's name out to use the emulator",
    errno.EACCES: "only the group 'tss' may open it: run `sudo usermod -aG tss $USER`, then log in again",
    errno.EPERM: "this container is not allowed to use the host's devices",
    errno.EBUSY: "another program has it open; use /dev/tpmrm0, which can be shared",
    errno.ENXIO: "the kernel has no TPM behind it; leave the TPM's name out to use the emulator",
    errno.ENODEV: "the kernel has no TPM behind it; leave the TPM's name out to use the emulator",
    errno.ECONNREFUSED: "the emulator behind this socket has ended",
}
"""What to do about a device that cannot be opened."""


class DeviceTpm:
    """A TPM behind a character device: each write is one command, each read one response (Linux tpm(4)).

    `opener` returns a descriptor for the path; tests put an emulator's socket behind it.
    """

    emulated = False
    queues = False

    def __init__(self, path: str = "/dev/tpmrm0", *, opener: Callable[[str], int] = _open) -> None:
        self.path = path
        self._opener = opener
        self._descriptor: int | None = None
        self._waiting = False
        self.came = 0.0

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Make one from `device:/dev/tpmrm0`, as on the command line; TpmStartError for another scheme."""
        if not name.startswith(SCHEME) or name == SCHEME:
            raise TpmStartError(
                f"'{name}' is not the name of a TPM: write swtpm for an emulator, or {SCHEME}/dev/tpmrm0"
            )
        return cls(name.removeprefix(SCHEME))

    def __repr__(self) -> str:
        return f"<DeviceTpm {self.path}, {'closed' if self._descriptor is None else 'open'}>"

    def start(self) -> Self:
        """Open the device; TpmStartError says why it cannot be opened."""
        if self._descriptor is not None:
            raise TpmStartError(f"{self.path} is open already")
        try:
            self._descriptor = self._opener(self.path)
        except OSError as error:
            hint = HINTS.get(error.errno or 0, "")
            raise TpmStartError(f"cannot open {self.path}: {error.strerror or error}{hint and f' ({hint})'}") from error
        return self

    def send(self, command: bytes, timeout: float = DEFAULT_TIMEOUT, *, behind: bool = False) -> None:  # noqa: ARG002
        """Write one command; the kernel takes none `behind` another."""
        descriptor = self._opened()
        if self._waiting:
            raise self._fail(TpmDead(f"{self.path}: an earlier command was interrupted before its answer came"))
        self._waiting = True
        if not select.select([], [descriptor], [], timeout)[1]:
            raise self._fail(TpmTimeout(f"{self.path} accepted no command within {timeout:g} s"))
        try:
            written = os.write(descriptor, command)
        except OSError as error:
            raise self._fail(TpmDead(f"{self.path} took no command: {error.strerror}")) from error
        if written != len(command):
            raise self._fail(TpmDead(f"{self.path} took {written} of {len(command)} octets"))

    def receive(self, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Read one response; a device gives it in one piece."""
        descriptor = self._opened()
        deadline = time.monotonic() + timeout
        response = b""
        while len(response) < 10 or len(response) < int.from_bytes(response[2:6], "big"):
            if not select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise self._fail(TpmTimeout(f"{self.path} gave no answer within {timeout:g} s"))
            try:
                part = os.read(descriptor, MAX_RESPONSE)
            except OSError as error:
                raise self._fail(TpmDead(f"{self.path} gave no answer: {error.strerror}")) from error
            if not part:
                raise self._fail(TpmDead(f"{self.path} gave no answer: it was closed"))
            response += part
        if len(response) != int.from_bytes(response[2:6], "big"):
            raise self._fail(
                TpmProtocolError(f"{self.path} gave {len(response)} octets, but its header announces another length")
            )
        self._waiting = False
        self.came = time.time()
        return response

    def set_locality(self, locality: int, timeout: float = 0) -> None:  # noqa: ARG002 - the emulator's signature
        """Accept only locality 0, which is where the kernel sends."""
        if locality:
            raise TpmError(f"{self.path}: the kernel sends commands at locality 0 only")

    def launch(self, code: bytes) -> None:  # noqa: ARG002
        """Refuse: a DRTM launch is the CPU's to do."""
        raise TpmError(f"{self.path}: only the CPU can make a real DRTM launch, not a program")

    def stop(self) -> None:
        descriptor, self._descriptor, self._waiting = self._descriptor, None, False
        if descriptor is not None:
            os.close(descriptor)

    close = stop

    def _opened(self) -> int:
        if self._descriptor is None:
            raise TpmDead(f"{self.path} is not open")
        return self._descriptor

    def _fail(self, error: TpmError) -> TpmError:
        """Close: an answer that comes late must never be taken for the answer to the next command."""
        self.stop()
        return error
