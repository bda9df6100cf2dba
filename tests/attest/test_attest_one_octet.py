"""Change one octet of accepted evidence: it is refused, or a path in `unproved` leads to that octet."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed
from software_tpm import CA, POLICY, Machine, PrivacyCa, log_of, verifier

from trustlab.attest import AppraisalPolicy, AttestationResult, EventLog, LogEvent, evidence_fields
from trustlab.attest.eventtypes import EV_EFI_ACTION, EV_S_CRTM_VERSION

MACHINE = Machine()
STRANGER = PrivacyCa("another CA")
PLAIN = MACHINE.evidence()
MASKS = (0x01, 0x80, 0xFF)


def two_banks() -> EventLog:
    """Return the lab's log with SHA-1 digests beside those that count, and an event of a PCR that is not quoted."""
    action = LogEvent(5, EV_EFI_ACTION, (("sha256", hashlib.sha256(b"Exit").digest()),), b"Exit")
    events = [replace(e, digests=(("sha1", bytes(20)), *e.digests)) for e in [*log_of().events, action]]
    return EventLog(events, ("sha1", "sha256"))


CASES = {
    "as it usually is": (PLAIN, POLICY),
    "with values and events of other PCRs, and SHA-1": (
        replace(PLAIN, event_log=two_banks().encode(), pcr_values={**PLAIN.pcr_values, 5: bytes(32)}),
        POLICY,
    ),
    "with certificates that nobody needs": (
        replace(PLAIN, ak_certificates=(*PLAIN.ak_certificates, STRANGER.certify(CA.key.public_key(), b"N", b"E"))),
        POLICY,
    ),
    "with a key that is not demanded": (PLAIN, changed(POLICY, key_attestation=False)),
}


def appraised(raw: bytes, policy: AppraisalPolicy) -> AttestationResult:
    return verifier(policy).appraise(raw, MACHINE.expected())


def told(raw: bytes, at: int, unproved: tuple[str, ...]) -> bool:
    """Whether a path of `unproved` leads to a field that holds the octet."""
    fields = [field.name for field in evidence_fields(raw) if field.start <= at < field.end]
    return any(name == path or name.startswith((path + ".", path + "[")) for name in fields for path in unproved)


def silent(raw: bytes, policy: AppraisalPolicy, changes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the changes (place, mask) that are accepted without being told."""
    found = []
    for at, mask in changes:
        other = raw[:at] + bytes([raw[at] ^ mask]) + raw[at + 1 :]
        result = appraised(other, policy)
        if result.accepted and not told(other, at, result.unproved):
            found.append((at, mask))
        assert not any("itself failed" in check.sentence for check in result.checks)
    return found


@pytest.mark.parametrize("case", CASES)
def test_an_octet_is_proved_or_said_not_to_be(case: str) -> None:
    evidence, policy = CASES[case]
    raw = evidence.encode()
    assert appraised(raw, policy).accepted
    changes = [(at, MASKS[at % len(MASKS)]) for at in range(0, len(raw), 11)]
    assert silent(raw, policy, changes) == []


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_every_octet_is_proved_or_said_not_to_be(case: str) -> None:
    evidence, policy = CASES[case]
    raw = evidence.encode()
    assert silent(raw, policy, [(at, MASKS[at % len(MASKS)]) for at in range(len(raw))]) == []


def test_of_the_labs_own_evidence_only_names_for_people_are_unproved() -> None:
    log = "event-log.value.events"
    assert appraised(PLAIN.encode(), POLICY).unproved == (f"{log}[0]", f"{log}[1].event", f"{log}[4].event")


def test_what_else_is_unproved_is_named() -> None:
    names = {case: set(appraised(e.encode(), p).unproved) for case, (e, p) in CASES.items()}
    usual = names["as it usually is"]
    log = "event-log.value.events"
    others = {f"{log}[{n}].digests.entry[0]" for n in range(1, 6)} | {f"{log}[6]", "pcr-values.value.PCR5"}
    assert names["with values and events of other PCRs, and SHA-1"] == usual | others
    assert names["with certificates that nobody needs"] == usual | {"ak-certificates.certificate[1]"}
    assert names["with a key that is not demanded"] == usual | {"key-attestation"}


def test_a_stated_value_that_is_not_the_quoted_one_is_refused() -> None:
    for pcr in PLAIN.pcr_values:
        other = replace(PLAIN, pcr_values={**PLAIN.pcr_values, pcr: bytes(31) + b"\1"})
        result = appraised(other.encode(), POLICY)
        assert result.failed == ["log equals pcrDigest"]
        assert f"states another value of PCR {pcr}" in result["log equals pcrDigest"].sentence


def test_firmwares_events_are_proved_where_their_digest_covers_them() -> None:
    data = b"version 7"
    covered = LogEvent(0, EV_S_CRTM_VERSION, (("sha256", hashlib.sha256(data).digest()),), data)
    apart = replace(covered, data=b"a description")
    machine = Machine(log=EventLog([covered, apart]))
    values = machine.log.replay()
    signer = machine.ak()
    digest = hashlib.sha256(values[0]).digest()
    policy = AppraisalPolicy(pcrs=(0,), key_pcrs=(0,), ak_policy=False, key_attestation=False, locality=None)
    quote = _quote_of(machine, signer, digest)
    raw = machine.evidence(signer=signer, quote=quote, pcr_values=values).encode()
    references = changed(verifier().references, pcrs={0: (values[0],)})
    result = verifier(policy, references).appraise(raw, machine.expected())
    assert result.accepted, result.sentence
    log = "event-log.value.events"
    assert [path for path in result.unproved if path.startswith(log)] == [
        f"{log}[0]",
        f"{log}[1].eventType",
        f"{log}[2].eventType",
        f"{log}[2].event",
    ]


def _quote_of(machine: Machine, signer, digest: bytes) -> bytes:
    from software_tpm import BINDER  # noqa: PLC0415

    from trustlab.attest import ALG_SHA256, PcrSelection, QuoteInfo  # noqa: PLC0415

    return machine.attest(signer, BINDER, QuoteInfo((PcrSelection(ALG_SHA256, (0,)),), digest))
