"""When one end of a passage asks its peer to attest again, and which designs can do that; `renewal` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from trustlab.passage.designs import DesignError
from trustlab.trace import other_role

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from trustlab.passage.designs import Design

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


def renewable(design: Design) -> bool:
    """Whether passages of this design can be attested again: those on TLS 1.3, and those over the session hash."""
    return bool(design.server) and (design.tls == "1.3" or design.when == "after-finished")


def check_schedule(design: Design, role: Literal["client", "server"], schedule: Schedule) -> None:
    """RenewalError if an end of this role cannot keep the schedule."""
    if schedule.every is None:
        return
    if not renewable(design):
        raise RenewalError(
            f"a passage of the design {design.name} cannot be attested again: choose session-hash, or one on TLS 1.3 "
            "such as tls13-exporter, or take reattest and freshness out of the policy"
        )
    if (design.client if role == "server" else design.server) is None:
        raise RenewalError(
            f"in the design {design.name} the {other_role(role)} attests nothing, so it cannot be asked again: "
            "take reattest and freshness out of the policy"
        )


class Renewable(Protocol):
    """The stream of an end that can be asked again; `renewal.Renewal` is one."""

    schedule: Schedule

    def frames_of(self, data: bytes) -> bytes:
        """Return data of the application in frames."""

    def ask(self, done: Callable[[Exception | None], None] | None = None) -> bytes:
        """Return the octets that ask the peer to attest again."""

    def expire(self) -> bool:
        """End the passage if the last accepted evidence is too old; return whether it was."""
