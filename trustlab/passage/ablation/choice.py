"""Which components a measured configuration asks for: the only place that reads what is to be left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trustlab.passage.ablation.oracle import BleichenbacherOracle
from trustlab.passage.ablation.own_checks import own_checks
from trustlab.passage.ablation.removals import (
    EagerAsking,
    Engines,
    FailingVerifier,
    ForgivingMutual,
    LaxGuard,
    TrustingGuard,
    other_verifiers,
    unlimited,
)
from trustlab.passage.ablation.rules import RULES, known_rules
from trustlab.passage.ablation.seeded import seeded
from trustlab.passage.components import HONEST, Components

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.passage.designs import Design
    from trustlab.trace import Emitter


WITHOUT_RULE: dict[str, tuple[str, Any]] = {
    "error refuses": ("guard", TrustingGuard),
    "evidence first": ("asking", EagerAsking),
    "evidence anew": ("mutual", ForgivingMutual),
    "paced quotes": ("limited", unlimited),
    "one answer": ("server_end", BleichenbacherOracle),
}
"""For each rule, the field of `Components` and what replaces it; the other rules are the engine's (`Engines`)."""


def components(settings: Mapping[str, str], design: Design, party: Emitter) -> Components:
    """Return the components of a machine with this configuration; `party` writes what is left out into the trace.

    `without_rules` names rules and `without` checks of the Verifier, with commas between them. `policy` may be `lax`,
    and `verifier` may be `errs`, one that fails. `check NAME` holds a student's check, `seed` replaces random numbers.
    RuleError for an unknown rule.
    """
    rules = known_rules(_names(settings, "without_rules"))
    for name in sorted(rules):
        party.emit("note", f"rule left out: {name}", sentence=f"The {party.name} {RULES[name].without}.")
    changed = dict(WITHOUT_RULE[name] for name in rules if name in WITHOUT_RULE)
    if settings.get("policy") == "lax":
        changed["guard"] = LaxGuard
    trusting, open_ended = "CA identity" in rules, "offer answered" in rules
    if trusting or open_ended or design.resumes:
        engines = Engines(trusting=trusting, open_ended=open_ended, resume=design.resumes)
        changed |= {"client": engines.client, "server": engines.server}
    if settings.get("verifier") == "errs":
        changed["verifier"] = FailingVerifier
    left_out, own = _names(settings, "without"), own_checks(settings)
    if left_out or own:
        changed["verifier"] = other_verifiers(changed.get("verifier", HONEST.verifier), left_out, own)
    if "seed" in settings:
        party.emit("note", "seeded", sentence=f"The random numbers that the {party.name} draws follow from a seed.")
        changed["random"] = seeded(settings["seed"], party.name)
    return replace(HONEST, **changed) if changed else HONEST


def _names(settings: Mapping[str, str], setting: str) -> frozenset[str]:
    return frozenset(filter(None, settings.get(setting, "").split(",")))
