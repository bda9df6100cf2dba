"""A hypervisor of Alice's own, launched by the genuine CPU and truthfully measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import CLAIM, EVIL_CODE
from trustlab.attest import AppraisalPolicy

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Launch a HyperSafe that Alice changed, with an AK of its own that a careless CA certified.

    The genuine HyperSafe's AK it can derive, but not use: the TPM refuses with TPM_RC_POLICY_FAIL (0x99d).
    """
    machine = stage.machine(ca=stage.policy_blind_ca).boot(code=EVIL_CODE)
    key = machine.tls_key()
    policy = AppraisalPolicy(ak_policy=False, claims=(f"{CLAIM} >= 2026-11-01",))
    evidence = machine.evidence(stage.binder, key)
    anchors = (stage.policy_blind_ca.root,)
    return stage.present(evidence, stage.expected(key), pinned=machine, policy=policy, anchors=anchors)


ATTACK = OnVerifier(
    attack=Attack(
        name="evil-hypersafe",
        needs=("the machine: she owns the boot disk", "a privacy CA that looks at no policy"),
        steps=(
            "Alice has the CPU launch a HyperSafe with a back door",
            "it measures Bob's own image, and attests everything truthfully",
        ),
        breaks="trust",
        why="Whoever stands below the image does with it as he likes, and the launch says only who that is.",
        source="the slides; tried",
        stopped_by="HyperSafe's digest must be among the Reference Values; the TPM refuses it the genuine AK (0x99d)",
    ),
    check="reference values",
    base="AK policy not demanded",
    carry_out=carry_out,
)
