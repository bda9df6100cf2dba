"""A key made for another image on the same machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import TELLER
from trustlab.tpm import load_key

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Make a key while the teller's image runs, and present it as the bank's."""
    machine = stage.machine().boot(TELLER)
    made_before = machine.tls_key()
    machine.boot()
    key = load_key(machine.hypersafe, made_before)
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="cross-vm-key",
        needs=("another image that may run on the same machine",),
        steps=(
            "another VM has HyperSafe make a key for it",
            "with the bank running, the TPM certifies that it made that key: which it did",
        ),
        breaks="confidentiality",
        why="A creation ticket says who made a key, not for whom.",
        source="protocol.md",
        stopped_by="the key's policy must be over the very PCR values that are quoted",
    ),
    check="key policy",
    base="attributes in order",
    carry_out=carry_out,
)
