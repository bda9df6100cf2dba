"""The owner relaunches the machine in the middle of a passage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import EVIL
from trustlab.tpm import load_key

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Attest, then boot an image of Alice's, then relaunch the good one before the next evidence is asked for."""
    machine = stage.machine().boot()
    key = machine.tls_key()
    first = stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine).appraise()
    machine.boot(EVIL)
    machine.boot()
    again = load_key(machine.hypersafe, key)
    expected = stage.expected(again, boot=first.boot)
    return stage.present(machine.evidence(stage.binder, again), expected, pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="pcr-reset",
        needs=("the control channel: power and launch",),
        steps=(
            "the passage begins on the good image",
            "Alice launches her own image, and then the good one again",
            "the second evidence of the passage is as good as the first",
        ),
        breaks="trust",
        why="PCRs remember since the last launch; a passage may have begun before.",
        source="protocol.md; tried",
        stopped_by="resetCount and restartCount must be those of the passage's last evidence",
    ),
    check="boot continuity",
    base="re-attestation within a passage",
    carry_out=carry_out,
)
