"""Alice on real sockets: a proxy between one's own attested client and server, with what she does there as bytes.

Her ends are the same sans-IO objects that play in the acts: `Middle` and its two legs. What differs is the network: an
asyncio loop reads and writes the sockets, and writes the frames into the trace in which the octets travelled (they are
reconstructed: a socket shows octets, not frames).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from typing import TYPE_CHECKING, Literal

from trustlab.attacks.alice.applications import THANKS, Relay
from trustlab.attacks.alice.authenticators import RelayOrThank
from trustlab.attacks.alice.ends import EvidenceCollector, clone, replay_server
from trustlab.attacks.alice.legs import Credentials
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.programs.evidence_replay import collected
from trustlab.cloud import SERVER_NAME, Identity
from trustlab.cloud.identity import software_key
from trustlab.passage import placement_of
from trustlab.scenarios.verdict_of_proxy import ProxyVerdict, verdict_of
from trustlab.wire import Host, TcpConversation, WireConnection, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.alice.legs import TowardsServer
    from trustlab.cloud import World
    from trustlab.passage import Design
    from trustlab.trace import Party, Role, Trace
    from trustlab.wire import Endpoint

Mode = Literal["relay", "replay", "forward", "downgrade"]
MODES: dict[str, str] = {
    "relay": "ends the client's TLS with a certificate of her own, and forwards the server's evidence into it",
    "replay": "collects the server's evidence first, and shows it to the client later",
    "forward": "forwards every byte as it is, and records it",
    "downgrade": "answers the client with a server that does not know attestation",
}
"""What Alice can do as a proxy, with the words that follow "Alice"."""
CHUNK = 65_536
MOST = 64 << 20
"""How many octets of one connection are kept."""
QUIET = 30.0
"""Seconds without an octet after which a connection is given up."""
PARTIES = ("teller", "bank")


class ProxyGuest:
    """What Alice's blocks ask of her machine, for a machine that is this shell."""

    provider = None

    def __init__(self, design: Design, party: Party) -> None:
        self.design = design
        self.party = party

    def setting(self, name: str) -> str:
        """Return a setting, as a measured configuration has them."""
        return {"victim": PARTIES[1], "server_name": SERVER_NAME, "attack": "alice"}[name]

    def random(self, size: int) -> bytes:
        """Return octets that nobody can know beforehand."""
        return os.urandom(size)


class SocketAlice(Alice):
    """Alice with sockets: her own connections go to the server that she stands in front of."""

    def __init__(self, guest: ProxyGuest, dial: Callable[[Callable[[str], Endpoint]], None]) -> None:
        super().__init__(guest)  # type: ignore[arg-type]  # a guest without machine and powers
        self._dial = dial

    def connect(self, make_end: Callable[[str], Endpoint], *, port: int = 0, to: str = "") -> None:  # noqa: ARG002
        """Open a connection to the server; there is one, whatever `port` and `to` say."""
        self._dial(make_end)

    def leaked_secret(self, client_random: bytes) -> bytes | None:  # noqa: ARG002 - nothing leaks outside the lab
        """Return None: she has no secret of anybody else's."""
        return None


class ThankAndLeave(Relay):
    """Answers the first words that she hears, and closes."""

    def passed(self, data: bytes) -> bytes:  # noqa: ARG002 - whatever was said
        """Thank, and be finished."""
        self.finished = True
        return THANKS


class ProxySocket:
    """A socket, the end of hers that speaks on it, and the frames of both. `faces` is the end that the peer has."""

    def __init__(
        self, link: tuple[asyncio.StreamReader, asyncio.StreamWriter], faces: Role, frames: TcpConversation, idle: float
    ) -> None:
        self.reader, self.writer = link
        self.faces = faces
        self.own: Role = "server" if faces == "client" else "client"
        self.frames = frames
        self._idle = idle
        self._seen = 0
        self.ended: set[str] = set()

    def write(self, data: bytes) -> None:
        """Send octets to the peer."""
        if data and self.own not in self.ended:
            self._record(self.own, data)
            self.writer.write(data)

    def finish(self) -> None:
        """Close this side."""
        if self.own not in self.ended:
            self.ended.add(self.own)
            self.frames.close(self.own)
            with contextlib.suppress(OSError, RuntimeError):
                self.writer.write_eof()

    async def read(self) -> bytes:
        """Return octets of the peer; b"" at its end, after a reset, and when nothing comes for too long."""
        try:
            data = await asyncio.wait_for(self.reader.read(CHUNK), self._idle)
        except (OSError, TimeoutError):
            data = b""
        if data:
            self._record(self.faces, data)
        elif self.faces not in self.ended:
            self.ended.add(self.faces)
            self.frames.close(self.faces)
        return data

    def _record(self, side: Role, data: bytes) -> None:
        self._seen += len(data)
        if self._seen > MOST:
            raise WireError(f"this connection has more than {MOST >> 20} MiB: Alice keeps no more, and hangs up")
        self.frames.data(side, data)


class AliceProxy:
    """Alice between a client and a server. `serve` listens, and ends after `count` connections (0: never).

    What happened is in the trace, and what became of each connection in `verdicts`.
    """

    def __init__(
        self, mode: Mode, target: tuple[str, int], design: Design, world: World, trace: Trace, *, idle: float = QUIET
    ) -> None:
        self.mode, self.design, self.trace = mode, design, trace
        self.verdicts: list[ProxyVerdict] = []
        self._target, self._world = target, world
        self._alice = trace.party("alice")
        self._network = trace.party("network")
        self._number = 0
        self._idle = idle
        self._identity: Identity | None = None
        self._kept: EvidenceCollector | TowardsServer | None = None
        self._ended = asyncio.Event()

    async def serve(self, host: str, port: int, *, count: int = 1, ready: Callable[[str], None]) -> None:
        """Listen, and play until so many connections have ended; OSError if the address cannot be had."""
        if self.mode != "forward":
            key = software_key()
            self._identity = Identity(self._world.web_ca.issue([SERVER_NAME], key.public_key()), key)
        if self.mode == "replay":
            await self._collect()
        left = count

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal left
            if count and left <= 0:
                writer.close()
                return
            left -= 1
            await self._between(reader, writer)
            if count and len(self.verdicts) >= count:
                self._ended.set()

        server = await asyncio.start_server(accept, host, port)
        try:
            bound = server.sockets[0].getsockname()
            ready(f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}")
            await self._ended.wait()
        finally:
            server.close()

    @property
    def target(self) -> str:
        """Where her own connections go."""
        return f"{self._target[0]}, port {self._target[1]}"

    # One connection

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play one connection of the client's to its end, and judge it."""
        self._number += 1
        name = f"teller-bank-{self._number}"
        pipe = self._pipe(name, (reader, writer), "client", writer.get_extra_info("peername"), PARTIES[0], "alice")
        behind: list[str] = []
        try:
            if self.mode == "forward":
                await self._forward(pipe, behind)
            else:
                await self._play(pipe, name, behind)
        except (OSError, WireError) as error:
            self._alice.emit("attack", "alice", step="ends", sentence=f"Alice's connection ended: {error}.")
        finally:
            writer.close()
            self.verdicts.append(verdict_of(self.trace, self.mode, self.design, name, tuple(behind)))

    async def _forward(self, pipe: ProxySocket, behind: list[str]) -> None:
        """Forward every octet as it is."""
        other = await self.dialled(self.name_next(behind))

        async def move(source: ProxySocket, sink: ProxySocket) -> None:
            while data := await source.read():
                sink.write(data)
                await sink.writer.drain()
            sink.finish()

        try:
            await asyncio.gather(move(pipe, other), move(other, pipe))
        finally:
            other.writer.close()

    async def _play(self, pipe: ProxySocket, name: str, behind: list[str]) -> None:
        """Play her ends on the client's connection and on her own, until all are over."""
        drawn = Drawn(self)
        alice = SocketAlice(ProxyGuest(self.design, self._alice), lambda make: drawn.dial(make, behind))
        host = Host(PARTIES[0], "02:00:00:00:00:02", "10.0.0.2"), Host(PARTIES[1], "02:00:00:00:00:03", "10.0.0.3")
        drawn.add(pipe, self._end(alice, WireConnection(name, *host, 443, "alice")))
        await drawn.run()

    def _end(self, alice: Alice, connection: WireConnection) -> Endpoint:
        """Return her end of the client's connection."""
        identity = self._identity
        if identity is None:
            raise WireError("Alice has no certificate")
        if self.mode == "downgrade":
            return clone(alice, identity, connection)
        if self.mode == "relay":
            alice.tell("relay", "answers the teller's connection in the bank's name, and opens her own to the bank.")
            return Middle(alice, connection, own=identity, applications=self._applications())
        alice.tell("replay", "answers with the evidence that she kept; the bank is not asked.")
        if isinstance(self._kept, EvidenceCollector):
            return replay_server(alice, connection, Credentials.of(identity), self._kept.evidence)
        return Middle(alice, connection, own=identity, kept=self._kept, applications=self._applications())

    def _applications(self) -> tuple[Relay, Relay] | None:
        """Return what she does in her two channels where the usual would wait for ever; None for the usual.

        When the server has answered and closed, the client has to learn it; and who answers alone leaves then.
        """
        if self.design.tls == "1.2" or placement_of(self.design).mutual:
            return None
        alone = self.mode == "replay" or self.design.client is not None
        return (ThankAndLeave() if alone else RelayOrThank()), Relay()

    async def _collect(self) -> None:
        """Connect to the server as anybody may, and keep its evidence."""
        drawn = Drawn(self)
        alice = SocketAlice(ProxyGuest(self.design, self._alice), lambda make: drawn.dial(make, []))
        if self.design.tls == "1.3":
            mutual = placement_of(self.design).mutual
            kept: EvidenceCollector | TowardsServer = collected(alice, self._identity if mutual else None)
        else:
            kept = EvidenceCollector(alice)
            alice.tell("collect", "connects to the bank as anybody may, and keeps its evidence.")
        self._kept = kept
        await drawn.run(until=lambda: bool(drawn.pipes) and bool(kept.evidence))
        if not kept.evidence:
            raise WireError("the server gave Alice no evidence that she could keep: give both the same --design")

    # Sockets

    def _pipe(
        self,
        name: str,
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        faces: Role,
        peer: tuple[str, int],
        client: str,
        server: str,
    ) -> ProxySocket:
        """Open a connection's frames in the trace, and say who stands at its ends."""
        local = link[1].get_extra_info("sockname")
        ends = (peer, local) if faces == "client" else (local, peer)
        addressed = (client, PARTIES[1])
        hosts = [
            Host(who, f"02:00:00:00:00:{n + 2:02x}", shown_ip(end[0], n))
            for n, (who, end) in enumerate(zip(addressed, ends, strict=True))
        ]
        frames = TcpConversation(self._network, name, hosts[0], hosts[1], ends[0][1], ends[1][1], ends=(client, server))
        told = {"from": client, "to": PARTIES[1], "dst": f"{ends[1][0]}:{ends[1][1]}"}
        self._network.emit("connection", "TCP", connection=name, direction="client", data=told)
        frames.open()
        return ProxySocket(link, faces, frames, self._idle)

    def name_next(self, behind: list[str]) -> str:
        """Name her next connection to the server, and note it."""
        behind.append(f"alice-bank-{self._number}-{len(behind) + 1}")
        return behind[-1]

    async def dialled(self, name: str) -> ProxySocket:
        """Open a connection of hers to the server."""
        link = await asyncio.wait_for(asyncio.open_connection(*self._target), self._idle)
        return self._pipe(name, link, "server", link[1].get_extra_info("peername"), "alice", PARTIES[1])


class Drawn:
    """Her ends that belong together, and the sockets on which they speak."""

    def __init__(self, proxy: AliceProxy) -> None:
        self.pipes: dict[ProxySocket, Endpoint] = {}
        self._proxy = proxy
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._error: BaseException | None = None

    def add(self, pipe: ProxySocket, end: Endpoint) -> None:
        """Let an end speak on a socket."""
        self.pipes[pipe] = end
        self._begin(self._listen(pipe, end))

    def dial(self, make_end: Callable[[str], Endpoint], behind: list[str]) -> None:
        """Make an end of hers, and open a connection to the server for it."""
        name = self._proxy.name_next(behind)
        end = make_end(name)

        async def opened() -> None:
            self.add(await self._proxy.dialled(name), end)

        self._begin(opened())

    async def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Move octets until all sockets are over, or `until` says that it is enough."""
        try:
            while self._tasks and not until():
                self._news.clear()
                self._speak()
                if self._error is not None:
                    raise self._error
                await self._news.wait()
            self._speak()
            if isinstance(self._error, OSError | WireError):
                raise self._error
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for pipe in self.pipes:
                pipe.writer.close()

    def _begin(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._error = self._error or task.exception()
        self._news.set()

    async def _listen(self, pipe: ProxySocket, end: Endpoint) -> None:
        while data := await pipe.read():
            end.receive(data)
            self._news.set()
        end.eof_received()

    def _speak(self) -> None:
        """Send what her ends have to say; again, since one end may make another speak."""
        said = True
        while said:
            said = False
            for pipe, end in tuple(self.pipes.items()):
                if data := end.data_to_send():
                    pipe.write(data)
                    said = True
                elif end.closed:
                    pipe.finish()


def shown_ip(address: str, number: int) -> str:
    """Return an address for the frames; IPv6 is shown as an address for documentation, since our frames are IPv4."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(address).version == 4:
            return address
    return f"192.0.2.{number + 1}"
