"""Passages over real TCP, as asyncio streams: `await connect(...)`, `await serve(...)`.

The ends are the same sans-IO objects that run over an in-memory wire. TPM commands block, so each call into an engine
runs on a thread, one call at a time for a connection; the loop itself never waits for a TPM. A `Policy` makes the ends:
it knows the design, the keys, whom to trust, and how to attest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, ParamSpec, Protocol, Self, TypeVar

from trustlab.tls import TlsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.application import Application
    from trustlab.passage.limits import RateLimiter
    from trustlab.passage.schedule import Schedule

P = ParamSpec("P")
R = TypeVar("R")
LOGGER = logging.getLogger("trustlab.passage")
CHUNK = 65_536
LONGEST_LINE = 65_536
"""How many octets `readline` takes without a newline before it gives up."""
HANDSHAKE_SECONDS = 30.0
SHORTEST = 0.01
"""The shortest pause, in seconds, before the age of evidence is looked at again."""
CLOSE_SECONDS = 5.0
"""How long a passage waits for its peer to read the last octets before it cuts the connection."""


class PassageError(ConnectionError):
    """The passage could not be made, or it broke; the message says why, and names the check or alert."""


class End(Protocol):
    """A sans-IO end whose engine can be told to send; `passage.TlsEndpoint` is one."""

    half_close: bool
    """Whether its two directions close separately, if its version of TLS can do that."""

    @property
    def closed(self) -> bool:
        """Whether it has nothing more to send."""

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

    @property
    def schedule(self) -> Schedule:
        """When it asks its peer to attest again."""

    def attest_again(self, done: Callable[[Exception | None], None] | None = None) -> None:
        """Ask the peer to attest again; `done` learns whether it was accepted."""

    def renew(self, *, ask: bool) -> None:
        """End the passage if the last accepted evidence is too old, else ask again if wanted."""


class Policy(Protocol):
    """Makes the ends of one party's channels: it knows what the party demands and what it proves."""

    def client_end(self, application: Application, connection: str, peer: str) -> End:
        """Make a client's end."""

    def server_end(
        self, application: Application, connection: str, peer: str, *, limiter: RateLimiter | None = None
    ) -> End:
        """Make a server's end; `limiter` bounds the quotes that this peer gets."""

    def check_server(self) -> object:
        """Raise an error if this party cannot serve."""


class _Valve(asyncio.ReadTransport):
    """Back-pressure: the stream's reader shuts it while its buffer is full, and then the socket is not read either."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.opened.set()

    def pause_reading(self) -> None:
        self.opened.clear()

    def resume_reading(self) -> None:
        self.opened.set()


class Bridge:
    """The application of an end: passes what is heard to an asyncio stream."""

    finished = False

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader(limit=LONGEST_LINE)
        self.valve = _Valve()
        self.reader.set_transport(self.valve)
        self._loop = asyncio.get_running_loop()
        self.stands: asyncio.Future[None] = self._loop.create_future()

    def connected(self) -> bytes:
        """Learn that the passage is established: every demanded Evidence was accepted."""
        self._tell(self._connected)
        return b""

    def received(self, data: bytes) -> bytes:
        """Pass plaintext to whoever reads the stream."""
        self._tell(self.reader.feed_data, data)
        return b""

    def closed(self, error: Exception | None) -> None:
        """End the stream; `error` is the reason if it did not end normally."""
        self._tell(self.over, error)

    def over(self, error: Exception | None) -> None:
        """End the stream; called in the loop."""
        if not self.stands.done():
            self.stands.set_exception(PassageError(f"no passage: {error or 'the peer left during the handshake'}"))
            self.stands.exception()  # mark it as seen: asyncio would complain if nobody waits for it
        if error is not None:
            self.reader.set_exception(PassageError(str(error)))
        else:
            self.reader.feed_eof()

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def _connected(self) -> None:
        if not self.stands.done():
            self.stands.set_result(None)


class PassageStream:
    """A passage as a stream: `read`, `readline`, `write`, `close`; an async context manager."""

    def __init__(self, end: End, bridge: Bridge, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._end = end
        end.half_close = True
        self._bridge = bridge
        self._socket = reader, writer
        self._turn = asyncio.Lock()
        self._engine = threading.Lock()
        self._dropped = False
        self._task = asyncio.create_task(self._move())
        self._clock: asyncio.Task[None] | None = None

    async def read(self, count: int = -1) -> bytes:
        """Return up to `count` octets of plaintext, b"" at the end; PassageError if the channel broke.

        After the end the peer sends nothing more. In TLS 1.3 you can still write to it.
        """
        return await self._bridge.reader.read(count)

    async def readline(self) -> bytes:
        """Return a line with its newline; what is left without a newline at the end of the stream.

        PassageError if the line has more than 64 KiB; that also ends the passage.
        """
        try:
            return await self._bridge.reader.readline()
        except ValueError:
            reason = f"the peer's line is longer than {LONGEST_LINE} octets"
            self.give_up(reason)
            raise PassageError(reason) from None

    async def write(self, data: bytes) -> None:
        """Send plaintext and wait until the socket has taken it; PassageError if the channel is over."""
        if self._end.closed:
            raise PassageError(f"the passage is over: {self._end.error or 'it was closed'}")
        try:
            await self._drive(self._end.write, data)
            await self._flush()
        except (ConnectionError, TlsError) as error:  # it ended meanwhile
            raise PassageError(f"the passage is over: {error}") from error

    async def close(self, *, orderly: bool = True) -> None:
        """Close the channel and the socket, within CLOSE_SECONDS. Closing twice is harmless.

        If not `orderly`, no close_notify is sent: the peer must not take this for a complete message (RFC 9846, 6.1).
        """
        try:
            if not self._dropped:
                await self._part(orderly=orderly)
        finally:
            self._drop()  # also if the program is cancelled while it waits here
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(OSError):
            await self._socket[1].wait_closed()

    async def _part(self, *, orderly: bool) -> None:
        """Send what is left: close_notify, or an alert."""
        with contextlib.suppress(OSError):  # TimeoutError, an OSError, comes from a peer that does not read
            async with asyncio.timeout(CLOSE_SECONDS):
                if orderly and not self._end.closed:
                    await self._drive(self._end.close)
                await self._flush()

    async def attest_again(self, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Have the peer attest again, and wait until its evidence was accepted.

        PassageError if it was refused, or took longer than `seconds`, and then the passage is over. RenewalError if
        this design cannot do it.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Exception | None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            if not answered.done():
                answered.set_result(error)

        def done(error: Exception | None) -> None:
            loop.call_soon_threadsafe(settle, error)

        if self._end.closed:
            raise PassageError(f"the passage is over: {self._end.error or 'it was closed'}")
        await self._drive(self._end.attest_again, done)
        await self._flush()
        try:
            error = await asyncio.wait_for(answered, seconds)
        except TimeoutError:
            reason = f"the peer did not attest again within {seconds:g} seconds"
            self.give_up(reason)
            raise PassageError(reason) from None
        if error is not None:
            raise PassageError(f"the passage is over: {error}")

    async def _keep_fresh(self, schedule: Schedule) -> None:
        """Ask the peer to attest again, as often as the schedule says, and end the passage if it does not."""
        every, greatest = schedule.every, schedule.greatest_age
        if every is None or greatest is None:
            return
        asks = self._loop_time() + every
        pause = min(every, greatest / 4)
        while not self._end.closed and not self._dropped:
            await asyncio.sleep(max(SHORTEST, min(pause, asks - self._loop_time())))
            due = self._loop_time() >= asks
            if due:
                asks = self._loop_time() + every
            with contextlib.suppress(TlsError):  # it ended meanwhile
                await self._drive(self._end.renew, ask=due)
            await self._flush()

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()

    def give_up(self, reason: str) -> None:
        """Cut the connection without an alert; whoever waits for the passage gets the reason."""
        self._bridge.over(PassageError(reason))
        self._drop()

    def _drop(self) -> None:
        """Close the socket; octets that the peer has not read are thrown away."""
        self._dropped = True
        self._task.cancel()
        if self._clock is not None:
            self._clock.cancel()
        transport = self._socket[1].transport
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()

    async def stands(self, seconds: float = HANDSHAKE_SECONDS) -> None:
        """Wait until the passage is established; PassageError if it is refused, or takes longer than `seconds`."""
        try:
            await asyncio.wait_for(asyncio.shield(self._bridge.stands), seconds)
            if self._clock is None:
                self._clock = asyncio.create_task(self._watch())
        except TimeoutError:
            waits = getattr(self._end, "waits_for", "")
            known = f": this end waits for {waits}" if waits else ""
            raise PassageError(f"the handshake was not finished within {seconds:g} seconds{known}") from None

    async def _watch(self) -> None:
        """Keep the evidence fresh for as long as the passage stands."""
        try:
            await self._keep_fresh(self._end.schedule)
        except OSError:
            return  # the peer is gone, and whoever reads learns it
        except Exception as error:  # noqa: BLE001 - safety net: nothing may go on with evidence that is too old
            self._fault(error)

    def _fault(self, error: Exception) -> None:
        """End the passage by a fault of this side's own."""
        fault = f"a fault on this side: {type(error).__name__}"
        detail = error if LOGGER.isEnabledFor(logging.DEBUG) else None
        LOGGER.error("%s ends a passage", fault, exc_info=detail)  # one line, unless debugging
        self.give_up(fault)

    async def _move(self) -> None:
        reader, _ = self._socket
        try:
            await self._flush()
            while not self._end.closed:
                await self._bridge.valve.opened.wait()
                data = await reader.read(CHUNK)
                if data:
                    await self._drive(self._end.receive, data)
                else:
                    await self._drive(self._end.eof_received)
                await self._flush()
                if not data:
                    break
        except OSError as error:
            self._bridge.over(error)
        except Exception as error:  # noqa: BLE001 - safety net: a bug on this side must not leave a socket open
            self._fault(error)

    async def _flush(self) -> None:
        data = await self._drive(self._end.data_to_send)
        if data:
            self._socket[1].write(data)
        await self._socket[1].drain()  # in any case: another task may have sent this one's octets

    async def _drive(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call into the engine on a thread, one call at a time, even if a caller was cancelled during its call."""

        def alone() -> R:
            with self._engine:
                return function(*args, **kwargs)

        async with self._turn:
            return await asyncio.to_thread(alone)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def connect(host: str, port: int, *, policy: Policy, seconds: float = HANDSHAKE_SECONDS) -> PassageStream:
    """Open a passage; when this returns, it is established and every Evidence that the policy demands was accepted.

    PassageError names the check or the alert that refused it, or says that it took longer than `seconds`; OSError means
    that there is no TCP connection.
    """
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), seconds)
    except TimeoutError:
        raise PassageError(f"{host}, port {port}, did not answer within {seconds:g} seconds") from None
    try:
        bridge = Bridge()
        stream = PassageStream(policy.client_end(bridge, f"{host}:{port}", host), bridge, reader, writer)
    except BaseException:
        writer.close()
        raise
    try:
        await stream.stands(seconds)
    except BaseException:
        await stream.close()
        raise
    return stream
