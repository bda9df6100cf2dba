"""Attacks on parts of binders that no cloud is needed for: real evidence, and a relying party that judges it."""

from trustlab.attacks.on_binder.key_of_another_purpose import ATTACK as KEY_OF_ANOTHER_PURPOSE
from trustlab.attacks.on_binder.kind import OnBinder
from trustlab.attacks.on_binder.stale_authenticator import ATTACK as STALE_AUTHENTICATOR

ATTACKS_ON_BINDERS = {on.attack.name: on for on in (STALE_AUTHENTICATOR, KEY_OF_ANOTHER_PURPOSE)}
"""By name."""

__all__ = ["ATTACKS_ON_BINDERS", "OnBinder"]
