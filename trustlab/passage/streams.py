"""Passages over real TCP, as asyncio streams: `await connect(...)`, `await serve(...)`.

The ends are the same sans-IO objects that run over an in-memory wire; here sockets stand outside. TPM commands block,
so the engine is driven on a thread, one connection at a time; the loop itself never waits for a TPM. A `Policy` makes
the ends: it knows the design, the keys, whom to trust, and how to attest.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trustlab.passage.application import Application

CHUNK = 65_536
HANDSHAKE_SECONDS = 30.0
MAX_UNFINISHED = 256
"""How many connections of a server may be in their handshake at once; for one more, the oldest of them has to go."""


class PassageError(ConnectionError):
    """The passage could not be made, or broke; the message says which check or alert it was."""


class End(Protocol):
    """A sans-IO end whose engine can be told to send; `passage.TlsEndpoint` is one."""

    @property
    def closed(self) -> bool:
        """Whether it has said its last."""

    @property
    def error(self) -> Exception | None:
        """Why the channel failed, or None."""

    def receive(self, data: bytes) -> None:
        """Take octets of the stream."""

    def eof_received(self) -> None:
        """Learn that the peer closed the stream."""

    def data_to_send(self) -> bytes:
        """Return octets for the stream."""

    def write(self, data: bytes) -> None:
        """Send application data."""

    def close(self) -> None:
        """Send close_notify."""


class Policy(Protocol):
    """Makes the ends of channels: what one party demands and gives."""

    def client_end(self, application: Application, connection: str, peer: str) -> End:
        """Make a client's end."""

    def server_end(self, application: Application, connection: str, peer: str) -> End:
        """Make a server's end."""


class _Bridge:
    """The application of an end: passes what is heard to an asyncio stream."""

    finished = False

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.stands: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()

    def connected(self) -> bytes:
        """Learn that the channel stands: every demanded Evidence was accepted."""
        self._tell(self._connected)
        return b""

    def received(self, data: bytes) -> bytes:
        """Pass plaintext to whoever reads the stream."""
        self._tell(self.reader.feed_data, data)
        return b""

    def closed(self, error: Exception | None) -> None:
        """End the stream, with the reason where there is one."""
        self._tell(self._closed, error)

    def give_up(self, reason: str) -> None:
        """End the wait for the passage; nothing where it stands already."""
        if not self.stands.done():
            self.stands.set_exception(PassageError(f"no passage: {reason}"))

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def _connected(self) -> None:
        if not self.stands.done():
            self.stands.set_result(None)

    def _closed(self, error: Exception | None) -> None:
        if not self.stands.done():
            self.stands.set_exception(PassageError(f"no passage: {error or 'the peer left during the handshake'}"))
            self.stands.exception()  # noted: whoever waits for it is told, and nobody has to
        if error is not None:
            self.reader.set_exception(PassageError(str(error)))
        else:
            self.reader.feed_eof()


class PassageStream:
    """A passage as a stream: `read`, `readline`, `write`, `close`; an async context manager."""

    def __init__(self, end: End, bridge: _Bridge, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._end = end
        self._bridge = bridge
        self._socket = reader, writer
        self._turn = asyncio.Lock()
        self._task = asyncio.create_task(self._move())

    async def read(self, count: int = -1) -> bytes:
        """Return up to `count` octets of plaintext, b"" at the end; PassageError where the channel broke."""
        return await self._bridge.reader.read(count)

    async def readline(self) -> bytes:
        """Return a line with its newline; less at the end of the stream."""
        return await self._bridge.reader.readline()

    async def write(self, data: bytes) -> None:
        """Send plaintext and wait until the socket has taken it; PassageError where the channel is over."""
        if self._end.closed:
            raise PassageError(f"the passage is over: {self._end.error or 'it was closed'}")
        async with self._turn:
            await asyncio.to_thread(self._end.write, data)
        await self._flush()

    async def close(self) -> None:
        """Close the channel and the socket. Closing twice is harmless."""
        try:
            if not self._end.closed:
                async with self._turn:
                    await asyncio.to_thread(self._end.close)
            with contextlib.suppress(ConnectionError):
                await self._flush()  # an alert may still wait to be told
        finally:
            self._task.cancel()
            self._socket[1].close()  # also where a program that ends has no patience left
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(ConnectionError):
            await self._socket[1].wait_closed()

    async def stands(self, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Wait until the passage stands; PassageError where it is refused, or takes longer than `seconds`."""
        try:
            await asyncio.wait_for(asyncio.shield(self._bridge.stands), seconds)
        except TimeoutError:
            raise PassageError(f"the handshake was not finished within {seconds:g} seconds") from None

    async def _move(self) -> None:
        reader, _ = self._socket
        try:
            await self._flush()
            while not self._end.closed:
                data = await reader.read(CHUNK)
                async with self._turn:
                    await asyncio.to_thread(self._end.receive, data) if data else self._end.eof_received()
                await self._flush()
                if not data:
                    break
        except ConnectionError as error:
            self._bridge.closed(error)

    async def _flush(self) -> None:
        async with self._turn:
            data = await asyncio.to_thread(self._end.data_to_send)
        if data:
            self._socket[1].write(data)
            await self._socket[1].drain()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def connect(host: str, port: int, *, policy: Policy, seconds: float = HANDSHAKE_SECONDS) -> PassageStream:
    """Open a passage; it stands, and every Evidence the policy demands was accepted, when this returns.

    PassageError names the check or the alert that refused it; OSError where there is no TCP connection.
    """
    reader, writer = await asyncio.open_connection(host, port)
    bridge = _Bridge()
    stream = PassageStream(policy.client_end(bridge, f"{host}:{port}", host), bridge, reader, writer)
    try:
        await stream.stands(seconds)
    except BaseException:
        await stream.close()
        raise
    return stream


async def serve(
    handler: Callable[[PassageStream], Awaitable[None]],
    host: str,
    port: int,
    *,
    policy: Policy,
    seconds: float = HANDSHAKE_SECONDS,
    unfinished: int = MAX_UNFINISHED,
) -> asyncio.Server:
    """Serve passages: `handler` gets each one when it stands. Close the returned server to stop.

    Connections that do not finish their handshake within `seconds` are dropped, and no more than `unfinished` wait at
    once: for one more, the one that has waited longest is dropped. So a peer that only begins handshakes costs bounded
    memory, and others, who finish theirs, are still served.
    """
    waiting: dict[int, _Bridge] = {}  # in order of arrival
    number = 0

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        if len(waiting) >= unfinished:
            waiting.pop(next(iter(waiting))).give_up("too many others wait to begin")
        number += 1
        mine = number
        bridge = waiting[mine] = _Bridge()
        peer = str(writer.get_extra_info("peername", ("somewhere",))[0])
        stream = PassageStream(policy.server_end(bridge, f"{peer}-{mine}", peer), bridge, reader, writer)
        try:
            try:
                await stream.stands(seconds)
            except PassageError:
                return
            finally:
                waiting.pop(mine, None)
            await handler(stream)
        finally:
            await stream.close()

    return await asyncio.start_server(accept, host, port)
