"""A whole trace as one capture: frames, the TPMs' traffic beside them, keys inside, a comment on every packet.

TPM commands never crossed a network. They are written the way the TSS's own `pcap` TCTI does it, as TCP segments to
port 2321, one command or response a segment, which Wireshark's TPM 2.0 dissector takes apart; each machine's TPM is an
interface of its own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from trustlab.capture.keys import keylog
from trustlab.capture.passive import link_of
from trustlab.trace import Trace
from trustlab.wire import CapturedFrame, Host, LinkType, TcpConversation, write_capture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trustlab.trace import TraceEvent

TPM_PORT = 2321
_CLIENT_PORT = 50000
_MOST = 250
"""Machines, and clients of one, that have addresses of their own; a damaged trace may name more."""
_LARGEST = 65_000  # one segment for each command or response: the dissector does not reassemble


def write_trace(
    path: str | Path, trace: Trace, *, secrets: bool = True, comments: Mapping[tuple[str, int], str] | None = None
) -> Path:
    """Write the trace's frames and TPM traffic, in their order, as pcapng; return the path.

    `secrets` puts the key log of all parties inside. `comments` replaces or adds the comment of single events
    (party, seq); else a frame's comment names the messages that begin in it and the appraisal they follow from, a TPM
    packet's the client and the result.
    """
    given = comments or {}
    derived = frame_comments(trace)
    tpms = _Tpms()
    packets = []
    for event in trace.ordered():
        identity = event.party, event.seq
        if event.kind == "frame":
            packets.append(_frame(trace, event, given.get(identity, derived.get(identity, ""))))
        elif event.kind in {"tpm.command", "tpm.response"}:
            time, comment = trace.began_at + event.time, given.get(identity, _tpm_comment(event))
            packets += [CapturedFrame(time, raw, comment, f"TPM of {event.party}") for raw in tpms.frames(event)]
    return write_capture(path, packets, keylog=keylog(trace) if secrets else "")


def _frame(trace: Trace, event: TraceEvent, comment: str) -> CapturedFrame:
    """Return a frame with the time and link type it was captured with, if it comes from a capture."""
    captured, link = event.data.get("captured"), link_of(event)
    time = captured if isinstance(captured, int | float) else trace.began_at + event.time
    if link is None or not 0 <= link <= 0xFFFF:  # there are 16 bits for it
        link = LinkType.ETHERNET
    return CapturedFrame(time, event.raw, comment, link=link)


class _Tpms:
    """One conversation for each machine and client of its TPM; addresses from 10.1.0.0/16, which no frame uses."""

    def __init__(self) -> None:
        self._scratch = Trace()
        self._machines: dict[str, int] = {}
        self._conversations: dict[tuple[str, str], TcpConversation] = {}
        self._last: dict[str, str] = {}

    def frames(self, event: TraceEvent) -> list[bytes]:
        """Return the frame that carries a command or response; none for one without octets."""
        client = str(event.data.get("client") or self._last.get(event.party, "software"))
        self._last[event.party] = client
        conversation = self._conversation(event.party, client)
        written = conversation.data("client" if event.kind == "tpm.command" else "server", event.raw)
        return [segment.raw for segment in written]

    def _conversation(self, machine: str, client: str) -> TcpConversation:
        if (machine, client) not in self._conversations:
            third = self._machines.setdefault(machine, len(self._machines) % _MOST + 1)
            fourth = sum(1 for m, _ in self._conversations if m == machine) % _MOST + 2
            software = Host(client, f"02:01:00:00:{third:02x}:{fourth:02x}", f"10.1.{third}.{fourth}")
            tpm = Host(f"TPM of {machine}", f"02:01:00:00:{third:02x}:01", f"10.1.{third}.1")
            name = f"{machine}/{client}"
            conversation = TcpConversation(
                self._scratch.party("tpm"), name, software, tpm, _CLIENT_PORT, TPM_PORT, mss=_LARGEST
            )
            conversation.open()
            self._conversations[machine, client] = conversation
        return self._conversations[machine, client]


def _tpm_comment(event: TraceEvent) -> str:
    if event.kind == "tpm.command":
        return f"{event.data.get('client', 'software')} at locality {event.data.get('locality', '?')}: {event.name}"
    return f"{event.party}'s TPM answers {event.name}: {event.data.get('rc_name', event.data.get('rc', '?'))}"


def frame_comments(trace: Trace) -> dict[tuple[str, int], str]:
    """Return for frames (party, seq) who writes which messages that begin in them, and after which appraisal."""
    comments = _messages_by_frame(trace)
    appraised: dict[tuple[str, str], str] = {}
    for event in trace.ordered():
        if event.kind == "appraisal":
            appraised[event.party, event.connection] = _appraisal(event)
        elif event.kind == "frame" and event.data.get("payload_length"):
            verdict = appraised.pop((str(event.data.get("from")), event.connection), "")
            if verdict:
                comment = comments.get((event.party, event.seq), "")
                comments[event.party, event.seq] = f"{comment}; {verdict}" if comment else verdict
    return comments


def _appraisal(event: TraceEvent) -> str:
    refused_by = event.data.get("refused_by")
    because = f", refused by the check {refused_by}" if refused_by else ""
    return f"{event.party} appraised {event.data.get('about', 'the peer')}: {event.name}{because}"


def _messages_by_frame(trace: Trace) -> dict[tuple[str, int], str]:
    begins: dict[tuple[str, str], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for event in trace.select("tls.message"):
        if event.sent and event.offset is not None:
            begins[event.connection, event.direction][event.offset].append(f"{event.party}: {event.name}")
    comments = {}
    for frame in trace.select("frame"):
        length = frame.data.get("payload_length")
        if frame.offset is None or not isinstance(length, int):
            continue
        starts = begins.get((frame.connection, frame.direction), {})
        inside = [name for at in sorted(starts) if frame.offset <= at < frame.offset + length for name in starts[at]]
        if inside:
            comments[frame.party, frame.seq] = _joined(inside)
    return comments


def _joined(names: list[str]) -> str:
    who = names[0].partition(": ")[0]
    return f"{who} writes " + ", ".join(name.partition(": ")[2] for name in names)
