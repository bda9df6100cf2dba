"""What is measured of an attack that is after neither a secret nor a peer, from the trace and nobody's word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.programs.bleichenbacher import VARIANTS
from trustlab.wire import Reassembler

if TYPE_CHECKING:
    from trustlab.trace import Trace


def answers(trace: Trace, adversary: str = "alice", server: str = "bank") -> dict[str, bytes]:
    """Return what the server said to each variant after its last word of the handshake: records as on the wire.

    Taken from the frames in the trace, and so from nobody's word; a kernel may send an octet twice.
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


def answer_times(trace: Trace, server: str = "bank") -> dict[str, float]:
    """Return how long the server's TPM worked on each variant, in ms, as it happened on this machine.

    TPM2_RSA_Decrypt of a wrong block may answer sooner than that of a sound one: a difference the engine cannot hide.
    """
    took = [float(str(e.data["ms"])) for e in trace.select("tpm.response", party=server, name="TPM2_RSA_Decrypt")]
    return dict(zip(VARIANTS, took, strict=False))


def quotes_for(trace: Trace, server: str = "bank") -> Counter[str]:
    """Return for whom a server's TPM made quotes, by the cloud's word on who stood at the other end.

    A quote is the server's binder and the TPM's own good answer after it.
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
