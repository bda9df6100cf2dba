"""Writing captures: pcapng with a comment per packet and the decryption secrets inside. `captures` reads them.

Format: draft-ietf-opsawg-pcapng. Wireshark and tshark open such a file decrypted, without a key-log setting, because
the Decryption Secrets Block comes before the packets.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trustlab.trace import private
from trustlab.wire.linktypes import LinkType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustlab.trace import TraceEvent

SECTION, INTERFACE, PACKET, SIMPLE, SECRETS = 0x0A0D0D0A, 1, 6, 3, 0x0A
BYTE_ORDER = 0x1A2B3C4D
TLS_KEY_LOG = 0x544C534B
COMMENT, INTERFACE_NAME, RESOLUTION = 1, 2, 9
_APPLICATION = 4
_NANOSECONDS = 9
_SNAP = 262_144
_LATEST = 2.0**34
"""Seconds after 1970, of the year 2514, that a stamp of nanoseconds still holds; a damaged trace may say any time."""
_LONGEST_OPTION = 0xFFFF
DEFAULT_INTERFACE = "Alice's switch"


class CapturedFrame(NamedTuple):
    """One packet of a capture: seconds since the epoch of the file, octets as captured, its comment, where it was.

    `link` is the capture's link type and `missing` how many octets at the packet's end were not captured.
    """

    time: float
    raw: bytes
    comment: str = ""
    interface: str = DEFAULT_INTERFACE
    link: int = LinkType.ETHERNET
    missing: int = 0


class Capture(NamedTuple):
    """What a capture file holds: its frames in order and the TLS key logs that came with them.

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
    """Write frames, with their comments, and a key log as pcapng; return the path.

    With a key log, nobody else on this machine can read the file.
    """
    path = Path(path)
    packets = tuple(packets)
    places = [(DEFAULT_INTERFACE, int(LinkType.ETHERNET)), *((p.interface, p.link) for p in packets)]
    interfaces = {place: number for number, place in enumerate(dict.fromkeys(places))}
    blocks = [_section(), *(_interface(*place) for place in interfaces)]
    if keylog:
        secrets = keylog.encode()
        blocks.append(_block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(secrets)) + _padded(secrets)))
    blocks += [_packet(packet, interfaces[packet.interface, packet.link]) for packet in packets]
    with open(path, "wb", opener=private if keylog else None) as file:
        file.write(b"".join(blocks))
    return path


def _section() -> bytes:
    body = struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1)
    return _block(SECTION, body + _option(_APPLICATION, b"trustlab") + _option(0, b""))


def _interface(name: str, link: int) -> bytes:
    body = struct.pack("<HHI", link, 0, _SNAP)
    options = _option(INTERFACE_NAME, name.encode()[:_LONGEST_OPTION]) + _option(RESOLUTION, bytes([_NANOSECONDS]))
    return _block(INTERFACE, body + options + _option(0, b""))


def _packet(packet: CapturedFrame, interface: int) -> bytes:
    stamp = round(min(max(packet.time, 0.0), _LATEST) * 10**_NANOSECONDS)
    head = struct.pack(
        "<IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(packet.raw), len(packet.raw) + packet.missing
    )
    comment = packet.comment.encode()[:_LONGEST_OPTION]
    options = _option(COMMENT, comment) + _option(0, b"") if comment else b""
    return _block(PACKET, head + _padded(packet.raw) + options)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
