"""Decode captures that come as files or as bare frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.capture.errors import CaptureError
from trustlab.capture.keys import KeyLogReader
from trustlab.capture.passive import PassiveDecoder
from trustlab.trace import Trace
from trustlab.wire import CapturedFrame, FrameError, PcapngError, Reassembler, read_pcapng

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustlab.wire import Flow


def decode_pcapng(path: str | Path, *, keylog: str = "", names: Mapping[str, str] | None = None) -> Trace:
    """Return a trace of the frames in a pcapng file and of the TLS messages in them.

    Keys are those inside the file and those of `keylog` (NSS text). `names` gives party names for IPv4 addresses;
    without, a party is called by its address. Raises CaptureError if the file cannot be read; a damaged stream inside
    and a damaged line of a key log give a `note`.
    """
    try:
        capture = read_pcapng(path)
    except PcapngError as error:
        raise CaptureError(f"{path}: {error}") from error
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror or error}") from error
    return _decoded(capture.frames, KeyLogReader(keylog, capture.keylogs), names, Path(path).name)


def decode_frames(
    frames: Iterable[CapturedFrame | bytes],
    *,
    keylog: str = "",
    names: Mapping[str, str] | None = None,
    title: str = "",
) -> Trace:
    """Return a trace of Ethernet `frames` and the TLS messages in them; see `decode_pcapng`."""
    captured = (frame if isinstance(frame, CapturedFrame) else CapturedFrame(0.0, frame) for frame in frames)
    return _decoded(captured, KeyLogReader(keylog), names, title)


def _decoded(frames: Iterable[CapturedFrame], keys: KeyLogReader, names: Mapping[str, str] | None, title: str) -> Trace:
    trace = Trace(title, substrate="replay")
    ends = _Ends(names or {})
    with PassiveDecoder(trace, keys=keys):
        for frame in frames:
            ends.record(trace, frame)
    return trace


class _Ends:
    """Names connections and ends of bare frames, as the switch does for live ones."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._flows = Reassembler()
        self._connections: dict[Flow, str] = {}

    def record(self, trace: Trace, frame: CapturedFrame) -> None:
        """Append the `frame` event of one captured frame."""
        try:
            sighting = self._flows.sight(frame.raw)
        except FrameError:
            sighting = None
        if sighting is None:
            trace.append("network", "frame", "other", raw=frame.raw, data={"captured": frame.time})
            return
        segment, flow, direction, offset, _ = sighting
        connection = self._connections.setdefault(flow, f"{self._called(flow)}-{len(self._connections) + 1}")
        trace.append(
            "network",
            "frame",
            "TCP",
            raw=frame.raw,
            connection=connection,
            direction=direction,
            offset=offset,
            data={
                "captured": frame.time,
                "src": f"{segment.source}:{segment.source_port}",
                "dst": f"{segment.destination}:{segment.destination_port}",
                "from": self._names.get(segment.source, segment.source),
                "to": self._names.get(segment.destination, segment.destination),
                "payload_offset": segment.payload_offset,
                "payload_length": len(segment.payload),
            },
        )

    def _called(self, flow: Flow) -> str:
        return "-".join(self._names.get(host, host) for host, _ in (flow.client, flow.server))
