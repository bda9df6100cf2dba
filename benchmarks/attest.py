"""What an appraisal costs beside the signatures it must verify anyway."""

from __future__ import annotations

import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.measure import side_by_side
from trustlab.attacks.verifier import VerifierTestbed
from trustlab.attest import Evidence, Expected, Verifier, appraisal, parse_public, parse_signature

GOALS = {"appraisal_vs_signatures": 2.0}
NOTES = {
    "appraisal_vs_signatures": "all checks of fresh evidence with a key, of a machine met before / its 3 signatures, "
    "of which only the quote's is new and is verified again",
    "first_appraisal_vs_signatures": "the same of a machine never met: AK, certificate, key and log are parsed too",
}
PASSAGES = 20


def run() -> dict[str, float]:
    """Appraise real evidence of a machine with a TPM-made TLS key, beside its bare signature verifications.

    The three signatures are those of the quote, the key attestation and the AK certificate, with the keys at hand.
    """
    with VerifierTestbed() as bed:
        machine = bed.machine().boot()
        key = machine.tls_key()
        binders = [os.urandom(32) for _ in range(PASSAGES)]
        evidences = [machine.evidence(binder, key) for binder in binders]
        presented = bed.present(evidences[0], bed.expected(key), pinned=machine)
    shared = presented.expected
    verifier = Verifier(presented.anchors, presented.references, presented.policy, last_reference_version=7)
    first = Expected(binder=binders[0], key_spki=shared.key_spki, key_binder=shared.key_binder)
    boot = verifier.appraise(evidences[0].encode(), first).boot  # what a passage holds later evidence against
    passages = [
        (
            evidence.encode(),
            Expected(binder=binder, key_spki=shared.key_spki, key_binder=shared.key_binder, boot=boot),
        )
        for evidence, binder in zip(evidences, binders, strict=True)
    ]

    def appraise() -> None:
        for evidence, expected in passages:
            if not verifier.appraise(evidence, expected).accepted:
                raise RuntimeError("the evidence should have been accepted")

    def appraise_strangers() -> None:
        for evidence, expected in passages:
            appraisal.forget()
            if not verifier.appraise(evidence, expected).accepted:
                raise RuntimeError("the evidence should have been accepted")

    def signatures() -> None:
        for verify in pairs:
            verify()

    pairs = [_signatures(evidence, presented.anchors[0]) for evidence in evidences]
    times = side_by_side({"known": appraise, "strangers": appraise_strangers, "signatures": signatures}, calls=8)
    return {
        "appraisal_vs_signatures": times["known"] / times["signatures"],
        "first_appraisal_vs_signatures": times["strangers"] / times["signatures"],
    }


def _signatures(evidence: Evidence, anchor: x509.Certificate):  # noqa: ANN202 - a local helper's closure
    attested = evidence.key_attestation
    authority = anchor.public_key()
    if attested is None or not isinstance(authority, ec.EllipticCurvePublicKey):
        raise RuntimeError("the stage attests a key, under an ECDSA privacy CA")
    ak = parse_public(evidence.ak_public).public_key
    leaf = x509.load_der_x509_certificate(evidence.ak_certificates[0])
    body, signature, ecdsa = leaf.tbs_certificate_bytes, leaf.signature, ec.ECDSA(hashes.SHA256())
    signed = [(parse_signature(evidence.signature), evidence.quote)]
    signed.append((parse_signature(attested.signature), attested.attest))

    def verify() -> None:
        for by, octets in signed:
            if not by.verify(ak, octets):
                raise RuntimeError("the signature should verify")
        authority.verify(signature, body, ecdsa)

    return verify
