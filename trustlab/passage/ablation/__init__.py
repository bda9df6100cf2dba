"""Rules taken out from outside: what a measured configuration can ask for to show what a rule is good for.

The engine, the guard and the exchanges have no such switches. Nothing here is used unless `without_rules` names it.
"""

from trustlab.passage.ablation.offers import CredulousClient

__all__ = ["CredulousClient"]
