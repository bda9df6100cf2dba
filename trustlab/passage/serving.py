"""`await serve(...)`: passages for whoever comes, within bounds that no stranger can move.

A ClientHello is cheap, and what it costs a server is not: a quote by the TPM, a thread's time, memory. So a peer gets
quotes at a pace, and connections that have not finished their handshake are few: for one more, the oldest of whoever
has the most of them has to go. A flood therefore takes room from the flood; who comes from elsewhere is served. Those
that stand may be more, and are bounded in the same way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from trustlab.passage.crowd import Crowd
from trustlab.passage.pace import BURST, RATE, Pace
from trustlab.passage.streams import HANDSHAKE_SECONDS, Bridge, PassageError, PassageStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from socket import socket

    from trustlab.passage.streams import Policy

MAX_UNFINISHED = 256
"""How many connections of a server may be in their handshake at once."""
MAX_STANDING = 512
"""How many passages of a server may stand at once; with the others, fewer than the descriptors a process may have."""
BACKLOG = 512
"""How many connections the kernel holds for it before they are accepted."""


class PassageServer:
    """A server that runs; made by `serve`. `close` it, or use it as an async context manager."""

    def __init__(
        self,
        handler: Callable[[PassageStream], Awaitable[None]],
        policy: Policy,
        *,
        seconds: float,
        unfinished: int,
        standing: int,
        pace: Pace,
    ) -> None:
        self._handler = handler
        self._policy = policy
        self._seconds = seconds
        self._pace = pace
        self._number = 0
        self._unfinished = Crowd(unfinished, "too many others wait to begin")
        self._standing = Crowd(standing, "too many passages stand already")
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._over = asyncio.Event()

    async def listen(self, host: str, port: int) -> Self:
        """Begin; OSError where the address cannot be had."""
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
        """How many passages stand."""
        return len(self._standing)

    async def serve_forever(self) -> None:
        """Wait until it is closed."""
        await self._over.wait()

    async def close(self) -> None:
        """Listen no more, and end every passage. Closing twice is harmless."""
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
        task.add_done_callback(lambda _: writer.close())  # a task that is cancelled before it began has closed nothing

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a passage ended by an error", "exception": error})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._number += 1
        peer = str((writer.get_extra_info("peername") or ("somewhere",))[0])
        try:
            bridge = Bridge()
            end = self._policy.server_end(bridge, f"{peer}-{self._number}", peer, pace=self._pace)
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
            return  # refused, or the peer has left: the trace says why
        except Exception:
            await stream.close(orderly=False)
            raise
        finally:
            await stream.close()


async def _accept_no_more(listener: asyncio.Server) -> None:
    """Let what the kernel has handed over become a connection; asyncio trips over one that does so after the close."""
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
    pace: Pace | None = None,
) -> PassageServer:
    """Serve passages: `handler` gets each one when it stands. Close the returned server to stop.

    Connections that do not finish their handshake within `seconds` are dropped; no more than `unfinished` wait at once,
    and no more than `standing` passages stand: for one more, whoever has the most loses its oldest. `pace` limits the
    quotes that a peer gets, by default to 20 at once and 2 more a second; `Pace(math.inf)` sets no limit. PassageError
    in a handler means that its peer has left; any other error is the handler's own, breaks its passage off, and goes to
    the loop's exception handler. OSError where the address cannot be had; what the policy raises where it cannot serve.
    """
    server = PassageServer(
        handler, policy, seconds=seconds, unfinished=unfinished, standing=standing, pace=pace or Pace(BURST, RATE)
    )
    return await server.listen(host, port)
