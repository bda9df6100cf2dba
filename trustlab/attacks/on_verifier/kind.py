"""An attack on the Verifier as data, with the function that carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.attack import Attack
    from trustlab.attacks.on_verifier.stage import Presented, Stage


class OnVerifier(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, the one check that refuses it, and the base: what else is demanded, and what is not."""

    attack: Attack
    check: str
    base: str
    carry_out: Callable[[Stage], Presented]

    @property
    def name(self) -> str:
        """The attack's name in the catalogue."""
        return self.attack.name
