"""Decode captures that come as files or as bare frames, of any size: packet by packet, connection by connection.

A file passes through once: packet, segment, stream, record, message. What is held at any moment is bounded by
`CaptureLimits`: connections that are over are finished and forgotten, the one that has been silent longest makes room
for a new one, and everything that is not decoded or not kept is counted by name in one `capture` event at the end.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trustlab.capture.counting import counted, listed
from trustlab.capture.datagrams import DatagramNames
from trustlab.capture.errors import CaptureError
from trustlab.capture.keys import KeyLogReader
from trustlab.capture.limits import EVERYTHING, CaptureLimits, Keeping
from trustlab.capture.passive import PassiveDecoder
from trustlab.capture.upgrades import Beginning
from trustlab.octets.files import UNPACKING_ERRORS, PackedFile, unpacking_error
from trustlab.trace import Trace, other_role
from trustlab.wire import (
    CapturedFrame,
    CaptureReader,
    Datagram,
    FrameError,
    OtherPacket,
    PcapngError,
    Reassembler,
    Segment,
    StreamPiece,
    dissect,
    link_title,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from trustlab.trace import Value
    from trustlab.wire import Direction, Flow, Sighting

HELD_RECORDS = 64
"""Records of a direction that may wait for a ServerHello that was captured late, or not at all."""
STEP = 1000
"""Packets between two words of progress."""


class CaptureProgress(NamedTuple):
    """How far reading has come: octets of the file, of how many (0: unknown), and packets.

    While a file is looked through for keys, before its packets, `packets` is 0.
    """

    done: int
    size: int
    packets: int


def decode_pcapng(
    path: str | Path,
    *,
    keylog: str = "",
    names: Mapping[str, str] | None = None,
    limits: CaptureLimits = EVERYTHING,
    progress: Callable[[CaptureProgress], None] | None = None,
) -> Trace:
    """Return a trace of the frames in a pcapng or pcap file (or one that gzip has packed) and of the TLS in them.

    Keys are those inside the file and those of `keylog` (NSS text). `names` gives party names for IP addresses;
    without, a party is called by its address. `progress` is called now and then. Raises CaptureError if nothing can be
    read of the file. A file that breaks later, a damaged stream inside and a damaged line of a key log give a `note`.
    """
    try:
        with PackedFile(path) as file:
            blocks = _keylogs(path, progress) if file.regular else []
            reader = CaptureReader(file.octets)
            decoder = _CaptureDecoder(KeyLogReader(keylog, blocks), names or {}, Path(path).name, limits)
            decoder.read(_counting(reader, file, progress))
    except PcapngError as error:
        raise CaptureError(f"{path}: {error}") from error
    except UNPACKING_ERRORS as error:
        raise CaptureError(f"{path}: {unpacking_error(error)}") from error
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror or error}") from error
    return decoder.finish()


def decode_frames(
    frames: Iterable[CapturedFrame | bytes],
    *,
    keylog: str = "",
    names: Mapping[str, str] | None = None,
    title: str = "",
    limits: CaptureLimits = EVERYTHING,
) -> Trace:
    """Return a trace of `frames` (octets alone are Ethernet) and the TLS messages in them; see `decode_pcapng`."""
    decoder = _CaptureDecoder(KeyLogReader(keylog), names or {}, title, limits)
    decoder.read(frame if isinstance(frame, CapturedFrame) else CapturedFrame(0.0, frame) for frame in frames)
    return decoder.finish()


def _keylogs(path: str | Path, progress: Callable[[CaptureProgress], None] | None) -> list[str]:
    """Return the key logs inside a capture, wherever they stand: a key may come behind the packets that it opens."""
    with PackedFile(path) as file:
        reader = CaptureReader(file.octets)
        try:
            for number in reader.only_keylogs():
                if progress is not None and number % STEP == 0:
                    progress(CaptureProgress(file.done, file.size, 0))
        except (PcapngError, *UNPACKING_ERRORS):
            pass  # whoever decodes the packets says so
        return reader.keylogs


def _counting(
    frames: Iterable[CapturedFrame], file: PackedFile, progress: Callable[[CaptureProgress], None] | None
) -> Iterator[CapturedFrame]:
    for number, frame in enumerate(frames, start=1):
        if progress is not None and number % STEP == 0:
            progress(CaptureProgress(file.done, file.size, number))
        yield frame


@dataclass(slots=True, eq=False)
class _TcpConnection:
    """A TCP connection of a capture: what it is called, who holds its ends, and whether it is TLS."""

    name: str
    ends: dict[Direction, str]
    beginning: Beginning
    pending: dict[Direction, int] = field(default_factory=lambda: {"client": 0, "server": 0})
    spoke: bool = False


class _CaptureDecoder:
    """Takes captured packets one at a time, and writes what they say into a trace."""

    def __init__(self, keys: KeyLogReader, names: Mapping[str, str], title: str, limits: CaptureLimits) -> None:
        self._trace = Trace(title, substrate="replay")
        self._names = names
        self._limits = limits
        self._keeping = Keeping(limits)
        self._passive = PassiveDecoder(self._trace, keys=keys, keeping=self._keeping)
        self._flows = Reassembler(room=limits.waiting)
        self._connections: OrderedDict[Flow, _TcpConnection] = OrderedDict()
        self._datagrams = DatagramNames()
        self._links: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._seen = self._tls = 0

    def read(self, frames: Iterable[CapturedFrame]) -> None:
        """Take packets; an error behind the first of them ends the reading, and is noted."""
        packets = 0
        try:
            for packets, frame in enumerate(frames, start=1):  # noqa: B007 - counts up to the error
                self._frame(frame)
        except (PcapngError, *UNPACKING_ERRORS) as error:
            if not packets:
                raise
            why = str(error) if isinstance(error, PcapngError) else unpacking_error(error)
            self._note(f"The file breaks off behind {counted(packets, 'packet')}: {why}.")

    def finish(self) -> Trace:
        """Show what is still held, say what was not decoded, and return the trace."""
        for flow in tuple(self._connections):
            self._end(flow)
        self._passive.finish()
        skipped = [{"what": listed(what), "count": count} for what, count in self._skipped.most_common()]
        left_out = [{"what": listed(what), "count": count} for what, count in self._keeping.left_out.most_common()]
        packets, links = sum(self._links.values()), list(self._links)
        sentences = [f"Read {counted(packets, 'packet')} ({', '.join(links)})." if packets else "Read no packets."]
        if skipped:
            sentences.append(f"Not decoded: {_list(self._skipped)}.")
        if left_out:
            sentences.append(f"Decoded, but left out here to save memory: {_list(self._keeping.left_out)}.")
        self._trace.append(
            "capture",
            "capture",
            "what was read",
            data={
                "frames": packets,
                "links": links,
                "skipped": skipped,
                "left_out": left_out,
                "sentence": " ".join(sentences),
            },
        )
        return self._trace

    def _frame(self, frame: CapturedFrame) -> None:
        self._links[link_title(frame.link)] += 1
        if frame.missing:
            self._skipped["packet cut short when it was captured"] += 1
        try:
            packet = dissect(frame.raw, frame.link)
        except FrameError:
            self._skipped["packet whose headers are damaged"] += 1
            packet = None
        if isinstance(packet, OtherPacket):
            self._skipped[packet.what] += 1
        elif isinstance(packet, Datagram):
            self._skipped[self._datagrams.name(packet)] += 1
        sighting = self._flows.place(packet) if isinstance(packet, Segment) else None
        if sighting is None:
            if self._keeping.frame(len(frame.raw)):
                data: dict[str, Value] = {"captured": frame.time, "link": frame.link}
                self._trace.append("network", "frame", "other", raw=frame.raw, data=data)
            return
        self._segment(frame, sighting)

    def _segment(self, frame: CapturedFrame, sighting: Sighting) -> None:
        flow = sighting.flow
        connection = self._connections.get(flow) or self._connect(flow)
        self._connections.move_to_end(flow)
        if not connection.beginning.other and self._keeping.frame(len(frame.raw)):
            self._keep_frame(frame, sighting, connection)
        for piece in sighting.pieces:
            self._piece(connection, piece)
        if flow.over:
            self._end(flow)

    def _piece(self, connection: _TcpConnection, piece: StreamPiece) -> None:
        connection.spoke = True
        beginning = connection.beginning
        for direction, data in beginning.feed(piece.direction, piece.data):
            start = beginning.passed_over[direction] + connection.pending[direction]
            connection.pending[direction] += len(data)
            self._passive.take(
                StreamPiece(piece.flow, direction, start, data, data), connection.ends, most=HELD_RECORDS
            )

    def _connect(self, flow: Flow) -> _TcpConnection:
        if len(self._connections) >= self._limits.connections:
            self._skipped["connection that made room for others"] += 1
            self._end(next(iter(self._connections)))
        self._seen += 1
        client, server = (self._names.get(host, host) for host, _ in (flow.client, flow.server))
        flow.name = f"{client}-{server}-{self._seen}"
        if client == server:  # both ends on one machine: only their ports tell them apart
            client, server = (
                f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in (flow.client, flow.server)
            )
        connection = _TcpConnection(flow.name, {"client": client, "server": server}, Beginning(whole=flow.complete))
        self._connections[flow] = connection
        return connection

    def _end(self, flow: Flow) -> None:
        """Finish a connection and forget it."""
        connection = self._connections.pop(flow)
        beginning = connection.beginning
        self._passive.end(flow)
        if not beginning.tls:
            spoken = f" ({beginning.title})" if beginning.title else ""
            self._skipped[
                f"TCP connection in which no TLS was found{spoken}"
                if connection.spoke
                else "TCP connection without data"
            ] += 1
        elif beginning.title or any(beginning.passed_over.values()):
            self._note(_preface(beginning), flow.name)
        for direction in ("client", "server"):
            given_up = flow.given_up(direction)
            if given_up:
                self._skipped["TCP segment behind a gap"] += given_up
        self._flows.forget(flow)
        self._keeping.forget(flow)

    def _note(self, sentence: str, connection: str = "") -> None:
        if self._keeping.note():
            self._trace.append("network", "note", "capture", connection=connection, data={"sentence": sentence})

    def _keep_frame(self, frame: CapturedFrame, sighting: Sighting, connection: _TcpConnection) -> None:
        segment, _, direction, offset, _ = sighting
        self._trace.append(
            "network",
            "frame",
            "TCP",
            raw=frame.raw,
            connection=connection.name,
            direction=direction,
            offset=offset,
            data={
                "captured": frame.time,
                "link": frame.link,
                "src": f"{segment.source}:{segment.source_port}",
                "dst": f"{segment.destination}:{segment.destination_port}",
                "from": connection.ends[direction],
                "to": connection.ends[other_role(direction)],
                "payload_offset": segment.payload_offset,
                "payload_length": len(segment.payload),
            },
        )


def _preface(beginning: Beginning) -> str:
    """Say what came before TLS."""
    before = " and ".join(
        f"{octets:,} of the {direction}" for direction, octets in beginning.passed_over.items() if octets
    )
    if beginning.title:
        return f"TLS begins later in this connection: {beginning.title}. Octets before it: {before}."
    return f"This connection was captured from its middle on. Octets before the first whole record: {before}."


def _list(counts: Counter[str]) -> str:
    return ", ".join(counted(count, what) for what, count in counts.most_common())
