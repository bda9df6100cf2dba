"""The quote from the pinned machine, the key from another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Join the pinned machine's quote to the key attestation of Alice's own genuine machine."""
    meant, own = stage.machine("bank").boot(), stage.machine("alice").boot()
    key = own.tls_key()
    attested = own.evidence(bytes(32), key).key_attestation
    if attested is None:
        raise RuntimeError("the evidence was asked for with a key")
    attested = replace(attested, ak_public=own.attestation_key.public, ak_certificates=own.certificates)
    evidence = replace(meant.evidence(stage.binder), key_attestation=attested)
    return stage.present(evidence, stage.expected(key), pinned=meant)


ATTACK = OnVerifier(
    attack=Attack(
        name="split-evidence",
        needs=("a genuine machine of her own, with the same image",),
        steps=(
            "Bob's machine quotes over the passage's nonce",
            "the key attestation comes from Alice's own machine, and is as genuine",
        ),
        breaks="identity",
        why="Two true statements about two machines look like one about one.",
        source="protocol.md; the cuckoo's younger sister",
        stopped_by="one AK must have signed both",
    ),
    check="one AK for both",
    base="the pin applies to the quote's AK; a binder without the key",
    carry_out=carry_out,
)
