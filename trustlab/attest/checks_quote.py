"""The checks about the quote and the log: that it is a quote, of this passage, over what the log tells."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.attest.build import build_pcr_selections
from trustlab.attest.checks import CheckOutcome, failed, not_demanded, passed
from trustlab.attest.constants import (
    HASH_NAMES,
    TPM_GENERATED_VALUE,
    TPM_ST_ATTEST_QUOTE,
    algorithm_name,
)
from trustlab.attest.digests import PCR_COUNT, pcr_selection
from trustlab.attest.errors import plural, shown
from trustlab.attest.eventlog import (
    EVENT_CLAIM,
    EVENT_IMAGE,
    EVENT_LAUNCH,
    EVENT_LAUNCH_NONCE,
    EVENT_LAUNCH_POLICY,
    PCR_CLAIMS,
    PCR_IMAGE,
    PCR_LAUNCH,
    PCR_LAUNCH_POLICY,
)
from trustlab.attest.result import NOT_COMPARED
from trustlab.attest.revocation import moment
from trustlab.attest.structures import PcrSelection, QuoteInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.attest.appraisal import Appraisal
    from trustlab.attest.eventlog import LogEvent

QUOTE_HEAD = TPM_GENERATED_VALUE.to_bytes(4, "big") + TPM_ST_ATTEST_QUOTE.to_bytes(2, "big")
HOME = {
    EVENT_LAUNCH: PCR_LAUNCH,
    EVENT_LAUNCH_POLICY: PCR_LAUNCH_POLICY,
    EVENT_IMAGE: PCR_IMAGE,
    EVENT_CLAIM: PCR_CLAIMS,
    EVENT_LAUNCH_NONCE: PCR_CLAIMS,
}
HASH_OF_DATA = {EVENT_LAUNCH_POLICY, EVENT_CLAIM, EVENT_LAUNCH_NONCE}
ONCE = {EVENT_LAUNCH: "launch", EVENT_LAUNCH_POLICY: "launch policy", EVENT_IMAGE: "VM image"}


def magic_and_type(appraisal: Appraisal) -> CheckOutcome:
    """Magic and type: the TPM itself wrote this structure, and it is a quote."""
    found = appraisal.quote.raw[:6]
    if found == QUOTE_HEAD:
        return passed("The TPM itself wrote the signed structure, and it is a quote.", QUOTE_HEAD)
    if found[:4] != QUOTE_HEAD[:4]:
        return failed(
            "The signed octets do not begin with TPM_GENERATED_VALUE: the TPM did not write them.", QUOTE_HEAD, found
        )
    return failed("The signed structure is not a quote.", QUOTE_HEAD, found)


def extra_data(appraisal: Appraisal) -> CheckOutcome:
    """Compare extraData with the binder recomputed here."""
    binder, found = appraisal.expected.binder, appraisal.quote.extra_data
    fields = appraisal.expected.fields
    inputs = f" (from {', '.join(name for name, _ in fields)})" if fields else ""
    if found == binder:
        return CheckOutcome("pass", f"The quote was made for this connection{inputs}.", binder, found, fields)
    text = f"The quote was made for another connection: its extraData is not the binder computed here{inputs}."
    return CheckOutcome("fail", text, binder, found, fields)


def selection_and_bank(appraisal: Appraisal) -> CheckOutcome:
    """Demand the selection and bank: exactly the PCRs of the bank that the policy demands."""
    wanted = (PcrSelection(appraisal.policy.bank_id, appraisal.policy.pcrs),)
    info = appraisal.quote.attested
    octets = pcr_selection(appraisal.policy.pcrs, appraisal.policy.bank_id)
    if not isinstance(info, QuoteInfo):
        return failed("There is no PCR selection, so this is not a quote.", octets)
    if info.selections != wanted:
        text = (
            f"The quote is over {' and '.join(map(str, info.selections)) or 'no PCR'}; the policy demands {wanted[0]}."
        )
        return failed(text, octets, build_pcr_selections(info.selections))
    return passed(f"The quote is over {wanted[0]}, as demanded.", octets)


def log_equals_pcr_digest(appraisal: Appraisal) -> CheckOutcome:
    """Compare the PCR values with pcrDigest, over the quote's own selection.

    They are those of the log's replay, and where the Reference Values name the PCR those that the attester states.
    """
    info = appraisal.quote.attested
    if not isinstance(info, QuoteInfo):
        return failed("There is no pcrDigest, so this is not a quote.")
    alien = [s.bank for s in info.selections if s.bank != appraisal.policy.bank_id]
    if alien:
        return failed(f"The log has no {algorithm_name(alien[0])} bank to compare with.", found=info.pcr_digest)
    pcrs = [pcr for selection in info.selections for pcr in selection.pcrs]
    digest = hashlib.new(
        HASH_NAMES[appraisal.signature.hash_alg], b"".join(appraisal.pcr(pcr) for pcr in pcrs)
    ).digest()
    if digest == info.pcr_digest:
        return _stated_otherwise(appraisal, pcrs) or passed(_agreement(appraisal), digest)
    return failed(
        f"The event log does not replay to the PCR values in the quote{_which(appraisal, pcrs)}.",
        digest,
        info.pcr_digest,
    )


def _stated_otherwise(appraisal: Appraisal, pcrs: list[int]) -> CheckOutcome | None:
    """Refuse a stated value that is not the quoted one: people read it."""
    for pcr in pcrs:
        value, stated = appraisal.pcr(pcr), appraisal.stated_pcrs.get(pcr)
        if stated not in (None, value):
            text = f"The attester states another value of PCR {pcr} than the one that was quoted."
            return failed(text, value, stated)
    return None


def _agreement(appraisal: Appraisal) -> str:
    by_value = appraisal.measured.by_value
    if not by_value:
        return "The event log replays to the PCR values in the quote."
    rest = "" if set(by_value) >= set(appraisal.policy.pcrs) else "; the event log replays to the others"
    listed = f"value{'' if len(by_value) == 1 else 's'} of PCR {', '.join(map(str, by_value))}"
    return f"The {listed} that the attester states {'is' if len(by_value) == 1 else 'are'} what was quoted{rest}."


def _which(appraisal: Appraisal, pcrs: list[int]) -> str:
    differing = [pcr for pcr in pcrs if appraisal.stated_pcrs.get(pcr, appraisal.pcr(pcr)) != appraisal.pcr(pcr)]
    return f" (by the attester's own values PCR {', '.join(map(str, differing))} differs)" if differing else ""


def events(appraisal: Appraisal) -> CheckOutcome:
    """Events: known types, each in its own PCR, hashes where the type says so, exactly one image."""
    for number, event in zip(appraisal.measured.numbers, appraisal.log.events, strict=True):
        if problem := _event_problem(event):
            told, wanted, found = problem
            return failed(f"Event {number} ({event.type_name}, PCR {event.pcr}) {told}.", wanted, found)
    claimed = [event.event_type for event in appraisal.log.events if event.pcr == PCR_CLAIMS]
    if EVENT_LAUNCH_NONCE in claimed[1:]:
        return failed(f"A launch nonce is the first event of PCR {PCR_CLAIMS}, and comes once: this one came later.")
    kinds = [event.event_type for event in appraisal.log.events]
    for kind, what in ONCE.items():
        count = kinds.count(kind)
        if HOME[kind] in appraisal.policy.pcrs and count != 1:
            return failed(f"The log has {count} {what} events; there must be exactly one.")
    count, once = len(kinds), [what for kind, what in ONCE.items() if HOME[kind] in appraisal.policy.pcrs]
    exactly = f"; exactly one is of each kind that may come only once: {', '.join(once)}" if once else ""
    told = ", each where it belongs" if count else " that count: the PCRs are judged by their values"
    return passed(f"The log has {plural(count, 'event', 'events')}{told}{exactly}.{_set_aside(appraisal)}")


def _set_aside(appraisal: Appraisal) -> str:
    """Say how many events nothing proves, if there are any."""
    aside = appraisal.measured.aside
    if not aside:
        return ""
    pcrs = ", ".join(str(pcr) for pcr in sorted({event.pcr for _, event in aside if event.pcr < PCR_COUNT}))
    of = f" of PCR {pcrs}" if pcrs else ""
    return f" {plural(len(aside), 'other event', 'other events')}{of} {'is' if len(aside) == 1 else 'are'} unproved."


def _event_problem(event: LogEvent) -> tuple[str, bytes, bytes] | None:
    home = HOME.get(event.event_type)
    if home is None and event.pcr not in HOME.values():
        return None  # firmware's own events, on a machine whose policy demands its PCRs
    if home is None:
        return "has a type that this verifier does not know", b"", event.event_type.to_bytes(4, "big")
    if home != event.pcr:
        return f"belongs in PCR {home}", bytes([home]), bytes([event.pcr & 0xFF])
    if event.event_type in HASH_OF_DATA:
        digest = hashlib.sha256(event.data).digest()
        if digest != event.digest:
            return "describes other data than what was measured", event.digest, digest
    return None


def reference_values(appraisal: Appraisal) -> CheckOutcome:
    """Demand that HyperSafe, its launch policy and the VM image be ones that Bob published."""
    references, pcrs = appraisal.references, appraisal.policy.pcrs
    allowed, images = appraisal.policy.allowed_images, references.images
    if allowed:
        images = {digest: name for digest, name in images.items() if name in allowed}
    tables = (
        (EVENT_LAUNCH, references.hypersafe, "HyperSafe"),
        (EVENT_LAUNCH_POLICY, references.launch_policies, "launch policy"),
        (EVENT_IMAGE, images, "VM image"),
    )
    names: list[str] = []
    for kind, table, what in tables:
        if HOME[kind] in pcrs and (outcome := _reference_problem(appraisal, kind, table, what)):
            return outcome
        names += [table[e.digest] for e in appraisal.log.events if e.event_type == kind and e.digest in table]
    for pcr in pcrs:
        good = references.pcrs.get(pcr, ())
        if pcr not in HOME.values() and appraisal.pcr(pcr) not in good:
            text = f"PCR {pcr} has a value that is not among the Reference Values."
            if not good:
                text = f"The Reference Values say nothing about PCR {pcr}."
            return failed(text, b"".join(good), appraisal.pcr(pcr))
        names += [f"PCR {pcr}"] if pcr not in HOME.values() else []
    return passed(f"Only software that Bob published was measured: {', '.join(names)}.")


def _reference_problem(appraisal: Appraisal, kind: int, table: Mapping[bytes, str], what: str) -> CheckOutcome | None:
    found = [event.digest for event in appraisal.log.events if event.event_type == kind]
    if not found:
        return failed(f"The log names no {what}.", b"".join(sorted(table)))
    bad = next((digest for digest in found if digest not in table), None)
    if bad is None:
        return None
    good = b"".join(sorted(table))
    return failed(f"This {what} is not among the Reference Values that the policy allows.", good, bad)


def reference_version(appraisal: Appraisal) -> CheckOutcome:
    """Demand that the file be not older than the last one that was accepted."""
    last, version = appraisal.last_reference_version, appraisal.references.version
    octets = last.to_bytes(8, "big"), version.to_bytes(8, "big")
    expires = appraisal.references.expires
    if expires is not None and appraisal.time >= expires:
        text = f"The Reference Values, version {version}, expired on {moment(expires)}: get newer ones."
        return failed(text, found=octets[1])
    if not last:
        text = f"The Reference Values are version {version}. It was not compared: no version is remembered here."
        return CheckOutcome(NOT_COMPARED, text, found=octets[1])
    if version < last:
        return failed(f"These Reference Values are version {version}; version {last} was accepted before.", *octets)
    return passed(f"The Reference Values are version {version}, the last accepted was {last}.", *octets)


def claims(appraisal: Appraisal) -> CheckOutcome:
    """Claims: what measured code says of the running machine meets the Relying Party's conditions."""
    conditions = appraisal.policy.conditions
    if not conditions:
        return not_demanded("The policy sets no condition on run-time claims.")
    claimed = appraisal.claims
    for condition in conditions:
        wanted, value = str(condition).encode(), claimed.get(condition.name)
        if value is None:
            return failed(f"The policy demands {condition}; the machine claims nothing about it.", wanted)
        if not condition.holds(value):
            text = f"The policy demands {condition}; the machine claims {shown(repr(value))}."
            return failed(text, wanted, f"{condition.name}={value}".encode())
    return passed(f"The claims meet the policy: {', '.join(map(str, conditions))}.")
