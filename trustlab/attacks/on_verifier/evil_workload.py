"""Alice's image on the genuine HyperSafe, truthfully attested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import EVIL

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Boot an image of Alice's own and attest it as it is."""
    machine = stage.machine().boot(EVIL)
    key = machine.tls_key()
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="evil-workload",
        needs=("the machine: she owns the disks",),
        steps=("Alice has HyperSafe launch her own image in the bank's place", "everything is attested truthfully"),
        breaks="trust",
        why="Attestation does not make software good; it only tells which one it is.",
        source="the slides; a2a case study 2026",
        stopped_by="the image's digest must be among the Reference Values",
    ),
    check="reference values",
    base="all demanded",
    carry_out=carry_out,
)
