"""Alice's switch on real sockets: a datagram socket for each machine, an Ethernet frame in each datagram, on asyncio.

A thin shell around `SwitchCore`. A machine (User Mode Linux: `vec0:transport=fd,fd=N`) gets the far end of a
socketpair; no port, address or privilege is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Self, TypeVar

from trustlab.wire.errors import OrderError, WireError
from trustlab.wire.switchcore import SwitchCore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustlab.trace import Trace
    from trustlab.wire.ethernet import Host
    from trustlab.wire.switchcore import FrameOut

T = TypeVar("T")
LARGEST_FRAME = 65_550
FRAMES_A_TURN = 64
"""How many frames of one port are read before the other ports and the timers get their turn."""
QUEUE = 1024
"""How many frames wait for a machine that does not read; further ones are lost, as on any switch, and counted."""


class _Port:
    def __init__(self, host: Host, near: socket.socket) -> None:
        self.host = host
        self.near = near
        self.queue: deque[bytes] = deque()
        self.lost = 0


class Switch:
    """The switch in a running loop. Call `plug`, `unplug` and `close` in the loop's thread, `order` from any thread."""

    def __init__(self, trace: Trace, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.core = SwitchCore(trace)
        self._party = trace.party("network")
        self._loop = loop or asyncio.get_running_loop()
        self._ports: dict[str, _Port] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._lock = threading.RLock()
        self._closed = False

    def plug(self, host: Host) -> socket.socket:
        """Add a machine; return its end of the socketpair, which the caller hands over and closes."""
        with self._lock:
            self.core.attach(host)
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        near.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        self._ports[host.name] = _Port(host, near)
        self._loop.add_reader(near, self._readable, host.name)
        return far

    def unplug(self, name: str) -> None:
        """Remove a machine; does nothing if it was removed already."""
        port = self._ports.pop(name, None)
        if port is None:
            return
        self._loop.remove_reader(port.near)
        self._loop.remove_writer(port.near)
        port.near.close()
        with self._lock:
            self.core.detach(name)

    def lost(self, name: str) -> int:
        """Return how many frames did not reach a machine because it did not read."""
        if name not in self._ports:
            raise WireError(f"no machine called {name!r} is plugged in")
        return self._ports[name].lost

    def order(self, give: Callable[[SwitchCore], T]) -> T:
        """Give an order of Alice's from any thread, `switch.order(lambda s: s.hold(Match(...)))`.

        Frames that it releases leave at once. WireError once the switch is closed.
        """
        with self._lock:  # `close` takes it too: as long as the switch is open, its loop runs
            if self._closed:
                raise WireError("this switch is closed: it does not forward frames any more")
            result = give(self.core)
            self._loop.call_soon_threadsafe(self._flush)
        return result

    def close(self) -> None:
        """Unplug all machines, and accept no more orders."""
        with self._lock:
            self._closed = True
        if self._timer:
            self._timer.cancel()
        for name in tuple(self._ports):
            self.unplug(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _readable(self, name: str) -> None:
        for _ in range(FRAMES_A_TURN):
            port = self._ports.get(name)
            if port is None:
                return
            try:
                frame = port.near.recv(LARGEST_FRAME)
            except BlockingIOError:
                return
            except OSError as error:
                self._gone(name, error)
                return
            self._work(lambda frame=frame: self.core.receive(name, frame, self._loop.time()))  # type: ignore[misc]

    def _flush(self) -> None:
        self._work(lambda: self.core.tick(self._loop.time()))

    def _work(self, step: Callable[[], list[FrameOut]]) -> None:
        """Let the core do a step; if an order of Alice's fails, note it in the trace and drop the frame."""
        with self._lock:
            try:
                going = step()
            except OrderError as error:
                self._party.emit("note", "order failed", sentence=str(error))
                going = self.core.take()
        self._put_out(going)
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        due = self.core.next_tick
        self._timer = None if due is None else self._loop.call_at(due, self._flush)

    def _put_out(self, going: Iterable[FrameOut]) -> None:
        for name, frame in going:
            port = self._ports.get(name)
            if port is None:
                continue
            if len(port.queue) >= QUEUE:
                port.lost += 1
                continue
            port.queue.append(frame)
            if len(port.queue) == 1:
                self._drain(name)

    def _drain(self, name: str) -> None:
        """Write the frames that wait for a machine; if its socket is full, go on when it has room."""
        port = self._ports.get(name)
        if port is None:
            return
        try:
            while port.queue:
                port.near.send(port.queue[0])
                port.queue.popleft()
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(port.near, self._drain, name)
            return
        except OSError as error:
            self._gone(name, error)
            return
        self._loop.remove_writer(port.near)

    def _gone(self, name: str, error: OSError) -> None:
        """Go on without a machine that closed its end, and note it in the trace."""
        self._party.emit("note", "unplugged", sentence=f"{name} is no longer on the wire: {error.strerror}")
        with contextlib.suppress(WireError):
            self.unplug(name)
