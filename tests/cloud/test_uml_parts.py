"""The parts of the uml substrate that need no virtual machine: lines, the CA's station, memory search, the probe."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from trustlab.cloud import Cloud, CloudError, choose
from trustlab.cloud.pki import ChallengeRequest
from trustlab.cloud.uml import kernel, memory
from trustlab.cloud.uml.line import HostLine
from trustlab.cloud.uml.messages import (
    MAX_MESSAGE,
    WINDOW,
    Answer,
    Call,
    Failed,
    FromGuest,
    Hello,
    Hypercall,
    LineError,
    Read,
    ToGuest,
    Told,
    Unframer,
    frame,
)
from trustlab.cloud.uml.station import ProviderStack
from trustlab.trace import Link, TraceEvent
from trustlab.wire import Flag, Host, Segment, build_frame, parse_frame

MACHINES = Path(__file__).parents[2] / "docs" / "machines.md"
CA = Host("web-ca", "02:00:00:00:00:02", "198.51.100.7")
BANK = Host("bank", "02:00:00:00:00:03", "10.0.0.3")


@pytest.mark.parametrize(
    "message",
    [
        Call(7, "control", {"function": "pay", "arguments": {"pin": "1"}}),
        Answer(7, [b"octets", None, 3]),
        Failed(7, "ValueError", "no"),
        Told(TraceEvent(kind="app", party="bank", seq=3, raw=b"\x00", links=(Link("inside", "bank", 2),))),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_message_crosses_a_line_octet_by_octet(message):
    unframer = Unframer(FromGuest)
    arrived = [m for octet in frame(message) for m in unframer.feed(bytes([octet]))]
    assert arrived == [message]


def test_what_is_no_message_of_the_line_is_refused():
    with pytest.raises(LineError, match="not a message of this line"):
        Unframer(ToGuest).feed(frame(Hello()))
    with pytest.raises(LineError, match="limit"):
        Unframer(Hypercall).feed((MAX_MESSAGE + 1).to_bytes(4, "big"))
    assert Unframer(Hypercall).feed(MAX_MESSAGE.to_bytes(4, "big")) == []


def test_no_more_octets_are_on_the_way_to_a_guest_than_its_terminal_bears_at_half():
    """As docs/machines.md says: 2,048 at most, and for each that the guest has read one more."""
    assert f"never has more than {WINDOW:,} on the way" in MACHINES.read_text("utf-8")

    def arrived(line: HostLine) -> int:
        line.far.setblocking(False)  # noqa: FBT003
        try:
            return len(line.far.recv(65_536))
        except BlockingIOError:
            return 0

    async def play() -> list[int]:
        line = HostLine(asyncio.get_running_loop(), FromGuest, lambda _: None, lambda _: None)
        line.send(Answer(1, bytes(WINDOW)))  # more than the window, with what stands around it
        line.send(Answer(2, bytes(WINDOW)))
        came = [arrived(line)]
        for read in (100, 1, WINDOW - 101):
            line.far.send(frame(Read(read)))
            line.catch_up()
            came.append(arrived(line))
        line.close()
        return came

    assert asyncio.run(play()) == [WINDOW, 100, 1, WINDOW - 101]


class Bank:
    """The far end of the CA's cable: reads frames, says segments."""

    def __init__(self) -> None:
        near, self.cable = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.cable.settimeout(5)
        self.loop = asyncio.new_event_loop()
        self.station = ProviderStack(self.loop, CA, near)
        self.problems: list[str] = []
        self.request = ChallengeRequest("bank.example", "token")

    def connect(self) -> Segment:
        self.station.connect(BANK, 80, self.request, self.problems.append)
        return self.heard()

    def heard(self) -> Segment:
        return parse_frame(self.cable.recv(65_536))

    def say(self, heard: Segment, seq: int, ack: int, flags: Flag, payload: bytes = b"") -> None:
        ports = heard.destination_port, heard.source_port
        self.raw(build_frame(Segment(BANK.mac, CA.mac, BANK.ip, CA.ip, *ports, seq, ack, flags, payload)))

    def raw(self, octets: bytes) -> None:
        self.cable.send(octets)
        self.loop.run_until_complete(asyncio.sleep(0.01))

    def close(self) -> None:
        self.station.close()
        self.loop.close()
        self.cable.close()


@pytest.fixture
def bank():
    bank = Bank()
    yield bank
    bank.close()


def test_the_cas_station_speaks_tcp_from_syn_to_fin(bank):
    syn = bank.connect()
    assert syn.flags == Flag.SYN
    bank.say(syn, 1000, syn.seq + 1, Flag.SYN | Flag.ACK)
    request = bank.heard()
    assert request.payload.startswith(b"GET /.well-known/acme-challenge/token ")
    end = request.seq + len(request.payload)
    bank.say(syn, 1001, end, Flag.PSH | Flag.ACK, b"HTTP/1.1 200 OK\r\n\r\nanswer")
    assert bank.heard().ack == 1001 + 25
    bank.say(syn, 1026, end, Flag.FIN | Flag.ACK)
    fin = bank.heard()
    assert Flag.FIN in fin.flags
    assert fin.ack == 1027
    bank.say(syn, 1027, fin.seq + 1, Flag.ACK)
    assert bank.problems == [""]
    assert bank.request.answer.endswith(b"answer")


def test_a_segment_that_comes_twice_or_too_early_is_read_once(bank):
    syn = bank.connect()
    bank.say(syn, 1000, syn.seq + 1, Flag.SYN | Flag.ACK)
    end = syn.seq + 1 + len(bank.heard().payload)
    bank.say(syn, 1003, end, Flag.ACK, b"late")
    bank.say(syn, 1001, end, Flag.ACK, b"ab")
    bank.say(syn, 1001, end, Flag.ACK, b"ab")
    bank.say(syn, 1003, end, Flag.ACK, b"late")
    assert bank.request.answer == b"ablate"


def test_a_refused_connection_is_told(bank):
    syn = bank.connect()
    bank.say(syn, 0, syn.seq + 1, Flag.RST | Flag.ACK)
    assert bank.problems == ["the connection was refused"]


def test_a_syn_that_nobody_answers_is_sent_again_and_given_up(bank, monkeypatch):
    monkeypatch.setattr("trustlab.cloud.uml.station.RETRY", 0.01)
    monkeypatch.setattr("trustlab.cloud.uml.station.TRIES", 3)
    first = bank.connect()
    bank.loop.run_until_complete(asyncio.sleep(0.2))
    assert [bank.heard().seq for _ in range(3)] == [first.seq] * 3
    assert bank.problems == ["nobody answered"]


def test_the_station_answers_who_asks_for_its_address_and_ignores_noise(bank):
    ask = bytes.fromhex(
        "ffffffffffff 020000000003 0806 0001 0800 06 04 0001 020000000003 0a000003 000000000000 c6336407"
    )
    bank.raw(b"\x00" * 20)
    bank.raw(ask[:30])
    bank.raw(ask)
    answer = bank.cable.recv(65_536)
    assert answer[:6] == bytes.fromhex("020000000003")
    assert answer[20:32] == bytes.fromhex("0002 020000000002 c6336407")


def test_memory_is_searched_where_it_holds_data_and_holes_cost_nothing(tmp_path):
    ram = tmp_path / "ram"
    with ram.open("wb") as file:
        file.truncate(1 << 34)
        file.seek(1 << 33)
        file.write(b"-----here-----")
    assert memory.search(ram, rb"-+here-+") == [b"-----here-----"]
    assert memory.search(ram, rb"nowhere") == []
    assert ram.stat().st_blocks < 1000
    with pytest.raises(CloudError, match="not a regular expression"):
        memory.search(ram, rb"(")


def test_a_search_gives_a_bounded_number_of_bounded_hits(tmp_path):
    ram = tmp_path / "ram"
    ram.write_bytes(b"x" * 1_000_000)
    assert len(memory.search(ram, rb"x")) == memory.MAX_HITS
    assert [len(hit) for hit in memory.search(ram, rb"x+")] == [memory.MAX_HIT]


def test_without_a_kernel_uml_is_refused_with_the_package_and_memory_still_works(monkeypatch):
    monkeypatch.setenv("TRUSTLAB_UML", "/nonexistent/linux")
    with pytest.raises(CloudError, match=r"'uml' does not work here.*user-mode-linux.*'memory'"):
        choose("uml")
    with Cloud("auto") as cloud:
        assert cloud.substrate == "memory"
        assert "user-mode-linux" in str(cloud.trace[0].data["sentence"])


def test_another_processor_or_system_is_named(monkeypatch):
    monkeypatch.setattr(kernel.platform, "machine", lambda: "aarch64")
    assert "aarch64" in str(kernel.why_not())


def test_memory_files_go_where_execution_is_allowed(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert kernel.ram_directory() == str(tmp_path)
    monkeypatch.setattr(
        os, "statvfs", lambda _path: os.statvfs_result((4096, 4096, 0, 0, 1 << 30, 0, 0, 0, os.ST_NOEXEC, 255))
    )
    assert kernel.ram_directory() is None


def test_a_path_with_spaces_cannot_stand_on_a_kernels_command_line(monkeypatch):
    monkeypatch.setattr(kernel, "find_kernel", lambda: "/usr/bin/linux.uml")
    monkeypatch.setattr(kernel, "INIT", "/home/a student/init.py")
    assert "a student" in str(kernel.why_not())
