"""Attacks: one a module, each as data and a state machine, judged by facts."""

from trustlab.attacks.attack import Attack
from trustlab.attacks.judge import Judgement, judge
from trustlab.attacks.rogue_certificate import ATTACK as ROGUE_CERTIFICATE

ATTACKS = {attack.name: attack for attack in (ROGUE_CERTIFICATE,)}
"""The catalogue, by name."""

__all__ = ["ATTACKS", "ROGUE_CERTIFICATE", "Attack", "Judgement", "judge"]
