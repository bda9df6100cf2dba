"""Sockets for sans-IO endpoints, in one thread: accepts, moves octets both ways, says when all is quiet."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import traceback
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.wire import Endpoint

CHUNK = 65_536
CONNECT_TIMEOUT = 20.0
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a RST."""


class Waiter(Protocol):
    """Something else to wait on: a serial line."""

    def fileno(self) -> int: ...


class _HeldStream:
    def __init__(self, name: str, handle: socket.socket, endpoint: Endpoint) -> None:
        self.name = name
        self.handle = handle
        self.endpoint = endpoint
        self.unsent = b""
        self.ended = self.heard_end = False


class Streams:
    """All sockets of a guest. `failures` collects what endpoints raised, as sentences."""

    def __init__(self) -> None:
        self.moved = 0
        self.failures: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._streams: list[_HeldStream] = []

    @property
    def open(self) -> int:
        """How many streams are not closed on both sides."""
        return len(self._streams)

    @property
    def waiting(self) -> list[tuple[str, str]]:
        """The open connections whose end here waits for something, and for what (`wire.Waiting`)."""
        found = [(s.name, str(getattr(s.endpoint, "waits_for", ""))) for s in self._streams if not s.heard_end]
        return [(name, what) for name, what in found if what]

    def watch(self, waiter: Waiter, readable: Callable[[], None]) -> None:
        """Call `readable` when something other than a stream can be read."""
        self._selector.register(waiter, selectors.EVENT_READ, readable)

    def listen(self, port: int, accept: Callable[[socket.socket, tuple[str, int]], None]) -> socket.socket:
        """Serve a port; `accept` gets each new socket, and calls `add`."""
        server = socket.create_server(("", port), backlog=16)
        server.setblocking(False)  # noqa: FBT003 - the socket module's own signature

        def readable() -> None:
            with contextlib.suppress(BlockingIOError):
                handle, address = server.accept()
                accept(handle, address[:2])

        self._selector.register(server, selectors.EVENT_READ, readable)
        return server

    def stop(self, server: socket.socket) -> None:
        """Serve a port no longer."""
        self._selector.unregister(server)
        server.close()

    @staticmethod
    def connect(address: tuple[str, int]) -> socket.socket:
        """Open a connection; OSError. This waits: the other kernel answers without its program's help."""
        return socket.create_connection(address, CONNECT_TIMEOUT)

    def add(self, name: str, handle: socket.socket, endpoint: Endpoint) -> None:
        """Let an endpoint speak over a connected socket from now on."""
        handle.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = _HeldStream(name, handle, endpoint)
        self._streams.append(stream)
        self._selector.register(handle, selectors.EVENT_READ, stream)

    def turn(self, seconds: float | None) -> bool:
        """Wait up to so long for something to do, and do it; say whether there was something."""
        self._flush()
        ready = self._selector.select(seconds)
        for key, _ in ready:
            if isinstance(key.data, _HeldStream):
                self._guarded(key.data, self._read)
            else:
                key.data()
        self._flush()
        return bool(ready)

    def _flush(self) -> None:
        """Send what endpoints have to say, until none says more: one may have made another speak."""
        moved = True
        while moved:
            moved = False
            for stream in tuple(self._streams):
                moved |= self._guarded(stream, self._write)

    def _read(self, stream: _HeldStream) -> bool:
        if stream.heard_end:
            return False
        try:
            data = stream.handle.recv(CHUNK)
        except BlockingIOError:
            return False
        except ConnectionError:
            stream.heard_end = stream.ended = True
            stream.endpoint.eof_received()
            self._forget(stream)
            return False
        self.moved += max(1, len(data))
        if data:
            stream.endpoint.receive(data)
        else:
            stream.heard_end = True
            stream.endpoint.eof_received()
        return True

    def _write(self, stream: _HeldStream) -> bool:
        """Send as much as goes; say whether anything moved."""
        if not stream.ended and not stream.unsent:
            stream.unsent = stream.endpoint.data_to_send()
        moved = False
        if stream.unsent:
            with contextlib.suppress(BlockingIOError):
                sent = stream.handle.send(stream.unsent)
                stream.unsent = stream.unsent[sent:]
                self.moved += sent
                moved = sent > 0
        elif not stream.ended and stream.endpoint.closed:
            stream.ended = moved = True
            with contextlib.suppress(OSError):
                stream.handle.shutdown(socket.SHUT_WR)
        if stream.ended and stream.heard_end:
            self._forget(stream)
        elif stream in self._streams:
            self._wait_for(stream)
        return moved

    def _wait_for(self, stream: _HeldStream) -> None:
        wanted = (0 if stream.heard_end else selectors.EVENT_READ) | (selectors.EVENT_WRITE if stream.unsent else 0)
        registered = stream.handle in self._selector.get_map()
        if not wanted:
            if registered:
                self._selector.unregister(stream.handle)
        elif not registered:
            self._selector.register(stream.handle, wanted, stream)
        elif self._selector.get_key(stream.handle).events != wanted:
            self._selector.modify(stream.handle, wanted, stream)

    def _guarded(self, stream: _HeldStream, step: Callable[[_HeldStream], bool]) -> bool:
        """Call into an endpoint; what it raises resets its connection and is kept for whoever asks."""
        try:
            return step(stream)
        except Exception as error:  # noqa: BLE001 - told on the console and in the answer to "state"
            traceback.print_exc()
            self.failures.append(f"{stream.name}: {type(error).__name__}: {error}")
            with contextlib.suppress(OSError):
                stream.handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            self._forget(stream)
            return False

    def _forget(self, stream: _HeldStream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
        if stream.handle in self._selector.get_map():
            self._selector.unregister(stream.handle)
        stream.handle.close()
