"""Yesterday's evidence of the right machine, today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import BANK, EVIL

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Record evidence while the good image runs, then run another and replay the record."""
    machine = stage.machine().boot(BANK)
    key = machine.tls_key()
    recorded = machine.evidence(bytes(32), key)
    machine.boot(EVIL)
    return stage.present(recorded, stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="evidence-replay",
        needs=("a recording",),
        steps=(
            "Alice records the evidence of a passage",
            "she starts an image of her own on the machine",
            "she answers the next passage with the recording",
        ),
        breaks="freshness",
        why="A quote stays true about the past for ever; a nonce in the binder makes it be about now.",
        source="RA-TLS analyses 2024; SEAT use cases",
        stopped_by="the nonce is a field of the binder",
    ),
    check="extraData",
    base="all demanded; first evidence of its passage",
    carry_out=carry_out,
)
