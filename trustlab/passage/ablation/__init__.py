"""Ablation: everything that can be left out of a passage to see what it is good for, applied from outside.

The guard, the exchanges, the endpoint and the engine do their jobs, and have no way to be switched off. What they are
without one of their rules is a subclass here, or a wrapper; `components` reads the measured configuration of a machine
and puts those in place of the honest ones. A configuration that asks for nothing gets exactly `HONEST`. Since the
configuration is measured, a relying party can tell such a machine from an honest one, and the trace says it too.

- `rules`: the rules that are not checks of the Verifier, by name.
- `binder_parts`: the parts of a binder, by name, and a design without them.
- `removals`, `offers`, `oracle`: what each job is without its rule.
- `own_checks`, `seeded`: a check of somebody's own in place of one of ours, a seed in place of chance.
- `choice`: which of them a configuration asks for.
"""

from trustlab.passage.ablation.binder_parts import NOT_LEFT_OUT, PARTS, Part, design_without
from trustlab.passage.ablation.choice import components
from trustlab.passage.ablation.oracle import BleichenbacherOracle
from trustlab.passage.ablation.own_checks import check_settings
from trustlab.passage.ablation.rules import RULES, Rule, RuleError, known_rules
from trustlab.passage.ablation.seeded import SeedError, seed_setting, seeded

__all__ = [
    "NOT_LEFT_OUT",
    "PARTS",
    "RULES",
    "BleichenbacherOracle",
    "Part",
    "Rule",
    "RuleError",
    "SeedError",
    "check_settings",
    "components",
    "design_without",
    "known_rules",
    "seed_setting",
    "seeded",
]
