"""What the jobs at the end of a channel are without one of their rules, each derived from whoever keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab import tls
from trustlab.attest import Verifier
from trustlab.passage.ablation.offers import credulous
from trustlab.passage.exchange import Asking, Mutual
from trustlab.passage.guard import Guard
from trustlab.tls.resumption12 import ResumingClient, ResumingServer, SessionCache
from trustlab.tls.unchecked import unchecked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from trustlab.attest import AttestationResult, Expected, Judge
    from trustlab.passage.components import MakesVerifier
    from trustlab.passage.guard import Attester
    from trustlab.passage.pace import Pace


class CarelessGuard(Guard):
    """A guard that can accept evidence without a result of a Verifier's."""

    def _accept_unseen(self, sentence: str) -> None:
        self._party.emit(
            "appraisal",
            "accepted",
            connection=self._connection,
            refused_by=None,
            failed=[],
            about=self._peer,
            sentence=sentence,
        )


class LaxGuard(CarelessGuard):
    """`policy = lax`: accepts whatever it is shown."""

    def appraise(self, evidence: bytes, facts: tls.HandshakeFacts) -> tls.Alert | None:  # noqa: ARG002 - it looks at neither
        """Accept."""
        self._accept_unseen(f"{self._party.name} is lax: it accepts the evidence without looking at it.")
        return None


class TrustingGuard(CarelessGuard):
    """Without "error refuses": takes a verifier that fails for one that accepts."""

    def _erred(self, error: Exception) -> tls.Alert | None:
        self._accept_unseen(f"The verifier failed ({error}), and no rule says that this refuses.")
        return None


class EagerAsking(Asking):
    """Without "evidence first": the application speaks at once, and the evidence is judged afterwards."""

    def connected(self) -> bytes:
        """Ask, and let the application speak."""
        return super().connected() + self.inner.connected()

    def _open(self) -> bytes:
        self._through = True
        return b""


class ForgivingMutual(Mutual):
    """Without "evidence anew": a session that is resumed, and has no hash of its own, is not attested again."""

    def connected(self) -> bytes:
        """Ask, but not in an old session."""
        return super().connected() if self._facts().session_hash is not None else self._open()


def unpaced(attester: Attester, _pace: Pace, _peer: str) -> Attester:
    """Without "paced quotes": quote for any peer, as often as it asks."""
    return attester


class Engines:
    """Makes one machine's engines: `trusting` without "CA identity", `open_ended` without "offer answered".

    Engines that `resume` keep their sessions here: the server's by their ids, the client's last one.
    """

    def __init__(self, *, trusting: bool, open_ended: bool, resume: bool) -> None:
        self._trusting = trusting
        self._client: type[tls.Client] = credulous(tls.Client) if open_ended else tls.Client
        self._resuming: type[ResumingClient] = credulous(ResumingClient) if open_ended else ResumingClient
        self._sessions = SessionCache() if resume else None
        self._last: ResumingClient | None = None

    def client(self, config: tls.ClientConfig) -> tls.Client:
        """Make a client."""
        if self._trusting:
            config = unchecked(config)
        if self._sessions is None:
            return self._client(config)
        session = self._last.session if self._last is not None else None
        self._last = self._resuming(config, session)
        return self._last

    def server(self, config: tls.ServerConfig) -> tls.Server:
        """Make a server."""
        return tls.Server(config) if self._sessions is None else ResumingServer(config, self._sessions)


class FailingVerifier(Verifier):
    """`verifier = errs`: wants to fetch what it judges by across Alice's network, and nobody answers.

    Assumed by the lab for attacks on relying parties that do not fail closed: no real one of ours fetches anything.
    """

    def appraise(self, evidence: bytes, expected: Expected) -> AttestationResult:  # noqa: ARG002 - it gets no further
        """Fail with ConnectionError."""
        raise ConnectionError("the reference values cannot be fetched: nobody answers")


def other_verifiers(kind: Callable[..., Verifier], left_out: frozenset[str], own: Mapping[str, Judge]) -> MakesVerifier:
    """Make verifiers that leave checks out (`without`), or have others in their place (`check ...`).

    What the design does not demand is left out too.
    """

    def make(*parts: Any, without: Collection[str], **more: Any) -> Verifier:  # noqa: ANN401 - as `MakesVerifier` says
        return kind(*parts, without={*without, *left_out}, checks=own, **more)

    return make
