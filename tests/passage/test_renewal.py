"""Re-attestation on a passage that stands: over real TCP with real TPMs, by demand and by a clock."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from trustlab.attest import AppraisalPolicy
from trustlab.cloud import SERVER_NAME, HyperSafe, Station, World
from trustlab.passage import DESIGNS, PassageError, RenewalError, connect, serve
from trustlab.tpm import load_key
from trustlab.trace import Trace

HOST = "127.0.0.1"
DESIGNS_RENEWED = ["session-hash", "tls13-exporter", "tls13-handshake-secret", "tls13-nonce"]
EVERY = AppraisalPolicy(reattest="200ms")


def stations(folder, design_name, *, server=None, client=None):
    design, world = DESIGNS[design_name], World(folder)
    bank = world.image("bank", "teller", "trustlab.scenarios.bank", design)
    teller = world.image("teller", "bank", "trustlab.scenarios.teller", design)
    references = world.references(bank, teller)
    stack = contextlib.ExitStack()
    traces = Trace(), Trace()
    ends = [
        stack.enter_context(Station(world, design, image, references, trace.party(image.name), policy=policy))
        for image, trace, policy in ((bank, traces[0], server), (teller, traces[1], client))
    ]
    ends[0].certify(SERVER_NAME)
    if design.client_key or design.tls == "1.3":
        ends[1].certify("teller.example")
    return stack, *ends, traces


def relaunch(station) -> None:
    """Reboot the machine, and go on with the key of before, as Alice would if she kept the guest's memory."""
    old, identity = station._system, station._identity
    station.platform.cycle()
    new = HyperSafe(station.platform, station._image, station._world.endorsers)
    key = None if old._key is None else load_key(new._tpm, old._key)
    old._tpm, old._evidence, old._key = new._tpm, new._evidence, key
    if identity is not None:
        identity.key._key = key


async def echo(stream) -> None:
    while data := await stream.readline():
        await stream.write(data.upper())


def appraisals(trace) -> list[str]:
    return [event.name for event in trace.select("appraisal")]


@pytest.mark.parametrize("design", DESIGNS_RENEWED)
def test_a_client_asks_again_on_demand_and_data_go_on(tmp_path, design):
    async def play() -> bytes:
        async with await serve(echo, HOST, 0, policy=server) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with await connect(HOST, port, policy=client) as stream:
                await stream.write(b"hello ")
                for _ in range(3):
                    await stream.attest_again()
                await stream.write(b"bank" + bytes(40_000).replace(b"\0", b"x") + b"\n")
                return await stream.readline()

    stack, server, client, (_, of_client) = stations(tmp_path, design)
    with stack:
        assert asyncio.run(play()) == b"HELLO BANK" + b"X" * 40_000 + b"\n"
    assert appraisals(of_client) == ["accepted"] * 4
    last = of_client.select("verdict", name="boot continuity")[-1]
    assert last.data["verdict"] == "pass"


@pytest.mark.parametrize("design", ["session-hash", "tls13-exporter"])
def test_a_reboot_in_between_ends_the_passage_with_access_denied(tmp_path, design):
    async def play() -> str:
        async with await serve(echo, HOST, 0, policy=server) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with await connect(HOST, port, policy=client) as stream:
                await stream.attest_again()
                relaunch(server)
                with pytest.raises(PassageError) as refused:
                    await stream.attest_again()
                return str(refused.value)

    stack, server, client, (_, of_client) = stations(tmp_path, design)
    with stack:
        assert "boot continuity" in asyncio.run(play())
    assert appraisals(of_client) == ["accepted", "accepted", "refused"]
    assert any("access_denied" in str(event.data) for event in of_client)


@pytest.mark.parametrize("design", ["session-hash", "tls13-exporter"])
@pytest.mark.parametrize("asker", ["server", "client"])
def test_a_clock_asks_again_and_a_reboot_ends_the_passage_by_itself(tmp_path, design, asker):
    async def play() -> str:
        ended = asyncio.get_running_loop().create_future()

        async def stay(stream) -> None:
            with contextlib.suppress(PassageError):
                await stream.read(1)
            ended.set_result(None)

        async with await serve(stay, HOST, 0, policy=server) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with await connect(HOST, port, policy=client) as stream:
                await asyncio.sleep(1.5)
                relaunch(client if asker == "server" else server)
                with pytest.raises(PassageError) as over:
                    await asyncio.wait_for(stream.read(1), 5)
                await asyncio.wait_for(ended, 5)
                return str(over.value)

    stack, server, client, traces = stations(tmp_path, design, **{asker: EVERY})
    with stack:
        said = asyncio.run(play())
    assert ("alert access_denied" in said) if asker == "server" else ("boot continuity" in said)
    seen = appraisals(traces[0 if asker == "server" else 1])
    assert seen[-1] == "refused"
    assert seen.count("accepted") >= 3
    assert len(appraisals(traces[1 if asker == "server" else 0])) == 1


def test_a_peer_that_does_not_answer_is_cut_off_when_its_evidence_is_too_old(tmp_path):
    async def play() -> str:
        async with await serve(echo, HOST, 0, policy=server) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with await connect(HOST, port, policy=client) as stream:
                asyncio.get_running_loop().call_later(0.3, silence)
                with pytest.raises(PassageError) as over:
                    await asyncio.wait_for(stream.read(1), 8)
                return str(over.value)

    def silence() -> None:
        ends[0].renewal.received = lambda _data: b""

    ends = []
    policy = AppraisalPolicy(reattest="200ms", freshness="1s")
    stack, server, client, _ = stations(tmp_path, "session-hash", client=policy)
    made = server.server_end

    def keep(*args, **options):
        ends.append(made(*args, **options))
        return ends[-1]

    server.server_end = keep
    with stack:
        said = asyncio.run(play())
    assert "seconds old, and 1 are allowed" in said


@pytest.mark.parametrize(
    ("design", "words"), [("trusted-passage", "choose session-hash"), ("tls13-nonce", "the client attests nothing")]
)
def test_a_policy_that_a_design_cannot_keep_is_an_error_before_anybody_connects(tmp_path, design, words):
    stack, server, _, _ = stations(tmp_path, design, server=EVERY)
    with stack, pytest.raises(RenewalError, match=words):
        server.check_server()
