"""What Evidence says and nothing proves: the paths of fields that a sender could have written otherwise.

An appraisal that accepts proves what is signed, and what leads to something signed. Around it travel octets that
people read all the same: what an event's data say where the digest covers something else, the head of the log, values
of PCRs that were not quoted, certificates that no path needed. Each is listed here under the path of its field, as
`evidence_fields` and the inspector name it. Change any octet of accepted Evidence, and either it is refused, or a path
listed here leads to that octet.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.attest.eventcodec import bank_count
from trustlab.attest.measurements import LAB_PCRS
from trustlab.attest.structures import QuoteInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.attest.akchain import TrustAnchors
    from trustlab.attest.appraisal import Appraisal, Signer
    from trustlab.attest.logevent import LogEvent

LOG = "event-log.value.events"


def unproved_paths(appraisal: Appraisal, anchors: TrustAnchors) -> tuple[str, ...]:
    """Return the paths, in the order of the Evidence's entries."""
    return (*_of_log(appraisal), *_of_values(appraisal), *_of_certificates(appraisal, anchors), *_of_key(appraisal))


def quoted_pcrs(appraisal: Appraisal) -> set[int]:
    """Return the PCRs whose values the quote's digest is about, in the bank that the policy demands."""
    info, bank = appraisal.quote.attested, appraisal.policy.bank_id
    if not isinstance(info, QuoteInfo):
        return set()
    return {pcr for selection in info.selections if selection.bank == bank for pcr in selection.pcrs}


def _of_log(appraisal: Appraisal) -> Iterator[str]:
    measured, bank = appraisal.measured, appraisal.policy.bank
    banks = bank_count(appraisal.event_log)
    if banks:
        yield f"{LOG}[0]"
    quoted = quoted_pcrs(appraisal)
    events = [(number, event, True) for number, event in zip(measured.numbers, measured.log.events, strict=True)]
    events += [(number, event, False) for number, event in measured.aside]
    for number, event, counts in sorted(events, key=lambda each: each[0]):
        path = f"{LOG}[{number}]"
        if counts and event.pcr in quoted:
            yield from (f"{path}.{field}" for field in _of_event(event, bank, banks))
        else:
            yield path


def _of_event(event: LogEvent, bank: str, banks: int) -> Iterator[str]:
    """Say which fields of an event that was replayed could be others."""
    if event.pcr not in LAB_PCRS and event.extends:
        yield "eventType"
    names = [name for name, _ in event.digests]
    if not event.extends:
        yield "digests"
    elif len(names) == banks:
        yield from (f"digests.entry[{n}]" for n, name in enumerate(names) if name != bank)
    elif banks:  # an algorithm that is not known here has no name, so its place is not known either
        yield "digests"
    if event.extends and hashlib.new(bank, event.data).digest() != event.digest_of(bank):
        yield "event"


def _of_values(appraisal: Appraisal) -> Iterator[str]:
    quoted = quoted_pcrs(appraisal)
    yield from (f"pcr-values.value.PCR{pcr}" for pcr in appraisal.stated_pcrs if pcr not in quoted)


def _of_certificates(appraisal: Appraisal, anchors: TrustAnchors) -> Iterator[str]:
    yield from _unused(appraisal.signer, anchors, "ak-certificates")
    key = appraisal.key
    if key is not None and appraisal.key_demanded and key.signer is not appraisal.signer:
        yield from _unused(key.signer, anchors, "key-attestation.ak-certificates")


def _unused(signer: Signer, anchors: TrustAnchors, path: str) -> Iterator[str]:
    used = anchors.used(signer)
    yield from (f"{path}.certificate[{n}]" for n, certificate in enumerate(signer.octets) if certificate not in used)


def _of_key(appraisal: Appraisal) -> Iterator[str]:
    if appraisal.key is not None and not appraisal.key_demanded:
        yield "key-attestation"
