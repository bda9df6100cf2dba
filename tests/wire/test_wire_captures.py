"""Captures of others: pcap in its forms, pcapng of other programs, streams that break in the middle."""

from __future__ import annotations

import collections
import io
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import PcapReader

from trustlab.wire import CapturedFrame, CaptureReader, LinkType, PcapngError, parse_pcapng, write_capture

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = [CapturedFrame(1.5, b"one" * 20), CapturedFrame(2.25, b"two" * 30)]


def pcap(order: str = "<", magic: int = 0xA1B2C3D4, ticks: int = 10**6, link: int = 1, extra: int = 0) -> bytes:
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, link)]
    for frame in FRAMES:
        seconds, fraction = int(frame.time), round(frame.time % 1 * ticks)
        length = len(frame.raw)
        parts.append(struct.pack(order + "IIII", seconds, fraction, length, length + 7) + bytes(extra) + frame.raw)
    return b"".join(parts)


FORMS = {
    "microseconds": (0xA1B2C3D4, 10**6, 0),
    "nanoseconds": (0xA1B23C4D, 10**9, 0),
    "Kuznetsov's": (0xA1B2CD34, 10**6, 8),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_pcap_file_of_every_form_is_read(order: str, form: tuple[int, int, int], tmp_path: Path) -> None:
    magic, ticks, extra = form
    octets = pcap(order, magic, ticks, LinkType.RAW, extra)
    found = parse_pcapng(octets).frames
    assert [(f.time, f.raw, f.link, f.missing) for f in found] == [(f.time, f.raw, 101, 7) for f in FRAMES]
    path = tmp_path / "other.pcap"
    path.write_bytes(octets)
    told = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.cap_len"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert [(float(t), int(n)) for t, n in zip(told[::2], told[1::2], strict=True)] == [
        (f.time, len(f.raw)) for f in FRAMES
    ]


def test_scapy_reads_the_same_pcap(tmp_path: Path) -> None:
    path = tmp_path / "other.pcap"
    path.write_bytes(pcap())
    with PcapReader(str(path)) as packets:
        assert [bytes(p) for p in packets] == [f.raw for f in parse_pcapng(path.read_bytes()).frames]


def test_what_was_read_before_a_file_breaks_comes_out(tmp_path: Path) -> None:
    whole = write_capture(tmp_path / "two.pcapng", FRAMES).read_bytes()
    for octets in (whole, pcap()):
        found: list[CapturedFrame] = []
        reader = CaptureReader(io.BytesIO(octets[:-5]))
        with pytest.raises(PcapngError, match="octets"):
            collections.deque(map(found.append, reader))
        assert [f.raw for f in found] == [FRAMES[0].raw]


@pytest.mark.parametrize("length", [(1 << 32) - 4, 1 << 31, (64 << 20) + 4])
def test_a_length_that_no_file_has_is_refused_before_it_is_read(length: int) -> None:
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1) -> bytes:
            self.largest = max(self.largest, size or 0)
            return super().read(size)

    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    for octets in (
        section + struct.pack("<III", 6, length, 0),
        pcap()[:24] + struct.pack("<IIII", 0, 0, length, length),
    ):
        file = Counting(octets)
        with pytest.raises(PcapngError, match=f"says it has {length} octets"):
            list(CaptureReader(file))
        assert file.largest < 1 << 20


def test_a_packet_of_the_obsolete_block_is_read() -> None:
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 276, 0, 0, 20)
    packet = struct.pack("<IIHHIIII4sI", 2, 36, 0, 3, 0, 2_000_000, 4, 9, b"1234", 36)
    assert parse_pcapng(section + interface + packet).frames == [CapturedFrame(2.0, b"1234", "", "", 276, 5)]


def test_a_capture_of_several_link_types_is_written_and_read_back(tmp_path: Path) -> None:
    frames = [CapturedFrame(0.0, bytes(60)), CapturedFrame(0.0, bytes(61), "", "lo", LinkType.LINUX_SLL2, 4)]
    assert parse_pcapng(write_capture(tmp_path / "two.pcapng", frames).read_bytes()).frames == frames


@given(st.binary(max_size=60), st.integers(0, 300), st.integers(0, 255), st.sampled_from(["<", ">"]))
def test_damage_is_a_typed_error_or_none(tail: bytes, place: int, value: int, order: str) -> None:
    octets = bytearray(pcap(order))
    octets[place % len(octets)] = value
    try:
        found = list(CaptureReader(io.BytesIO(bytes(octets) + tail)))
    except PcapngError as error:
        assert "struct" not in str(error)  # noqa: PT017 - other damage is harmless
    else:
        assert len(found) <= 4


def test_a_file_is_read_for_its_key_logs_alone(tmp_path: Path) -> None:
    octets = write_capture(tmp_path / "two.pcapng", FRAMES, keylog="A 1 2\n").read_bytes()
    reader = CaptureReader(io.BytesIO(octets))
    blocks = list(reader.only_keylogs())
    assert (blocks, reader.keylogs) == (list(range(1, len(blocks) + 1)), ["A 1 2\n"])
    assert reader._interfaces == [], "nothing else is read"
    other = CaptureReader(io.BytesIO(pcap()))
    assert (list(other.only_keylogs()), other.keylogs) == ([], [])
