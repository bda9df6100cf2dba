"""The event log: attacks on the list of measurements that travels beside the quote."""

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
    base="this side proves no key, whose policy would show the measured image",
    name="event-log-tampering",
    needs=("an image of her own under the genuine HyperSafe", "the wire"),
    steps=(
        "the quote covers PCR 19 with the evil image in it",
        "replaces the event log by the one that an honest machine would have",
    ),
    breaks="trust",
    why="Only its replay protects the log.",
    source="TCG PC Client Platform Firmware Profile, 10",
    stopped_by="the log must replay to the pcrDigest that was signed",
)
def event_log_tampering(bed: VerifierTestbed) -> Presented:
    """Run an evil image, quote honestly, and send a rewritten log."""
    machine = bed.machine().boot(EVIL)
    evidence = machine.evidence(bed.binder)
    return bed.present(replace(evidence, event_log=good_log().encode(), pcr_values={}), pinned=machine)


@refused_by(
    "events",
    base="this side proves no key",
    name="event-retyping",
    needs=("a HyperSafe that lets a second image follow the first", "the wire"),
    steps=(
        "the bank's image is measured, then Alice's",
        "in the log she gives the second event a type that no check is about",
    ),
    breaks="trust",
    why="PCRs protect the digests of a log and their order, not the types of its events.",
    source="TCG PC Client Platform Firmware Profile, 10.4",
    stopped_by="the lab's PCRs may have only known event types, each in its own PCR",
)
def event_retyping(bed: VerifierTestbed) -> Presented:
    """Have an evil image measured after the good one, and change its event's type: digests and replay stay correct."""
    machine = bed.machine().boot()
    measure(machine.hypersafe, machine.platform.event_log, image_event(EVIL, NAMES[EVIL]))
    log = retyped(machine.platform.event_log, EVIL, EV_IPL)
    return bed.present(replace(machine.evidence(bed.binder), event_log=log.encode()), pinned=machine)


@refused_by(
    "events",
    base="everything is demanded",
    name="event-data-swap",
    needs=("the wire",),
    steps=(
        "the agent claims signatures from 2011",
        "changes the date in the event's data, but not its digest, so the replay is correct",
    ),
    breaks="trust",
    why="The digest covers an event's data only if the event's type says so.",
    source="TCG PC Client Platform Firmware Profile, 10.4; go-attestation's documented pitfalls",
    stopped_by="the digest must be the hash of the data if the type says so",
)
def event_data_swap(bed: VerifierTestbed) -> Presented:
    """Measure a stale claim honestly, and replace the event's data by a current one."""
    machine = bed.machine().boot(signatures=STALE)
    key = machine.tls_key()
    log = reworded(machine.platform.event_log, STALE.encode(), CURRENT.encode())
    evidence = replace(machine.evidence(bed.binder, key), event_log=log.encode())
    return bed.present(evidence, bed.expected(key), pinned=machine)


@refused_by(
    "events",
    base="both images are published and allowed",
    name="second-image",
    needs=("a HyperSafe that lets a second image follow the first",),
    steps=("two VMs share PCR 19", "the quote cannot say which of them asked for it"),
    breaks="trust",
    why="If two VMs share a PCR, each can speak for the other.",
    source="protocol.md",
    stopped_by="the log must have exactly one image event",
)
def second_image(bed: VerifierTestbed) -> Presented:
    """Measure another published image after the bank's: both are in the Reference Values."""
    machine = bed.machine().boot()
    measure(machine.hypersafe, machine.platform.event_log, image_event(TELLER, NAMES[TELLER]))
    return bed.attested(machine)
