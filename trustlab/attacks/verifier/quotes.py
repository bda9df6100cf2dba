"""What was signed: attacks on the quote's octets, its binder, its PCR selection, and its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.verifier.forging import LOOK_ALIKE, good_log, own_ak, sign_through_ticket, write_quote
from trustlab.attacks.verifier.kind import refused_by
from trustlab.attacks.verifier.owner import clear, set_clock
from trustlab.attacks.verifier.testbed import BANK, EVIL
from trustlab.attest import AppraisalPolicy
from trustlab.tpm import load_key

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed


@refused_by(
    "signature",
    base="everything is demanded",
    name="edited-quote",
    needs=("any evidence that she has seen",),
    steps=(
        "records evidence on the wire",
        "overwrites extraData in it with the binder of her own connection",
    ),
    breaks="freshness",
    why="Whatever a quote says counts only because the AK signed it.",
    source="TPM 2.0 Part 1, 31",
    stopped_by="the signature over the quote's octets",
)
def edited_quote(bed: VerifierTestbed) -> Presented:
    """Take the evidence of another passage and write this passage's binder into its quote."""
    machine = bed.machine().boot()
    key = machine.tls_key()
    old = machine.evidence(bytes(32), key)
    edited = replace(old, quote=old.quote.replace(bytes(32), bed.binder, 1))
    return bed.present(edited, bed.expected(key), pinned=machine)


@refused_by(
    "magic and type",
    base="AK policy not demanded",
    name="look-alike",
    needs=("locality 0 of the machine's TPM", "a privacy CA that does not check policies"),
    steps=(
        "writes a quote with another magic number",
        "gets a ticket for it by TPM2_Hash, because it does not begin with ff544347",
        "has the restricted AK sign it: the AK signs whatever has a ticket",
    ),
    breaks="trust",
    why="A restricted key signs octets from outside unless they begin with TPM_GENERATED_VALUE.",
    source="TPM 2.0 Part 3, 15.4 TPM2_Hash; tried",
    stopped_by="the first four octets must be ff544347, and the type a quote",
)
def look_alike(bed: VerifierTestbed) -> Presented:
    """Have the TPM hash a hand-written quote that begins ff544348, and a restricted AK sign the hash."""
    machine = bed.machine().boot()
    ak = own_ak(machine.root)
    certificates = machine.enrol(ak, bed.careless_ca, machine.root)
    quote = write_quote(ak, bed.binder, good_log(), magic=LOOK_ALIKE)
    evidence = sign_through_ticket(machine.root, ak, certificates, quote, good_log())
    policy = AppraisalPolicy(ak_policy=False)
    return bed.present(evidence, pinned=machine, policy=policy, anchors=(bed.careless_ca.root,))


@refused_by(
    "extraData",
    base="everything is demanded",
    name="detached-binder",
    needs=("a connection of her own to the bank",),
    steps=(
        "connects to the bank, as anybody may",
        "forwards the evidence to the teller, on a connection whose keys she knows",
    ),
    breaks="trust",
    why="Evidence says nothing about the connection on which it arrives, unless it is bound to it.",
    source="Goldman, Perez, Sailer 2006",
    stopped_by="extraData must be the binder recomputed from this connection",
)
def detached_binder(bed: VerifierTestbed) -> Presented:
    """Have the bank attest for Alice's own connection, and present that evidence to the teller."""
    machine = bed.machine().boot()
    key = machine.tls_key()
    return bed.present(machine.evidence(bytes(32), key), bed.expected(key), pinned=machine)


@refused_by(
    "extraData",
    base="everything is demanded; the first evidence of its passage",
    name="evidence-replay",
    needs=("a recording",),
    steps=(
        "records the evidence of a passage",
        "starts an image of her own on the machine",
        "answers in the next passage with the recording",
    ),
    breaks="freshness",
    why="A quote remains true about the past; a nonce in the binder makes it a statement about now.",
    source="RA-TLS analyses 2024; SEAT use cases",
    stopped_by="the nonce is a field of the binder",
)
def evidence_replay(bed: VerifierTestbed) -> Presented:
    """Record evidence while the good image runs, then run another and replay the record."""
    machine = bed.machine().boot(BANK)
    key = machine.tls_key()
    recorded = machine.evidence(bytes(32), key)
    machine.boot(EVIL)
    return bed.present(recorded, bed.expected(key), pinned=machine)


@refused_by(
    "selection and bank",
    base="pcrDigest is judged over the quote's own selection; this side proves no key",
    name="narrow-selection",
    needs=("an image of her own under the genuine HyperSafe",),
    steps=(
        "her image asks HyperSafe for a quote over PCR 17 and 18",
        "writes a log in which the image is the bank's",
    ),
    breaks="trust",
    why="Only the part of the log that the quote covers counts.",
    source="TPM 2.0 Part 1, 17; go-attestation's documented pitfalls",
    stopped_by="the selection must be exactly the one demanded",
)
def narrow_selection(bed: VerifierTestbed) -> Presented:
    """Run an evil image, quote only PCR 17 and 18, and lie about 19 and 20."""
    machine = bed.machine().boot(EVIL)
    evidence = machine.evidence(bed.binder, pcrs=(17, 18))
    return bed.present(replace(evidence, event_log=good_log().encode()), pinned=machine)


@refused_by(
    "boot continuity",
    base="re-attestation within a passage",
    name="pcr-reset",
    needs=("power and launch of the machine",),
    steps=(
        "the passage begins with the good image",
        "launches her own image, and then the good one again",
        "the second evidence of the passage is as good as the first",
    ),
    breaks="trust",
    why="PCRs say what was measured since the last launch; a passage may have begun before it.",
    source="protocol.md; tried",
    stopped_by="the launch nonce in PCR 20 must be that of the passage's last evidence",
)
def pcr_reset(bed: VerifierTestbed) -> Presented:
    """Attest; boot an image of Alice's; launch the good one again before the relying party asks a second time."""
    machine = bed.machine().boot()
    key = machine.tls_key()
    first = bed.attested(machine, key).appraise()
    machine.boot(EVIL)
    machine.boot()
    again = load_key(machine.hypersafe, key)
    return bed.present(machine.evidence(bed.binder, again), bed.expected(again, boot=first.boot), pinned=machine)


@refused_by(
    "boot continuity",
    base="re-attestation within a passage",
    name="clear-rewinds-counters",
    needs=("power and launch of the machine, and so the platform's authorisation, which is empty after every reset",),
    steps=(
        "the passage begins with the good image",
        "boots her own image, and then clears the TPM: resetCount, restartCount and clock begin again, the AK stays",
        "boots the good image: the counters are those of the last evidence, and TPM2_ClockSet moves the clock on",
        "shows a fresh quote with the key attestation of before",
    ),
    breaks="trust",
    why="TPM2_Clear takes the counters back, so equal counters do not mean one boot.",
    source="TPM 2.0 Part 3, 24.6 TPM2_Clear; Part 1, 13.4; tried",
    stopped_by="the launch nonce: HyperSafe draws another at every launch",
)
def clear_rewinds_counters(bed: VerifierTestbed) -> Presented:
    """Attest; boot an image of Alice's, clear the TPM, and boot the good image before she is asked a second time."""
    machine = bed.machine().boot()
    key = machine.tls_key()
    before = machine.evidence(bed.binder, key)
    first = bed.present(before, bed.expected(key), pinned=machine).appraise()
    machine.platform.cycle()
    machine.boot(EVIL)
    clear(machine.platform)
    machine.platform.cycle()
    machine.boot()
    set_clock(machine.platform, first.boot)
    fresh = replace(machine.evidence(bed.binder), key_attestation=before.key_attestation)
    return bed.present(fresh, bed.expected(key, boot=first.boot), pinned=machine)
