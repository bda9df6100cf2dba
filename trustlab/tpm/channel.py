"""One socket to the emulator's process: questions, and their answers in the same order, each within a bound.

A lost, late or interrupted answer ends the channel for good: what comes afterwards could be taken for the answer to
another question.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

from trustlab.tpm.errors import TpmDead, TpmError, TpmTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

_SO_TIMESTAMPNS = 35
"""The kernel notes when each message came (socket(7)); Python has no name for it."""
_TIMESPEC = struct.Struct("qq")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)


class Channel:
    """Our end of a socketpair. `failed` is told of the first failure and returns the error to raise.

    `came` is when the last octets of an answer came, in seconds since 1970: by the kernel's own note where the socket
    keeps the borders between messages, else when they were read.
    """

    def __init__(
        self, end: socket.socket, failed: Callable[[TpmError], TpmError], last_words: Callable[[], str]
    ) -> None:
        self._end = end
        self._failed = failed
        self._last_words = last_words
        self._owed = ""
        self._answers = 0
        self._timeout = 0.0
        self._began = 0.0
        self.came = 0.0
        with contextlib.suppress(OSError):  # a sandbox's kernel may not know it: then times are those of reading
            end.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        self._end.close()

    def ask(self, octets: bytes, what: str, timeout: float, *, behind: bool = False) -> None:
        """Send a question, called `what` in errors; its whole answer is due within `timeout` seconds.

        With `behind`, earlier ones may still wait for theirs.
        """
        if self._owed and not behind:
            raise self._failed(
                TpmDead(f"'{self._owed}' was interrupted before its answer came: switch the TPM off and on")
            )
        self._owed, self._timeout, self._began = what, timeout, time.monotonic()
        self._answers += 1
        try:
            if self._end.gettimeout() != timeout:  # a system call less on the hot path
                self._end.settimeout(timeout)
            self._end.sendall(octets)
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise self._gone() from error

    def read(self, least: int, most: int) -> bytes:
        """Return the next `least` to `most` octets of the answer."""
        octets = b""
        try:
            while len(octets) < least:
                if octets:
                    self._end.settimeout(max(self._began + self._timeout - time.monotonic(), 1e-3))
                part, ancillary, _, _ = self._end.recvmsg(most - len(octets), _ANCILLARY)
                if not part:
                    raise self._gone()
                octets += part
                self.came = _stamp(ancillary)
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise self._gone() from error
        return octets

    def answered(self) -> None:
        """Note that an answer is complete; the time of the next, if one is due, begins now."""
        self._answers -= 1
        if self._answers:
            self._began = time.monotonic()
        else:
            self._owed = ""

    def _late(self) -> TpmError:
        message = f"the TPM gave no answer within {self._timeout:g} s to '{self._owed}'; switch it off and on"
        return self._failed(TpmTimeout(message))

    def _gone(self) -> TpmError:
        return self._failed(TpmDead(f"the TPM went away during '{self._owed}': {self._last_words()}"))


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in ancillary:
        if (level, kind, len(value)) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS, _TIMESPEC.size):
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            return float(seconds + nanoseconds / 1e9)
    return time.time()
