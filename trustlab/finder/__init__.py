"""The attack finder: from a design, as data, to Alice's steps, or to the bounds within which there are none."""

from trustlab.finder.atlas import ATLAS_FIELDS, Atlas, BinderVerdicts, atlas
from trustlab.finder.powers import DEFAULT, GOALS, POWERS, agrees_on_key
from trustlab.finder.provenance import PROVENANCES, AttackStep
from trustlab.finder.search import Bounds, Found, find
from trustlab.finder.terms import FinderError

__all__ = [
    "ATLAS_FIELDS",
    "DEFAULT",
    "GOALS",
    "POWERS",
    "PROVENANCES",
    "Atlas",
    "AttackStep",
    "BinderVerdicts",
    "Bounds",
    "FinderError",
    "Found",
    "agrees_on_key",
    "atlas",
    "find",
]
