"""The network in memory: order, redirection, closing, failing, bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustlab.trace import Trace
from trustlab.wire import (
    ConnectionRefusedOnWireError,
    EndpointError,
    Flag,
    MemoryNetwork,
    QuietError,
    WireConnection,
    WireError,
    checksums_right,
    parse_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Scripted:
    """An endpoint that says `opening`, answers by `reply`, and closes after `close_after` octets received."""

    def __init__(
        self, opening: bytes = b"", reply: Callable[[bytes], bytes] | None = None, *, close_after: int | None = None
    ) -> None:
        self.outgoing = opening
        self.reply = reply
        self.close_after = close_after
        self.heard = b""
        self.eofs = 0

    def receive(self, data: bytes) -> None:
        self.heard += data
        if self.reply:
            self.outgoing += self.reply(data)

    def data_to_send(self) -> bytes:
        data, self.outgoing = self.outgoing, b""
        return data

    def eof_received(self) -> None:
        self.eofs += 1
        self.close_after = 0

    @property
    def closed(self) -> bool:
        return self.close_after is not None and len(self.heard) >= self.close_after and not self.outgoing


class Failing(Scripted):
    def receive(self, data: bytes) -> None:
        raise ValueError(f"cannot make sense of {data!r}")


class Relay(Scripted):
    """One end of Alice in the middle; what it hears the other end says."""

    other: Relay

    def receive(self, data: bytes) -> None:
        self.heard += data
        self.other.outgoing += data

    def eof_received(self) -> None:
        self.other.close_after = 0


@pytest.fixture
def network() -> MemoryNetwork:
    network = MemoryNetwork(Trace())
    for name in ("teller", "alice", "bank"):
        network.attach(name)
    return network


def shout(data: bytes) -> bytes:
    return data.upper()


def flags(network: MemoryNetwork, connection: str) -> list[tuple[str, Flag]]:
    segments = [(e.direction, parse_frame(e.raw)) for e in network.trace.select("frame", connection=connection)]
    return [(direction, s.flags) for direction, s in segments if s]


def relayed_by_alice(network: MemoryNetwork) -> Callable[[WireConnection], Relay]:
    def accept(connection: WireConnection) -> Relay:
        towards_teller, towards_bank = Relay(), Relay()
        towards_teller.other, towards_bank.other = towards_bank, towards_teller
        network.connect("alice", connection.server.name, connection.port, towards_bank)
        return towards_teller

    return accept


def test_what_one_end_writes_the_other_reads_in_order(network: MemoryNetwork) -> None:
    server = Scripted(reply=shout)
    network.listen("bank", 443, lambda _: server)
    client = Scripted(b"hello")
    network.connect("teller", "bank", 443, client)
    network.run()
    client.outgoing = b"again"
    network.run()
    assert (server.heard, client.heard) == (b"helloagain", b"HELLOAGAIN")


def test_a_connection_is_named_for_its_ends_and_counted(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted())
    names = [network.connect("teller", "bank", 443, Scripted()).name for _ in range(2)]
    assert names == ["teller-bank-1", "teller-bank-2"]


def test_two_connections_cannot_have_one_name(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted())
    network.connect("teller", "bank", 443, Scripted(), name="x")
    with pytest.raises(WireError, match="'x'"):
        network.connect("teller", "bank", 443, Scripted(), name="x")


def test_closing_both_sides_writes_a_whole_tcp_conversation(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted(reply=shout, close_after=5))
    connection = network.connect("teller", "bank", 443, Scripted(b"hello"))
    assert connection.open
    network.run()
    assert flags(network, "teller-bank-1") == [
        ("client", Flag.SYN),
        ("server", Flag.SYN | Flag.ACK),
        ("client", Flag.ACK),
        ("client", Flag.ACK | Flag.PSH),
        ("server", Flag.ACK | Flag.PSH),
        ("server", Flag.FIN | Flag.ACK),
        ("client", Flag.ACK),
        ("client", Flag.FIN | Flag.ACK),
        ("server", Flag.ACK),
    ]
    assert not connection.open
    assert network.connections == ()


def test_each_end_learns_once_that_the_other_has_closed(network: MemoryNetwork) -> None:
    server, client = Scripted(close_after=5), Scripted(b"hello")
    network.listen("bank", 443, lambda _: server)
    network.connect("teller", "bank", 443, client)
    network.run()
    network.run()
    assert (client.eofs, server.eofs) == (1, 1)


def test_a_half_closed_connection_still_carries_the_other_direction(network: MemoryNetwork) -> None:
    server, client = Scripted(), Scripted(b"request", close_after=0)
    network.listen("bank", 443, lambda _: server)
    network.connect("teller", "bank", 443, client)
    server.eof_received = lambda: setattr(server, "outgoing", b"late answer")  # type: ignore[method-assign]
    network.run()
    assert client.heard == b"late answer"
    assert [c.name for c in network.connections] == ["teller-bank-1"]


def test_frames_carry_every_octet_at_its_stream_offset(network: MemoryNetwork) -> None:
    octets = bytes(range(256)) * 400
    network.listen("bank", 443, lambda _: Scripted())
    network.connect("teller", "bank", 443, Scripted(octets))
    network.run()
    frames = [e for e in network.trace.select("frame") if e.offset is not None]
    assert all(len(e.raw) <= 1514 and checksums_right(e.raw) for e in network.trace.select("frame"))
    rebuilt = bytearray(len(octets))
    for event in frames:
        start, length = event.data["payload_offset"], event.data["payload_length"]
        assert isinstance(start, int)
        assert isinstance(length, int)
        assert event.offset is not None
        rebuilt[event.offset : event.offset + length] = event.raw[start : start + length]
    assert rebuilt == octets


def test_sequence_numbers_run_on_without_gap_or_overlap(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted(reply=shout, close_after=5000))
    network.connect("teller", "bank", 443, Scripted(bytes(5000)))
    network.run()
    expected: dict[str, int] = {}
    for event in network.trace.select("frame"):
        segment = parse_frame(event.raw)
        assert segment is not None
        assert segment.seq == expected.get(event.direction, segment.seq)
        extra = 1 if segment.flags & (Flag.SYN | Flag.FIN) else 0
        expected[event.direction] = (segment.seq + len(segment.payload) + extra) & 0xFFFFFFFF
        if segment.flags & Flag.ACK:
            assert segment.ack == expected["server" if event.direction == "client" else "client"]


def test_the_same_run_gives_the_same_octets() -> None:
    def run() -> list[bytes]:
        network = MemoryNetwork(Trace())
        network.attach("teller")
        network.attach("bank")
        network.listen("bank", 443, lambda _: Scripted(reply=shout, close_after=5))
        network.connect("teller", "bank", 443, Scripted(b"hello"))
        network.run()
        return [e.raw for e in network.trace]

    assert run() == run()


def test_a_redirected_stream_reaches_alice_in_the_banks_name(network: MemoryNetwork) -> None:
    alice = Scripted(reply=shout)
    network.listen("bank", 443, lambda _: Scripted())
    network.listen("alice", 443, lambda _: alice)
    network.redirect("bank", 443, to="alice")
    connection = network.connect("teller", "bank", 443, Scripted(b"secret"))
    network.run()
    assert alice.heard == b"secret"
    assert (connection.server.name, connection.holder) == ("bank", "alice")
    first = network.trace.select("frame")[0]
    assert (first.data["from"], first.data["to"]) == ("teller", "alice")
    assert first.data["dst"] == f"{network.host('bank').ip}:443"


def test_alices_second_leg_opened_while_accepting_is_served_in_the_same_run(network: MemoryNetwork) -> None:
    bank = Scripted(reply=shout, close_after=6)
    network.listen("bank", 443, lambda _: bank)
    network.listen("alice", 443, relayed_by_alice(network))
    network.redirect("bank", 443, to="alice")
    teller = Scripted(b"secret")
    network.connect("teller", "bank", 443, teller)
    network.run()
    assert (bank.heard, teller.heard) == (b"secret", b"SECRET")
    assert [e.connection for e in network.trace.select("frame")].count("alice-bank-1") > 0
    assert network.connections == ()


def test_a_redirection_spares_whom_it_names_and_ends_when_undone(network: MemoryNetwork) -> None:
    network.attach("carol")
    network.listen("bank", 443, lambda _: Scripted())
    network.listen("alice", 443, lambda _: Scripted())
    undo = network.redirect("bank", 443, to="alice", unless_from=("carol",))
    holders = [network.connect(who, "bank", 443, Scripted()).holder for who in ("teller", "carol")]
    undo()
    holders.append(network.connect("teller", "bank", 443, Scripted()).holder)
    assert holders == ["alice", "bank", "bank"]


def test_to_take_a_redirection_back_twice_is_nothing_new(network: MemoryNetwork) -> None:
    for name in ("alice", "bank"):
        network.listen(name, 443, lambda _: Scripted())
    network.redirect("bank", 443, to="alice")
    undo = network.redirect("bank", 443, to="alice")
    undo()
    undo()
    assert network.connect("teller", "bank", 443, Scripted()).holder == "alice", "the other one still stands"


def test_the_newest_redirection_wins(network: MemoryNetwork) -> None:
    network.attach("evil")
    for name in ("bank", "alice", "evil"):
        network.listen(name, 443, lambda _: Scripted())
    network.redirect("bank", 443, to="alice")
    undo = network.redirect("bank", 443, to="evil")
    assert network.connect("teller", "bank", 443, Scripted()).holder == "evil"
    undo()
    assert network.connect("teller", "bank", 443, Scripted()).holder == "alice"


def test_alice_is_asked_about_each_connection_when_it_comes(network: MemoryNetwork) -> None:
    asked: list[tuple[str, int, int]] = []

    def decide(client: str, port: int, number: int) -> str:
        asked.append((client, port, number))
        return "alice" if number == 2 else ""

    for name in ("bank", "alice"):
        network.listen(name, 443, lambda _: Scripted())
    network.on_connection("bank", decide)
    holders = [network.connect(who, "bank", 443, Scripted()).holder for who in ("teller", "teller", "alice", "teller")]
    assert holders == ["bank", "alice", "bank", "bank"]
    assert asked == [("teller", 443, 1), ("teller", 443, 2), ("alice", 443, 1), ("teller", 443, 3)]
    assert network.connect("teller", "alice", 443, Scripted()).holder == "alice", "nobody asks about others"
    assert len(asked) == 4


def test_a_redirection_goes_before_a_question_and_the_newest_question_wins(network: MemoryNetwork) -> None:
    network.attach("evil")
    for name in ("bank", "alice", "evil"):
        network.listen(name, 443, lambda _: Scripted())
    network.on_connection("bank", lambda *_: "alice")
    undo = network.on_connection("bank", lambda *_: "evil")
    again = network.redirect("bank", 443, to="bank")
    assert network.connect("teller", "bank", 443, Scripted()).holder == "bank"
    again()
    assert network.connect("teller", "bank", 443, Scripted()).holder == "evil"
    undo()
    undo()
    assert network.connect("teller", "bank", 443, Scripted()).holder == "alice"


def test_nobody_is_asked_about_a_machine_that_is_not_there(network: MemoryNetwork) -> None:
    with pytest.raises(WireError, match="no machine called 'mars'"):
        network.on_connection("mars", lambda *_: "")
    network.listen("bank", 443, lambda _: Scripted())
    network.on_connection("bank", lambda *_: "mars")
    with pytest.raises(WireError, match="no machine called 'mars'"):
        network.connect("teller", "bank", 443, Scripted())


def test_a_connection_to_nobody_is_refused(network: MemoryNetwork) -> None:
    with pytest.raises(ConnectionRefusedOnWireError, match="bank:443"):
        network.connect("teller", "bank", 443, Scripted())


def test_an_endpoint_that_raises_resets_its_connection_and_is_named(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Failing())
    client = Scripted(b"hello")
    connection = network.connect("teller", "bank", 443, client)
    with pytest.raises(EndpointError, match=r"teller-bank-1: bank failed: ValueError") as caught:
        network.run()
    assert isinstance(caught.value.__cause__, ValueError)
    assert (caught.value.connection, caught.value.end) == ("teller-bank-1", "bank")
    assert flags(network, "teller-bank-1")[-1] == ("server", Flag.RST | Flag.ACK)
    assert (client.eofs, connection.open) == (1, False)


def test_a_client_that_raises_is_named_too(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted(b"welcome"))
    network.connect("teller", "bank", 443, Failing())
    with pytest.raises(EndpointError, match=r"teller-bank-1: teller failed: ValueError") as caught:
        network.run()
    assert caught.value.end == "teller"
    assert flags(network, "teller-bank-1")[-1] == ("client", Flag.RST | Flag.ACK)


def test_other_connections_go_on_after_one_failed(network: MemoryNetwork) -> None:
    ends = iter([Failing(), Scripted(reply=shout)])
    network.listen("bank", 443, lambda _: next(ends))
    network.connect("teller", "bank", 443, Scripted(b"one"))
    second = Scripted(b"two")
    network.connect("teller", "bank", 443, second)
    with pytest.raises(EndpointError):
        network.run()
    network.run()
    assert second.heard == b"TWO"


def test_a_second_failure_on_the_reset_is_noted_on_the_first(network: MemoryNetwork) -> None:
    class Brittle(Scripted):
        def eof_received(self) -> None:
            raise RuntimeError("not like this")

    network.listen("bank", 443, lambda _: Failing())
    network.connect("teller", "bank", 443, Brittle(b"hello"))
    with pytest.raises(EndpointError) as caught:
        network.run()
    assert "not like this" in caught.value.__notes__[0]


def test_an_acceptor_that_raises_resets_the_connection(network: MemoryNetwork) -> None:
    def accept(connection: WireConnection) -> Scripted:
        raise LookupError(connection.name)

    network.listen("bank", 443, accept)
    with pytest.raises(EndpointError, match="bank failed"):
        network.connect("teller", "bank", 443, Scripted())
    assert network.connections == ()


def test_two_ends_that_never_stop_hit_the_limit(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted(reply=shout))
    network.connect("teller", "bank", 443, Scripted(b"x", reply=shout))
    with pytest.raises(QuietError, match="teller-bank-1"):
        network.run(limit=50)


def test_an_endpoint_cannot_run_the_network(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted(reply=lambda _: network.run() or b""))  # type: ignore[func-returns-value]
    network.connect("teller", "bank", 443, Scripted(b"x"))
    with pytest.raises(EndpointError, match="already running"):
        network.run()


def test_a_machine_is_attached_once_and_addresses_are_unique(network: MemoryNetwork) -> None:
    with pytest.raises(WireError, match="already attached"):
        network.attach("bank")
    with pytest.raises(WireError, match="'teller' has one of them"):
        network.attach("carol", ip="10.0.0.2")
    with pytest.raises(WireError, match="no machine called 'nobody'"):
        network.host("nobody")


def test_as_many_chunks_are_moved_as_the_limit(network: MemoryNetwork) -> None:
    """One chunk each way, then the end of each side: four in all."""
    network.listen("bank", 443, lambda _: Scripted(reply=shout, close_after=5))
    for limit, quiet in ((4, True), (3, False)):
        network.connect("teller", "bank", 443, Scripted(b"hello", close_after=5))
        if quiet:
            network.run(limit=limit)
        else:
            with pytest.raises(QuietError):
                network.run(limit=limit)


def test_the_oldest_connection_that_has_something_to_say_speaks_first(network: MemoryNetwork) -> None:
    network.listen("bank", 443, lambda _: Scripted())
    young, old = Scripted(b"young"), Scripted()
    network.connect("teller", "bank", 443, old)
    network.connect("teller", "bank", 443, young)
    old.outgoing = b"old"
    network.run()
    assert [c.name for c in network.connections] == ["teller-bank-1", "teller-bank-2"]
    assert [e.connection for e in network.trace.select("frame") if e.offset is not None] == [
        "teller-bank-1",
        "teller-bank-2",
    ]
