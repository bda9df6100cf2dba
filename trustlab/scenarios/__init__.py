"""Scenarios: the acts, who rents what and says what; used by demo, notebooks, tests and benchmarks."""

from trustlab.scenarios.acts import plain_tls, rung, trusted_passage
from trustlab.scenarios.fields import FieldResult, run_field, run_fields
from trustlab.scenarios.left_out import LeftOut, left_out
from trustlab.scenarios.matrix import TABLES, Result, cells, run_cell, run_matrix
from trustlab.scenarios.overlaps import OverlapResult, run_overlaps
from trustlab.scenarios.peers import Peers
from trustlab.scenarios.record import Recording, record
from trustlab.scenarios.rules import RuleResult, run_rules
from trustlab.scenarios.stage import Act, Outcome
from trustlab.scenarios.third_party import third_party

__all__ = [
    "TABLES",
    "Act",
    "FieldResult",
    "LeftOut",
    "Outcome",
    "OverlapResult",
    "Peers",
    "Recording",
    "Result",
    "RuleResult",
    "cells",
    "left_out",
    "plain_tls",
    "record",
    "run_cell",
    "run_field",
    "run_fields",
    "run_matrix",
    "run_overlaps",
    "run_rules",
    "rung",
    "third_party",
    "trusted_passage",
]
