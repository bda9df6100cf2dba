"""What runs: attacks in which the right machine truthfully attests the wrong software."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.catalogue import STALE_ANTIVIRUS
from trustlab.attacks.programs import evil_workload as evil_workload_program
from trustlab.attacks.verifier.kind import refused_by
from trustlab.attacks.verifier.testbed import BANK, CURRENT_ENOUGH, EVIL, EVIL_CODE, HOLED, NAMES, STALE, TELLER
from trustlab.attest import AppraisalPolicy

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed


@refused_by("reference values", base="everything is demanded", like=evil_workload_program.ATTACK)
def evil_workload(bed: VerifierTestbed) -> Presented:
    """Boot an image of Alice's own and attest it as it is."""
    return bed.attested(bed.machine().boot(EVIL))


@refused_by(
    "reference values",
    base="AK policy not demanded",
    like=evil_workload_program.EVIL_HYPERSAFE,
    needs=("the machine: she owns the boot disk", "a privacy CA that does not check policies"),
    steps=(
        "has the CPU launch a HyperSafe with a back door",
        "it measures Bob's own image, and attests everything truthfully",
    ),
    stopped_by="HyperSafe's digest must be among the Reference Values; the TPM refuses it the genuine AK (0x99d)",
)
def evil_hypersafe(bed: VerifierTestbed) -> Presented:
    """Launch a HyperSafe that Alice changed, with an AK of its own that a careless CA certified.

    It can derive the genuine HyperSafe's AK, but not use it: the TPM refuses with TPM_RC_POLICY_FAIL (0x99d).
    """
    machine = bed.machine(ca=bed.policy_blind_ca).boot(code=EVIL_CODE)
    policy = AppraisalPolicy(ak_policy=False, claims=(CURRENT_ENOUGH,))
    return bed.attested(machine, policy=policy, anchors=(bed.policy_blind_ca.root,))


@refused_by("reference values", base="both images are published, one is allowed", like=evil_workload_program.WRONG)
def same_machine_wrong_workload(bed: VerifierTestbed) -> Presented:
    """Boot Bob's teller on the machine where the bank should run, and attest it as it is."""
    policy = AppraisalPolicy(allowed_images=(NAMES[BANK],), claims=(CURRENT_ENOUGH,))
    return bed.attested(bed.machine().boot(TELLER), policy=policy)


@refused_by("reference version", base="everything is demanded; version 7 was seen", like=evil_workload_program.ROLLBACK)
def reference_rollback(bed: VerifierTestbed) -> Presented:
    """Boot an image with a known hole, and give the relying party the older file."""
    old = msgspec.structs.replace(bed.references, version=6, images={HOLED: NAMES[HOLED]})
    return bed.attested(bed.machine().boot(HOLED), references=old)


@refused_by("claims", base="everything is demanded", like=STALE_ANTIVIRUS)
def stale_antivirus(bed: VerifierTestbed) -> Presented:
    """Boot with a stale claim and attest it as it is."""
    return bed.attested(bed.machine().boot(signatures=STALE))
