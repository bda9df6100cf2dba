"""`await serve(...)`: a server of passages that a flood of strangers cannot exhaust.

A ClientHello is cheap, but it costs the server a quote by the TPM, a thread's time, and memory. So a `RateLimiter`
bounds the quotes that an address gets, and a `ConnectionLimit` bounds the connections in their handshake: when it is
full, the address with the most connections loses its oldest. A flood therefore takes room from itself, and clients from
elsewhere are served. Established passages have a limit of the same kind, a larger one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from trustlab.passage.limits import BURST, RATE, ConnectionLimit, RateLimiter
from trustlab.passage.streams import HANDSHAKE_SECONDS, Bridge, PassageError, PassageStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from socket import socket

    from trustlab.passage.streams import Policy

MAX_UNFINISHED = 256
"""How many connections of a server may be in their handshake at once."""
MAX_STANDING = 512
"""How many passages of a server may be established at once. With the others that is below a process's 1,024
descriptors.
"""
BACKLOG = 512
"""How many connections the kernel holds for the server before it accepts them."""


class PassageServer:
    """A running server, made by `serve`. Close it with `close`, or use it as an async context manager."""

    def __init__(
        self,
        handler: Callable[[PassageStream], Awaitable[None]],
        policy: Policy,
        *,
        seconds: float,
        unfinished: int,
        standing: int,
        limiter: RateLimiter,
    ) -> None:
        self._handler = handler
        self._policy = policy
        self._seconds = seconds
        self._limiter = limiter
        self._number = 0
        self._unfinished = ConnectionLimit(unfinished, "the server's limit on unfinished handshakes was reached")
        self._standing = ConnectionLimit(standing, "the server's limit on established passages was reached")
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._over = asyncio.Event()

    async def listen(self, host: str, port: int) -> Self:
        """Begin to listen; OSError if the address is not available."""
        self._policy.check_server()
        self._listener = await asyncio.start_server(self._accept, host, port, backlog=BACKLOG)
        return self

    @property
    def sockets(self) -> tuple[socket, ...]:
        """The sockets on which it listens: `server.sockets[0].getsockname()`."""
        return tuple(self._listener.sockets) if self._listener is not None else ()

    @property
    def unfinished(self) -> int:
        """How many connections are in their handshake."""
        return len(self._unfinished)

    @property
    def standing(self) -> int:
        """How many passages are established."""
        return len(self._standing)

    async def serve_forever(self) -> None:
        """Wait until it is closed."""
        await self._over.wait()

    async def close(self) -> None:
        """Stop listening, and end every passage. Closing twice is harmless."""
        self._over.set()
        if self._listener is not None:
            await _accept_no_more(self._listener)
            self._listener.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._over.is_set():
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        task.add_done_callback(lambda _: writer.close())  # also if the task was cancelled before it began

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a passage ended by an error", "exception": error})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._number += 1
        peer = str((writer.get_extra_info("peername") or ("somewhere",))[0])
        try:
            bridge = Bridge()
            end = self._policy.server_end(bridge, f"{peer}-{self._number}", peer, limiter=self._limiter)
            stream = PassageStream(end, bridge, reader, writer)
        except BaseException:
            writer.close()
            raise
        try:
            with self._unfinished.holding(stream, peer):
                await stream.stands(self._seconds)
            with self._standing.holding(stream, peer):
                await self._handler(stream)
        except PassageError:
            return  # refused, or the peer has left; the trace says which
        except Exception:
            await stream.close(orderly=False)
            raise
        finally:
            await stream.close()


async def _accept_no_more(listener: asyncio.Server) -> None:
    """Stop accepting, and let asyncio finish what it has accepted: a connection after `close` would crash it."""
    loop = asyncio.get_running_loop()
    for listening in listener.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(2):
        await asyncio.sleep(0)


async def serve(
    handler: Callable[[PassageStream], Awaitable[None]],
    host: str,
    port: int,
    *,
    policy: Policy,
    seconds: float = HANDSHAKE_SECONDS,
    unfinished: int = MAX_UNFINISHED,
    standing: int = MAX_STANDING,
    limiter: RateLimiter | None = None,
) -> PassageServer:
    """Serve passages: `handler` gets each one once it is established. Close the returned server to stop.

    Connections that do not finish their handshake within `seconds` are dropped. At most `unfinished` connections are in
    their handshake, and at most `standing` passages are established; when a limit is reached, the address with the most
    connections loses its oldest. `limiter` bounds the quotes that an address gets, by default 20 at once and 2 more a
    second; `RateLimiter(math.inf)` sets no bound. If a handler raises PassageError, its peer has left; any other error
    cuts its passage off and goes to the loop's exception handler. OSError if the address is not available; if the
    policy cannot serve, its own error.
    """
    server = PassageServer(
        handler,
        policy,
        seconds=seconds,
        unfinished=unfinished,
        standing=standing,
        limiter=limiter or RateLimiter(BURST, RATE),
    )
    return await server.listen(host, port)
