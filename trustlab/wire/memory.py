"""Alice's network inside one process: who listens where, which streams she takes, and how octets move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from trustlab.trace import other_role
from trustlab.wire.conversation import Direction, TcpConversation
from trustlab.wire.errors import ConnectionRefusedOnWireError, EndpointError, QuietError, WireError
from trustlab.wire.ethernet import Host

if TYPE_CHECKING:
    from collections.abc import Collection

    from trustlab.trace import Trace
    from trustlab.wire.gate import StreamGate

T = TypeVar("T")
_FIRST_PORT = 49152


class Endpoint(Protocol):
    """A party's end of one stream, sans-IO: octets in, octets out.

    `receive` takes what the other end wrote; `data_to_send` returns, once, what this end wants to write; `eof_received`
    is called once, when the other end has closed its side or the connection was reset. `closed` is True when this end
    wants its own side closed and has nothing more to send. An end may also have `waits_for`, a string: what it waits
    for, in words, and how many octets of that have arrived; empty if it does not wait.
    """

    def receive(self, data: bytes) -> None:
        """Take octets from the other end; more may follow."""

    def data_to_send(self) -> bytes:
        """Return the octets to write now; empty if there are none."""

    def eof_received(self) -> None:
        """Learn that the other end will write nothing more."""

    @property
    def closed(self) -> bool:
        """Whether this end has written its last octet."""


class WireConnection:
    """One connection: its name, the client, and the server *as the client addressed it*."""

    def __init__(self, name: str, client: Host, server: Host, port: int, holder: str) -> None:
        self.name = name
        self.client = client
        self.server = server
        self.port = port
        self.holder = holder
        """The party that really holds the server's end; another than `server` if Alice redirected the stream."""
        self.open = True
        """False once both ends have closed, or it was reset."""

    def __repr__(self) -> str:
        return f"<WireConnection {self.name}, {'open' if self.open else 'closed'}, server end held by {self.holder}>"


class Waiting(NamedTuple):
    """A party that waits at its end of a connection; `what` is the end's `waits_for`."""

    party: str
    connection: str
    what: str

    def __str__(self) -> str:
        return f"{self.party} waits on {self.connection} for {self.what}."


Watcher = Callable[[WireConnection, Mapping[Direction, Endpoint]], None]


@dataclass(frozen=True, eq=False)  # two equal orders are still two orders, and each is taken back separately
class _Redirect:
    destination: str
    port: int
    to: str
    unless_from: frozenset[str]

    def takes(self, client: str, server: str, port: int) -> bool:
        return (server, port) == (self.destination, self.port) and client not in self.unless_from | {self.to}


@dataclass(frozen=True, eq=False)
class _Question:
    """Alice wants to be asked about each new connection to a machine; `asked` counts them by client."""

    destination: str
    decide: Callable[[str, int, int], str]
    asked: Counter[str]

    def answer(self, client: str, port: int) -> str:
        self.asked[client] += 1
        return self.decide(client, port, self.asked[client])


class _Link:
    """A connection with its endpoints and its frames."""

    def __init__(self, connection: WireConnection, conversation: TcpConversation) -> None:
        self.connection = connection
        self.conversation = conversation
        self.ends: dict[Direction, Endpoint] = {}
        self.finished: set[Direction] = set()


class MemoryNetwork:
    """Connect endpoints by name and move their octets; every chunk also becomes frames in the trace.

    Alice owns it: `redirect` gives her streams that were addressed to others. All calls come from one thread. An
    endpoint or an acceptor may call `connect`; the same `run` serves that connection too. A `gate` is asked before each
    record goes on, and may keep `run` waiting.
    """

    def __init__(self, trace: Trace, gate: StreamGate | None = None) -> None:
        self.trace = trace
        self._gate = gate
        self._party = trace.party("network")
        self._hosts: dict[str, Host] = {}
        self._listeners: dict[tuple[str, int], Callable[[WireConnection], Endpoint]] = {}
        self._redirects: list[_Redirect] = []
        self._questions: list[_Question] = []
        self._links: list[_Link] = []
        self._names: set[str] = set()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._running = False
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        """Show `watcher` every new connection, with the endpoints at its two ends, by direction."""
        self._watchers.append(watcher)

    def cut_off(self) -> None:
        """Reset every open connection, as a network that goes down; the ends are not told."""
        for link in tuple(self._links):
            link.conversation.reset("client")
            link.finished |= {"client", "server"}
            self._forget(link)

    @property
    def connections(self) -> tuple[WireConnection, ...]:
        """The connections that are still open, oldest first."""
        return tuple(link.connection for link in self._links)

    @property
    def waiting(self) -> list[Waiting]:
        """Who waits on an open connection, and for what; empty after a run in which everybody finished."""
        return [
            Waiting(
                link.connection.client.name if side == "client" else link.connection.holder, link.connection.name, what
            )
            for link in self._links
            for side, end in link.ends.items()
            if side not in link.finished and (what := getattr(end, "waits_for", ""))
        ]

    def attach(self, name: str, *, ip: str | None = None, mac: str | None = None) -> Host:
        """Plug a machine in; addresses count up from 10.0.0.2 and 02:00:00:00:00:02 unless given."""
        if name in self._hosts:
            raise WireError(f"a machine called {name!r} is already attached")
        number = len(self._hosts) + 2
        high, low = number >> 8, number & 0xFF
        host = Host(name, mac or f"02:00:00:00:{high:02x}:{low:02x}", ip or f"10.0.{high}.{low}")
        for other in self._hosts.values():
            if host.ip == other.ip or host.mac == other.mac:
                raise WireError(f"{name!r} cannot have {host.ip} and {host.mac}: {other.name!r} has one of them")
        self._hosts[name] = host
        return host

    def host(self, name: str) -> Host:
        """Return an attached machine; WireError if there is none of that name."""
        try:
            return self._hosts[name]
        except KeyError:
            raise WireError(f"no machine called {name!r} is attached") from None

    def listen(self, host: str, port: int, accept: Callable[[WireConnection], Endpoint]) -> None:
        """Serve `port` of `host`: `accept` makes the endpoint of each new connection, in place of an earlier one."""
        self.host(host)
        self._listeners[host, port] = accept

    def redirect(
        self, destination: str, port: int, *, to: str, unless_from: Collection[str] = ()
    ) -> Callable[[], None]:
        """On Alice's order: new connections to `destination` are answered by `to`, in the destination's name.

        The frames keep the addressed server's addresses. Connections from `to` itself and from `unless_from` are not
        redirected. The newest matching order wins; the returned function takes this one back.
        """
        self.host(destination)
        self.host(to)
        order = _Redirect(destination, port, to, frozenset(unless_from))
        self._redirects.append(order)

        def undo() -> None:
            if order in self._redirects:
                self._redirects.remove(order)

        return undo

    def on_connection(self, destination: str, decide: Callable[[str, int, int], str]) -> Callable[[], None]:
        """On Alice's order: ask her about each new connection to `destination`, when it comes.

        `decide(client, port, number)` returns the name of the machine that shall answer, or an empty text to let it
        pass; `number` counts the client's connections to `destination` from 1. A redirection of the same connection
        goes first. The returned function takes the order back.
        """
        self.host(destination)
        question = _Question(destination, decide, Counter())
        self._questions.append(question)

        def undo() -> None:
            if question in self._questions:
                self._questions.remove(question)

        return undo

    def _holder(self, client: str, server: str, port: int) -> str:
        """Return who answers a new connection: whoever was addressed, unless Alice says otherwise."""
        order = next((r for r in reversed(self._redirects) if r.takes(client, server, port)), None)
        if order is not None:
            return order.to
        question = next((q for q in reversed(self._questions) if q.destination == server), None)
        wanted = question.answer(client, port) if question is not None else ""
        return self.host(wanted).name if wanted else server

    def connect(self, client: str, server: str, port: int, endpoint: Endpoint, *, name: str = "") -> WireConnection:
        """Open a connection (SYN, SYN+ACK, ACK) and make the other end; octets move in `run`.

        Raises ConnectionRefusedOnWireError if nobody listens there.
        """
        holder = self._holder(client, server, port)
        accept = self._listeners.get((holder, port))
        if accept is None:
            raise ConnectionRefusedOnWireError(f"{client} cannot connect: nobody listens on {holder}:{port}")
        connection = WireConnection(
            self._name(client, server, name), self.host(client), self.host(server), port, holder
        )
        link = _Link(connection, self._conversation(connection))
        link.conversation.open()
        link.ends["client"] = endpoint
        self._links.append(link)
        link.ends["server"] = self._guarded(link, "server", lambda: accept(connection))
        for watcher in self._watchers:
            watcher(connection, link.ends)
        return connection

    def run(self, *, limit: int = 10_000) -> None:
        """Move octets until all ends are quiet; connections opened meanwhile are included.

        At most `limit` chunks are moved, then QuietError is raised. If an endpoint raises an exception, its connection
        is reset and EndpointError is raised; the other connections can go on with another `run`.
        """
        if self._running:
            raise WireError("the network is already running: an endpoint may call `connect`, but not `run`")
        self._running = True
        try:
            while self._round():
                limit -= 1
                if limit < 0:
                    names = ", ".join(c.name for c in self.connections)
                    waiting = [
                        f"the network was not quiet within the limit of chunks; still open: {names}.",
                        *map(str, self.waiting),
                    ]
                    raise QuietError(" ".join(waiting))
        finally:
            self._running = False

    def _round(self) -> bool:
        """Let the oldest connection that has something to say write one chunk; False if all are quiet."""
        return any(self._move(link, direction) for link in tuple(self._links) for direction in link.ends.copy())

    def _move(self, link: _Link, direction: Direction) -> bool:
        if direction in link.finished or "server" not in link.ends:
            return False
        writer, peer = link.ends[direction], other_role(direction)
        reader = link.ends[peer]
        data = self._guarded(link, direction, writer.data_to_send)
        if data:
            if self._gate is None:
                self._carry(link, direction, data)
            else:
                for item in self._gate.cut(link.connection.name, direction, data):
                    self._carry(link, direction, self._gate.passing(item), item.octets)
            return True
        if self._guarded(link, direction, lambda: writer.closed):
            self._finish(link, direction)
            self._guarded(link, peer, reader.eof_received)
            return True
        return False

    def _carry(self, link: _Link, direction: Direction, data: bytes, written: bytes = b"") -> None:
        """Bring octets to the other end; `written` is what they were before they were edited or (no `data`) dropped."""
        if written and not data:
            link.conversation.lost(direction, written)
            return
        link.conversation.data(direction, data, original=b"" if written == data else written)
        peer = other_role(direction)
        self._guarded(link, peer, lambda: link.ends[peer].receive(data))

    def _finish(self, link: _Link, direction: Direction) -> None:
        link.conversation.close(direction)
        link.finished.add(direction)
        if len(link.finished) == 2:
            self._forget(link)

    def _forget(self, link: _Link) -> None:
        link.connection.open = False
        if link in self._links:
            self._links.remove(link)

    def _guarded(self, link: _Link, direction: Direction, call: Callable[[], T]) -> T:
        """Call into an endpoint; if it raises an exception, reset the connection and raise EndpointError."""
        try:
            return call()
        except Exception as error:
            end = link.connection.client.name if direction == "client" else link.connection.holder
            wrapped = EndpointError(
                link.connection.name, end, f"{link.connection.name}: {end} failed: {type(error).__name__}: {error}"
            )
            self._reset(link, direction, wrapped)
            raise wrapped from error

    def _reset(self, link: _Link, direction: Direction, why: EndpointError) -> None:
        link.conversation.reset(direction)
        self._forget(link)
        other = link.ends.get(other_role(direction))
        if other is not None and direction not in link.finished:
            try:
                other.eof_received()
            except Exception as second:  # noqa: BLE001 - not lost: it is noted on the error that is raised
                why.add_note(f"at the reset the other end failed too: {type(second).__name__}: {second}")
        link.finished |= {"client", "server"}

    def _conversation(self, connection: WireConnection) -> TcpConversation:
        return TcpConversation(
            self._party,
            connection.name,
            connection.client,
            connection.server,
            _FIRST_PORT + len(self._names),
            connection.port,
            ends=(connection.client.name, connection.holder),
        )

    def _name(self, client: str, server: str, wanted: str) -> str:
        self._pairs[client, server] += 1
        name = wanted or f"{client}-{server}-{self._pairs[client, server]}"
        if name in self._names:
            raise WireError(f"a connection called {name!r} already exists, or existed")
        self._names.add(name)
        return name
