"""Attacks on the Verifier: for every check one that only this check refuses, with real octets from real TPMs.

`ATTACKS_ON_VERIFIER` is the catalogue in the order of the checks; `Stage` is where they are played.
"""

from trustlab.attacks.on_verifier.ablation import Row, ablate
from trustlab.attacks.on_verifier.cross_vm_key import ATTACK as CROSS_VM_KEY
from trustlab.attacks.on_verifier.cuckoo import ATTACK as CUCKOO
from trustlab.attacks.on_verifier.decoy_key import ATTACK as DECOY_KEY
from trustlab.attacks.on_verifier.detached_binder import ATTACK as DETACHED_BINDER
from trustlab.attacks.on_verifier.edited_quote import ATTACK as EDITED_QUOTE
from trustlab.attacks.on_verifier.ek_swap import ATTACK as EK_SWAP
from trustlab.attacks.on_verifier.event_data_swap import ATTACK as EVENT_DATA_SWAP
from trustlab.attacks.on_verifier.event_log_tampering import ATTACK as EVENT_LOG_TAMPERING
from trustlab.attacks.on_verifier.event_retyping import ATTACK as EVENT_RETYPING
from trustlab.attacks.on_verifier.evidence_replay import ATTACK as EVIDENCE_REPLAY
from trustlab.attacks.on_verifier.evil_hypersafe import ATTACK as EVIL_HYPERSAFE
from trustlab.attacks.on_verifier.evil_workload import ATTACK as EVIL_WORKLOAD
from trustlab.attacks.on_verifier.fake_tpm import ATTACK as FAKE_TPM
from trustlab.attacks.on_verifier.forged_attest import ATTACK as FORGED_ATTEST
from trustlab.attacks.on_verifier.identifier_takeover import ATTACK as IDENTIFIER_TAKEOVER
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.attacks.on_verifier.look_alike import ATTACK as LOOK_ALIKE
from trustlab.attacks.on_verifier.narrow_selection import ATTACK as NARROW_SELECTION
from trustlab.attacks.on_verifier.other_image_same_hypersafe import ATTACK as OTHER_IMAGE_SAME_HYPERSAFE
from trustlab.attacks.on_verifier.password_policy_key import ATTACK as PASSWORD_POLICY_KEY
from trustlab.attacks.on_verifier.pcr_reset import ATTACK as PCR_RESET
from trustlab.attacks.on_verifier.quote_oracle import ATTACK as QUOTE_ORACLE
from trustlab.attacks.on_verifier.reference_rollback import ATTACK as REFERENCE_ROLLBACK
from trustlab.attacks.on_verifier.same_machine_wrong_workload import ATTACK as SAME_MACHINE_WRONG_WORKLOAD
from trustlab.attacks.on_verifier.second_image import ATTACK as SECOND_IMAGE
from trustlab.attacks.on_verifier.software_key_certified import ATTACK as SOFTWARE_KEY_CERTIFIED
from trustlab.attacks.on_verifier.split_evidence import ATTACK as SPLIT_EVIDENCE
from trustlab.attacks.on_verifier.stage import Presented, Stage
from trustlab.attacks.on_verifier.stale_antivirus import ATTACK as STALE_ANTIVIRUS
from trustlab.attacks.on_verifier.userwithauth_key import ATTACK as USERWITHAUTH_KEY

ATTACKS_ON_VERIFIER = {
    attack.name: attack
    for attack in (
        FAKE_TPM,
        FORGED_ATTEST,
        QUOTE_ORACLE,
        CUCKOO,
        IDENTIFIER_TAKEOVER,
        EK_SWAP,
        EDITED_QUOTE,
        LOOK_ALIKE,
        DETACHED_BINDER,
        EVIDENCE_REPLAY,
        NARROW_SELECTION,
        EVENT_LOG_TAMPERING,
        EVENT_RETYPING,
        EVENT_DATA_SWAP,
        SECOND_IMAGE,
        EVIL_WORKLOAD,
        EVIL_HYPERSAFE,
        SAME_MACHINE_WRONG_WORKLOAD,
        REFERENCE_ROLLBACK,
        DECOY_KEY,
        SOFTWARE_KEY_CERTIFIED,
        USERWITHAUTH_KEY,
        PASSWORD_POLICY_KEY,
        OTHER_IMAGE_SAME_HYPERSAFE,
        CROSS_VM_KEY,
        SPLIT_EVIDENCE,
        PCR_RESET,
        STALE_ANTIVIRUS,
    )
}

__all__ = ["ATTACKS_ON_VERIFIER", "OnVerifier", "Presented", "Row", "Stage", "ablate"]
