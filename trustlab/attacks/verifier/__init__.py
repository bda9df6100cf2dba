"""Attacks on the Verifier: for every check one that only this check refuses, with real octets from real TPMs.

A module for each thing that is attacked: who speaks (`identity`), what was signed (`quotes`), what is told of it
(`logs`), what runs (`software`), which key (`keys`). `binders` are attacks on parts of a binder that no cloud is needed
for. Each attack is a function under `@refused_by`; it plays on a `VerifierTestbed`.
"""

from trustlab.attacks.verifier import binders, identity, keys, logs, quotes, software
from trustlab.attacks.verifier.kind import OnBinder, OnVerifier
from trustlab.attacks.verifier.testbed import Machine, Presented, VerifierTestbed
from trustlab.attest import CHECKS

_MODULES = (identity, quotes, logs, software, keys)

ATTACKS_ON_VERIFIER = {
    attack.name: attack
    for attack in sorted(
        (found for module in _MODULES for found in vars(module).values() if isinstance(found, OnVerifier)),
        key=lambda attack: CHECKS.index(attack.check),
    )
}
"""By name, in the order of the checks that refuse them."""
ATTACKS_ON_BINDERS = {found.attack.name: found for found in vars(binders).values() if isinstance(found, OnBinder)}
"""By name."""

__all__ = [
    "ATTACKS_ON_BINDERS",
    "ATTACKS_ON_VERIFIER",
    "Machine",
    "OnBinder",
    "OnVerifier",
    "Presented",
    "VerifierTestbed",
]
