"""An attack on a part of a binder that needs no cloud: as data, with the function that carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.passage import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.attack import Attack
    from trustlab.attacks.on_verifier.stage import Stage
    from trustlab.attest import AttestationResult
    from trustlab.passage import Attester, Design
    from trustlab.passage.guard import Role

CONNECTION = "relying-party-bank-1"


class OnBinder(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, and what the relying party says to it on a stage, over a design with or without the part."""

    attack: Attack
    carry_out: Callable[[Stage, Design], AttestationResult]


def guard(stage: Stage, design: Design, role: Role, *, attester: Attester | None = None) -> Guard:
    """Return the guard of one end: the server attests, the client is the relying party and demands everything."""
    party = "bank" if role == "server" else "relying party"
    return Guard(
        design,
        role,
        party=stage.trace.party(party),
        connection=CONNECTION,
        attester=attester,
        verifier=stage.verifier(design.not_demanded) if role == "client" else None,
    )
