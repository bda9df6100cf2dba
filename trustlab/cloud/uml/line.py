"""The host's end of a VM's serial line, in the cloud's loop."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING, Any

from trustlab.cloud.uml.messages import WINDOW, LineError, Read, Unframer, frame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    import msgspec

CHUNK = 65_536


class HostLine:
    """One serial line; `heard` gets each message, `broken` a sentence when something else comes or it ends."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        types: Any,  # noqa: ANN401 - a union of message types
        heard: Callable[[Any], None],
        broken: Callable[[str], None],
    ) -> None:
        self._near, self.far = socket.socketpair()
        self._near.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        self._loop = loop
        self._unframer = Unframer(types)
        self._heard = heard
        self._broken = broken
        self._unsent = b""
        self._credit = WINDOW
        self._closed = False
        loop.add_reader(self._near, self._readable)

    def send(self, message: msgspec.Struct) -> None:
        """Write a message; what does not go at once goes when it can."""
        if self._closed:
            return
        self._unsent += frame(message)
        self._drain()

    def catch_up(self) -> None:
        """Hear at once all that has arrived by now."""
        while not self._closed and select.select([self._near], [], [], 0)[0]:
            self._readable()

    def close(self) -> None:
        """Hang up."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._near)
            self._loop.remove_writer(self._near)
            self._near.close()
            self.far.close()

    def _readable(self) -> None:
        try:
            data = self._near.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(f"the line failed: {error}")
            return
        if not data:
            self._break("the line was hung up")
            return
        try:
            messages = self._unframer.feed(data)
        except LineError as error:
            self._break(str(error))
            return
        for message in messages:
            if isinstance(message, Read):
                self._credit += message.octets
                self._drain()
            else:
                self._heard(message)

    def _drain(self) -> None:
        if self._closed:
            return
        try:
            while self._unsent and self._credit > 0:
                sent = self._near.send(self._unsent[: self._credit])
                self._unsent = self._unsent[sent:]
                self._credit -= sent
        except BlockingIOError:
            self._loop.add_writer(self._near, self._drain)
            return
        except OSError as error:
            self._break(f"the line failed: {error}")
            return
        self._loop.remove_writer(self._near)

    def _break(self, sentence: str) -> None:
        self.close()
        self._broken(sentence)
