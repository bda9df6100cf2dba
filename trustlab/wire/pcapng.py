"""Captures on disk: pcapng with a comment for each packet, and with the decryption secrets.

Format: draft-ietf-opsawg-pcapng. Wireshark and tshark open such a file decrypted, without a key-log setting, because
the Decryption Secrets Block comes before the packets.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trustlab.octets import LONGEST_RECORDING, read_file
from trustlab.wire.errors import PcapngError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trustlab.trace import TraceEvent

_SECTION, _INTERFACE, _PACKET, _SIMPLE, _SECRETS = 0x0A0D0D0A, 1, 6, 3, 0x0A
_BYTE_ORDER = 0x1A2B3C4D
_TLS_KEY_LOG = 0x544C534B
_LINKTYPE_ETHERNET = 1
_COMMENT, _APPLICATION, _INTERFACE_NAME, _RESOLUTION = 1, 4, 2, 9
_NANOSECONDS = 9
_SNAP = 262_144
DEFAULT_INTERFACE = "Alice's switch"


class CapturedFrame(NamedTuple):
    """One packet of a capture: its time in seconds since the file's epoch, its octets, its comment, its interface."""

    time: float
    raw: bytes
    comment: str = ""
    interface: str = DEFAULT_INTERFACE


class Capture(NamedTuple):
    """The content of a capture file: its Ethernet frames in order, and its TLS key logs.

    `keylogs` has the text of each Decryption Secrets Block. Each block is a complete key-log file: it need not end with
    a newline, and its last line does not go on in the next block (draft-ietf-opsawg-pcapng 4.7).
    """

    frames: list[CapturedFrame]
    keylogs: tuple[str, ...]

    @property
    def keylog(self) -> str:
        """All key logs joined into one, line by line."""
        return "".join(text if text.endswith("\n") else f"{text}\n" for text in self.keylogs if text)


def write_pcapng(
    path: str | Path,
    frames: Iterable[TraceEvent],
    *,
    keylog: str = "",
    comments: Mapping[tuple[str, int], str] | None = None,
) -> Path:
    """Write the `frame` events among `frames` (for instance a whole Trace) as an Ethernet capture; return its path.

    `keylog` is NSS key-log text (`CLIENT_RANDOM ...` lines). `comments` gives a text for the frame event
    (party, seq). Times are the events' own, in seconds since the trace began.
    """
    comments = comments or {}
    packets = [
        CapturedFrame(event.time, event.raw, comments.get((event.party, event.seq), ""))
        for event in frames
        if event.kind == "frame"
    ]
    return write_capture(path, packets, keylog=keylog)


def write_capture(path: str | Path, packets: Iterable[CapturedFrame], *, keylog: str = "") -> Path:
    """Write Ethernet frames, with their comments, and a key log as pcapng; return the path."""
    path = Path(path)
    packets = tuple(packets)
    interfaces = {
        name: number for number, name in enumerate(dict.fromkeys([DEFAULT_INTERFACE, *(p.interface for p in packets)]))
    }
    blocks = [_section(), *map(_interface, interfaces)]
    if keylog:
        secrets = keylog.encode()
        blocks.append(_block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(secrets)) + _padded(secrets)))
    blocks += [_packet(packet, interfaces[packet.interface]) for packet in packets]
    path.write_bytes(b"".join(blocks))
    return path


def _section() -> bytes:
    body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
    return _block(_SECTION, body + _option(_APPLICATION, b"trustlab") + _option(0, b""))


def _interface(name: str) -> bytes:
    body = struct.pack("<HHI", _LINKTYPE_ETHERNET, 0, _SNAP)
    options = _option(_INTERFACE_NAME, name.encode()) + _option(_RESOLUTION, bytes([_NANOSECONDS]))
    return _block(_INTERFACE, body + options + _option(0, b""))


def _packet(packet: CapturedFrame, interface: int) -> bytes:
    stamp = round(packet.time * 10**_NANOSECONDS)
    head = struct.pack("<IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(packet.raw), len(packet.raw))
    comment = packet.comment.encode()[:0xFFFF]
    options = _option(_COMMENT, comment) + _option(0, b"") if comment else b""
    return _block(_PACKET, head + _padded(packet.raw) + options)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def read_pcapng(path: str | Path) -> Capture:
    """Read a pcapng file (in either byte order) of Ethernet frames; `parse_pcapng` says what is refused."""
    return parse_pcapng(read_file(path, LONGEST_RECORDING))


def parse_pcapng(octets: bytes) -> Capture:
    """Return the Ethernet frames and the TLS key logs in pcapng `octets`.

    Blocks of unknown types and packets of other link types are skipped. PcapngError names the octet at which the file
    is cut short or contradicts itself.
    """
    frames: list[CapturedFrame] = []
    keylogs: list[str] = []
    interfaces: list[_Interface] = []
    for order, kind, body, at in _blocks(octets):
        try:
            if kind == _SECTION:
                interfaces = []
            elif kind == _INTERFACE:
                interfaces.append(_read_interface(order, body))
            elif kind in {_PACKET, _SIMPLE}:
                frames += _read_packet(order, kind, body, interfaces)
            elif kind == _SECRETS:
                secrets_type, length = struct.unpack_from(order + "II", body)
                if secrets_type == _TLS_KEY_LOG:
                    keylogs.append(_exactly(body, 8, length).decode("ascii", "replace"))
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise PcapngError(f"pcapng block of type {kind:#x} at octet {at}: {error}") from error
    return Capture(frames, tuple(keylogs))


def _blocks(octets: bytes) -> Iterator[tuple[str, int, bytes, int]]:
    at, order = 0, ""
    while at < len(octets):
        if len(octets) - at < 12:
            raise PcapngError(f"the file is cut short: {len(octets) - at} octets at octet {at} are not a pcapng block")
        if octets[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = _byte_order(octets, at)
        elif not order:
            raise PcapngError("this is not a pcapng file: it does not begin with a section header block")
        kind, length = struct.unpack_from(order + "II", octets, at)
        if length < 12 or length % 4 or at + length > len(octets):
            raise PcapngError(
                f"the pcapng block of type {kind:#x} at octet {at} cannot have {length} octets, as it says"
            )
        if octets[at + 4 : at + 8] != octets[at + length - 4 : at + length]:
            raise PcapngError(f"the pcapng block of type {kind:#x} at octet {at} has two lengths that differ")
        yield order, kind, octets[at + 8 : at + length - 4], at
        at += length


def _byte_order(octets: bytes, at: int) -> str:
    for order in "<>":
        if octets[at + 8 : at + 12] == struct.pack(order + "I", _BYTE_ORDER):
            return order
    raise PcapngError(f"the pcapng section at octet {at} does not have a byte-order magic")


class _Interface(NamedTuple):
    link: int
    resolution: float
    name: str


def _read_interface(order: str, body: bytes) -> _Interface:
    (link,) = struct.unpack_from(order + "H", body)
    options = _options(order, body, 8)
    exponent = options.get(_RESOLUTION, b"\x06")[0]
    resolution = 2.0 ** -(exponent & 0x7F) if exponent & 0x80 else 10.0**-exponent
    return _Interface(link, resolution, options.get(_INTERFACE_NAME, b"").decode("utf-8", "replace"))


def _read_packet(order: str, kind: int, body: bytes, interfaces: list[_Interface]) -> list[CapturedFrame]:
    if kind == _SIMPLE:
        (length,) = struct.unpack_from(order + "I", body)
        frame = CapturedFrame(0.0, _exactly(body, 4, min(length, len(body) - 4)), "", interfaces[0].name)
        return [frame] if interfaces[0].link == _LINKTYPE_ETHERNET else []
    number, high, low, length, _ = struct.unpack_from(order + "IIIII", body)
    interface = interfaces[number]
    raw = _exactly(body, 20, length)
    comment = _options(order, body, 20 + length + (-length % 4)).get(_COMMENT, b"").decode("utf-8", "replace")
    frame = CapturedFrame((high << 32 | low) * interface.resolution, raw, comment, interface.name)
    return [frame] if interface.link == _LINKTYPE_ETHERNET else []


def _options(order: str, body: bytes, at: int) -> dict[int, bytes]:
    """Return the options from `at` on; of several with the same code, the first."""
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
        raise PcapngError(f"{length} octets are needed at octet {at} of a block that has {len(body)}")
    return body[at : at + length]
