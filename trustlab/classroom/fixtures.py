"""Evidence, good and bad, made by real TPMs: what an exercise about judging lays before the student's function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER, VerifierTestbed
from trustlab.classroom.exercise import ClassroomError

if TYPE_CHECKING:
    from trustlab.attacks.verifier import Presented
    from trustlab.trace import Trace

__all__ = ["HONEST", "NAMES", "evidence"]

HONEST = "honest"
NAMES = (HONEST, *ATTACKS_ON_VERIFIER)
"""What can be asked for: good evidence, or an attack on the Verifier by its name."""


def evidence(name: str = HONEST, *, trace: Trace | None = None) -> Presented:
    """Return fresh evidence as it reaches the Relying Party, and what that party demands.

    `.evidence` are the encoded octets (`attest.Evidence.decode`), `.expected.binder` what extraData must be,
    `.expected.key_spki` the key of TLS, `.policy`, `.references` and `.anchors` the demands; `.appraise()` is the
    Verifier's own judgement. A real TPM makes it; it is switched off when this returns. `trace` gets its commands.
    ClassroomError if there is no such attack.
    """
    if name not in NAMES:
        raise ClassroomError(f"there is no evidence called {name!r}; choose from: {', '.join(NAMES)}")
    with VerifierTestbed() if trace is None else VerifierTestbed(trace) as bed:
        if name == HONEST:
            return bed.attested(bed.machine().boot())
        return ATTACKS_ON_VERIFIER[name].carry_out(bed)
