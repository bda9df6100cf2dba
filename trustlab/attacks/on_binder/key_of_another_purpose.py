"""A key that the bank's TPM made and vouches for, and that signs what strangers write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_binder.kind import OnBinder, guard
from trustlab.attest import KeyAttestation
from trustlab.passage import H
from trustlab.passage.binders import L
from trustlab.tpm import certify_creation

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Stage
    from trustlab.attest import AttestationResult
    from trustlab.passage import Design


def carry_out(stage: Stage, design: Design) -> AttestationResult:
    """Show the attestation of the bank's log key for a channel that Alice runs on that key."""
    machine = stage.machine().boot()
    log_key = machine.tls_key()
    purpose = H(L, b"log", log_key.spki)
    certified = certify_creation(machine.hypersafe, machine.attestation_key, log_key, purpose)
    attested = KeyAttestation(certified.attest, certified.signature, log_key.public, log_key.creation_data)
    facts = {"nonce_C": stage.binder, "spki_S": log_key.spki}
    if design.server is None:
        raise ValueError(f"{design.name}: the server proves nothing")
    evidence = replace(machine.evidence(design.server.bind(facts).octets), key_attestation=attested)
    relying = guard(stage, design, "client")
    relying.appraise(evidence.encode(), facts)
    if relying.result is None:
        raise RuntimeError("the relying party did not come to a result")
    return relying.result


ATTACK = OnBinder(
    attack=Attack(
        name="key-of-another-purpose",
        needs=(
            "a second key of the bank's VM, made and attested by the same TPM, that signs what strangers write",
            "a certificate for it, in the bank's name",
        ),
        steps=(
            "runs TLS on the key with which the bank signs its public log",
            "has the bank sign her handshake as an entry of the log",
            "forwards a quote over the nonce, with the log key's own attestation",
        ),
        breaks="trust",
        why="The attestation says truly that the TPM made the key for this software, not what it is used for.",
        source="protocol.md, H(L, K, H(SPKI)); TPM 2.0 Part 3, 18.3 qualifyingData",
        stopped_by="the purpose in the binder of the key's attestation",
        prize="peer",
    ),
    carry_out=carry_out,
)
