"""What one stranger may take of a server: so many quotes, and so many connections.

A ClientHello is cheap and a quote is not, so a `RateLimiter` gives each peer only so many at once. A `ConnectionLimit`
bounds the connections; when it is full, the address that holds the most of them loses its oldest.

Both count by the peer's address. A stranger has few addresses; somebody who owns the network has as many as she likes,
and no limit of this kind helps against her. With IPv6 a stranger has 2^64 of them, so there the first 64 bits count
(RFC 6177, 2).
"""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from trustlab.passage.guard import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.passage.guard import Attester


class Evictable(Protocol):
    """A connection that can be cut."""

    def give_up(self, reason: str) -> None:
        """Cut it; whoever waits for it gets the reason."""


BURST, RATE = 20, 2.0
"""What `passage.serve` gives each peer: enough for a person in a shell, little for a TPM (swtpm 1 ms, a chip 40-190).
"""
PEERS = 10_000
"""How many peers a limiter remembers; it forgets the one that it has not heard of for the longest time."""


def share_of(peer: str) -> str:
    """Return the key by which a peer is counted: the first 64 bits of an IPv6 address, anything else as it is."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    return peer if address.version == 4 else address.packed[:8].hex()


class RateLimiter:
    """A token bucket for each peer: `burst` quotes at once (`math.inf`: no limit), and `rate` more a second."""

    def __init__(self, burst: float, rate: float = 1.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, peer: str) -> bool:
        """Take a quote for a peer; False if none is left for it."""
        now, share = self._clock(), share_of(peer)
        left, since = self._buckets.pop(share, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[share] = (left - 1 if allowed else left), now
        if len(self._buckets) > PEERS:
            self._buckets.popitem(last=False)
        return allowed


class RateLimitedAttester:
    """An attester that quotes for one peer no faster than a limiter allows; the TPM is not asked for the rest."""

    def __init__(self, attester: Attester, limiter: RateLimiter, peer: str) -> None:
        self._attester = attester
        self._limiter = limiter
        self._peer = peer

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        """Attest; RateLimited if the peer has used up its quotes."""
        if not self._limiter.take(self._peer):
            raise RateLimited(f"{self._peer} has used up its quotes for now, and may ask again later")
        return self._attester.attest(binder, prove_key=prove_key)


class ConnectionLimit:
    """At most `room` connections, counted by the address they come from.

    For one more, the address that holds the most loses its oldest, which is told the `reason`.
    """

    def __init__(self, room: int, reason: str) -> None:
        self._room = room
        self._reason = reason
        self._shares: dict[str, dict[int, Evictable]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._shares.values()))

    @contextlib.contextmanager
    def holding(self, connection: Evictable, peer: str) -> Iterator[None]:
        """Count a connection from the address `peer` until the `with` ends."""
        if len(self) >= self._room:
            self._make_room()
        share, key = share_of(peer), id(connection)
        self._shares.setdefault(share, {})[key] = connection
        try:
            yield
        finally:
            self._forget(share, key)

    def _make_room(self) -> None:
        share = max(self._shares, key=lambda name: len(self._shares[name]))
        key, connection = next(iter(self._shares[share].items()))
        self._forget(share, key)
        connection.give_up(self._reason)

    def _forget(self, share: str, key: int) -> None:
        mine = self._shares.get(share, {})
        mine.pop(key, None)
        if not mine:
            self._shares.pop(share, None)
