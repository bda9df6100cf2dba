"""Our engine on a blocking socket, as small as it can be."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Self

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 20.0


class Ours:
    """One end of a connection: the engine, its socket, and everything it told."""

    def __init__(self, connection: tls.Connection, wire: socket.socket) -> None:
        self.connection = connection
        self.wire = wire
        self.events: list[tls.Event] = []
        wire.settimeout(PATIENCE)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def flush(self) -> None:
        self.events += tls.pump(self.connection)
        data = self.connection.data_to_send()
        if data:
            self.wire.sendall(data)

    def until(self, done: Callable[[], bool]) -> None:
        """Carry octets until `done()`; the connection's end before that is a failure that says why."""
        self.flush()
        while not done():
            assert not self.connection.closed, repr(self.connection.error)
            data = self.wire.recv(65536)
            if data:
                self.connection.receive(data)
            else:
                self.connection.eof_received()
            self.flush()

    def handshake(self) -> Ours:
        self.until(lambda: self.connection.handshake_complete)
        return self

    def send(self, data: bytes) -> None:
        self.connection.send(data)
        self.flush()

    def expect(self, data: bytes) -> None:
        """Read until these octets have come."""
        self.until(lambda: data in self.data)

    def close(self) -> None:
        """Say close_notify and read on until the peer has ended its side too."""
        self.connection.close()
        self.flush()
        while self.connection.state != "Closed":
            try:
                data = self.wire.recv(65536)
            except ConnectionResetError:
                data = b""
            if data:
                self.connection.receive(data)
            else:
                self.connection.eof_received()
            self.events += tls.pump(self.connection)
        self.wire.close()

    @property
    def data(self) -> bytes:
        return b"".join(e.data for e in self.events if isinstance(e, tls.ApplicationData))

    @property
    def messages(self) -> list[Any]:
        return [e for e in self.events if isinstance(e, tls.MessageSent | tls.MessageReceived)]

    @property
    def group(self) -> int | None:
        """The group the key exchange really used, read off the messages."""
        for event in self.messages:
            message = event.message
            if isinstance(message, tls.ServerKeyExchange):
                return message.named_curve
            if isinstance(message, tls.ServerHello):
                share = message.extension(tls.ExtensionType.KEY_SHARE)
                if share:
                    return int.from_bytes(share[:2], "big")
        return None


def check(ours: Ours, combination: Any, protocol: str = "lab/1") -> None:
    """Assert that the connection is what the combination says."""
    connection = ours.connection
    assert connection.version == combination.version
    assert connection.cipher_suite == combination.suite
    assert ours.group == combination.group
    assert connection.alpn == (protocol if combination.alpn else "")
    if connection.role == "server" and combination.client != "none":
        assert connection.peer_certificates[0] == combination.peer_certificate


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))
