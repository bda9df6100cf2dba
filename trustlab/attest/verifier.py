"""The Verifier (RFC 9334, 4): a list of named checks, all evaluated, all reported, nothing stopping at the first.

Each check is decisive somewhere: there is an attack that only this one check refuses, and `without` leaves checks out
to show it. Where checks overlap it is because the structures do. The order is that of the evidence: who signs, that
he signed, what was signed, what it tells, and the key it vouches for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as replace_fields

from trustlab.attest import checks_boot, checks_key, checks_quote, checks_signer
from trustlab.attest.akchain import TrustAnchors
from trustlab.attest.appraisal import open_appraisal
from trustlab.attest.checks import CheckSpec, failed, judged_by
from trustlab.attest.errors import AttestError, PolicyError, ReferenceValuesError, shown
from trustlab.attest.eventlog import EVENT_IMAGE
from trustlab.attest.result import FAIL, LEFT_OUT, PASS, AttestationResult, Check
from trustlab.attest.revocation import NOTHING, Revocations
from trustlab.attest.unproved import unproved_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cryptography import x509

    from trustlab.attest.appraisal import Appraisal, Expected
    from trustlab.attest.checks import Judge
    from trustlab.attest.evidence import Evidence
    from trustlab.attest.memory import Memory
    from trustlab.attest.policy import AppraisalPolicy
    from trustlab.attest.references import ReferenceValues
    from trustlab.x509 import LenientCertificate

FORMAT = "evidence format"
BOOT = "boot continuity"
FORMAT_CLAUSE = "RFC 9999; docs/evidence.cddl"


def _specs(anchors: TrustAnchors) -> tuple[CheckSpec, ...]:
    signer, quote, key, boot = checks_signer, checks_quote, checks_key, checks_boot
    return (
        CheckSpec("AK chain", "RFC 5280, 6; TCG EK Credential Profile, tcg-kp-AIKCertificate", anchors.judge),
        CheckSpec("AK public area", "TPM 2.0 Part 1, 16 Names; Part 2, 8.3 TPMA_OBJECT", signer.ak_public_area),
        CheckSpec("AK policy", "TPM 2.0 Part 3, 23.7 PolicyPCR, 23.8 PolicyLocality", signer.ak_policy),
        CheckSpec("machine pinned", "RFC 9334, 7.4; lab extension EK digest", signer.machine_pinned),
        CheckSpec("signature", "TPM 2.0 Part 2, 11.3.4 TPMT_SIGNATURE", signer.signature),
        CheckSpec("magic and type", "TPM 2.0 Part 2, 6.2 TPM_GENERATED and 10.12.12 TPMS_ATTEST", quote.magic_and_type),
        CheckSpec("extraData", "TPM 2.0 Part 2, 10.12.12 TPMS_ATTEST.extraData", quote.extra_data),
        CheckSpec("selection and bank", "TPM 2.0 Part 2, 10.9.7 TPML_PCR_SELECTION", quote.selection_and_bank),
        CheckSpec("log equals pcrDigest", "TPM 2.0 Part 2, 10.12.4 TPMS_QUOTE_INFO", quote.log_equals_pcr_digest),
        CheckSpec("events", "TCG PC Client Platform Firmware Profile, 10.2.2", quote.events),
        CheckSpec("reference values", "RFC 9334, 4.2 Reference Values", quote.reference_values),
        CheckSpec(
            "reference version", "RFC 9334, 4.2 Reference Values; version never decreases", quote.reference_version
        ),
        CheckSpec("key identity", "TPM 2.0 Part 2, 10.12.7 TPMS_CREATION_INFO.objectName", key.key_identity),
        CheckSpec("key provenance", "TPM 2.0 Part 3, 18.3 TPM2_CertifyCreation", key.key_provenance),
        CheckSpec("key policy", "TPM 2.0 Part 3, 23.7 PolicyPCR, 23.8 PolicyLocality", key.key_policy_of),
        CheckSpec("one AK for both", "TPM 2.0 Part 2, 10.12.12 TPMS_ATTEST.qualifiedSigner", key.one_ak_for_both),
        CheckSpec(BOOT, "TPM 2.0 Part 2, 10.11.1 TPMS_CLOCK_INFO; launch nonce", boot.boot_continuity),
        CheckSpec("claims", "RFC 9334, 8.5 Appraisal Policy", quote.claims),
    )


CHECKS = (FORMAT, *(spec.name for spec in _specs(TrustAnchors(()))))
"""The names of all checks, in order; the first is not a choice."""


class Verifier:
    """Appraises Evidence for one Relying Party.

    `trust_anchors` are the privacy CAs' certificates, `last_reference_version` the highest version of Reference Values
    that was accepted so far, 0 if none is remembered. A `memory` remembers it, and each machine's last boot, in a file:
    what is accepted goes into it, and what goes back is refused. `revocations` are what is not good any more.

    `without` names checks to leave out - for experiments only: they are evaluated and shown as "left out", and do not
    count. `checks` are functions in place of checks, by their names: each gets the Appraisal and returns None or a
    sentence that says what is wrong. PolicyError for a name that is not a check.
    """

    def __init__(
        self,
        trust_anchors: Sequence[x509.Certificate | LenientCertificate],
        references: ReferenceValues,
        policy: AppraisalPolicy,
        *,
        last_reference_version: int = 0,
        memory: Memory | None = None,
        revocations: Revocations = NOTHING,
        without: Collection[str] = (),
        checks: Mapping[str, Judge] | None = None,
    ) -> None:
        self.references = references
        self.policy = policy
        self.last_reference_version = last_reference_version
        self.memory = memory
        self.revocations = revocations
        self.without = frozenset(without)
        own = dict(checks or {})
        known = CHECKS[1:]
        for names, fate in ((self.without, "left out"), (own.keys(), "replaced")):
            if unknown := names - set(known):
                raise PolicyError(
                    f"{min(unknown)!r} is not a check that can be {fate}; choose from: {', '.join(known)}"
                )
        self._anchors = TrustAnchors(tuple(trust_anchors))
        specs = _specs(self._anchors)
        self._specs = tuple(replace(s, judge=judged_by(own[s.name])) if s.name in own else s for s in specs)

    def appraise(self, evidence: bytes, expected: Expected) -> AttestationResult:
        """Return the Attestation Result; malformed evidence is one, refused by "evidence format"."""
        return self._appraise(evidence, expected)

    def appraise_parts(self, evidence: Evidence, expected: Expected) -> AttestationResult:
        """Do what `appraise` does with parts that came one by one, as files of other tools.

        There may be no certificate: then the Relying Party must know the AK itself (`Expected.ak`).
        """
        return self._appraise(evidence, expected)

    def _appraise(self, evidence: bytes | Evidence, expected: Expected) -> AttestationResult:
        try:
            last = max(self.last_reference_version, self.memory.last if self.memory is not None else 0)
            appraisal = open_appraisal(evidence, expected, self.references, self.policy, last)
            revocations = self.revocations
            if self.memory is not None:
                revocations = replace(revocations, last=self.memory.last_list)
                appraisal = replace(appraisal, remembered=self.memory.boot_of(appraisal.machine))
            appraisal = replace(appraisal, revocations=revocations)
        except ReferenceValuesError:
            raise  # the memory cannot be read: the evidence is not at fault
        except AttestError as error:
            return _malformed(f"{error}.", evidence, expected)
        except Exception as error:  # noqa: BLE001 - a Verifier that fails refuses, and says why
            return _malformed(f"The Verifier itself failed while reading it: {shown(repr(error))}.", evidence, expected)
        first = Check(FORMAT, PASS, "The evidence and every structure in it can be read.", clause=FORMAT_CLAUSE)
        checks = (first, *[self._check(spec, appraisal) for spec in self._specs])
        return self._remembered(
            appraisal,
            self._result(checks, appraisal, expected),
        )

    def _remembered(self, appraisal: Appraisal, result: AttestationResult) -> AttestationResult:
        """Remember what was accepted; refuse it if another process has accepted something later meanwhile."""
        if self.memory is None or not result.accepted:
            return result
        boot = checks_boot.boot_of(appraisal)
        problem = self.memory.accept(self.references.version, appraisal.machine, boot, self.revocations.version)
        if not problem:
            return result
        checks = [replace_fields(c, verdict=FAIL, sentence=problem) if c.name == BOOT else c for c in result.checks]
        return replace(result, checks=tuple(checks))

    def _result(self, checks: tuple[Check, ...], appraisal: Appraisal, expected: Expected) -> AttestationResult:
        return AttestationResult(
            checks,
            binder=expected.binder,
            boot=checks_boot.boot_of(appraisal),
            image=self._image(appraisal),
            claims=dict(appraisal.claims),
            pcrs=dict(appraisal.pcrs),
            ek_key=appraisal.signer.ek_key,
            reference_version=self.references.version,
            unproved=unproved_paths(appraisal, self._anchors),
        )

    def _check(self, spec: CheckSpec, appraisal: Appraisal) -> Check:
        try:
            outcome = spec.judge(appraisal)
        except Exception as error:  # noqa: BLE001 - a Verifier that fails refuses, and says why
            outcome = failed(f"The Verifier itself failed in this check, so it refuses: {shown(repr(error))}.")
        verdict = LEFT_OUT if spec.name in self.without else outcome.verdict
        return Check(spec.name, verdict, outcome.sentence, outcome.expected, outcome.found, spec.clause, outcome.fields)

    def _image(self, appraisal: Appraisal) -> str | None:
        digest = next((e.digest for e in appraisal.log.events if e.event_type == EVENT_IMAGE), None)
        return None if digest is None else self.references.images.get(digest)


def _malformed(sentence: str, evidence: bytes | Evidence, expected: Expected) -> AttestationResult:
    found = evidence if isinstance(evidence, bytes) else evidence.quote
    check = Check(FORMAT, FAIL, sentence, found=found, clause=FORMAT_CLAUSE)
    return AttestationResult((check,), expected.binder)
