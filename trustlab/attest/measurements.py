"""What Evidence proves of PCRs: the values that hash to the quoted digest, and the events that replay to them.

A PCR of the lab's own (17 to 20) is judged by its events, so its value is the log's replay. Any other PCR is judged by
its value. That needs no log: if the replay does not lead to the quoted digest, the value that the attester states
counts, where Reference Values name the PCR, once all values hash to that digest. Events that replay to no such value,
and events of PCRs that are not demanded, are not wrong. They are unproved: set aside, shown, and used for nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab.attest.constants import HASH_IDS, HASH_NAMES, HASH_SIZES
from trustlab.attest.errors import AttestError, EventLogError
from trustlab.attest.eventlog import EventLog
from trustlab.attest.evidence import Evidence
from trustlab.attest.logevent import PCR_CLAIMS, PCR_IMAGE, PCR_LAUNCH, PCR_LAUNCH_POLICY
from trustlab.attest.signature import parse_signature
from trustlab.attest.structures import QuoteInfo, parse_attest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.attest.logevent import LogEvent
    from trustlab.attest.policy import AppraisalPolicy
    from trustlab.attest.references import ReferenceValues
    from trustlab.attest.signature import Signature
    from trustlab.attest.structures import Attest

LAB_PCRS = frozenset({PCR_LAUNCH, PCR_LAUNCH_POLICY, PCR_IMAGE, PCR_CLAIMS})
KEPT = 64
"""How many logs are kept; each is at most as big as the evidence it came in."""


@dataclass(frozen=True)
class Measured:
    """What counts (`log`, `pcrs`) and what does not: `aside` holds the numbers and events that nothing proves.

    Numbers are those of the log's octets: an event's place there, the Spec ID event's being 0. `numbers` are those of
    the events in `log`. `by_value` are the PCRs whose stated values counted, not the log's.
    """

    log: EventLog
    numbers: tuple[int, ...]
    pcrs: dict[int, bytes]
    aside: tuple[tuple[int, LogEvent], ...]
    zeros: bytes
    by_value: tuple[int, ...] = ()


def measured(
    raw: bytes,
    stated: Mapping[int, bytes],
    quote: Attest,
    signature: Signature,
    references: ReferenceValues,
    policy: AppraisalPolicy,
) -> Measured:
    """Say what of a log and of stated PCR values counts; EventLogError for a log that cannot be read."""
    replayed = _replayed(raw, policy.bank, policy.pcrs)
    info = quote.attested
    if not isinstance(info, QuoteInfo):
        return replayed
    hash_name = HASH_NAMES[signature.hash_alg]
    quoted = [pcr for selection in info.selections if selection.bank == policy.bank_id for pcr in selection.pcrs]
    if _digest(hash_name, quoted, replayed.pcrs, replayed.zeros) == info.pcr_digest:
        return replayed
    by_value = {
        pcr: value
        for pcr, value in stated.items()
        if pcr in policy.pcrs
        and pcr not in LAB_PCRS
        and pcr in references.pcrs
        and replayed.pcrs.get(pcr, replayed.zeros) != value
    }
    if not by_value:
        return replayed
    values = replayed.pcrs | by_value
    if _digest(hash_name, quoted, values, replayed.zeros) != info.pcr_digest:
        return replayed
    pairs = list(zip(replayed.numbers, replayed.log.events, strict=True))
    proved = [(number, event) for number, event in pairs if event.pcr not in by_value]
    aside = sorted((*replayed.aside, *(pair for pair in pairs if pair[1].pcr in by_value)), key=lambda pair: pair[0])
    log = EventLog([event for _, event in proved], replayed.log.algorithms, legacy=replayed.log.legacy)
    return Measured(log, tuple(n for n, _ in proved), values, tuple(aside), replayed.zeros, tuple(sorted(by_value)))


@dataclass(frozen=True)
class QuotedPcrs:
    """What a quote says of PCRs, for showing it; `stated` are the values sent beside it."""

    bank: str
    pcrs: tuple[int, ...]
    digest: bytes
    hash_name: str
    stated: Mapping[int, bytes]

    def proved(self, replayed: Mapping[int, bytes]) -> frozenset[int]:
        """Return the PCRs of which a replay of the log is what was quoted."""
        zeros = bytes(HASH_SIZES[HASH_IDS[self.bank]])
        pcrs = list(self.pcrs)
        if _digest(self.hash_name, pcrs, replayed, zeros) == self.digest:
            return frozenset(pcrs)
        if _digest(self.hash_name, pcrs, self.stated, zeros) == self.digest:
            return frozenset(p for p in pcrs if replayed.get(p, zeros) == self.stated.get(p, zeros))
        return frozenset()


def quoted_pcrs(raw: bytes) -> QuotedPcrs | None:
    """Return what the quote in Evidence says of the PCRs of one bank; None if there is no such quote to read."""
    try:
        read = Evidence.decode(raw)
        info, signature = parse_attest(read.quote).attested, parse_signature(read.signature)
    except AttestError:
        return None
    if not isinstance(info, QuoteInfo) or len(info.selections) != 1 or info.selections[0].bank not in HASH_NAMES:
        return None
    (selection,) = info.selections
    bank, hash_name = HASH_NAMES[selection.bank], HASH_NAMES[signature.hash_alg]
    return QuotedPcrs(bank, selection.pcrs, info.pcr_digest, hash_name, read.pcr_values)


def _digest(hash_name: str, pcrs: list[int], values: Mapping[int, bytes], zeros: bytes) -> bytes:
    return hashlib.new(hash_name, b"".join(values.get(pcr, zeros) for pcr in pcrs)).digest()


@lru_cache(maxsize=KEPT)  # a machine's log stays the same from one passage to the next
def _replayed(raw: bytes, bank: str, pcrs: tuple[int, ...]) -> Measured:
    log = EventLog.decode(raw)
    first = 0 if log.legacy else 1
    whole = not log.registers and bank in log.algorithms
    steps = log.steps(bank) if whole or LAB_PCRS & set(pcrs) else []
    if log.registers and LAB_PCRS & set(pcrs):
        raise EventLogError("the log is a confidential VM's: its indices are measurement registers, not PCRs")
    values = {step.pcr: step.after for step in steps}
    replayed = {step.number + first for step in steps}
    counts: list[tuple[int, LogEvent]] = []
    aside: list[tuple[int, LogEvent]] = []
    for number, event in enumerate(log.events, start=first):
        counted = event.pcr in pcrs and (number in replayed or (whole and event.pcr in LAB_PCRS))
        (counts if counted else aside).append((number, event))
    kept = EventLog([event for _, event in counts], log.algorithms, legacy=log.legacy)
    known = {pcr: value for pcr, value in values.items() if pcr in pcrs}
    zeros = bytes(HASH_SIZES[HASH_IDS[bank]])
    return Measured(kept, tuple(n for n, _ in counts), known, tuple(aside), zeros)


def forget() -> None:
    """Forget the logs that were read (measurements do this)."""
    _replayed.cache_clear()
