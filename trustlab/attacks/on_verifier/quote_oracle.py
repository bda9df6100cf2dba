"""Alice's own AK in the same TPM: genuine quotes over any binder she likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.stage import EVIDENCE_PCRS
from trustlab.tpm import EvidenceMaker, KeyPolicy, create_ak

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Quote the genuine PCRs over the binder of Alice's own connection, with a restricted AK of hers."""
    machine = stage.machine().boot()
    ak = create_ak(machine.root, KeyPolicy.present(machine.root, (17,), locality=0))
    certificates = machine.enrol(ak, stage.policy_blind_ca, machine.root)
    log = machine.platform.event_log
    evidence = EvidenceMaker(machine.root, ak, certificates, log).evidence(stage.binder, EVIDENCE_PCRS)
    return stage.present(evidence, pinned=machine, anchors=(stage.policy_blind_ca.root,))


ATTACK = OnVerifier(
    attack=Attack(
        name="quote-oracle",
        needs=("locality 0 of the machine's TPM", "a privacy CA that looks at no policy"),
        steps=(
            "Alice makes a restricted AK of her own beside HyperSafe's, usable at locality 0",
            "she connects to the relying party herself",
            "she has the TPM quote the genuine PCR values over the binder of that connection",
        ),
        breaks="trust",
        why="PCRs say what runs on the machine, not who asked for the quote.",
        source="protocol.md; tried",
        stopped_by="the AK's policy: PCR 17 and locality 2",
    ),
    check="AK policy",
    base="all else demanded, machine pinned",
    carry_out=carry_out,
)
