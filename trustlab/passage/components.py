"""The classes that make the two ends of a channel, one for each job.

`cloud.channels` puts an end together from a `Components` value. So `ablation` can replace one job, and nothing else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from trustlab import tls
from trustlab.attest import NOTHING, Verifier
from trustlab.passage.endpoint import TlsEndpoint
from trustlab.passage.exchange import Asking, Mutual
from trustlab.passage.guard import Guard
from trustlab.passage.limits import RateLimitedAttester

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cryptography import x509

    from trustlab.attest import AppraisalPolicy, Memory, ReferenceValues, Revocations
    from trustlab.passage.guard import Attester
    from trustlab.passage.limits import RateLimiter


class MakesVerifier(Protocol):
    """Makes the Verifier of a relying party; `attest.Verifier` itself is one."""

    def __call__(
        self,
        trust_anchors: Sequence[x509.Certificate],
        references: ReferenceValues,
        policy: AppraisalPolicy,
        *,
        last_reference_version: int,
        without: Collection[str],
        memory: Memory | None = None,
        revocations: Revocations = NOTHING,
    ) -> Verifier:
        """Make the Verifier; `without` are the checks that the design does not demand."""


@dataclass(frozen=True)
class Components:
    """Who does what at the ends of one machine's channels."""

    client: Callable[[tls.ClientConfig], tls.Client] = tls.Client
    server: Callable[[tls.ServerConfig], tls.Server] = tls.Server
    client_end: type[TlsEndpoint] = TlsEndpoint
    server_end: type[TlsEndpoint] = TlsEndpoint
    guard: type[Guard] = Guard
    asking: type[Asking] = Asking
    mutual: type[Mutual] = Mutual
    verifier: MakesVerifier = Verifier
    limited: Callable[[Attester, RateLimiter, str], Attester] = RateLimitedAttester
    random: Callable[[int], bytes] = os.urandom
    """Returns that many octets, which nobody can predict."""


HONEST = Components()
"""The components of a machine that keeps every rule."""
