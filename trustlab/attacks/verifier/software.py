"""What runs: the right machine tells the truth, and it is not what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.verifier.kind import refused_by
from trustlab.attacks.verifier.testbed import BANK, CURRENT_ENOUGH, EVIL, EVIL_CODE, HOLED, NAMES, STALE, TELLER
from trustlab.attest import AppraisalPolicy

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed


@refused_by(
    "reference values",
    base="all demanded",
    name="evil-workload",
    needs=("the machine: she owns the disks",),
    steps=("Alice has HyperSafe launch her own image in the bank's place", "everything is attested truthfully"),
    breaks="trust",
    why="Attestation does not make software good; it only tells which one it is.",
    source="the slides; a2a case study 2026",
    stopped_by="the image's digest must be among the Reference Values",
)
def evil_workload(bed: VerifierTestbed) -> Presented:
    """Boot an image of Alice's own and attest it as it is."""
    return bed.attested(bed.machine().boot(EVIL))


@refused_by(
    "reference values",
    base="AK policy not demanded",
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
)
def evil_hypersafe(bed: VerifierTestbed) -> Presented:
    """Launch a HyperSafe that Alice changed, with an AK of its own that a careless CA certified.

    The genuine HyperSafe's AK it can derive, but not use: the TPM refuses with TPM_RC_POLICY_FAIL (0x99d).
    """
    machine = bed.machine(ca=bed.policy_blind_ca).boot(code=EVIL_CODE)
    policy = AppraisalPolicy(ak_policy=False, claims=(CURRENT_ENOUGH,))
    return bed.attested(machine, policy=policy, anchors=(bed.policy_blind_ca.root,))


@refused_by(
    "reference values",
    base="both images published, one allowed",
    name="same-machine-wrong-workload",
    needs=("the machine: she decides what boots where",),
    steps=(
        "Alice boots another of Bob's published images on the bank's machine",
        "machine, hypervisor and image are all known and good; only the image is not the bank",
    ),
    breaks="trust",
    why="Known software is not the software that was meant.",
    source="a2a case study 2026",
    stopped_by="the policy names the images that may stand at the other end",
)
def same_machine_wrong_workload(bed: VerifierTestbed) -> Presented:
    """Boot Bob's teller on the machine where the bank should run, and attest it as it is."""
    policy = AppraisalPolicy(allowed_images=(NAMES[BANK],), claims=(CURRENT_ENOUGH,))
    return bed.attested(bed.machine().boot(TELLER), policy=policy)


@refused_by(
    "reference version",
    base="all demanded; version 7 was seen",
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
)
def reference_rollback(bed: VerifierTestbed) -> Presented:
    """Boot an image whose hole is known, and hand the relying party the file from before."""
    old = msgspec.structs.replace(bed.references, version=6, images={HOLED: NAMES[HOLED]})
    return bed.attested(bed.machine().boot(HOLED), references=old)


@refused_by(
    "claims",
    base="all demanded",
    name="stale-antivirus",
    needs=("nothing: the machine is merely neglected",),
    steps=("the measured agent tells the date of its signatures", "it is the truth"),
    breaks="trust",
    why="Good code in a bad state is still good code to a measurement of code.",
    source="the slides",
    stopped_by="the relying party's condition on the claim",
)
def stale_antivirus(bed: VerifierTestbed) -> Presented:
    """Boot with a stale claim and attest it as it is."""
    return bed.attested(bed.machine().boot(signatures=STALE))
