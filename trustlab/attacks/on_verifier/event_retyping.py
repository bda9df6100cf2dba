"""A second image in the log, under a type that nobody looks at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import EV_IPL, retyped
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import EVIL, NAMES
from trustlab.attest import image_event
from trustlab.tpm import measure

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have an evil image measured after the good one, and retype its event: digests and replay stay right."""
    machine = stage.machine().boot()
    measure(machine.hypersafe, machine.platform.event_log, image_event(EVIL, NAMES[EVIL]))
    log = retyped(machine.platform.event_log, EVIL, EV_IPL)
    return stage.present(replace(machine.evidence(stage.binder), event_log=log.encode()), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="event-retyping",
        needs=("a HyperSafe that lets a second image follow the first", "the wire"),
        steps=(
            "the bank's image is measured, then Alice's",
            "in the log she gives the second event a type that no rule is about",
        ),
        breaks="trust",
        why="PCRs protect the digests of a log and their order, not what kind of thing they are said to be.",
        source="TCG PC Client Platform Firmware Profile, 10.4",
        stopped_by="only known event types in the lab's PCRs, each in its own",
    ),
    check="events",
    base="no key of this side",
    carry_out=carry_out,
)
