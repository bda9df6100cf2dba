"""Genuine evidence for Alice's own connection, presented in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have the bank attest Alice's own connection to it, and present that to the teller."""
    machine = stage.machine().boot()
    key = machine.tls_key()
    return stage.present(machine.evidence(bytes(32), key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="detached-binder",
        needs=("a connection of her own to the bank",),
        steps=(
            "Alice connects to the bank, as anybody may",
            "she passes the evidence on to the teller in a connection of which she knows the keys",
        ),
        breaks="trust",
        why="Evidence that is true says nothing about the connection it arrives in, unless it is bound to it.",
        source="Goldman, Perez, Sailer 2006",
        stopped_by="extraData must be the binder recomputed from this connection",
    ),
    check="extraData",
    base="all demanded",
    carry_out=carry_out,
)
