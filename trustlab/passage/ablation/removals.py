"""The components of a channel's end without one of their rules, each a subclass of the honest one."""

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
    from trustlab.passage.limits import RateLimiter


class CarelessGuard(Guard):
    """A guard that can accept evidence without the result of a Verifier."""

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
        self._accept_unseen(f"{self._party.name} is lax: it accepts the evidence without looking at it.")
        return None


class TrustingGuard(CarelessGuard):
    """Without "error refuses": accepts the evidence if the verifier fails."""

    def _erred(self, error: Exception) -> tls.Alert | None:
        self._accept_unseen(f"The verifier failed ({error}), and without the rule 'error refuses' that means yes.")
        return None


class EagerAsking(Asking):
    """Without "evidence first": the application speaks at once, and the evidence is judged later."""

    def connected(self) -> bytes:
        """Ask, and let the application speak."""
        return super().connected() + self.inner.connected()

    def _open(self) -> bytes:
        self._through = True
        return b""


class ForgivingMutual(Mutual):
    """Without "evidence anew": a resumed session, which has no session hash of its own, is not attested again."""

    def connected(self) -> bytes:
        """Ask, unless the session is resumed."""
        return super().connected() if self._facts().session_hash is not None else self._open()


def unlimited(attester: Attester, _limiter: RateLimiter, _peer: str) -> Attester:
    """Without "paced quotes": quote for any peer, as often as it asks."""
    return attester


class Engines:
    """Makes one machine's engines: `trusting` without "CA identity", `open_ended` without "offer answered".

    With `resume` the sessions are kept here: the server's by session id, and the client's last one.
    """

    def __init__(self, *, trusting: bool, open_ended: bool, resume: bool) -> None:
        self._trusting = trusting
        self._client: type[tls.Client] = credulous(tls.Client) if open_ended else tls.Client
        self._resuming: type[ResumingClient] = credulous(ResumingClient) if open_ended else ResumingClient
        self._sessions = SessionCache() if resume else None
        self._last: ResumingClient | None = None

    def client(self, config: tls.ClientConfig) -> tls.Client:
        if self._trusting:
            config = unchecked(config)
        if self._sessions is None:
            return self._client(config)
        session = self._last.session if self._last is not None else None
        self._last = self._resuming(config, session)
        return self._last

    def server(self, config: tls.ServerConfig) -> tls.Server:
        return tls.Server(config) if self._sessions is None else ResumingServer(config, self._sessions)


class FailingVerifier(Verifier):
    """`verifier = errs`: tries to fetch its reference values across Alice's network, and nobody answers.

    The lab assumes it for attacks on relying parties that do not fail closed; our real verifiers fetch nothing.
    """

    def appraise(self, evidence: bytes, expected: Expected) -> AttestationResult:  # noqa: ARG002 - it fails before
        raise ConnectionError("the reference values cannot be fetched: nobody answers")


def other_verifiers(kind: Callable[..., Verifier], left_out: frozenset[str], own: Mapping[str, Judge]) -> MakesVerifier:
    """Return a maker of verifiers that leave checks out, or replace them by a student's own.

    Checks that the design does not demand are left out too.
    """

    def make(*parts: Any, without: Collection[str], **more: Any) -> Verifier:  # noqa: ANN401 - as `MakesVerifier` says
        return kind(*parts, without={*without, *left_out}, checks=own, **more)

    return make
