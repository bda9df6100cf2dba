"""What runs: attacks in which the right machine truthfully attests the wrong software."""

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
    base="everything is demanded",
    name="evil-workload",
    needs=("the machine: she owns the disks",),
    steps=("has HyperSafe launch her own image in the bank's place", "everything is attested truthfully"),
    breaks="trust",
    why="Attestation does not make software good; it only says which software it is.",
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
    needs=("the machine: she owns the boot disk", "a privacy CA that does not check policies"),
    steps=(
        "has the CPU launch a HyperSafe with a back door",
        "it measures Bob's own image, and attests everything truthfully",
    ),
    breaks="trust",
    why="A hypervisor can do with its image as it likes; the launch only says which hypervisor it is.",
    source="the slides; tried",
    stopped_by="HyperSafe's digest must be among the Reference Values; the TPM refuses it the genuine AK (0x99d)",
)
def evil_hypersafe(bed: VerifierTestbed) -> Presented:
    """Launch a HyperSafe that Alice changed, with an AK of its own that a careless CA certified.

    It can derive the genuine HyperSafe's AK, but not use it: the TPM refuses with TPM_RC_POLICY_FAIL (0x99d).
    """
    machine = bed.machine(ca=bed.policy_blind_ca).boot(code=EVIL_CODE)
    policy = AppraisalPolicy(ak_policy=False, claims=(CURRENT_ENOUGH,))
    return bed.attested(machine, policy=policy, anchors=(bed.policy_blind_ca.root,))


@refused_by(
    "reference values",
    base="both images are published, one is allowed",
    name="same-machine-wrong-workload",
    needs=("the machine: she decides what boots where",),
    steps=(
        "boots another of Bob's published images on the bank's machine",
        "machine, hypervisor and image are known and good, but the image is not the bank's",
    ),
    breaks="trust",
    why="Known software is not always the software that was meant.",
    source="a2a case study 2026",
    stopped_by="the policy names the images that the peer may run",
)
def same_machine_wrong_workload(bed: VerifierTestbed) -> Presented:
    """Boot Bob's teller on the machine where the bank should run, and attest it as it is."""
    policy = AppraisalPolicy(allowed_images=(NAMES[BANK],), claims=(CURRENT_ENOUGH,))
    return bed.attested(bed.machine().boot(TELLER), policy=policy)


@refused_by(
    "reference version",
    base="everything is demanded; version 7 was seen",
    name="reference-rollback",
    needs=("the channel by which Reference Values reach the relying party",),
    steps=(
        "boots version 0.9 of the bank, which has a hole",
        "answers the request for Reference Values with the older file, which Bob did sign",
    ),
    breaks="freshness",
    why="A signature does not expire by itself.",
    source="MarbleRun; TUF",
    stopped_by="the version must not be lower than the last one accepted",
)
def reference_rollback(bed: VerifierTestbed) -> Presented:
    """Boot an image with a known hole, and give the relying party the older file."""
    old = msgspec.structs.replace(bed.references, version=6, images={HOLED: NAMES[HOLED]})
    return bed.attested(bed.machine().boot(HOLED), references=old)


@refused_by(
    "claims",
    base="everything is demanded",
    name="stale-antivirus",
    needs=("nothing: the machine is merely neglected",),
    steps=("the measured agent reports the date of its signatures truthfully",),
    breaks="trust",
    why="Measuring the code does not show that its data are out of date.",
    source="the slides",
    stopped_by="the relying party's condition on the claim",
)
def stale_antivirus(bed: VerifierTestbed) -> Presented:
    """Boot with a stale claim and attest it as it is."""
    return bed.attested(bed.machine().boot(signatures=STALE))
