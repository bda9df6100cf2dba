"""Attestation: the TPM's signed structures, event logs, Evidence - and the Verifier that appraises them.

Plain Python: no TPM software and no TLS is needed to verify. The words are those of RFC 9334: an Attester sends
Evidence, a Verifier appraises it by Endorsements, Reference Values and an Appraisal Policy, a Relying Party acts
on the Attestation Result.
"""

from trustlab.attest.case import Expected
from trustlab.attest.certificates import OID_AIK_EKU, OID_AK_NAME, OID_EK_DIGEST, ak_extensions, ek_digest_of
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
    EVENT_LAUNCH_POLICY,
    EventLog,
    LogEvent,
    claim_event,
    eventlog_spans,
    image_event,
    launch_event,
    launch_policy_event,
)
from trustlab.attest.evidence import Evidence, KeyAttestation, evidence_spans
from trustlab.attest.passport import Passport, issue, trustworthiness_vector, verify
from trustlab.attest.policy import FIRMWARE, AppraisalPolicy
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
from trustlab.attest.publication import VersionMemory, publish, read_published, sign_file
from trustlab.attest.reading import StructureReader
from trustlab.attest.references import ReferenceValues
from trustlab.attest.result import AttestationResult, BootCounters, Check
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
    "EVENT_LAUNCH_POLICY",
    "FIRMWARE",
    "FIRMWARE_PCRS",
    "LOCALITY",
    "OID_AIK_EKU",
    "OID_AK_NAME",
    "OID_EK_DIGEST",
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
    "Judge",
    "KeyAttestation",
    "KeyedHashParameters",
    "LogEvent",
    "ObjectAttributes",
    "Passport",
    "PcrSelection",
    "PolicyError",
    "Public",
    "QuoteInfo",
    "ReferenceValues",
    "ReferenceValuesError",
    "ResultError",
    "RsaParameters",
    "Signature",
    "StructureReader",
    "Verifier",
    "VersionMemory",
    "ak_extensions",
    "attest_spans",
    "claim_event",
    "creation_data_spans",
    "ek_digest_of",
    "eventlog_spans",
    "evidence_spans",
    "extend",
    "image_event",
    "issue",
    "key_policy",
    "launch_event",
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
    "read_published",
    "sign_file",
    "signature_spans",
    "trustworthiness_vector",
    "verify",
]
