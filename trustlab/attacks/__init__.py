"""Attacks: one a module, each as data and a state machine, judged by facts."""

from trustlab.attacks import (
    client_impersonation,
    deployed_key,
    key_abuse,
    rogue_certificate,
    same_pms_reencryption,
    toctou_redirect,
    tunnel_relay,
)
from trustlab.attacks.attack import Attack
from trustlab.attacks.judge import Judgement, judge

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

CATALOGUE = {**ATTACKS}
"""Every attack that has a program of Alice's, by name."""

__all__ = ["ATTACKS", "CATALOGUE", "Attack", "Judgement", "judge"]
