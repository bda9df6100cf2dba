"""A key made outside, loaded into the TPM, and certified there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.forging import certified_key, load_software_key
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Load a software key with the right policy and have the genuine AK certify that it is loaded."""
    machine = stage.machine().boot()
    key = load_software_key(machine.hypersafe)
    evidence = certified_key(machine, key, stage.binder)
    return stage.present(evidence, stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="software-key-certified",
        needs=("a HyperSafe that certifies what its guest loads",),
        steps=(
            "Alice makes a key in software and keeps a copy",
            "it is loaded into the TPM, with the right policy in its public area",
            "TPM2_Certify attests that it is loaded: it does not say where it comes from",
        ),
        breaks="confidentiality",
        why="Certify speaks of presence, CertifyCreation of origin; imported keys have no creation ticket.",
        source="TPM 2.0 Part 3, 18.2 and 18.3; tried",
        stopped_by="type CREATION, creationHash that of the creation data, fixedTPM",
    ),
    check="key provenance",
    base="all demanded",
    carry_out=carry_out,
)
