"""Alice as an ordinary client of a server whose messages are sealed to the key in its quote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.passage.sealed import SealedClient

if TYPE_CHECKING:
    from trustlab.attacks.alice.applications import Quiet
    from trustlab.attacks.alice.tools import Alice
    from trustlab.passage import TlsEndpoint


class AcceptsAnything:
    """In a guard's place: judges nothing, and writes her keys into the trace."""

    def __init__(self, alice: Alice, connection: str) -> None:
        self._party, self._connection = alice.guest.party, connection

    def appraise(self, evidence: bytes, facts: object) -> None:
        """Accept."""

    def holds(self, name: str, raw: bytes, digest: bytes) -> None:
        """Tell which key is hers."""
        self._party.secret(name, raw, connection=self._connection, digest=digest.hex())


class _Sealed(SealedClient):
    leg: TlsEndpoint


def sealed(alice: Alice, connection: str, inner: Quiet) -> Any:  # noqa: ANN401 - an application that a leg takes
    """Return an application that asks for the server's key, and says sealed what `inner` says."""
    guard: Any = AcceptsAnything(alice, connection)
    return _Sealed(inner, guard, lambda _alert: None, random=alice.guest.random)
