"""A host on the switch without a kernel: the public CA's own TCP, just enough to open a connection and read an answer.

RFC 9293, the client's side: SYN with retransmission, data in order, FIN both ways. No window of its own, no
congestion: a challenge is one segment each way.
"""

from __future__ import annotations

import itertools
import secrets
import socket
import struct
from typing import TYPE_CHECKING

from trustlab.wire import MSS, Flag, FrameError, Segment, build_frame, parse_frame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from trustlab.wire import Endpoint, Host

RETRY = 0.5
TRIES = 20
FIRST_PORT = 40_000
ARP_REQUEST = struct.Struct("!HHBBH6s4s6s4s")
ARP = b"\x08\x06"


class ProviderStack:
    """The host's end of its cable. While `held` says so, octets wait at the switch, and no try counts."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        own: Host,
        cable: socket.socket,
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        self.own = own
        self.held = held
        self._loop = loop
        self._cable = cable
        self._ports = itertools.count(FIRST_PORT)
        self._calls: dict[int, _Dialogue] = {}
        cable.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        loop.add_reader(cable, self._readable)

    def connect(self, server: Host, port: int, endpoint: Endpoint, done: Callable[[str], None]) -> None:
        """Open a connection for `endpoint`; `done` is called once: with an empty text, or with what went wrong."""
        own_port = next(self._ports)

        def over(problem: str) -> None:
            del self._calls[own_port]
            done(problem)

        dialogue = _Dialogue(self, own_port, server, port, endpoint, over)
        self._calls[own_port] = dialogue
        dialogue.begin()

    def later(self, seconds: float, function: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_later(seconds, function)

    def put(self, frame: bytes) -> None:
        """Send a frame; one that does not go is lost, as on any wire."""
        try:
            self._cable.send(frame)
        except OSError:
            return

    def close(self) -> None:
        """Pull the plug."""
        for call in tuple(self._calls.values()):
            call.end("the CA's station was closed")
        self._loop.remove_reader(self._cable)
        self._cable.close()

    def _readable(self) -> None:
        try:
            frame = self._cable.recv(65_550)
        except OSError:
            return
        if frame[12:14] == ARP:
            self._arp(frame[14:])
            return
        try:
            segment = parse_frame(frame)
        except FrameError:
            return
        if segment is not None and segment.destination == self.own.ip and segment.destination_port in self._calls:
            self._calls[segment.destination_port].take(segment)

    def _arp(self, packet: bytes) -> None:
        """Answer an ARP request for this host's address (RFC 826)."""
        if len(packet) < ARP_REQUEST.size:
            return
        *kind, asker_mac, asker_ip, _, wanted = ARP_REQUEST.unpack_from(packet)
        own_ip, own_mac = socket.inet_aton(self.own.ip), bytes.fromhex(self.own.mac.replace(":", ""))
        if kind == [1, 0x0800, 6, 4, 1] and wanted == own_ip:
            answer = ARP_REQUEST.pack(1, 0x0800, 6, 4, 2, own_mac, own_ip, asker_mac, asker_ip)
            self.put(asker_mac + own_mac + ARP + answer)


class _Dialogue:
    def __init__(
        self,
        station: ProviderStack,
        port: int,
        server: Host,
        server_port: int,
        endpoint: Endpoint,
        over: Callable[[str], None],
    ) -> None:
        self._station = station
        self._ports = port, server_port
        self._server = server
        self._endpoint = endpoint
        self._over = over
        self._next = secrets.randbits(32)
        self._expected = 0
        self._unacknowledged: list[tuple[int, Flag, bytes]] = []
        self._tries = 0
        self._timer: asyncio.TimerHandle | None = None
        self._established = self._said_fin = self._heard_fin = self._done = False

    def begin(self) -> None:
        self._say(Flag.SYN)

    def take(self, segment: Segment) -> None:
        """Take a segment from the server."""
        if Flag.RST in segment.flags:
            self.end("the connection was refused")
            return
        if Flag.SYN in segment.flags:
            self._expected = (segment.seq + 1) & 0xFFFFFFFF
            self._established = True
        self._acknowledged(segment)
        if segment.payload or Flag.FIN in segment.flags:
            self._hear(segment)
        if self._established and not self._done:
            self._go_on(must_acknowledge=bool(segment.payload or segment.flags & (Flag.SYN | Flag.FIN)))

    def end(self, problem: str) -> None:
        """End, for good."""
        if not self._done:
            self._done = True
            if self._timer is not None:
                self._timer.cancel()
            self._over(problem)

    def _hear(self, segment: Segment) -> None:
        if segment.seq != self._expected or self._heard_fin:
            return
        self._expected = (self._expected + len(segment.payload)) & 0xFFFFFFFF
        if segment.payload:
            self._endpoint.receive(segment.payload)
        if Flag.FIN in segment.flags:
            self._expected = (self._expected + 1) & 0xFFFFFFFF
            self._heard_fin = True
            self._endpoint.eof_received()

    def _go_on(self, *, must_acknowledge: bool) -> None:
        said = False
        data = b"" if self._said_fin else self._endpoint.data_to_send()
        for start in range(0, len(data), MSS):
            self._say(Flag.PSH | Flag.ACK, data[start : start + MSS])
            said = True
        if self._endpoint.closed and not self._said_fin:
            self._said_fin = said = True
            self._say(Flag.FIN | Flag.ACK)
        if must_acknowledge and not said:
            self._put(self._next, Flag.ACK, b"")
        if self._said_fin and self._heard_fin and not self._unacknowledged:
            self.end("")

    def _acknowledged(self, segment: Segment) -> None:
        if Flag.ACK not in segment.flags:
            return
        while self._unacknowledged and ((segment.ack - _after(self._unacknowledged[0])) & 0xFFFFFFFF) < 1 << 31:
            del self._unacknowledged[0]
            self._tries = 0

    def _say(self, flags: Flag, payload: bytes = b"") -> None:
        said = (self._next, flags, payload)
        self._unacknowledged.append(said)
        self._next = _after(said)
        self._put(*said)
        self._set_timer()

    def _put(self, seq: int, flags: Flag, payload: bytes) -> None:
        own, server = self._station.own, self._server
        acknowledged = 0 if flags == Flag.SYN else self._expected
        ends = own.mac, server.mac, own.ip, server.ip
        self._station.put(build_frame(Segment(*ends, *self._ports, seq, acknowledged, flags, payload)))

    def _set_timer(self) -> None:
        if self._timer is None and not self._done:
            self._timer = self._station.later(RETRY, self._again)

    def _again(self) -> None:
        self._timer = None
        if not self._unacknowledged or self._done:
            return
        self._tries += not self._station.held()
        if self._tries > TRIES:
            self.end("nobody answered")
            return
        self._put(*self._unacknowledged[0])
        self._set_timer()


def _after(said: tuple[int, Flag, bytes]) -> int:
    """Return the sequence number that follows what was said; SYN and FIN count one each."""
    seq, flags, payload = said
    return (seq + len(payload) + bool(flags & (Flag.SYN | Flag.FIN))) & 0xFFFFFFFF
