"""What is told of it: the event log beside the quote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.verifier.forging import EV_IPL, good_log, retyped, reworded
from trustlab.attacks.verifier.kind import refused_by
from trustlab.attacks.verifier.testbed import CURRENT, EVIL, NAMES, STALE, TELLER
from trustlab.attest import image_event
from trustlab.tpm import measure

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed


@refused_by(
    "log equals pcrDigest",
    base="no key of this side, whose policy would show the measured image",
    name="event-log-tampering",
    needs=("an image of her own under the genuine HyperSafe", "the wire"),
    steps=(
        "the quote is over the evil image's PCR 19",
        "Alice replaces the event log by the one that an honest machine would have",
    ),
    breaks="trust",
    why="The log is protected by nothing but its replay.",
    source="TCG PC Client Platform Firmware Profile, 10",
    stopped_by="replaying the log must give the pcrDigest that was signed",
)
def event_log_tampering(bed: VerifierTestbed) -> Presented:
    """Run an evil image, quote honestly, and send a rewritten log."""
    machine = bed.machine().boot(EVIL)
    evidence = machine.evidence(bed.binder)
    return bed.present(replace(evidence, event_log=good_log().encode(), pcr_values={}), pinned=machine)


@refused_by(
    "events",
    base="no key of this side",
    name="event-retyping",
    needs=("a HyperSafe that lets a second image follow the first", "the wire"),
    steps=(
        "the bank's image is measured, then Alice's",
        "in the log she gives the second event a type that no rule is about",
    ),
    breaks="trust",
    why="PCRs protect the digests of a log and their order, not what kind of thing they are said to be.",
    source="TCG PC Client Platform Firmware Profile, 10.4",
    stopped_by="only known event types in the lab's PCRs, each in its own",
)
def event_retyping(bed: VerifierTestbed) -> Presented:
    """Have an evil image measured after the good one, and retype its event: digests and replay stay right."""
    machine = bed.machine().boot()
    measure(machine.hypersafe, machine.platform.event_log, image_event(EVIL, NAMES[EVIL]))
    log = retyped(machine.platform.event_log, EVIL, EV_IPL)
    return bed.present(replace(machine.evidence(bed.binder), event_log=log.encode()), pinned=machine)


@refused_by(
    "events",
    base="all demanded",
    name="event-data-swap",
    needs=("the wire",),
    steps=(
        "the agent claims signatures from 2011",
        "Alice changes the date in the event's data and leaves its digest alone: the replay is right",
    ),
    breaks="trust",
    why="An event's data are beside the digest, not under it, unless the type says that they were hashed.",
    source="TCG PC Client Platform Firmware Profile, 10.4; go-attestation's foot-guns",
    stopped_by="the digest must be the hash of the data where the type says so",
)
def event_data_swap(bed: VerifierTestbed) -> Presented:
    """Measure a stale claim honestly, and swap the event's data for a current one."""
    machine = bed.machine().boot(signatures=STALE)
    key = machine.tls_key()
    log = reworded(machine.platform.event_log, STALE.encode(), CURRENT.encode())
    evidence = replace(machine.evidence(bed.binder, key), event_log=log.encode())
    return bed.present(evidence, bed.expected(key), pinned=machine)


@refused_by(
    "events",
    base="both images published and allowed",
    name="second-image",
    needs=("a HyperSafe that lets a second image follow the first",),
    steps=("two VMs share one PCR 19", "which of them asked for the quote, the quote cannot say"),
    breaks="trust",
    why="One VM a TPM: with two in the same PCR, each can speak for the other.",
    source="protocol.md",
    stopped_by="exactly one image event",
)
def second_image(bed: VerifierTestbed) -> Presented:
    """Measure another published image after the bank's: both are in the Reference Values."""
    machine = bed.machine().boot()
    measure(machine.hypersafe, machine.platform.event_log, image_event(TELLER, NAMES[TELLER]))
    return bed.attested(machine)
