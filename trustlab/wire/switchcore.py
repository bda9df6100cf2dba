"""Alice's switch without sockets: frames come in and go out at ports, and everything is written into the trace.

It learns which MAC address is at which port and forwards by that; a frame for an unknown address goes out at all ports
(IEEE 802.1D, 7.7 and 7.8). Alice's orders act in between. The trace has each frame once, when it leaves, as it looks on
the client's leg of its connection. The frames are the guests' own; nothing is reconstructed.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from trustlab.wire.errors import FrameError, WireError
from trustlab.wire.ethernet import parse_frame
from trustlab.wire.orders import OrderBook, Passing
from trustlab.wire.reassembly import Reassembler
from trustlab.wire.redirect import Redirections

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trustlab.trace import Trace
    from trustlab.wire.ethernet import Host
    from trustlab.wire.orders import Mirror, SwitchOrder
    from trustlab.wire.reassembly import Flow
    from trustlab.wire.redirect import Address

_HEADER = 14
_ETHERTYPES = {0x0806: "ARP", 0x0800: "IPv4", 0x86DD: "IPv6"}
_GROUP = 0x01  # in a MAC address's first octet: broadcast or multicast


class FrameOut(NamedTuple):
    """A frame to send out at a port."""

    port: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class _Named:
    """A connection's name and the parties that really hold its ends."""

    name: str
    client: str
    server: str


class Known(NamedTuple):
    """What the switch knows of a connection: its name, who opened it, to whom, and who really holds the far end."""

    name: str
    client: str
    addressed: str
    holder: str


class SwitchCore(OrderBook):
    """The switch's state machine, for one thread at a time.

    `receive` and `tick` return the frames to send. Frames that an order releases at once wait in the outbox for `take`.
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._party = trace.party("network")
        self._hosts: dict[str, Host] = {}
        self._by_ip: dict[str, str] = {}
        self._learned: dict[bytes, str] = {}
        self._redirections = Redirections()
        self._reassembler = Reassembler()
        self._named: dict[Flow, _Named] = {}
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, Passing, SwitchOrder]] = []
        self._outbox: list[FrameOut] = []
        self._now = 0.0

    def attach(self, host: Host) -> None:
        """Add a port, named for its host."""
        if host.name in self._hosts:
            raise WireError(f"a machine called {host.name!r} is already attached")
        if host.ip in self._by_ip:
            raise WireError(f"{host.name!r} cannot have the address {host.ip}: {self._by_ip[host.ip]!r} has it")
        self._hosts[host.name] = host
        self._by_ip[host.ip] = host.name

    def detach(self, name: str) -> None:
        """Remove a port, and what was learned about it."""
        host = self.host(name)
        del self._hosts[name], self._by_ip[host.ip]
        self._learned = {mac: port for mac, port in self._learned.items() if port != name}

    def host(self, name: str) -> Host:
        """Return the host at a port; WireError if there is none."""
        if name not in self._hosts:
            raise WireError(f"no machine called {name!r} is attached")
        return self._hosts[name]

    def redirect(
        self, destination: str, port: int, *, to: str, unless_from: Collection[str] = ()
    ) -> Callable[[], None]:
        """On Alice's order: new connections to `destination`:`port` are answered by `to`, in the destination's name.

        Connections from `to` itself and from `unless_from` are not redirected, nor are existing ones. The newest order
        wins; the returned function takes this one back.
        """
        return self._redirections.give(self.host(destination), port, self.host(to), unless_from)

    def mirror(self, match: Callable[[Passing], bool], *, to: str, times: int | None = None) -> Mirror:
        """Send copies of matching frames out at the port of `to`; WireError if there is no such port."""
        self.host(to)
        return super().mirror(match, to=to, times=times)

    def known(self, client: Address, server: Address) -> Known | None:
        """Return what is known of the latest connection between two (IP, port) pairs, as seen from either end."""
        addressed = self._redirections.addressed(client, server)
        seen = (addressed.ip, server[1]) if addressed else server
        for flow, named in reversed(self._named.items()):
            if (flow.client, flow.server) == (client, seen):
                return Known(named.name, named.client, self._called(seen[0]), named.server)
        return None

    def receive(self, port: str, frame: bytes, now: float) -> list[FrameOut]:
        """Take a frame that came in at `port` at the time `now` (seconds); return the frames to send.

        OrderError if an order of Alice's fails on it: the frame is dropped, and the switch goes on.
        """
        self._now = now
        self.host(port)
        if len(frame) < _HEADER:
            sentence = f"{port} sent {len(frame)} octets, shorter than an Ethernet header; they were dropped"
            self._party.emit("note", "no frame", sentence=sentence, raw=frame)
            return []
        self._learn(port, frame)
        self._send(self._through(self._sight(port, frame)))
        return self.take()

    def tick(self, now: float) -> list[FrameOut]:
        """Let the delayed frames go whose time has come; return the frames to send."""
        self._now = now
        while self._waiting and self._waiting[0][0] <= now:
            _, _, passing, order = heapq.heappop(self._waiting)
            self.resume(passing, order)
        return self.take()

    @property
    def next_tick(self) -> float | None:
        """The time at which `tick` will have something to do; None if nothing waits."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> list[FrameOut]:
        """Return the frames to send now."""
        going, self._outbox = self._outbox, []
        return going

    def later(self, passing: Passing, seconds: float, after: SwitchOrder) -> None:
        """Let a frame go on after `seconds`, past the order `after`."""
        heapq.heappush(self._waiting, (self._now + seconds, next(self._numbers), passing, after))

    def resume(self, passing: Passing, after: SwitchOrder) -> None:
        """Let a frame go on now, past the order `after`."""
        self._send(self._through(passing, after))

    def copy_to(self, port: str, frame: bytes) -> None:
        """Send a copy out at a port, if there is such a port."""
        if port in self._hosts:
            self._outbox.append(FrameOut(port, frame))

    def record(self, passing: Passing) -> None:
        """Write a frame into the trace."""
        segment, facts = passing.segment, _told(passing)
        if segment is not None:
            facts |= {
                "src": f"{segment.source}:{segment.source_port}",
                "dst": f"{segment.destination}:{segment.destination_port}",
                "from": passing.source,
                "to": passing.destination,
                "flags": segment.flags.name or "",
                "payload_offset": segment.payload_offset,
                "payload_length": len(segment.payload),
            }
        self._party.emit(
            "frame",
            _kind(passing),
            raw=passing.frame,
            connection=passing.connection,
            direction=passing.direction,
            offset=passing.offset,
            **facts,
        )

    def _learn(self, port: str, frame: bytes) -> None:
        source = frame[6:12]
        if not source[0] & _GROUP:
            self._learned[source] = port

    def _sight(self, port: str, frame: bytes) -> Passing:
        """Find the connection of a frame, and the parties at its ends."""
        blank = Passing(next(self._numbers), port, frame)
        try:
            segment = parse_frame(frame)
        except FrameError:
            return blank
        if segment is None:
            return blank
        frame, segment = self._redirections.as_client_sees(frame, segment)
        self._redirections.opening(segment, self._called(segment.source))
        sighting = self._reassembler.sight(frame)
        if sighting is None:
            return blank
        named, client = self._name(sighting.flow), sighting.direction == "client"
        return replace(
            blank,
            frame=frame,
            segment=segment,
            connection=named.name,
            direction=sighting.direction,
            offset=sighting.offset,
            source=named.client if client else named.server,
            destination=named.server if client else named.client,
        )

    def _name(self, flow: Flow) -> _Named:
        if flow not in self._named:
            client, addressed = self._called(flow.client[0]), self._called(flow.server[0])
            self._pairs[client, addressed] += 1
            holder = self._redirections.holder(flow.client, flow.server)
            name = f"{client}-{addressed}-{self._pairs[client, addressed]}"
            self._named[flow] = _Named(name, client, holder.name if holder else addressed)
        return self._named[flow]

    def _called(self, ip: str) -> str:
        return self._by_ip.get(ip, ip)

    def _send(self, going: list[Passing]) -> None:
        for passing in going:
            self.record(passing)
            frame = passing.frame
            if passing.segment is not None:
                frame = self._redirections.as_taker_sees(frame, passing.segment)
            self._outbox += [FrameOut(port, frame) for port in self._ways(passing.port, frame[:6])]

    def _ways(self, came_from: str, destination: bytes) -> list[str]:
        known = None if destination[0] & _GROUP else self._learned.get(destination)
        if known is not None:
            return [known] if known != came_from else []
        return [port for port in self._hosts if port != came_from]


def _kind(passing: Passing) -> str:
    if passing.segment is not None:
        return "TCP"
    return _ETHERTYPES.get(int.from_bytes(passing.frame[12:14], "big"), "other")


def _told(passing: Passing) -> dict[str, Any]:
    """Return what was done to a frame, if anything."""
    told: dict[str, Any] = {"port": passing.port}
    if passing.fate:
        told["fate"] = passing.fate
    if passing.original:
        told["original"] = passing.original.hex()
    return told
