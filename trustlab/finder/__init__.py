"""The attack finder: from a design, as data, to Alice's steps, or to the bounds within which there are none."""

from trustlab.finder.powers import DEFAULT, GOALS, POWERS, FinderError
from trustlab.finder.provenance import PROVENANCES, AttackStep
from trustlab.finder.search import Bounds, Found, find

__all__ = ["DEFAULT", "GOALS", "POWERS", "PROVENANCES", "AttackStep", "Bounds", "FinderError", "Found", "find"]
