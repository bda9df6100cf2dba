"""What an appraisal costs beside the signatures it must verify anyway."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from trustlab.attacks.on_verifier import Stage
from trustlab.attest import BootCounters, Evidence, Verifier, parse_attest, parse_public, parse_signature

from benchmarks.measure import side_by_side

GOALS = {"appraisal_vs_signatures": 2.0}
NOTES = {
    "appraisal_vs_signatures": "all checks of one evidence with its key attestation, from octets, nothing cached / "
    "verifying its three signatures (quote, key attestation, AK certificate) with the keys at hand"
}


def run() -> dict[str, float]:
    """Appraise real evidence of a machine with a TPM-made TLS key, beside its bare signature verifications."""
    with Stage() as stage:
        machine = stage.machine().boot()
        key = machine.tls_key()
        evidence = machine.evidence(stage.binder, key)
        clock = parse_attest(evidence.quote).clock_info
        boot = BootCounters(clock.reset_count, clock.restart_count)
        presented = stage.present(evidence, stage.expected(key, boot=boot), pinned=machine)
        verifier = Verifier(presented.anchors, presented.references, presented.policy, last_reference_version=7)

        def appraise() -> None:
            if not verifier.appraise(presented.evidence, presented.expected).accepted:
                raise RuntimeError("the evidence should have been accepted")

        signatures = _signatures(evidence, presented.anchors[0])
        times = side_by_side({"appraisal": appraise, "signatures": signatures}, rounds=60, calls=20)
    return {"appraisal_vs_signatures": times["appraisal"] / times["signatures"]}


def _signatures(evidence: Evidence, anchor: x509.Certificate):  # noqa: ANN202 - a local helper's closure
    attested = evidence.key_attestation
    if attested is None:
        raise RuntimeError("the evidence was asked for with a key")
    ak, authority = parse_public(evidence.ak_public).public_key, anchor.public_key()
    leaf = x509.load_der_x509_certificate(evidence.ak_certificates[0])
    body, signature = leaf.tbs_certificate_bytes, leaf.signature
    pairs = (
        (parse_signature(evidence.signature), evidence.quote),
        (parse_signature(attested.signature), attested.attest),
    )
    ecdsa = ec.ECDSA(hashes.SHA256())
    if not isinstance(authority, ec.EllipticCurvePublicKey):
        raise TypeError("the lab's privacy CA signs with ECDSA")

    def verify() -> None:
        for signed, octets in pairs:
            if not signed.verify(ak, octets):
                raise RuntimeError("the signature should verify")
        authority.verify(signature, body, ecdsa)

    return verify
