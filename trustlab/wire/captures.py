"""Reading captures: pcapng and pcap, of any size and link type, one packet at a time.

Formats: draft-ietf-opsawg-pcapng and draft-ietf-opsawg-pcap. What a reader holds in memory is one block. Both formats
name the length of what follows, so a file is read to where it breaks: the packets before come out, then the error.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from trustlab.octets import LONGEST_RECORDING, read_file
from trustlab.wire.errors import PcapngError
from trustlab.wire.pcapng import (
    BYTE_ORDER,
    COMMENT,
    INTERFACE,
    INTERFACE_NAME,
    PACKET,
    RESOLUTION,
    SECRETS,
    SECTION,
    SIMPLE,
    TLS_KEY_LOG,
    Capture,
    CapturedFrame,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_BLOCK = 64 << 20
"""Octets of a block; a file that says it has a larger one is damaged, and is not given the memory."""
_OBSOLETE_PACKET = 2
_PCAPNG_MAGIC = SECTION.to_bytes(4, "big")
_PCAP_MAGICS = {
    struct.pack(order + "I", magic): (order, ticks, extra)
    for magic, ticks, extra in ((0xA1B2C3D4, 10**6, 0), (0xA1B23C4D, 10**9, 0), (0xA1B2CD34, 10**6, 8))
    for order in "<>"
}
"""Byte order, clock ticks a second and octets behind a packet's header, by a pcap file's first four octets.

The last of the three is Alexey Kuznetsov's variant, which old systems wrote.
"""
MAGICS = (_PCAPNG_MAGIC, *_PCAP_MAGICS)
"""What a capture begins with."""


class CaptureReader:
    """The packets of a pcapng or pcap file, by iterating, once; PcapngError where the file breaks.

    `file` is read to its end and never sought in. `keylogs` has the text of each TLS key log met so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.keylogs: list[str] = []
        self._interfaces: list[_Interface] = []

    def __iter__(self) -> Iterator[CapturedFrame]:
        magic = self._file.read(4)
        if magic in _PCAP_MAGICS:
            yield from self._pcap(*_PCAP_MAGICS[magic])
            return
        for block in _blocks(self._file, magic):
            frame = self._read(*block)
            if frame is not None:
                yield frame

    def only_keylogs(self) -> Iterator[int]:
        """Read the file for its key logs alone; yield how many blocks have gone by. A pcap file has none."""
        magic = self._file.read(4)
        blocks = () if magic in _PCAP_MAGICS else _blocks(self._file, magic)
        for number, block in enumerate(blocks, start=1):
            if block[1] == SECRETS:
                self._read(*block)
            yield number

    def _read(self, order: str, kind: int, body: bytes, at: int) -> CapturedFrame | None:
        try:
            return self._block(order, kind, body)
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise PcapngError(f"pcapng block of type {kind:#x} at octet {at}: {_reason(error)}") from error

    def _block(self, order: str, kind: int, body: bytes) -> CapturedFrame | None:
        if kind == SECTION:
            self._interfaces = []
        elif kind == INTERFACE:
            self._interfaces.append(_read_interface(order, body))
        elif kind in {PACKET, SIMPLE, _OBSOLETE_PACKET}:
            return _read_packet(order, kind, body, self._interfaces)
        elif kind == SECRETS:
            secrets_type, length = struct.unpack_from(order + "II", body)
            if secrets_type == TLS_KEY_LOG:
                self.keylogs.append(_exactly(body, 8, length).decode("ascii", "replace"))
        return None

    def _pcap(self, order: str, ticks: int, extra: int) -> Iterator[CapturedFrame]:
        header = self._file.read(20)
        if len(header) < 20:
            raise PcapngError(f"cut short: a pcap file has a header of 24 octets, this one {4 + len(header)}")
        link = struct.unpack_from(order + "I", header, 16)[0] & 0xFFFF
        at, packet = 24, struct.Struct(order + "IIII")
        while head := self._file.read(16 + extra):
            if len(head) < 16 + extra:
                raise PcapngError(f"cut short: {len(head)} octets at octet {at} are not the header of a pcap packet")
            seconds, fraction, length, original = packet.unpack_from(head)
            if length > LARGEST_BLOCK:
                raise PcapngError(f"pcap packet at octet {at} says it has {length} octets")
            raw = self._file.read(length)
            if len(raw) < length:
                raise PcapngError(f"pcap packet at octet {at} says it has {length} octets, and {len(raw)} follow")
            yield CapturedFrame(seconds + fraction / ticks, raw, "", "", link, max(0, original - length))
            at += 16 + extra + length


def read_pcapng(path: str | Path) -> Capture:
    """Read a capture file at once; see `parse_pcapng` for what is refused."""
    return parse_pcapng(read_file(path, LONGEST_RECORDING))


def parse_pcapng(octets: bytes) -> Capture:
    """Return the frames and the TLS key logs in `octets`, a pcapng or pcap file.

    Blocks of unknown types are passed over. PcapngError names the octet where the file is cut short or contradicts
    itself.
    """
    reader = CaptureReader(io.BytesIO(octets))
    frames = list(reader)
    return Capture(frames, tuple(reader.keylogs))


def _blocks(file: BinaryIO, head: bytes) -> Iterator[tuple[str, int, bytes, int]]:
    """Yield byte order, type, body and place of each block; `head` is what was read of the file already."""
    at, order = 0, ""
    while head := head + file.read(12 - len(head)):
        if not order and head[:4] != _PCAPNG_MAGIC[: len(head)]:
            raise PcapngError("this is not a pcapng file: it does not begin with a section header block")
        if len(head) < 12:
            raise PcapngError(f"cut short: {len(head)} octets at octet {at} are not a pcapng block")
        if head[:4] == _PCAPNG_MAGIC:
            order = _byte_order(head, at)
        kind, length = struct.unpack_from(order + "II", head)
        if length < 12 or length % 4 or length > LARGEST_BLOCK:
            raise PcapngError(f"pcapng block of type {kind:#x} at octet {at} says it has {length} octets")
        rest = head[8:] + file.read(length - 12)
        if len(rest) < length - 8:
            there = f"{len(rest) + 8} follow"
            raise PcapngError(f"pcapng block of type {kind:#x} at octet {at} says it has {length} octets, and {there}")
        if head[4:8] != rest[-4:]:
            raise PcapngError(f"pcapng block of type {kind:#x} at octet {at}: its two lengths differ")
        yield order, kind, rest[:-4], at
        at, head = at + length, b""


def _byte_order(head: bytes, at: int) -> str:
    for order in "<>":
        if head[8:12] == struct.pack(order + "I", BYTE_ORDER):
            return order
    raise PcapngError(f"pcapng section at octet {at} has no byte-order magic")


class _Interface(NamedTuple):
    link: int
    ticks: int
    """Of its clock, a second."""
    name: str


def _read_interface(order: str, body: bytes) -> _Interface:
    (link,) = struct.unpack_from(order + "H", body)
    options = _options(order, body, 8)
    exponent = (options.get(RESOLUTION) or b"\x06")[0]
    ticks = 2 ** (exponent & 0x7F) if exponent & 0x80 else 10**exponent
    return _Interface(link, ticks, options.get(INTERFACE_NAME, b"").decode("utf-8", "replace"))


def _read_packet(order: str, kind: int, body: bytes, interfaces: list[_Interface]) -> CapturedFrame:
    if kind == SIMPLE:
        (length,) = struct.unpack_from(order + "I", body)
        raw = _exactly(body, 4, min(length, len(body) - 4))
        first = interfaces[0]
        return CapturedFrame(0.0, raw, "", first.name, first.link, length - len(raw))
    heads = "HxxIIII" if kind == _OBSOLETE_PACKET else "IIIII"
    number, high, low, length, original = struct.unpack_from(order + heads, body)
    interface = interfaces[number]
    raw = _exactly(body, 20, length)
    comment = _options(order, body, 20 + length + (-length % 4)).get(COMMENT, b"").decode("utf-8", "replace")
    time = (high << 32 | low) / interface.ticks
    return CapturedFrame(time, raw, comment, interface.name, interface.link, max(0, original - length))


def _options(order: str, body: bytes, at: int) -> dict[int, bytes]:
    """Return the options from `at` on; of several with one code the first."""
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        found.setdefault(code, _exactly(body, at + 4, length))
        at += 4 + length + (-length % 4)
    return found


def _exactly(body: bytes, at: int, length: int) -> bytes:
    if at + length > len(body):
        raise PcapngError(f"{length} octets are needed at octet {at} of a block of {len(body)}")
    return body[at : at + length]


def _reason(error: Exception) -> str:
    """Say in our words why a block cannot be read."""
    if isinstance(error, PcapngError):
        return str(error)
    if isinstance(error, IndexError):
        return "it is of an interface that the file has not described"
    return "it is too short for what it should hold"
