"""An evil guest asks for a quote that leaves its own PCR out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import good_log
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import EVIL

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Run an evil image, quote PCR 17 and 18 only, and tell a good story about 19 and 20."""
    machine = stage.machine().boot(EVIL)
    evidence = machine.evidence(stage.binder, pcrs=(17, 18))
    return stage.present(replace(evidence, event_log=good_log().encode()), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="narrow-selection",
        needs=("an image of her own under the genuine HyperSafe",),
        steps=(
            "the guest asks HyperSafe for a quote over PCR 17 and 18",
            "Alice writes a log in which the image is the bank's",
        ),
        breaks="trust",
        why="A log is believed where the quote covers it; nothing else in it is.",
        source="TPM 2.0 Part 1, 17; go-attestation's foot-guns",
        stopped_by="the selection must be exactly the one demanded",
    ),
    check="selection and bank",
    base="pcrDigest judged over the quote's own selection; no key of this side",
    carry_out=carry_out,
)
