"""What the ends of channels are made of: a class for each job, so that whoever puts an end together names none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from trustlab import tls
from trustlab.attest import Verifier
from trustlab.passage.endpoint import TlsEndpoint
from trustlab.passage.exchange import Asking, Mutual
from trustlab.passage.guard import Guard
from trustlab.passage.pace import Paced

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cryptography import x509

    from trustlab.attest import AppraisalPolicy, ReferenceValues
    from trustlab.passage.guard import Attester
    from trustlab.passage.pace import Pace


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
    ) -> Verifier:
        """Make it; `without` are the checks that the design does not demand."""


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
    paced: Callable[[Attester, Pace, str], Attester] = Paced
    random: Callable[[int], bytes] = os.urandom
    """Returns so many octets that nobody can know beforehand."""


HONEST = Components()
"""Every job done as it should be."""
