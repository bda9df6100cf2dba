"""A second image on the machine, as good as the first but not alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import NAMES, TELLER
from trustlab.attest import image_event
from trustlab.tpm import measure

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Measure another published image after the bank's: both are in the Reference Values."""
    machine = stage.machine().boot()
    measure(machine.hypersafe, machine.platform.event_log, image_event(TELLER, NAMES[TELLER]))
    key = machine.tls_key()
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="second-image",
        needs=("a HyperSafe that lets a second image follow the first",),
        steps=("two VMs share one PCR 19", "which of them asked for the quote, the quote cannot say"),
        breaks="trust",
        why="One VM a TPM: with two in the same PCR, each can speak for the other.",
        source="protocol.md",
        stopped_by="exactly one image event",
    ),
    check="events",
    base="both images published and allowed",
    carry_out=carry_out,
)
