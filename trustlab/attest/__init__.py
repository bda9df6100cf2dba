"""Attestation: the TPM's signed structures, event logs, Evidence, and the Verifier that appraises them.

Theory of operation
-------------------

The words are those of RFC 9334. An Attester sends Evidence; a Verifier appraises it, using Endorsements (what TPM
maker and privacy CA say), Reference Values (what Bob published) and an Appraisal Policy (what the Relying Party
demands); the Relying Party acts on the Attestation Result.

`Verifier.appraise` works in two steps:

1. *Read everything.* `Evidence.decode`, and the parser of every structure inside, turn octets into an `Appraisal`:
   quote, signature, AK with its certificates, event log, key attestation. Anything malformed ends here, as a failed
   check called `evidence format`. After this step no check can meet octets that it cannot read.
2. *Ask every check.* A check (`CheckSpec`) is a name, the clause it stands on, and a function from the Appraisal to a
   `CheckOutcome`: pass, fail or not demanded, with a sentence and the octets it compared. All checks run, also after
   one has failed, so that a result shows everything that is wrong.

Rule 1: checks are independent. None relies on another having passed. That is what makes it possible to leave one out
and see the attack that it had been stopping.

Rule 2: a Verifier that fails, refuses. An exception in a check counts as a failed check; its name is in the result.

Rule 3: only what is signed counts. The event log is not signed; it counts because it replays to the PCR values in the
quote. Values that Evidence merely states (`pcr-values`) count for PCRs that Reference Values name, and only if all
values together hash to the quoted digest. What nothing proves is set aside and shown (`measurements`).

The link to a connection is one value: `Expected.binder`, which the relying party computes from its own end of the
handshake. The quote must carry it as `extraData`. What goes into a binder is the business of `passage`; here it is 32
octets.

Encodings are strict: every structure has exactly one, and anything else is refused, so that two readers cannot see
two different things in the same octets. `fastpath` shortens the usual form of Evidence and must agree with the full
codec.

This room is plain Python. It needs neither a TPM nor TPM software nor TLS, so a VM can verify.
"""

from trustlab.attest.appraisal import Expected
from trustlab.attest.binding import H, L
from trustlab.attest.certificates import OID_AIK_EKU, OID_AK_NAME, OID_EK_KEY, ak_extensions, ek_key_of
from trustlab.attest.checks import Judge
from trustlab.attest.constants import ALG_SHA256, TPM_GENERATED_VALUE, ObjectAttributes
from trustlab.attest.creation import CreationData, creation_data_spans, parse_creation_data
from trustlab.attest.digests import (
    AK_PCRS,
    FIRMWARE_PCRS,
    LOCALITY,
    TLS_KEY_PCRS,
    extend,
    key_policy,
    pcr_digest,
    pcr_selection,
    policy_locality,
    policy_pcr,
)
from trustlab.attest.errors import (
    AttestError,
    CodecError,
    EventLogError,
    EvidenceError,
    PolicyError,
    ReferenceValuesError,
    ResultError,
)
from trustlab.attest.eventlog import (
    EVENT_CLAIM,
    EVENT_IMAGE,
    EVENT_LAUNCH,
    EVENT_LAUNCH_NONCE,
    EVENT_LAUNCH_POLICY,
    EventLog,
    LogEvent,
    claim_event,
    eventlog_spans,
    image_event,
    launch_event,
    launch_nonce_event,
    launch_policy_event,
)
from trustlab.attest.evidence import Evidence, KeyAttestation, evidence_spans
from trustlab.attest.fields import evidence_fields, is_evidence, steps_of
from trustlab.attest.memory import Memory, VersionMemory
from trustlab.attest.passport import Passport, issue, trustworthiness_vector, verify
from trustlab.attest.policy import FIRMWARE, OTHER_AK, PROFILES, AppraisalPolicy
from trustlab.attest.public import (
    ENDORSEMENT_QUALIFIED_NAME,
    EccParameters,
    KeyedHashParameters,
    Public,
    RsaParameters,
    parse_public,
    public_spans,
    qualified_name,
)
from trustlab.attest.publication import publish, read_published, read_revocations, sign_file, sign_revocations
from trustlab.attest.reading import StructureReader
from trustlab.attest.references import ReferenceValues
from trustlab.attest.replay import PcrReplay
from trustlab.attest.result import AttestationResult, BootCounters, Check
from trustlab.attest.revocation import NOTHING, RevocationList, Revocations, read_crls
from trustlab.attest.signature import Signature, parse_signature, signature_spans
from trustlab.attest.structures import (
    Attest,
    CertifyInfo,
    ClockInfo,
    CreationInfo,
    PcrSelection,
    QuoteInfo,
    attest_spans,
    parse_attest,
)
from trustlab.attest.verifier import CHECKS, Verifier

__all__ = [
    "AK_PCRS",
    "ALG_SHA256",
    "CHECKS",
    "ENDORSEMENT_QUALIFIED_NAME",
    "EVENT_CLAIM",
    "EVENT_IMAGE",
    "EVENT_LAUNCH",
    "EVENT_LAUNCH_NONCE",
    "EVENT_LAUNCH_POLICY",
    "FIRMWARE",
    "FIRMWARE_PCRS",
    "LOCALITY",
    "NOTHING",
    "OID_AIK_EKU",
    "OID_AK_NAME",
    "OID_EK_KEY",
    "OTHER_AK",
    "PROFILES",
    "TLS_KEY_PCRS",
    "TPM_GENERATED_VALUE",
    "AppraisalPolicy",
    "Attest",
    "AttestError",
    "AttestationResult",
    "BootCounters",
    "CertifyInfo",
    "Check",
    "ClockInfo",
    "CodecError",
    "CreationData",
    "CreationInfo",
    "EccParameters",
    "EventLog",
    "EventLogError",
    "Evidence",
    "EvidenceError",
    "Expected",
    "H",
    "Judge",
    "KeyAttestation",
    "KeyedHashParameters",
    "L",
    "LogEvent",
    "Memory",
    "ObjectAttributes",
    "Passport",
    "PcrReplay",
    "PcrSelection",
    "PolicyError",
    "Public",
    "QuoteInfo",
    "ReferenceValues",
    "ReferenceValuesError",
    "ResultError",
    "RevocationList",
    "Revocations",
    "RsaParameters",
    "Signature",
    "StructureReader",
    "Verifier",
    "VersionMemory",
    "ak_extensions",
    "attest_spans",
    "claim_event",
    "creation_data_spans",
    "ek_key_of",
    "eventlog_spans",
    "evidence_fields",
    "evidence_spans",
    "extend",
    "image_event",
    "is_evidence",
    "issue",
    "key_policy",
    "launch_event",
    "launch_nonce_event",
    "launch_policy_event",
    "parse_attest",
    "parse_creation_data",
    "parse_public",
    "parse_signature",
    "pcr_digest",
    "pcr_selection",
    "policy_locality",
    "policy_pcr",
    "public_spans",
    "publish",
    "qualified_name",
    "read_crls",
    "read_published",
    "read_revocations",
    "sign_file",
    "sign_revocations",
    "signature_spans",
    "steps_of",
    "trustworthiness_vector",
    "verify",
]
