"""The right machine, the right hypervisor, and another of Bob's own images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import BANK, CLAIM, NAMES, TELLER
from trustlab.attest import AppraisalPolicy

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Boot Bob's teller on the machine where the bank should run, and attest it as it is."""
    machine = stage.machine().boot(TELLER)
    key = machine.tls_key()
    policy = AppraisalPolicy(allowed_images=(NAMES[BANK],), claims=(f"{CLAIM} >= 2026-11-01",))
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine, policy=policy)


ATTACK = OnVerifier(
    attack=Attack(
        name="same-machine-wrong-workload",
        needs=("the machine: she decides what boots where",),
        steps=(
            "Alice boots another of Bob's published images on the bank's machine",
            "machine, hypervisor and image are all known and good; only the image is not the bank",
        ),
        breaks="trust",
        why="Known software is not the software that was meant.",
        source="a2a case study 2026",
        stopped_by="the policy names the images that may stand at the other end",
    ),
    check="reference values",
    base="both images published, one allowed",
    carry_out=carry_out,
)
