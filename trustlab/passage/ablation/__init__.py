"""Ablation: everything that can be left out of a passage to see what it is for, applied from outside.

The guard, the exchanges, the endpoint and the engine cannot be switched off. For each of their rules there is a
subclass or a wrapper here that lacks it; `components` reads the measured configuration of a machine and puts them in
place of the honest ones. A configuration that asks for nothing gets exactly `HONEST`. Because the configuration is
measured, a relying party can tell such a machine from an honest one; the trace says it too.

- `rules`: the rules that are not checks of the Verifier, by name.
- `binder_parts`: the parts of a binder, by name, and a design without them.
- `removals`, `offers`, `oracle`: the components that lack a rule.
- `own_checks`, `seeded`: your own check in place of one of ours; a seed in place of random numbers.
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
