"""Without the rule `offer answered`: a client that goes on although the server does not offer the demanded evidence."""

from __future__ import annotations

from typing import TypeVar, cast

from trustlab import tls

C = TypeVar("C", bound=tls.Client)


class _Credulous:
    """Takes a client's check of the server's answer away."""

    def check_demand(self, asked: tls.AttestationExtension, answer: tls.AttestationExtension | None) -> None:
        """Accept any answer, or none."""


def credulous(kind: type[C]) -> type[C]:
    """Return the class of client that demands Evidence and goes on without it."""
    handshakes = {
        name: type(f"Credulous{handshake.__name__}", (_Credulous, handshake), {})
        for name, handshake in (("client12", kind.client12), ("client13", kind.client13))
    }
    return cast("type[C]", type(f"Credulous{kind.__name__}", (kind,), handshakes))
