"""Reconstruct the frames of a connection that never touched a network.

In the `memory` substrate two ends exchange octets inside one process. For the same views, the same passive decoder and
Wireshark, a `TcpConversation` writes the Ethernet frames in which those octets would have travelled: three-way
handshake, segments of at most 1460 octets, acknowledgements, FIN or RST. Every such event says `reconstructed: true`.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from trustlab.trace import Role, other_role
from trustlab.wire.errors import WireError
from trustlab.wire.ethernet import MSS, Flag, Host, Segment, build_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.trace import Party, TraceEvent

Direction = Role
_UNACKNOWLEDGED = 22 * MSS
_NOTHING: Mapping[str, str] = MappingProxyType({})  # an edit or a loss says more


class _Side:
    """The state of one end's TCP: next sequence number, octets written, octets not yet acknowledged."""

    def __init__(self, host: Host, port: int, party: str, first_seq: int) -> None:
        self.host = host
        self.port = port
        self.party = party
        self.seq = first_seq
        self.written = 0
        self.unacknowledged = 0
        self.identification = first_seq & 0xFFFF
        self.closed = False


class TcpConversation:
    """Write the frames of one connection into the trace, as events of kind `frame` by `party` ("network").

    `client` and `server` are the *addressed* hosts, whose addresses are in the frames. `ends` names the parties that
    really hold the two ends, if Alice has redirected the stream. The first sequence numbers are derived from the
    connection's name, so the same run gives the same octets. `mss` bounds a segment's payload, in octets.
    """

    def __init__(
        self,
        party: Party,
        connection: str,
        client: Host,
        server: Host,
        client_port: int,
        server_port: int,
        *,
        ends: tuple[str, str] | None = None,
        mss: int = MSS,
    ) -> None:
        self._mss = mss
        self.party = party
        self.connection = connection
        names = ends or (client.name, server.name)
        start = hashlib.sha256(connection.encode()).digest()
        self._sides = {
            "client": _Side(client, client_port, names[0], int.from_bytes(start[:4], "big")),
            "server": _Side(server, server_port, names[1], int.from_bytes(start[4:8], "big")),
        }
        self._opened = False

    def open(self) -> None:
        """Write SYN, SYN+ACK, ACK (RFC 9293, 3.5)."""
        if self._opened:
            raise WireError(f"{self.connection} was opened twice")
        self._opened = True
        self._emit("client", Flag.SYN)
        self._emit("server", Flag.SYN | Flag.ACK)
        self._emit("client", Flag.ACK)

    def data(self, direction: Direction, payload: bytes, *, original: bytes = b"") -> list[TraceEvent]:
        """Write `payload` of the end `direction` as segments of at most `mss` octets; return their events.

        `original` is what that end wrote, of the same length, where it was edited on its way.
        """
        side, events = self._writable(direction), []
        for at in range(0, len(payload), self._mss):
            piece = payload[at : at + self._mss]
            last = at + self._mss >= len(payload)
            written = original[at : at + self._mss]
            told = {"fate": "edited", "original": written.hex()} if written not in {b"", piece} else {}
            events.append(self._emit(direction, Flag.ACK | Flag.PSH if last else Flag.ACK, piece, told))
            if side.unacknowledged >= _UNACKNOWLEDGED:
                self._emit(other_role(direction), Flag.ACK)
        return events

    def lost(self, direction: Direction, payload: bytes) -> list[TraceEvent]:
        """Write segments that were dropped: they are cut out of the stream, and what follows takes their place.

        No TCP does so: it would send them again. `offset` counts them, since their writer does.
        """
        side, events = self._writable(direction), []
        for at in range(0, len(payload), self._mss):
            piece = payload[at : at + self._mss]
            events.append(self._emit(direction, Flag.ACK | Flag.PSH, piece, {"fate": "dropped"}))
            side.seq -= len(piece)
            side.unacknowledged -= len(piece)
        return events

    def close(self, direction: Direction) -> None:
        """Write the FIN of one end and the other's acknowledgement; closing an end twice does nothing."""
        side = self._sides[direction]
        if side.closed:
            return
        self._emit(direction, Flag.FIN | Flag.ACK)
        side.closed = True
        self._emit(other_role(direction), Flag.ACK)

    def reset(self, direction: Direction) -> None:
        """Write the RST of one end; after it neither end can write."""
        self._emit(direction, Flag.RST | Flag.ACK)
        for side in self._sides.values():
            side.closed = True

    def _writable(self, direction: Direction) -> _Side:
        side = self._sides[direction]
        if not self._opened or side.closed:
            raise WireError(f"{self.connection}: the {direction} cannot write, because its side is not open")
        return side

    def _emit(
        self, direction: Direction, flags: Flag, payload: bytes = b"", told: Mapping[str, str] = _NOTHING
    ) -> TraceEvent:
        writer, reader = self._sides[direction], self._sides[other_role(direction)]
        frame = build_frame(
            Segment(
                source_mac=writer.host.mac,
                destination_mac=reader.host.mac,
                source=writer.host.ip,
                destination=reader.host.ip,
                source_port=writer.port,
                destination_port=reader.port,
                seq=writer.seq,
                ack=reader.seq if Flag.ACK in flags else 0,
                flags=flags,
                payload=payload,
                options=b"\x02\x04" + self._mss.to_bytes(2, "big") if Flag.SYN in flags else b"",
                identification=writer.identification,
            )
        )
        offset = writer.written if payload else None
        writer.identification += 1
        writer.seq += len(payload) + (1 if flags & (Flag.SYN | Flag.FIN) else 0)
        writer.written += len(payload)
        writer.unacknowledged += len(payload)
        reader.unacknowledged = 0
        ends: dict[str, Any] = {"from": writer.party, "to": reader.party, **told}
        return self.party.emit(
            "frame",
            "TCP",
            raw=frame,
            connection=self.connection,
            direction=direction,
            offset=offset,
            reconstructed=True,
            src=f"{writer.host.ip}:{writer.port}",
            dst=f"{reader.host.ip}:{reader.port}",
            flags=flags.name or "",
            payload_offset=len(frame) - len(payload),
            payload_length=len(payload),
            **ends,
        )
