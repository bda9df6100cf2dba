"""A key that the same HyperSafe opens for any image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.tpm import KeyPolicy

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have the TPM make a key bound to PCR 17 and locality 2, but not to the image."""
    machine = stage.machine().boot()
    key = machine.tls_key(KeyPolicy.present(machine.hypersafe, (17,)))
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="other-image-same-hypersafe",
        needs=("the template by which the key is made",),
        steps=(
            "the key is made while the bank's image runs",
            "Alice later boots an image of hers: the same HyperSafe opens the key for it",
        ),
        breaks="confidentiality",
        why="PCR 17 knows the hypervisor, not its guest.",
        source="protocol.md; tried",
        stopped_by="the policy must name PCR 17, 18 and 19",
    ),
    check="key policy",
    base="attributes in order",
    carry_out=carry_out,
)
