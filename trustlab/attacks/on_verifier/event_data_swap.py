"""A claim whose digest was measured, with other words beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import reworded
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import CURRENT, STALE

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Measure a stale claim honestly, and swap the event's data for a current one."""
    machine = stage.machine().boot(signatures=STALE)
    key = machine.tls_key()
    log = reworded(machine.platform.event_log, STALE.encode(), CURRENT.encode())
    evidence = replace(machine.evidence(stage.binder, key), event_log=log.encode())
    return stage.present(evidence, stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="event-data-swap",
        needs=("the wire",),
        steps=(
            "the agent claims signatures from 2011",
            "Alice changes the date in the event's data and leaves its digest alone: the replay is right",
        ),
        breaks="trust",
        why="An event's data are beside the digest, not under it, unless the type says that they were hashed.",
        source="TCG PC Client Platform Firmware Profile, 10.4; go-attestation's foot-guns",
        stopped_by="the digest must be the hash of the data where the type says so",
    ),
    check="events",
    base="all demanded",
    carry_out=carry_out,
)
