"""Every check, rule and binder field taken out of the program, one at a time, and the test that must notice.

What is taken out is taken out of the code that does it; no option of the program's own (`without`) is used, so that
an option that does nothing would be noticed as well.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from trustlab import tls
from trustlab.attacks import experiments
from trustlab.attest import CHECKS, verifier
from trustlab.attest.checks import passed
from trustlab.attest.result import AttestationResult, Check
from trustlab.passage import PARTS, Asking, BleichenbacherOracle, Guard, Mutual, RateLimiter
from trustlab.passage.ablation import choice
from trustlab.passage.binders import FIELDS
from trustlab.passage.exchange import frame
from trustlab.tls import attestation

if TYPE_CHECKING:
    from collections.abc import Callable

ON_VERIFIER = (
    "tests/attacks/test_attacks_on_verifier.py"
    "::test_the_one_check_refuses_the_attack_and_without_it_the_attack_succeeds[{}]"
)
ON_RULES = "tests/attacks/test_rules.py::test_the_rule_stops_the_attack_and_without_it_the_attack_succeeds[{}]"
ON_FIELDS = "tests/attacks/test_fields.py::test_the_field_refuses_the_attack_and_without_it_the_attack_succeeds[{}]"
ON_FORMAT = "tests/attest/test_attest_verifier.py::test_every_truncation_of_evidence_is_refused_by_evidence_format"


class Removal(NamedTuple):
    """One thing taken out: what it does to the program, given a MonkeyPatch, and the test that must fail then."""

    take_out: Callable
    test: str


def without_check(name):
    """Leave the check's name in the verifier's list, and behind it nothing that looks."""
    specs = verifier._specs

    def gutted(anchors):
        idle = {"judge": lambda _case: passed("Nobody looked.")}
        return tuple(dataclasses.replace(rule, **idle) if rule.name == name else rule for rule in specs(anchors))

    return lambda patch: patch.setattr(verifier, "_specs", gutted)


def without_format(patch):
    """Take what cannot be read for what is in order."""

    def shrug(_sentence, _evidence, expected):
        return AttestationResult((Check("evidence format", "pass", "Nobody looked."),), expected.binder)

    patch.setattr(verifier, "_malformed", shrug)


def without_field(name):
    """Put nothing in the place of the field's octets, or what is left of it, at both ends."""
    part = PARTS[name]

    def take_out(patch):
        for field, left in {**part.server, **part.client}.items():
            patch.setitem(FIELDS, field, FIELDS[left] if left else lambda _facts: b"")

    return take_out


def without_key_binder(patch):
    expected = Guard._expected
    patch.setattr(Guard, "_expected", lambda *args: dataclasses.replace(expected(*args), key_binder=None))


def without_offer_answered(patch):
    patch.setattr(attestation, "check_demand", lambda _asked, _answer, **_how: None)


def without_error_refuses(patch):
    patch.setattr(Guard, "_erred", lambda _guard, _error: None)


def without_evidence_first(patch):
    patch.setattr(Asking, "connected", lambda asking: frame(asking.nonce) + asking._open())


def without_ca_identity(patch):
    patch.setattr(tls.ClientConfig, "check_chain", lambda *_: None)


def without_evidence_anew(patch):
    ask = Mutual.connected
    patch.setattr(Mutual, "connected", lambda m: ask(m) if m._facts().session_hash else m._open())


def without_paced_quotes(patch):
    patch.setattr(RateLimiter, "take", lambda _limiter, _peer: True)


def without_one_answer(patch):
    patch.setattr(choice, "HONEST", dataclasses.replace(choice.HONEST, server_end=BleichenbacherOracle))


RULES_OUT = {
    "offer answered": without_offer_answered,
    "error refuses": without_error_refuses,
    "evidence first": without_evidence_first,
    "CA identity": without_ca_identity,
    "evidence anew": without_evidence_anew,
    "paced quotes": without_paced_quotes,
    "one answer": without_one_answer,
}


ATTACKS = {row.without[0]: row.attack for row in experiments()["checks"]}
RULES = [row.without[0] for row in experiments()["rules"]]
ROWS = {row.without[0]: f"{row.without[0]}-{row.attack}" for row in experiments()["fields"]}

if lacking := [name for name in CHECKS[1:] if name not in ATTACKS]:
    raise LookupError(f"no attack needs the check {lacking[0]!r}: write one in trustlab/attacks/verifier/")
if lacking := [name for name in RULES if name not in RULES_OUT]:
    raise LookupError(f"nothing here takes the rule {lacking[0]!r} out of the program: add it to RULES_OUT")
if lacking := [name for name in PARTS if name not in ROWS]:
    raise LookupError(f"no experiment leaves out {lacking[0]!r}: add one to [[fields]] of attacks/ablation.toml")
REMOVALS = {
    CHECKS[0]: Removal(without_format, ON_FORMAT),
    **{name: Removal(without_check(name), ON_VERIFIER.format(ATTACKS[name])) for name in CHECKS[1:]},
    **{name: Removal(RULES_OUT[name], ON_RULES.format(name)) for name in RULES},
    **{
        name: Removal(without_key_binder if part.key_proof else without_field(name), ON_FIELDS.format(ROWS[name]))
        for name, part in PARTS.items()
    },
}
"""By the name of what is taken out."""
