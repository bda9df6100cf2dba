"""Measurements of attacks whose prize is neither a secret nor a peer, taken from the trace alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.programs.bleichenbacher import VARIANTS
from trustlab.wire import Reassembler

if TYPE_CHECKING:
    from trustlab.trace import Trace


def answers(trace: Trace, adversary: str = "alice", server: str = "bank") -> dict[str, bytes]:
    """Return the server's answer to each variant: the records after its last handshake record, as on the wire.

    They are taken from the frames in the trace and reassembled, because a kernel may send an octet twice.
    """
    streams: dict[str, bytes] = {}
    reassembler = Reassembler()
    for frame in trace.select("frame"):
        if frame.data.get("from") == server and frame.data.get("to") == adversary:
            for piece in reassembler.feed(frame.raw, name=frame.connection):
                streams[frame.connection] = streams.get(frame.connection, b"") + piece.data
    said = (_after_handshake(stream) for _, stream in sorted(streams.items(), key=lambda item: _number(item[0])))
    return dict(zip(VARIANTS, said, strict=False))


def _number(connection: str) -> int:
    return int(connection.rpartition("-")[2])


def _after_handshake(stream: bytes) -> bytes:
    records, rest = tls.split_records(stream)
    last = max((r.end for r in records if r.content_type == tls.ContentType.HANDSHAKE), default=0)
    return stream[last : len(stream) - len(rest)]


def quotes_for(trace: Trace, server: str = "bank") -> Counter[str]:
    """Return how many quotes a server's TPM made for each client, which the cloud's ground truth names.

    A quote counts if the TPM answered it without error, after the server had computed a binder for that client.
    """
    clients = {e.connection: str(e.data["client"]) for e in trace.select("ground-truth", name="connection")}
    made: Counter[str] = Counter()
    waiting = ""
    for event in trace:
        if event.party != server:
            continue
        if event.kind == "binder" and event.data["side"] == "attester":
            waiting = clients.get(event.connection, event.connection.split("-")[0])
        elif event.kind == "tpm.response" and event.name == "TPM2_Quote" and event.data["rc"] == 0 and waiting:
            made[waiting] += 1
            waiting = ""
    return made
