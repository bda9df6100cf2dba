"""A pace for quotes: a ClientHello is cheap and a quote is not, so one peer gets only so many at once.

It counts by the peer's address: who owns the network has as many as she likes, and against her nothing helps; a
stranger has few. With IPv6 a stranger has 2^64 of them, so there the first 64 bits count (RFC 6177, 2).
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from trustlab.passage.guard import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.guard import Attester

BURST, RATE = 20, 2.0
"""What `passage.serve` gives each peer: a shell's share, and far from what a TPM can do (swtpm 1 ms, a chip 40-190)."""
PEERS = 10_000
"""How many peers are remembered; the one that was heard of longest ago is forgotten first."""


def share_of(peer: str) -> str:
    """Return whose share a peer uses: an IPv6 address counts by its first 64 bits, anything else as it is."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    return peer if address.version == 4 else address.packed[:8].hex()


class Pace:
    """A bucket for each peer: `burst` quotes at once (`math.inf`: no limit), and `rate` more a second."""

    def __init__(self, burst: float, rate: float = 1.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, peer: str) -> bool:
        """Take a quote for a peer; False where it has had its share."""
        now, share = self._clock(), share_of(peer)
        left, since = self._buckets.pop(share, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[share] = (left - 1 if allowed else left), now
        if len(self._buckets) > PEERS:
            self._buckets.popitem(last=False)
        return allowed


class Paced:
    """An attester that quotes for one peer no faster than a pace allows; the TPM is not asked for the rest."""

    def __init__(self, attester: Attester, pace: Pace, peer: str) -> None:
        self._attester = attester
        self._pace = pace
        self._peer = peer

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        """Attest; RateLimited where the peer has had its share."""
        if not self._pace.take(self._peer):
            raise RateLimited(f"{self._peer} has had its share of quotes for now")
        return self._attester.attest(binder, prove_key=prove_key)
