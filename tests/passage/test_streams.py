"""Passages as asyncio streams over real TCP, with a real TPM at each end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import weakref

import pytest

from trustlab.cloud import SERVER_NAME, CloudError, Station, World
from trustlab.passage import DESIGNS, PassageError, RateLimiter, connect, serve, streams
from trustlab.trace import Trace

HOST, FLOODER = "127.0.0.1", "127.0.0.2"
ROOM = 24


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


class Counted:
    """A policy that counts its server's ends while they live."""

    def __init__(self, station) -> None:
        self.station = station
        self.ends = weakref.WeakSet()
        self.many = asyncio.Event()
        self.most = self.made = 0
        self.check_server = station.check_server

    def server_end(self, *arguments, **options):
        end = self.station.server_end(*arguments, **options)
        self.made += 1
        self.ends.add(end)
        if self.made % 100 == 0:
            gc.collect()
            self.most = max(self.most, len(self.ends))
        if self.made == 500:
            self.many.set()
        return end


class Hello:
    """An application with nothing to say."""

    finished = False

    def connected(self):
        return b""

    def closed(self, error):
        pass


def test_thousands_of_unfinished_connections_cost_bounded_memory_and_starve_nobody(tmp_path):
    """A flood of hellos from one address, which keeps as many connections open as it can; a client from another."""

    async def flood(port: int, served: asyncio.Event) -> int:
        begun, kept = 0, []
        while begun < 2000 or not served.is_set():
            with contextlib.suppress(ConnectionError):
                _, writer = await asyncio.open_connection(HOST, port, local_addr=(FLOODER, 0))
                writer.write(hello)
                kept.append(writer)
                begun += 1
            if len(kept) > 300:
                kept.pop(0).close()
        for writer in kept:
            writer.close()
        return begun

    async def play() -> tuple[list[bytes], int]:
        served = asyncio.Event()
        async with serving(counted, unfinished=ROOM, limiter=RateLimiter(5, rate=0.0)) as port:
            flooding = asyncio.create_task(flood(port, served))
            await counted.many.wait()
            answers = []
            for _ in range(3):
                async with await connect(HOST, port, policy=client) as stream:
                    await stream.write(b"me too\n")
                    answers.append(await stream.readline())
            served.set()
            return answers, await flooding

    stack, server, client = stations(tmp_path)
    counted = Counted(server)
    hello = client.client_end(Hello(), "flood", HOST).data_to_send()
    with stack:
        answers, begun = asyncio.run(play())
    assert answers == [b"ME TOO\n"] * 3
    assert begun >= 2000
    assert counted.most <= 4 * ROOM, "ends in their handshake, and some on their way out"
    quotes = server.platform.party.trace.select("tpm.response", name="TPM2_Quote")
    assert len(quotes) == 5 + 3, "five for the flood, one for each passage"


def test_for_one_more_the_address_with_the_most_connections_loses_its_oldest(tmp_path):
    async def ended(reader) -> bool:
        try:
            return await asyncio.wait_for(reader.read(), 0.3) == b""
        except TimeoutError:
            return False

    async def play() -> list[bool]:
        async with serving(server, unfinished=3) as port:
            first = await asyncio.open_connection(HOST, port)
            others = [await asyncio.open_connection(HOST, port, local_addr=(FLOODER, 0)) for _ in range(4)]
            fates = [await ended(reader) for reader, _ in (first, *others)]
            for _, writer in (first, *others):
                writer.close()
            return fates

    stack, server, _ = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == [False, True, True, False, False]


def test_passages_that_stand_are_bounded_too_and_who_has_the_most_loses_its_oldest(tmp_path):
    async def play() -> list[bytes]:
        async with await serve(echo, HOST, 0, policy=server, standing=2) as listener:
            port = listener.sockets[0].getsockname()[1]
            streams = [await connect(HOST, port, policy=client) for _ in range(4)]
            with pytest.raises(PassageError):
                await asyncio.wait_for(said(streams[0]), 5)
            with pytest.raises(PassageError):
                await asyncio.wait_for(said(streams[1]), 5)
            answers = [await said(stream) for stream in streams[2:]]
            assert (listener.standing, listener.unfinished) == (2, 0)
            for stream in streams:
                await stream.close()
            return answers

    async def said(stream) -> bytes:
        await stream.write(b"me?\n")
        return await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == [b"ME?\n"] * 2


def test_a_peer_that_asks_too_fast_gets_no_quote_and_another_address_does(tmp_path):
    async def play() -> str:
        async with (
            serving(server, limiter=RateLimiter(1, rate=0.0)) as port,
            serving(server, limiter=RateLimiter(0)) as stingy,
        ):
            async with await connect(HOST, port, policy=client):
                pass
            with pytest.raises(PassageError, match="internal_error"):
                await connect(HOST, port, policy=client)
            with pytest.raises(PassageError, match="internal_error"):
                await connect(HOST, stingy, policy=client)
        sentences = [str(event.data["sentence"]) for event in server.platform.party.trace.select("note")]
        return sentences[0]

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == "127.0.0.1 has used up its quotes for now, and may ask again later"


@pytest.mark.parametrize("design", [d.name for d in DESIGNS.values() if d.when not in ("never", "before", "sealed")])
def test_a_rate_limit_is_an_alert_of_its_version_and_a_sentence_in_both_logs(tmp_path, design):
    name = "general_error" if DESIGNS[design].tls == "1.3" else "internal_error"
    code = {"general_error": 117, "internal_error": 80}[name]

    async def play() -> None:
        async with serving(server, limiter=RateLimiter(0)) as port:
            try:
                async with await connect(HOST, port, policy=client) as stream:
                    await stream.readline()  # where evidence comes after Finished, some designs stand without it
            except PassageError as error:
                raised.append(str(error))

    raised: list[str] = []
    stack, server, client = stations(tmp_path, design)
    with stack:
        asyncio.run(play())
    assert raised, "the passage stood without evidence"
    assert f"the peer sent the alert {name}" in raised[0]
    bank, teller = server.platform.party.trace, client.platform.party.trace
    (why,) = bank.select("note", name="no evidence")
    assert why.data["sentence"] == "127.0.0.1 has used up its quotes for now, and may ask again later"
    (heard,) = teller.select("note", name="evidence withheld")
    assert f"sent the alert {name} instead of its evidence" in str(heard.data["sentence"])
    assert [e.raw for e in bank.select("tls.message", name="Alert") if e.sent] == [bytes((2, code))]
    assert not bank.select("tpm.command", name="TPM2_Quote")


def test_a_server_has_a_limit_unless_it_is_told_otherwise(tmp_path):
    async def play(**options) -> int:
        stood = 0
        async with serving(server, **options) as port:
            with contextlib.suppress(PassageError):
                for _ in range(30):
                    async with await connect(HOST, port, policy=client):
                        stood += 1
        return stood

    stack, server, client = stations(tmp_path)
    with stack:
        assert 20 <= asyncio.run(play()) < 30
        assert asyncio.run(play(limiter=RateLimiter(math.inf))) == 30


def test_a_passage_over_ipv6_where_there_is_any(tmp_path):
    async def play() -> bytes:
        try:
            listener = await serve(echo, "::1", 0, policy=server)
        except OSError as error:  # containers often do without
            return str(error).encode()
        async with listener, await connect("::1", listener.sockets[0].getsockname()[1], policy=client) as stream:
            await stream.write(b"six\n")
            return await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack:
        answer = asyncio.run(play())
    assert answer == b"SIX\n" or b"::1" in answer


def test_what_nobody_reads_is_not_fetched_from_the_socket(tmp_path):
    """Else a peer could fill the memory of whoever reads slowly."""

    async def play() -> int:
        read_on, all_of_it, heard = asyncio.Event(), asyncio.Event(), 0

        async def slow(stream) -> None:
            nonlocal heard
            await read_on.wait()
            while data := await stream.read(1 << 20):
                heard += len(data)
                if heard == 32 << 20:
                    all_of_it.set()

        async with await serve(slow, HOST, 0, policy=server) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with await connect(HOST, port, policy=client) as stream:
                sending = asyncio.create_task(stream.write(bytes(32 << 20)))
                done, _ = await asyncio.wait([sending], timeout=2)
                assert not done, "32 MiB went somewhere"
                read_on.set()
                await sending
                await all_of_it.wait()
        return heard

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == 32 << 20


def test_closing_waits_for_a_peer_that_reads_nothing_only_so_long(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "CLOSE_SECONDS", 0.5)

    async def play() -> None:
        async def deaf(_stream) -> None:
            await over.wait()

        over = asyncio.Event()
        async with await serve(deaf, HOST, 0, policy=server) as listener:
            stream = await connect(HOST, listener.sockets[0].getsockname()[1], policy=client)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.write(bytes(32 << 20)), 1)
            await stream.close()
            over.set()

    stack, server, client = stations(tmp_path)
    with stack:
        asyncio.run(play())


def test_closing_a_server_ends_the_passages_that_stand(tmp_path):
    async def play() -> bytes:
        listener = await serve(echo, HOST, 0, policy=server)
        async with await connect(HOST, listener.sockets[0].getsockname()[1], policy=client) as stream:
            await listener.close()
            await listener.close()
            await listener.serve_forever()
            return await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == b""


async def listens(stream) -> None:
    await stream.readline()


async def talks(stream) -> None:
    while True:
        await stream.write(bytes(100_000))


@pytest.mark.parametrize("does", [listens, talks])
def test_a_peer_that_dies_in_the_middle_is_no_error_of_the_handlers(tmp_path, does):
    async def play() -> list[dict]:
        told, ended = [], asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))

        async def handler(stream) -> None:
            try:
                await does(stream)
            finally:
                ended.set()

        async with await serve(handler, HOST, 0, policy=server) as listener:
            stream = await connect(HOST, listener.sockets[0].getsockname()[1], policy=client)
            stream.give_up("killed")
            await ended.wait()
        return told

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == []


def test_a_handlers_own_error_is_told_to_the_loop_and_the_server_goes_on(tmp_path):
    async def play() -> tuple[list[str], bytes]:
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(str(context["exception"])))
        failing = [True]

        async def clumsy(stream) -> None:
            if failing.pop():
                failing.append(False)
                raise RuntimeError("a bug")
            await echo(stream)

        async with await serve(clumsy, HOST, 0, policy=server) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with await connect(HOST, port, policy=client) as stream:
                with pytest.raises(PassageError, match="without close_notify"):
                    await stream.readline()
            async with await connect(HOST, port, policy=client) as stream:
                await stream.write(b"again\n")
                return told, await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play()) == (["a bug"], b"AGAIN\n")


def test_a_line_without_an_end_is_a_passage_error(tmp_path):
    async def play() -> None:
        async def babble(stream) -> None:
            await stream.write(b"x" * 300_000)

        listener = await serve(babble, HOST, 0, policy=server)
        async with listener, await connect(HOST, listener.sockets[0].getsockname()[1], policy=client) as stream:
            await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack, pytest.raises(PassageError, match="longer than 65536 octets"):
        asyncio.run(play())


def test_a_line_that_is_too_long_for_the_server_breaks_the_passage_off_for_its_client_too(tmp_path):
    async def play() -> None:
        async with serving(server) as port, await connect(HOST, port, policy=client) as stream:
            await stream.write(b"y" * 70_000 + b"\n")
            await asyncio.wait_for(stream.readline(), 10)

    stack, server, client = stations(tmp_path)
    with stack, pytest.raises(PassageError, match=r"close_notify|reset"):
        asyncio.run(play())


def test_a_server_without_a_certified_key_does_not_begin(tmp_path):
    async def play() -> None:
        await serve(echo, HOST, 0, policy=client)

    stack, _, client = stations(tmp_path)
    with stack, pytest.raises(CloudError, match="certify"):
        asyncio.run(play())


def test_a_line_may_be_as_long_as_the_bound_and_no_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "LONGEST_LINE", 100)

    async def play(length: int) -> bytes:
        async def say(stream) -> None:
            await stream.write(b"x" * length + b"\n")
            await stream.read()

        listener = await serve(say, HOST, 0, policy=server)
        async with listener, await connect(HOST, listener.sockets[0].getsockname()[1], policy=client) as stream:
            return await stream.readline()

    stack, server, client = stations(tmp_path)
    with stack:
        assert asyncio.run(play(100)) == b"x" * 100 + b"\n"
        with pytest.raises(PassageError, match="longer than 100 octets"):
            asyncio.run(play(101))
