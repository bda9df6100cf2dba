"""A verifier that errs: what an attack assumes that lives on relying parties who do not fail closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import Verifier

if TYPE_CHECKING:
    from trustlab.attest import AttestationResult, Expected


class FailingVerifier(Verifier):
    """Wants to fetch what it judges by across Alice's network, and nobody answers.

    Assumed by the lab: no real one of ours fetches anything.
    """

    def appraise(self, evidence: bytes, expected: Expected) -> AttestationResult:  # noqa: ARG002 - it gets no further
        """Fail with ConnectionError."""
        raise ConnectionError("the reference values cannot be fetched: nobody answers")
