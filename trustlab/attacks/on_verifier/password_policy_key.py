"""A key whose policy is that one knows the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import PASSWORD_POLICY, make_key
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have the TPM make a key with PolicyPassword: no userWithAuth, and yet a password opens it."""
    machine = stage.machine().boot()
    key = make_key(machine.hypersafe, PASSWORD_POLICY)
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="password-policy-key",
        needs=("the template by which the key is made",),
        steps=(
            "all attributes of the key are as they should be",
            "its policy is TPM2_PolicyPassword, and Alice knows the password",
        ),
        breaks="confidentiality",
        why="Attributes say that a policy is needed, not what it asks for.",
        source="TPM 2.0 Part 3, 23.18",
        stopped_by="the policy digest is recomputed from the quoted PCR values and the locality",
    ),
    check="key policy",
    base="attributes in order",
    carry_out=carry_out,
)
