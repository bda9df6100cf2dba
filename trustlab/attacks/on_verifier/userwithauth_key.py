"""A TPM key with the right policy, and a password beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import make_key
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attest import ObjectAttributes
from trustlab.tpm import KeyPolicy

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have the TPM make a key with the right authPolicy and userWithAuth set."""
    machine = stage.machine().boot()
    policy = KeyPolicy.for_tls_key(machine.hypersafe)
    key = make_key(machine.hypersafe, policy.digest, ObjectAttributes.USER_WITH_AUTH)
    return stage.present(machine.evidence(stage.binder, key), stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="userwithauth-key",
        needs=("the template by which the key is made",),
        steps=(
            "the key's policy names the right PCRs and locality",
            "userWithAuth opens it by its empty password at locality 0 as well",
        ),
        breaks="confidentiality",
        why="A policy is one way in; userWithAuth leaves another open.",
        source="TPM 2.0 Part 2, 8.3.3; tried",
        stopped_by="userWithAuth must be clear",
    ),
    check="key provenance",
    base="all demanded",
    carry_out=carry_out,
)
