"""When one end of a passage asks its peer to attest again; `renewal` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from trustlab.passage.designs import DesignError

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 30.0
"""Seconds that an answer may take where no `freshness` says it."""


class RenewalError(DesignError):
    """This design, or this peer, cannot attest again on a passage that stands; the message says why."""


class Schedule(msgspec.Struct, frozen=True):
    """When one end asks again, in seconds; None: never by itself.

    `freshness` is the greatest age of the last accepted evidence: at that age the passage ends.
    """

    reattest: float | None = None
    freshness: float | None = None

    @property
    def every(self) -> float | None:
        """How often to ask: half of `freshness` if only that is given."""
        if self.reattest is not None or self.freshness is None:
            return self.reattest
        return self.freshness / 2

    @property
    def greatest_age(self) -> float | None:
        """How old the last accepted evidence may be."""
        if self.freshness is not None or self.reattest is None:
            return self.freshness
        return self.reattest + PATIENCE


NEVER = Schedule()


class Renewable(Protocol):
    """The stream of an end that can be asked again; `renewal.Renewal` is one."""

    schedule: Schedule

    def frames_of(self, data: bytes) -> bytes:
        """Return data of the application in frames."""

    def ask(self, done: Callable[[Exception | None], None] | None = None) -> bytes:
        """Return the octets that ask the peer to attest again."""

    def expire(self) -> bool:
        """End the passage if the last accepted evidence is too old; return whether it was."""
