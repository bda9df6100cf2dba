"""An attack on the Verifier as data, with the function that carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed
    from trustlab.attest import AttestationResult
    from trustlab.passage import Design


class OnVerifier(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, the one check that refuses it, and the base: what else is demanded or not."""

    attack: Attack
    check: str
    base: str
    carry_out: Callable[[VerifierTestbed], Presented]

    @property
    def name(self) -> str:
        return self.attack.name


class OnBinder(msgspec.Struct, frozen=True, kw_only=True):
    """One attack on a part of a binder; `carry_out` plays it on a design, with or without that part."""

    attack: Attack
    carry_out: Callable[[VerifierTestbed, Design], AttestationResult]


def refused_by(
    check: str,
    *,
    base: str,
    like: Attack | None = None,
    **attack: Any,  # noqa: ANN401 - the fields of an Attack
) -> Callable[[Callable[[VerifierTestbed], Presented]], OnVerifier]:
    """Make an attack of the function that carries it out, given the check that refuses it and its description.

    The description is that of `like`, an attack that a cloud plays, with the fields that differ; or all fields are
    given.
    """
    described = msgspec.structs.replace(like, **attack) if like else Attack(**attack)
    return lambda carry_out: OnVerifier(attack=described, check=check, base=base, carry_out=carry_out)


def on_binder(
    **attack: Any,  # noqa: ANN401 - the fields of an Attack
) -> Callable[[Callable[[VerifierTestbed, Design], AttestationResult]], OnBinder]:
    """Make an attack on a binder of the function that carries it out, given its description."""
    return lambda carry_out: OnBinder(attack=Attack(**attack), carry_out=carry_out)
