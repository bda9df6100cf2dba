"""Yesterday's Reference Values, in which the image with the hole was still good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import HOLED, NAMES

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Boot an image whose hole is known, and hand the relying party the file from before."""
    machine = stage.machine().boot(HOLED)
    key = machine.tls_key()
    old = msgspec.structs.replace(stage.references, version=6, images={HOLED: NAMES[HOLED]})
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine, references=old)


ATTACK = OnVerifier(
    attack=Attack(
        name="reference-rollback",
        needs=("the way by which Reference Values reach the relying party",),
        steps=(
            "Alice boots version 0.9 of the bank, which has a hole",
            "she answers the request for Reference Values with the older file: Bob did sign it",
        ),
        breaks="freshness",
        why="A signature does not age.",
        source="MarbleRun; TUF",
        stopped_by="the version must not be below the last one accepted",
    ),
    check="reference version",
    base="all demanded; version 7 was seen",
    carry_out=carry_out,
)
