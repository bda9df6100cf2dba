"""What became of one connection through Alice's proxy: derived from the octets that she saw and the keys that she has.

She does not know the PIN that real ends exchange, so no canary can be looked for. What counts is whether the client
sent anything behind the exchange of evidence into a channel that she can read: a client that was not deceived does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.capture import knowledge
from trustlab.passage import placement_of
from trustlab.passage.exchange import Frames
from trustlab.tls.messages import AlertMessage
from trustlab.tls.registry import AlertDescription

if TYPE_CHECKING:
    from trustlab.capture import Knowledge
    from trustlab.passage import Design
    from trustlab.trace import Trace


ORDERLY = {AlertDescription.CLOSE_NOTIFY, AlertDescription.USER_CANCELED}
"""Alerts with which an end leaves that has nothing against its peer."""


class ProxyVerdict(msgspec.Struct, frozen=True):
    """One connection: `succeeded` if Alice read what the client sent, `refused` or `failed` if not, else `unknown`.

    `read` counts the octets that she could read behind the exchange of evidence. `refused_by` is the end that hung up
    first, and `alert` the alert with which it did.
    """

    connection: str
    outcome: Literal["succeeded", "refused", "failed", "unknown"]
    sentence: str
    read: int = 0
    refused_by: str = ""
    alert: str = ""


def verdict_of(trace: Trace, mode: str, design: Design, name: str, behind: tuple[str, ...]) -> ProxyVerdict:
    """Judge a connection of the client's, and those of Alice's behind it."""
    known = knowledge(trace, "alice")
    read = len(_beyond_evidence(known.plaintext(name, "client"), design))
    who, alert = _hung_up(known, name, behind)
    if read:
        told = f"Alice read {read} bytes that the client sent into her channel. Neither end noticed."
        return ProxyVerdict(name, "succeeded", told, read, who, alert)
    if alert:
        word = "and" if mode == "forward" else "so"
        told = f"The {who} hung up with the alert {alert}, {word} Alice read nothing that the client sent."
        return ProxyVerdict(name, "refused", told, refused_by=who, alert=alert)
    if mode == "forward" and known.messages(name, "server"):
        count = sum(len(event.raw) for event in trace.select("frame") if event.connection == name)
        told = f"Alice forwarded every byte and could read nothing: {count:,} bytes of frames are ciphertext to her."
        return ProxyVerdict(name, "failed", told)
    if known.messages(name, "client"):
        return ProxyVerdict(
            name, "failed", "The connection ended without an alert, and the client sent Alice nothing that counts."
        )
    return ProxyVerdict(name, "unknown", "Nobody spoke TLS on this connection, so there is nothing to judge.")


def _name(description: int) -> str:
    known = description in AlertDescription.__members__.values()
    return AlertDescription(description).name.lower() if known else f"number {description}"


def _beyond_evidence(said: bytes, design: Design) -> bytes:
    """Return what stands behind the frames in which the design's evidence travels inside the channel."""
    frames, most = Frames(), placement_of(design).frames
    cut = frames.feed(said, most)
    return frames.rest if len(cut) == most else b""


def _hung_up(known: Knowledge, name: str, behind: tuple[str, ...]) -> tuple[str, str]:
    """Return who hung up with a fatal alert, and with which one; the client first."""
    for connection, side in ((name, "client"), *((other, "server") for other in behind)):
        for message in known.messages(connection, side):  # type: ignore[arg-type]  # two literals
            said = message.message
            if isinstance(said, AlertMessage) and said.description not in ORDERLY:
                return side, _name(said.description)
    return "", ""
