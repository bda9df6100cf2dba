"""The guest's ends of the two serial lines: raw terminals that carry framed messages."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from typing import TYPE_CHECKING, Any

from trustlab.cloud.uml.messages import Read, Unframer, frame

if TYPE_CHECKING:
    import msgspec

CHUNK = 65_536


class HungUpError(Exception):
    """The other end of the line is gone: whoever owned this machine has ended."""


class SerialLine:
    """A serial line; `types` are what may come over it."""

    def __init__(self, path: str, types: Any) -> None:  # noqa: ANN401 - a union of message types
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._descriptor, termios.TCSANOW)
        self._unframer = Unframer(types)
        self._path = path

    def fileno(self) -> int:
        """Return the descriptor, to wait on."""
        return self._descriptor

    def send(self, message: msgspec.Struct) -> None:
        octets = memoryview(frame(message))
        while octets:
            try:
                octets = octets[os.write(self._descriptor, octets) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError as error:
                raise HungUpError(f"{self._path} was hung up: {error.strerror}") from error

    def receive(self) -> list[Any]:
        """Read what is there and return the messages that are complete; HungUpError at the line's end."""
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:  # the terminal said that there is something, and there is not
            return []
        except OSError as error:
            raise HungUpError(f"{self._path} was hung up: {error.strerror}") from error
        if not data:
            raise HungUpError(f"{self._path} was hung up")
        self.send(Read(len(data)))
        return self._unframer.feed(data)

    def wait(self, seconds: float) -> list[Any]:
        """Wait for at least one message, up to so many seconds; TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                raise TimeoutError(f"no answer on {self._path} within {seconds:g} s")
            if messages := self.receive():
                return messages
