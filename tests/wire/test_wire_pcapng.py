"""Captures on disk, read back by ourselves, by scapy and by tshark."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import PcapNgReader

from trustlab.trace import Trace
from trustlab.wire import (
    CapturedFrame,
    Host,
    PcapngError,
    TcpConversation,
    WireError,
    parse_pcapng,
    read_pcapng,
    write_capture,
    write_pcapng,
)

if TYPE_CHECKING:
    from pathlib import Path

TELLER = Host("teller", "02:00:00:00:00:02", "10.0.0.2")
BANK = Host("bank", "02:00:00:00:00:03", "10.0.0.3")


@pytest.fixture
def trace() -> Trace:
    trace = Trace()
    conversation = TcpConversation(trace.party("network"), "teller-bank-1", TELLER, BANK, 49152, 443)
    conversation.open()
    conversation.data("client", b"GET / HTTP/1.0\r\n\r\n")
    conversation.data("server", bytes(200_000))
    conversation.close("client")
    conversation.close("server")
    return trace


def tshark(path: Path, *options: str) -> list[str]:
    command = ["tshark", "-r", str(path), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_tshark_finds_nothing_to_complain_about_in_reconstructed_frames(trace: Trace, tmp_path: Path) -> None:
    path = write_pcapng(tmp_path / "run.pcapng", trace)
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    wrong = "tcp.analysis.flags || tcp.checksum.status != 1 || ip.checksum.status != 1 || _ws.malformed"
    assert len(tshark(path, *checks)) == len(trace)
    assert tshark(path, *checks, "-Y", wrong) == []


def test_each_packet_carries_its_comment(trace: Trace, tmp_path: Path) -> None:
    path = write_pcapng(tmp_path / "run.pcapng", trace, comments={("network", 3): "the teller asks: «GET»"})
    fields = ("-Y", "frame.comment", "-T", "fields", "-e", "frame.number", "-e", "frame.comment")
    assert tshark(path, *fields) == ["4\tthe teller asks: «GET»"]


def test_scapy_reads_the_same_frames(trace: Trace, tmp_path: Path) -> None:
    path = write_pcapng(tmp_path / "run.pcapng", trace)
    with PcapNgReader(str(path)) as packets:
        assert [bytes(p) for p in packets] == [e.raw for e in trace]


def test_what_is_written_is_read_back(trace: Trace, tmp_path: Path) -> None:
    keylog = "CLIENT_RANDOM 00 11\n"
    path = write_pcapng(tmp_path / "run.pcapng", trace, keylog=keylog, comments={("network", 0): "SYN"})
    capture = read_pcapng(path)
    assert [f.raw for f in capture.frames] == [e.raw for e in trace]
    assert [f.time for f in capture.frames] == pytest.approx([e.time for e in trace], abs=1e-8)
    assert (capture.keylog, capture.frames[0].comment, capture.frames[1].comment) == (keylog, "SYN", "")


def test_each_packet_names_its_interface(tmp_path: Path) -> None:
    frames = [CapturedFrame(0.0, bytes(60), "", "TPM of bank"), CapturedFrame(0.0, bytes(60))]
    path = write_capture(tmp_path / "two.pcapng", frames)
    assert [f.interface for f in read_pcapng(path).frames] == ["TPM of bank", "Alice's switch"]
    assert tshark(path, "-T", "fields", "-e", "frame.interface_name") == ["TPM of bank", "Alice's switch"]


def test_events_that_are_no_frames_are_left_out(trace: Trace, tmp_path: Path) -> None:
    trace.party("lab").secret("pin", b"4711")
    path = write_pcapng(tmp_path / "run.pcapng", trace)
    assert len(read_pcapng(path).frames) == len(trace) - 1


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


@pytest.mark.parametrize(("resolution", "seconds"), [(0x8A, 2.5), (6, 0.00256), (0, 2560.0), (0x80, 2560.0)])
def test_a_clock_counts_powers_of_ten_or_of_two(resolution: int, seconds: float) -> None:
    interface = block(1, struct.pack("<HHIHHB3x", 1, 0, 0, 9, 1, resolution) + bytes(4))
    packet = block(6, struct.pack("<IIIII", 0, 0, 2560, 4, 4) + b"1234")
    (frame,) = parse_pcapng(SECTION + interface + packet).frames
    assert frame.time == pytest.approx(seconds)


def test_a_time_has_two_halves() -> None:
    interface, packet = block(1, struct.pack("<HHI", 1, 0, 0)), block(6, struct.pack("<IIIII", 0, 1, 1_000_000, 0, 0))
    assert parse_pcapng(SECTION + interface + packet).frames[0].time == pytest.approx((2**32 + 1_000_000) / 10**6)


def named(name: bytes, link: int = 1) -> bytes:
    return block(1, struct.pack("<HHIHH", link, 0, 0, 2, len(name)) + name + bytes(-len(name) % 4) + bytes(4))


@pytest.mark.parametrize("length", [4, 6, 9])
def test_a_simple_packet_is_of_the_first_interface_and_as_long_as_it_was_captured(length: int) -> None:
    simple = block(3, struct.pack("<I", length) + b"123456")  # padded to 8 octets; of longer ones the rest was cut off
    (frame,) = parse_pcapng(SECTION + named(b"first") + named(b"second") + simple).frames
    assert frame == CapturedFrame(0.0, b"123456\0\0"[:length], "", "first", missing=max(0, length - 8))


def test_each_packet_has_its_interfaces_link_type() -> None:
    enhanced = [block(6, struct.pack("<IIIII", number, 0, 0, 4, 4) + b"1234") for number in range(2)]
    simple = block(3, struct.pack("<I", 4) + b"1234")
    frames = parse_pcapng(
        SECTION + named(b"raw IP", 101) + named(b"Ethernet") + enhanced[0] + simple + enhanced[1]
    ).frames
    assert [(f.interface, f.link) for f in frames] == [("raw IP", 101), ("raw IP", 101), ("Ethernet", 1)]


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (SECTION + b"\6\0\0\0\x0c\0\0\0\x0c\0\0", "cut short: 11 octets at octet 28"),
        (block(1, bytes(8)), "does not begin with a section header block"),
        (block(0x0A0D0D0A, bytes(16)), "section at octet 0 has no byte-order magic"),
        (SECTION + struct.pack("<III", 5, 8, 8), "block of type 0x5 at octet 28 says it has 8 octets"),
        (SECTION + struct.pack("<IIHI", 5, 14, 0, 14), "says it has 14 octets"),
        (SECTION + struct.pack("<III", 5, 16, 16), "says it has 16 octets, and 12 follow"),
        (SECTION + struct.pack("<III", 5, 12, 16), "its two lengths differ"),
        (SECTION + block(1, struct.pack("<HHI", 1, 0, 0)) + block(6, struct.pack("<5I", 0, 0, 0, 5, 5) + b"1234"), "5 octets are needed"),
        (SECTION + block(6, struct.pack("<5I", 0, 0, 0, 4, 4) + b"1234"), "block of type 0x6 at octet 28"),
    ],
)  # fmt: skip
def test_a_block_that_contradicts_itself_is_named(octets: bytes, complaint: str) -> None:
    with pytest.raises(PcapngError, match=complaint):
        parse_pcapng(octets)


def test_a_block_of_an_unknown_type_is_passed_over() -> None:
    assert parse_pcapng(SECTION + struct.pack("<III", 5, 12, 12)).frames == []


def test_a_capture_of_the_other_byte_order_is_read() -> None:
    section = block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1), ">")
    interface = block(1, struct.pack(">HHI", 1, 0, 0), ">")
    packet = block(6, struct.pack(">IIIII", 0, 0, 2_500_000, 4, 4) + b"\1\2\3\4", ">")
    assert parse_pcapng(section + interface + packet).frames == [CapturedFrame(2.5, b"\1\2\3\4", "", "")]


def test_of_several_options_of_one_kind_the_first_counts() -> None:
    def options(code: int) -> bytes:
        return b"".join(struct.pack("<HH", code, 4) + value for value in (b"true", b"fake")) + bytes(4)

    interface = block(1, struct.pack("<HHI", 1, 0, 0) + options(2))
    packet = block(6, struct.pack("<IIIII", 0, 0, 0, 4, 4) + b"\1\2\3\4" + options(1))
    (frame,) = parse_pcapng(SECTION + interface + packet).frames
    assert (frame.comment, frame.interface) == ("true", "true")


def test_a_capture_cut_short_anywhere_is_a_typed_error_or_fewer_frames(tmp_path: Path) -> None:
    frames = [CapturedFrame(0.1, b"one" * 5, "first"), CapturedFrame(0.2, b"two" * 6)]
    whole = write_capture(tmp_path / "two.pcapng", frames, keylog="CLIENT_RANDOM 00 11\n").read_bytes()
    complete = 0
    for length in range(1, len(whole)):
        try:
            complete += len(parse_pcapng(whole[:length]).frames) < 2
        except PcapngError:
            continue
    assert complete == 4  # after the section, the interface, the secrets and the first packet


@given(st.binary(max_size=200), st.integers(0, 250), st.integers(1, 255))
def test_garbage_is_a_typed_error(garbage: bytes, position: int, change: int) -> None:
    with pytest.raises(PcapngError):
        parse_pcapng(b"\x00" + garbage)
    damaged = bytearray(_small())
    damaged[position % len(damaged)] ^= change
    try:
        parse_pcapng(bytes(damaged))
    except PcapngError as error:
        assert "pcapng" in str(error)  # noqa: PT017 - other damage is harmless (a comment, a payload)


def _small() -> bytes:
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHIHHB3xI", 1, 28, 1, 0, 0, 9, 1, 6, 28)
    packet = struct.pack("<IIIIIIIII4sI", 6, 44, 0, 0, 7, 4, 4, 0, 0, b"", 44)
    return section + interface + packet


def secrets(text: bytes) -> bytes:
    body = struct.pack("<II", 0x544C534B, len(text)) + text + bytes(-len(text) % 4)
    return struct.pack("<II", 10, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def test_each_secrets_block_is_a_key_log_of_its_own() -> None:
    section, rest = _small()[:28], _small()[28:]
    capture = parse_pcapng(section + secrets(b"A 1 2") + secrets(b"") + rest + secrets(b"B 3 4\n") + secrets(b"C 5 6"))
    assert capture.keylogs == ("A 1 2", "", "B 3 4\n", "C 5 6")
    assert capture.keylog == "A 1 2\nB 3 4\nC 5 6\n"
    assert parse_pcapng(_small()).keylog == ""


def test_a_conversation_cannot_write_on_a_side_that_is_not_open() -> None:
    conversation = TcpConversation(Trace().party("network"), "x", TELLER, BANK, 49152, 443)
    with pytest.raises(WireError, match="not open"):
        conversation.data("client", b"too early")
    conversation.open()
    conversation.close("client")
    with pytest.raises(WireError, match="not open"):
        conversation.data("client", b"too late")
    with pytest.raises(WireError, match="opened twice"):
        conversation.open()


@pytest.mark.parametrize(("octets", "kept"), [(65_534, 65_534), (65_535, 65_535), (65_536, 65_535), (100_000, 65_535)])
def test_a_comment_is_as_long_as_its_length_can_say(tmp_path: Path, octets: int, kept: int) -> None:
    frame = CapturedFrame(1.0, bytes(60), "c" * octets, "teller")
    write_capture(path := tmp_path / "run.pcapng", [frame])
    (found,) = read_pcapng(path).frames
    assert (found.comment, found.raw) == ("c" * kept, frame.raw)


def test_options_end_where_the_end_is_said() -> None:
    """The option 0 ends them; what looks like one behind it is none."""
    end, comment = b"\0\0\0\0", b"\1\0\4\0said"
    head = struct.pack("<IIIII", 0, 0, 0, 4, 4) + b"1234"
    for options, said in ((comment + end, "said"), (end + comment, ""), (comment, "said"), (b"", "")):
        (found,) = parse_pcapng(_section_with_interface() + _block(6, head + options)).frames
        assert found.comment == said


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _section_with_interface() -> bytes:
    section = _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    return section + _block(1, struct.pack("<HHI", 1, 0, 0))


def test_what_the_format_reserves_is_zero(tmp_path: Path) -> None:
    """Behind section and head of the interface: its link type, then two octets that have to be 0."""
    octets = write_capture(tmp_path / "run.pcapng", [CapturedFrame(1.0, bytes(60), "", "teller")]).read_bytes()
    interface = octets[int.from_bytes(octets[4:8], "little") :]
    assert struct.unpack_from("<IIHH", interface) == (1, int.from_bytes(interface[4:8], "little"), 1, 0)
