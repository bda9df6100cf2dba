"""Attacks: one a module, each as data and a state machine, judged by facts."""

from trustlab.attacks import (
    bleichenbacher,
    client_evidence_replay,
    client_impersonation,
    cuckoo,
    deployed_key,
    downgrade,
    early_canary,
    evidence_relay,
    evidence_relay_ecdhe,
    evidence_relay_rsa,
    evidence_replay,
    evidence_replay_rsa,
    evil_workload,
    fail_open,
    forwarding13,
    key_abuse,
    known_dh_secret,
    known_dh_secret_and_key,
    memory_scrape,
    own_genuine_machine,
    quote_flooding,
    reflection,
    resumption_splice,
    rogue_certificate,
    same_pms_reencryption,
    toctou_redirect,
    tpm_nuisance,
    tunnel_relay,
    uncertified_mallory,
)
from trustlab.attacks.attack import Attack
from trustlab.attacks.bleichenbacher import answers
from trustlab.attacks.fields import FIELD_ROWS, FieldRow
from trustlab.attacks.judge import Judgement, judge
from trustlab.attacks.overlaps import OVERLAP_ROWS, STOPPED_BY_NO_CHECK, OverlapRow
from trustlab.attacks.quote_flooding import quotes_for
from trustlab.attacks.rules import RULE_ROWS, RuleRow

ATTACKS = {
    module.ATTACK.name: module.ATTACK
    for module in (
        rogue_certificate,
        toctou_redirect,
        tunnel_relay,
        deployed_key,
        key_abuse,
        client_impersonation,
        same_pms_reencryption,
    )
}
"""The attacks on the ladder, by name, in the order of the slides."""
SLIDES = (*ATTACKS, memory_scrape.ATTACK.name)
"""All attacks of the slides, by name; the last one needs machines that have memory of their own."""

ATTACKS13 = {
    attack.name: attack
    for attack in (
        rogue_certificate.ATTACK,
        evidence_relay.ATTACK,
        evidence_replay.ATTACK,
        known_dh_secret.ATTACK,
        known_dh_secret_and_key.ATTACK,
        own_genuine_machine.ATTACK,
        own_genuine_machine.PINNED,
        own_genuine_machine.OTHER_IMAGE,
    )
}
"""The attacks on the designs of TLS 1.3, by name, in the order of the signed table."""

ON_RULES = {
    module.ATTACK.name: module.ATTACK
    for module in (
        downgrade,
        fail_open,
        early_canary,
        uncertified_mallory,
        resumption_splice,
        quote_flooding,
        bleichenbacher,
    )
}
"""The attacks that need a rule to be left out, by name; `RULE_ROWS` says which."""

_OTHERS = (
    own_genuine_machine.DIVERSION,
    reflection.ATTACK,
    client_evidence_replay.ATTACK,
    evidence_relay_ecdhe.ATTACK,
    memory_scrape.ATTACK,
    deployed_key.MIDDLE,
    evidence_replay_rsa.ATTACK,
    evidence_relay_rsa.ATTACK,
    known_dh_secret.ON_12,
    forwarding13.ATTACK,
    forwarding13.LAX,
    cuckoo.ATTACK,
    evil_workload.ATTACK,
    evil_workload.WRONG,
    evil_workload.ROLLBACK,
    evil_workload.EVIL_HYPERSAFE,
    tpm_nuisance.ATTACK,
    tpm_nuisance.WITHOUT_END,
)
CATALOGUE = ATTACKS | ATTACKS13 | {attack.name: attack for attack in _OTHERS} | ON_RULES
"""Every attack that has a program of Alice's, by name."""

__all__ = [
    "ATTACKS",
    "ATTACKS13",
    "CATALOGUE",
    "FIELD_ROWS",
    "ON_RULES",
    "OVERLAP_ROWS",
    "RULE_ROWS",
    "SLIDES",
    "STOPPED_BY_NO_CHECK",
    "Attack",
    "FieldRow",
    "Judgement",
    "OverlapRow",
    "RuleRow",
    "answers",
    "judge",
    "quotes_for",
]
