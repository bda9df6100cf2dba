"""Connections that another machine answers in the name of the addressed one, by rewriting addresses as a load balancer.

On the client's leg the frames have the addressed server's addresses; on the leg of the machine that took over they have
that machine's, so that its own TCP answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustlab.wire.ethernet import Flag, Host, Segment, parse_frame, patch_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Address = tuple[str, int]


@dataclass(frozen=True, eq=False)  # two equal orders are still two orders, and each is taken back separately
class _Order:
    destination: Host
    port: int
    to: Host
    unless_from: frozenset[str]


class Redirections:
    """Alice's orders to redirect, and the connections that were redirected."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._takers: dict[tuple[Address, Address], Host] = {}
        self._addressed: dict[tuple[Address, Address], Host] = {}

    def give(self, destination: Host, port: int, to: Host, unless_from: Collection[str]) -> Callable[[], None]:
        """Let `to` answer new connections to `destination`; the returned function takes the order back."""
        order = _Order(destination, port, to, frozenset(unless_from) | {to.name})
        self._orders.append(order)

        def undo() -> None:
            if order in self._orders:
                self._orders.remove(order)

        return undo

    def as_client_sees(self, frame: bytes, segment: Segment) -> tuple[bytes, Segment]:
        """In a frame from the machine that took over, put the addressed server's source; leave others unchanged."""
        server = self._addressed.get((_to(segment), _from(segment)))
        if server is None:
            return frame, segment
        patched = patch_frame(frame, source_mac=server.mac, source=server.ip)
        return patched, parse_frame(patched) or segment

    def as_taker_sees(self, frame: bytes, segment: Segment) -> bytes:
        """Address a frame of the client to the machine that took over; leave others unchanged."""
        taker = self._takers.get((_from(segment), _to(segment)))
        return patch_frame(frame, destination_mac=taker.mac, destination=taker.ip) if taker else frame

    def opening(self, segment: Segment, client: str) -> None:
        """Decide on a SYN of the party `client`: the newest matching order takes the connection."""
        if segment.flags & (Flag.SYN | Flag.ACK) != Flag.SYN:
            return
        key = _from(segment), _to(segment)
        self._release(key)
        for order in reversed(self._orders):
            addressed = segment.destination, segment.destination_port
            if addressed == (order.destination.ip, order.port) and client not in order.unless_from:
                self._takers[key] = order.to
                self._addressed[_from(segment), (order.to.ip, order.port)] = order.destination
                return

    def holder(self, client: Address, server: Address) -> Host | None:
        """Return the machine that took a connection; None if nobody did."""
        return self._takers.get((client, server))

    def addressed(self, client: Address, taker: Address) -> Host | None:
        """Return the machine that `client` addressed when `taker` got its connection; None if it addressed `taker`."""
        return self._addressed.get((client, taker))

    def _release(self, key: tuple[Address, Address]) -> None:
        """Forget what an earlier SYN over the same ports decided."""
        taker = self._takers.pop(key, None)
        if taker is not None:
            self._addressed.pop((key[0], (taker.ip, key[1][1])), None)


def _from(segment: Segment) -> Address:
    return segment.source, segment.source_port


def _to(segment: Segment) -> Address:
    return segment.destination, segment.destination_port
