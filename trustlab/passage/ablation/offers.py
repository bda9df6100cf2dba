"""Without the rule `offer answered`: a client that goes on although the server does not offer the demanded evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.tls.client12 import Client12
from trustlab.tls.client13 import Client13

if TYPE_CHECKING:
    from trustlab.tls import AttestationExtension


class _Credulous12(Client12):
    def check_demand(self, asked: AttestationExtension, answer: AttestationExtension | None) -> None:
        """Accept any answer, or none."""


class _Credulous13(Client13):
    def check_demand(self, asked: AttestationExtension, answer: AttestationExtension | None) -> None:
        """Accept any answer, or none."""


class CredulousClient(tls.Client):
    """A client that demands Evidence, and goes on without it."""

    client12 = _Credulous12
    client13 = _Credulous13
