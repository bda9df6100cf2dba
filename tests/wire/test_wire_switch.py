"""Alice's switch on real sockets, in a real loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from trustlab.trace import Trace
from trustlab.wire import Host, Match, Switch, WireError
from trustlab.wire.switch import QUEUE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOSTS = {
    name: Host(name, f"02:00:00:00:00:0{n}", f"10.0.0.{n}")
    for n, name in enumerate(("teller", "alice", "bank"), start=2)
}


class Bench:
    """A switch with three machines, whose ends of the cables the test holds."""

    def __init__(self) -> None:
        self.trace = Trace("bench", "uml")
        self.switch = Switch(self.trace)
        self.cables = {name: self.switch.plug(host) for name, host in HOSTS.items()}
        for cable in self.cables.values():
            cable.setblocking(False)  # noqa: FBT003

    def send(self, source: str, destination: str, payload: bytes = b"hello") -> bytes:
        a, b = HOSTS[source], HOSTS[destination]
        octets = bytes(
            Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip) / TCP(sport=50000, dport=443, seq=1) / payload
        )
        self.cables[source].send(octets)
        return octets

    async def receive(self, name: str) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.cables[name], 65536), 5)

    async def silent(self, name: str) -> bool:
        await asyncio.sleep(0.02)
        try:
            self.cables[name].recv(65536)
        except BlockingIOError:
            return True
        return False

    async def introduce(self) -> None:
        """Let every machine be heard once, and take away what that floods."""
        for name in HOSTS:
            self.send(name, "teller" if name != "teller" else "bank", b"")
        await asyncio.sleep(0.02)
        for name in HOSTS:
            while not await self.silent(name):
                pass

    def close(self) -> None:
        self.switch.close()
        for cable in self.cables.values():
            cable.close()


def on_a_bench(test: Callable[[Bench], Awaitable[None]]) -> None:
    """Play a test; what a callback of the switch raises is only logged by the loop, and fails the test here."""
    faults: list[object] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        bench = Bench()
        try:
            await bench.introduce()
            await test(bench)
        finally:
            bench.close()

    asyncio.run(run())
    assert faults == []


def test_a_frame_crosses_from_cable_to_cable() -> None:
    async def story(bench: Bench) -> None:
        octets = bench.send("teller", "bank")
        assert await bench.receive("bank") == octets
        assert await bench.silent("alice")
        assert bench.trace.select("frame")[-1].raw == octets

    on_a_bench(story)


def test_frames_keep_their_order() -> None:
    async def story(bench: Bench) -> None:
        sent = [bench.send("teller", "bank", bytes([n])) for n in range(8)]
        assert [await bench.receive("bank") for _ in sent] == sent

    on_a_bench(story)


def test_a_delayed_frame_comes_later_and_does_come() -> None:
    async def story(bench: Bench) -> None:
        bench.switch.order(lambda s: s.delay(Match(payload=True), 0.1, times=1))
        began = asyncio.get_running_loop().time()
        octets = bench.send("teller", "bank")
        assert await bench.receive("bank") == octets
        assert asyncio.get_running_loop().time() - began >= 0.1

    on_a_bench(story)


def test_an_order_that_fails_is_noted_and_costs_only_its_frame() -> None:
    async def story(bench: Bench) -> None:
        bench.switch.order(lambda s: s.edit(Match(payload=True), lambda payload: payload * 2, times=1))
        bench.send("teller", "bank", b"once")
        assert await bench.silent("bank")
        (note,) = bench.trace.select("note", name="order failed")
        assert "cannot become one of 8" in str(note.data["sentence"])
        octets = bench.send("teller", "bank", b"again")
        assert await bench.receive("bank") == octets

    on_a_bench(story)


def test_another_thread_may_hold_and_release() -> None:
    async def story(bench: Bench) -> None:
        hold = bench.switch.order(lambda s: s.hold(Match(payload=True)))
        octets = bench.send("teller", "bank")
        assert await bench.silent("bank")
        thread = threading.Thread(target=lambda: bench.switch.order(lambda _: hold.release(1)))
        thread.start()
        assert await bench.receive("bank") == octets
        thread.join()

    on_a_bench(story)


def test_a_redirected_connection_is_answered_by_alice_in_the_banks_name() -> None:
    async def story(bench: Bench) -> None:
        bench.switch.order(lambda s: s.redirect("bank", 443, to="alice"))
        a, b = HOSTS["teller"], HOSTS["bank"]
        syn = Ether(src=a.mac, dst=b.mac) / IP(src=a.ip, dst=b.ip) / TCP(sport=50001, dport=443, flags="S")
        bench.cables["teller"].send(bytes(syn))
        seen = Ether(await bench.receive("alice"))
        answer = (
            Ether(src=seen.dst, dst=seen.src)
            / IP(src=seen[IP].dst, dst=seen[IP].src)
            / TCP(sport=443, dport=50001, flags="SA")
        )
        bench.cables["alice"].send(bytes(answer))
        back = Ether(await bench.receive("teller"))
        assert (back[IP].src, back.src, back[TCP].flags) == (b.ip, b.mac, "SA")

    on_a_bench(story)


@pytest.mark.long
def test_a_machine_that_does_not_read_loses_frames_and_stops_nobody() -> None:
    async def story(bench: Bench) -> None:
        bench.cables["teller"].setblocking(True)  # noqa: FBT003
        await asyncio.to_thread(lambda: [bench.send("teller", "bank", bytes(1000)) for _ in range(3000)])
        await asyncio.sleep(0.05)
        assert bench.switch.lost("bank") > 0
        assert len(bench.switch._ports["bank"].queue) == QUEUE
        before = bench.switch.lost("bank")
        bench.send("teller", "bank")
        await asyncio.sleep(0.05)
        assert bench.switch.lost("bank") == before + 1
        octets = bench.send("teller", "alice")
        assert await bench.receive("alice") == octets

    on_a_bench(story)


def test_what_waits_for_a_slow_machine_arrives_when_it_reads() -> None:
    async def story(bench: Bench) -> None:
        bench.cables["teller"].setblocking(True)  # noqa: FBT003
        sent = await asyncio.to_thread(lambda: [bench.send("teller", "bank", n.to_bytes(2, "big")) for n in range(700)])
        assert [await bench.receive("bank") for _ in sent] == sent

    on_a_bench(story)


def test_a_machine_whose_cable_is_cut_is_noted_and_the_others_go_on() -> None:
    async def story(bench: Bench) -> None:
        bench.cables["bank"].close()
        bench.send("teller", "bank")
        await asyncio.sleep(0.02)
        assert bench.trace.select("note", name="unplugged") != []
        octets = bench.send("teller", "alice")
        assert await bench.receive("alice") == octets
        with pytest.raises(WireError, match="bank"):
            bench.switch.lost("bank")

    on_a_bench(story)


def test_of_two_frames_at_once_to_a_cut_cable_the_second_finds_nobody_and_harms_nobody() -> None:
    async def story(bench: Bench) -> None:
        bench.switch.order(lambda s: s.duplicate(Match(payload=True)))
        bench.cables["bank"].close()
        bench.send("teller", "bank")
        await asyncio.sleep(0.02)
        assert len(bench.trace.select("note", name="unplugged")) == 1

    on_a_bench(story)


def test_closing_closes_every_socket() -> None:
    async def story() -> None:
        with Switch(Trace()) as switch:
            cable = switch.plug(HOSTS["bank"])
        with pytest.raises(OSError, match=r"refused|reset|not connected"):
            cable.send(b"anybody?")
        with pytest.raises(WireError, match="this switch is closed"):
            switch.order(lambda s: s.drop(Match()))
        cable.close()
        switch.unplug("bank")

    asyncio.run(story())


def test_a_frame_is_one_datagram_of_an_ordinary_socketpair() -> None:
    async def story() -> None:
        with Switch(Trace()) as switch, switch.plug(HOSTS["bank"]) as cable:
            assert (cable.family, cable.type) == (socket.AF_UNIX, socket.SOCK_DGRAM)

    asyncio.run(story())
