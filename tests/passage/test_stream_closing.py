"""How passages over TCP close: each direction by itself in TLS 1.3, and never with a socket left behind."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from tls_identities import NAME, root, server_identity

from trustlab import tls
from trustlab.passage import PassageError, TlsEndpoint, connect, serve
from trustlab.tls.server13 import Server13

HOST = "127.0.0.1"


class Plain:
    """Makes ends of channels without attestation."""

    def __init__(self, version: tls.Version = tls.Version.TLS13) -> None:
        identity = server_identity("ECDSA")
        versions = (version,)
        self.server = tls.ServerConfig(certificates=(identity.der,), key=identity.key, versions=versions, groups=(23,))
        self.client = tls.ClientConfig(server_name=NAME, trust=[root().certificate], versions=versions)

    def client_end(self, application, connection, peer):
        return TlsEndpoint(tls.Client(self.client), application)

    def server_end(self, application, connection, peer, *, limiter=None):
        return TlsEndpoint(tls.Server(self.server), application)

    def check_server(self) -> None:
        """Nothing can be missing."""


class Half:
    """A client of our engine on a bare stream: it says what it has to say, closes its direction, and listens."""

    def __init__(self, policy: Plain, port: int) -> None:
        self.engine = tls.Client(policy.client)
        self.port = port
        self.heard = b""

    async def talk(self, question: bytes, *, fin: bool) -> None:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        asked = False
        while self.engine.state != "Closed":
            for event in tls.pump(self.engine):
                if isinstance(event, tls.ApplicationData):
                    self.heard += event.data
            if self.engine.handshake_complete and not asked:
                asked = True
                self.engine.send(question)
                self.engine.close()
            if data := self.engine.data_to_send():
                writer.write(data)
            if asked and fin:
                writer.write_eof()
                fin = False
            data = await asyncio.wait_for(reader.read(65_536), 10)
            if data:
                self.engine.receive(data)
            else:
                self.engine.eof_received()
        writer.close()


@pytest.mark.parametrize("fin", [False, True], ids=["close_notify", "close_notify and FIN"])
def test_who_has_heard_the_peer_out_can_still_answer(*, fin: bool) -> None:
    policy = Plain()

    async def answer_late(stream) -> None:
        question = await stream.read()
        await asyncio.sleep(0.05)
        for _ in range(3):
            await stream.write(question.upper())

    async def play() -> Half:
        async with await serve(answer_late, HOST, 0, policy=policy) as listener:
            client = Half(policy, listener.sockets[0].getsockname()[1])
            await client.talk(b"what now? ", fin=fin)
            return client

    client = asyncio.run(play())
    assert client.heard == b"WHAT NOW? " * 3
    assert client.engine.error is None


def test_in_tls12_nothing_can_be_said_to_a_peer_that_closed() -> None:
    policy, failures, told = Plain(tls.Version.TLS12), [], asyncio.Event()

    async def answer_late(stream) -> None:
        await stream.read()
        with pytest.raises(PassageError) as caught:
            await stream.write(b"too late")
        failures.append(str(caught.value))
        told.set()

    async def play() -> Half:
        async with await serve(answer_late, HOST, 0, policy=policy) as listener:
            client = Half(policy, listener.sockets[0].getsockname()[1])
            await client.talk(b"and now?", fin=False)
            await told.wait()
            return client

    client = asyncio.run(asyncio.wait_for(play(), 20))
    assert client.heard == b""
    assert client.engine.error is None
    assert "the passage is over" in failures[0]


@pytest.mark.parametrize("version", list(tls.Version)[-2:], ids=lambda v: v.title)
def test_whoever_closes_both_directions_does_not_wait_for_a_peer_that_stays_silent(version: tls.Version) -> None:
    policy = Plain(version)

    async def nothing(_stream) -> None:
        pass

    async def play() -> None:
        async with await serve(nothing, HOST, 0, policy=policy) as listener:
            stream = await connect(HOST, listener.sockets[0].getsockname()[1], policy=policy)
            assert await stream.read() == b""
            await stream.close()

    began = time.monotonic()
    asyncio.run(play())
    assert time.monotonic() - began < 4


class Short:
    """Says a word and leaves."""

    finished = False

    def __init__(self) -> None:
        self.ends = []

    def connected(self) -> bytes:
        self.finished = True
        return b"bye"

    def received(self, data: bytes) -> bytes:
        return b""

    def closed(self, error: Exception | None) -> None:
        self.ends.append(error)


@pytest.mark.parametrize("version", list(tls.Version)[-2:], ids=lambda v: v.title)
@pytest.mark.parametrize("half_close", [False, True], ids=["both directions", "one direction"])
def test_a_peer_that_cuts_off_behind_our_close_notify_is_at_fault_where_we_listen(*, half_close, version) -> None:
    policy, word = Plain(version), Short()
    end = policy.client_end(word, "c", "bank")
    end.half_close = half_close
    server = tls.Server(policy.server)
    for _ in range(6):
        server.receive(end.data_to_send())
        list(tls.pump(server))
        if not end.connection.closed:
            end.receive(server.data_to_send())
    assert end.connection.closed
    end.eof_received()
    assert isinstance(end.connection.error, tls.Unanswered)
    told = end.connection.error if half_close and version == tls.Version.TLS13 else None
    assert end.error is told
    assert word.ends == [told]
    assert end.closed


def hello(*, versions: bool) -> bytes:
    """Return a record with a ClientHello without a usable key share, with supported_versions or without."""

    def sized(size: int, body: bytes) -> bytes:
        return len(body).to_bytes(size, "big") + body

    def extension(kind: int, body: bytes) -> bytes:
        return kind.to_bytes(2, "big") + sized(2, body)

    found = extension(10, sized(2, b"\0\x17")) + extension(13, sized(2, b"\4\3\x08\4"))
    found += extension(43, sized(1, b"\3\4")) if versions else b""
    found += extension(51, sized(2, b""))
    body = b"\3\3" + bytes(32) + sized(1, b"") + sized(2, b"\x13\1") + sized(1, b"\0") + sized(2, found)
    return b"\x16\3\1" + sized(2, b"\1" + sized(3, body))


async def ask_twice(port: int, second: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(hello(versions=True))
    await asyncio.wait_for(reader.read(65_536), 5)
    writer.write(second)
    heard = await asyncio.wait_for(reader.read(), 5)  # until the server closes
    writer.close()
    return heard


def test_a_second_hello_without_versions_gets_an_alert_and_its_socket_is_closed() -> None:
    policy = Plain()

    async def play() -> bytes:
        async with await serve(echo, HOST, 0, policy=policy) as listener:
            return await ask_twice(listener.sockets[0].getsockname()[1], hello(versions=False))

    assert asyncio.run(play()) == b"\x15\3\3\0\2\2\x6d"  # fatal, missing_extension


async def echo(stream) -> None:
    while data := await stream.readline():
        await stream.write(data)


async def strike(policy: Plain) -> tuple[bytes, list[object]]:
    """Say hello to a server; return what it answers until it closes, and what reached the loop's exception handler."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    async with await serve(echo, HOST, 0, policy=policy) as listener:
        reader, writer = await asyncio.open_connection(HOST, listener.sockets[0].getsockname()[1])
        writer.write(hello(versions=True))
        heard = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return heard, told


@pytest.mark.parametrize(
    ("kind", "method", "heard", "logger"),
    [
        (Server13, "_check_form", b"\x15\3\3\0\2\2\x50", "trustlab.tls"),  # fatal, internal_error
        (TlsEndpoint, "handle", b"", "trustlab.passage"),
    ],
    ids=["of the engine", "of whoever drives it"],
)
def test_a_fault_is_one_log_line_and_a_closed_socket(
    kind: type,
    method: str,
    heard: bytes,
    logger: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(*_: object) -> None:
        raise TypeError("a fault made for this test")

    monkeypatch.setattr(kind, method, breaks)
    assert asyncio.run(strike(Plain())) == (heard, [])
    assert [(r.name, r.levelno) for r in caplog.records] == [(logger, logging.ERROR)]
