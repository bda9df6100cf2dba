"""Passages as asyncio streams over real TCP, with a real TPM at each end."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from trustlab.cloud import SERVER_NAME, Station, World
from trustlab.passage import DESIGNS, PassageError, connect, serve
from trustlab.trace import Trace

HOST = "127.0.0.1"


def stations(folder, design_name="trusted-passage", other=None):
    """Two machines in one world; `other` makes the client run another image than Bob published."""
    design, world = DESIGNS[design_name], World(folder)
    bank = world.image("bank", "teller", "trustlab.scenarios.bank", design)
    teller = world.image("teller", "bank", "trustlab.scenarios.teller", design)
    run = world.image("teller", "bank", other, design) if other else teller
    references = world.references(bank, teller)
    stack = contextlib.ExitStack()
    server = stack.enter_context(Station(world, design, bank, references, Trace().party("bank")))
    client = stack.enter_context(Station(world, design, run, references, Trace().party("teller")))
    server.certify(SERVER_NAME)
    if design.client_key or design.tls == "1.3":
        client.certify("teller.example")
    return stack, server, client


async def echo(stream) -> None:
    while data := await stream.readline():
        await stream.write(data.upper())


@contextlib.asynccontextmanager
async def serving(server, **options):
    listener = await serve(echo, HOST, 0, policy=server, **options)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


@pytest.mark.parametrize("design", ["trusted-passage", "session-hash", "connect-then-attest", "tls13-handshake-secret"])
def test_a_passage_carries_lines_both_ways_in_any_design(tmp_path, design):
    async def play() -> bytes:
        async with serving(server) as port, await connect(HOST, port, policy=client) as stream:
            await stream.write(b"hello ")
            await stream.write(b"bank\n")
            return await stream.readline()

    stack, server, client = stations(tmp_path, design)
    with stack:
        assert asyncio.run(play()) == b"HELLO BANK\n"


def test_several_passages_at_once_do_not_mix(tmp_path):
    async def one(port: int, n: int) -> bytes:
        async with await connect(HOST, port, policy=client) as stream:
            await stream.write(b"x%d\n" % n)
            return await stream.readline()

    async def play() -> list[bytes]:
        async with serving(server) as port:
            return await asyncio.gather(*(one(port, n) for n in range(4)))

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == [b"X%d\n" % n for n in range(4)]


def test_a_client_with_another_image_is_refused_and_learns_it(tmp_path):
    async def play() -> None:
        async with serving(server) as port:
            await connect(HOST, port, policy=client)

    stack, server, client = stations(tmp_path, other="trustlab.scenarios.record")
    with stack, pytest.raises(PassageError, match="access_denied"):
        asyncio.run(play())


def test_peers_that_never_finish_make_room_for_others_and_are_dropped_in_time(tmp_path):
    async def play() -> bytes:
        async with serving(server, seconds=3, unfinished=3) as port:
            idle = [await asyncio.open_connection(HOST, port) for _ in range(6)]
            began = asyncio.get_running_loop().time()
            for reader, _ in idle[:3]:
                assert len(await asyncio.wait_for(reader.read(), 2)) < 50  # an alert, and the end
            async with await connect(HOST, port, policy=client) as stream:
                await stream.write(b"still there?\n")
                answer = await stream.readline()
            assert asyncio.get_running_loop().time() - began < 3, "served only when the idle ones had gone"
            assert len(await asyncio.wait_for(idle[5][0].read(), 20)) < 50
            for _, writer in idle:
                writer.close()
            return answer

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == b"STILL THERE?\n"


def test_garbage_is_answered_by_an_end_and_nothing_breaks(tmp_path):
    async def play() -> bytes:
        async with serving(server) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await asyncio.wait_for(reader.read(), 20)
            writer.close()
            async with await connect(HOST, port, policy=client) as stream:
                await stream.write(b"ok\n")
                return await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == b"OK\n"


def test_a_server_that_says_nothing_costs_the_client_no_more_than_its_patience(tmp_path):
    async def say_nothing(reader, writer) -> None:
        with contextlib.closing(writer):
            await reader.read()  # until the client has lost its patience

    async def play() -> None:
        mute = await asyncio.start_server(say_nothing, HOST, 0)
        async with mute:
            await connect(HOST, mute.sockets[0].getsockname()[1], policy=client, seconds=0.5)

    stack, _, client = stations(tmp_path)
    with stack, pytest.raises(PassageError, match=r"not finished within 0\.5 seconds"):
        asyncio.run(play())
