"""A log that tells of another image than the one that was measured."""

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
    """Run an evil image, quote honestly, and send a rewritten log."""
    machine = stage.machine().boot(EVIL)
    evidence = machine.evidence(stage.binder)
    return stage.present(replace(evidence, event_log=good_log().encode(), pcr_values={}), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="event-log-tampering",
        needs=("an image of her own under the genuine HyperSafe", "the wire"),
        steps=(
            "the quote is over the evil image's PCR 19",
            "Alice replaces the event log by the one that an honest machine would have",
        ),
        breaks="trust",
        why="The log is protected by nothing but its replay.",
        source="TCG PC Client Platform Firmware Profile, 10",
        stopped_by="replaying the log must give the pcrDigest that was signed",
    ),
    check="log equals pcrDigest",
    base="no key of this side, whose policy would show the measured image",
    carry_out=carry_out,
)
