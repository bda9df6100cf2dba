"""Attacks on the Verifier: for every check at least one that only this check refuses, with real octets from real TPMs.

There is a module for each thing that is attacked: who signs (`identity`), what was signed (`quotes`), the event log
(`logs`), the software (`software`), the TLS key (`keys`). `binders` has attacks on parts of a binder that do not need a
cloud. Each attack is a function under `@refused_by`; it plays on a `VerifierTestbed`.
"""

from trustlab.attacks.verifier import binders, identity, keys, logs, quotes, software
from trustlab.attacks.verifier.kind import OnBinder, OnVerifier
from trustlab.attacks.verifier.testbed import Presented, TestbedMachine, VerifierTestbed
from trustlab.attest import CHECKS

_MODULES = (identity, quotes, logs, software, keys)

ATTACKS_ON_VERIFIER = {
    attack.name: attack
    for attack in sorted(
        (found for module in _MODULES for found in vars(module).values() if isinstance(found, OnVerifier)),
        key=lambda attack: CHECKS.index(attack.check),
    )
}
"""The attacks on the Verifier by name, in the order of the checks that refuse them."""
ATTACKS_ON_BINDERS = {found.attack.name: found for found in vars(binders).values() if isinstance(found, OnBinder)}
"""The attacks on parts of a binder by name."""

__all__ = [
    "ATTACKS_ON_BINDERS",
    "ATTACKS_ON_VERIFIER",
    "OnBinder",
    "OnVerifier",
    "Presented",
    "TestbedMachine",
    "VerifierTestbed",
]
