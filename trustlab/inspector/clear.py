"""What travels in clear, without TLS: frames whose octets anybody on the wire reads.

`attest-then-connect` asks for Evidence on a connection of its own, in frames of a length and that many octets; a
program of Alice's may send her what it found. Streams that begin like TLS are left to the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import is_evidence
from trustlab.inspector.connections import OTHER
from trustlab.inspector.rows import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.inspector.document import MessageRow
    from trustlab.inspector.messages import Messages
    from trustlab.trace import TraceEvent

RECORDS = range(20, 25)
"""First octets of a TLS record (RFC 5246, 6.2.1)."""
CHALLENGE, LENGTH = 32, 2
LONGEST = 1 << 16


class Clear:
    """Makes the messages of streams that are not TLS."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._encrypted: set[str] = set()
        self._framed: set[str] = set()
        self._buffers: dict[tuple[str, str], bytes] = {}
        self._ends: dict[tuple[str, str], int] = {}
        self._unread: dict[tuple[str, str], list[MessageRow]] = {}

    def frame(self, event: TraceEvent) -> Iterator[MessageRow]:
        """Take a frame; yield the messages in clear that are complete with it."""
        key = event.connection, event.direction
        self._messages.read(self._unread.pop((event.connection, OTHER.get(event.direction, "")), ()))
        start = number_of(event.data.get("payload_offset"))
        payload = event.raw[start:] if start > 0 and number_of(event.data.get("payload_length")) > 0 else b""
        if not payload or event.offset is None or event.connection in self._encrypted:
            return
        if event.offset < self._ends.get(key, 0):
            return  # sent again
        if key not in self._ends and payload[0] in RECORDS and payload[1:2] == b"\x03":
            self._encrypted.add(event.connection)
            return
        self._ends[key] = event.offset + len(payload)
        for name, octets, offset in self._cut(key, payload, event.offset):
            row = self._messages.clear(event, name, octets, offset)
            self._unread.setdefault(key, []).append(row)
            yield row

    def _cut(self, key: tuple[str, str], payload: bytes, offset: int) -> Iterator[tuple[str, bytes, int]]:
        """Cut what has come so far into frames of the exchange, or pass it on as it is."""
        buffer = self._buffers.pop(key, b"")
        at = offset - len(buffer)
        buffer += payload
        if not buffer.startswith(CHALLENGE.to_bytes(LENGTH, "big")) and key[0] not in self._framed:
            yield "Data", buffer, at
            return
        self._framed.add(key[0])
        while len(buffer) >= LENGTH:
            end = LENGTH + int.from_bytes(buffer[:LENGTH], "big")
            if len(buffer) < end:
                break
            yield _name(buffer[LENGTH:end]), buffer[:end], at
            buffer, at = buffer[end:], at + end
        if buffer and len(buffer) <= LONGEST:
            self._buffers[key] = buffer


def _name(octets: bytes) -> str:
    if len(octets) == CHALLENGE:
        return "Challenge"
    return "Evidence" if is_evidence(octets) else "Data"
