"""A pace for quotes: a ClientHello is cheap and a quote is not, so one peer gets only so many at once.

A limit for a configuration to set. It counts by the peer's address: who owns the network has as many as she likes, and
against her nothing helps; a stranger has few.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from trustlab.passage.guard import AttestationFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.guard import Attester

PEERS = 10_000
"""How many peers are remembered; the one that was heard of longest ago is forgotten first."""


class Pace:
    """A bucket for each peer: `burst` quotes at once, and `rate` more a second."""

    def __init__(self, burst: int, rate: float = 1.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, peer: str) -> bool:
        """Take a quote for a peer; False where it has had its share."""
        now = self._clock()
        left, since = self._buckets.pop(peer, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[peer] = (left - 1 if allowed else left), now
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
        """Attest; AttestationFailure where the peer has had its share."""
        if not self._pace.take(self._peer):
            raise AttestationFailure(f"{self._peer} has had its share of quotes for now")
        return self._attester.attest(binder, prove_key=prove_key)
