"""The ablation table: every attack on the Verifier, with all checks and with the one that matters left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.on_verifier.stage import Stage
from trustlab.attest import CHECKS, PolicyError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from trustlab.attacks.on_verifier.kind import OnVerifier


class Row(msgspec.Struct, frozen=True):
    """What became of one attack: `refused_by` lists all checks that failed, nothing if the attack succeeded."""

    attack: str
    check: str
    base: str
    without: tuple[str, ...]
    refused_by: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        """Whether the relying party accepted what Alice presented."""
        return not self.refused_by


def ablate(attacks: Iterable[OnVerifier], without: Collection[str] | None = None) -> list[Row]:
    """Carry out each attack on a stage of its own, and appraise it with the checks `without` left out.

    None leaves out, for each attack, the one check that refuses it; an empty collection leaves out nothing. PolicyError
    for a name that is no check.
    """
    for name in without or ():
        if name not in CHECKS[1:]:
            raise PolicyError(f"{name!r} is no check that can be left out; there are: {', '.join(CHECKS[1:])}")
    return [_row(attack, (attack.check,) if without is None else tuple(without)) for attack in attacks]


def _row(attack: OnVerifier, without: tuple[str, ...]) -> Row:
    with Stage() as stage:
        result = attack.carry_out(stage).appraise(without)
    return Row(attack.name, attack.check, attack.base, without, tuple(result.failed))
