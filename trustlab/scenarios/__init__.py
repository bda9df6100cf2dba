"""Scenarios: the acts, the programs of Bob's machines, and the experiments."""

from trustlab.scenarios.acts import plain_tls, rung, trusted_passage
from trustlab.scenarios.caught import KINDS
from trustlab.scenarios.cell import CellResult, run_cell
from trustlab.scenarios.comparison import Comparison, RunDifference
from trustlab.scenarios.experiments import Played, Result, formulas, play, run
from trustlab.scenarios.left_out import LeftOut, left_out
from trustlab.scenarios.matrix import cells, run_matrix, table_of
from trustlab.scenarios.peers import Peers
from trustlab.scenarios.record import Recording, record, writable_folder
from trustlab.scenarios.stage import Act, Outcome
from trustlab.scenarios.tampermap import TamperMap
from trustlab.scenarios.tampermaps import TamperMaps
from trustlab.scenarios.tamperrow import TamperRow
from trustlab.scenarios.third_party import third_party

__all__ = [
    "KINDS",
    "Act",
    "CellResult",
    "Comparison",
    "LeftOut",
    "Outcome",
    "Peers",
    "Played",
    "Recording",
    "Result",
    "RunDifference",
    "TamperMap",
    "TamperMaps",
    "TamperRow",
    "cells",
    "formulas",
    "left_out",
    "plain_tls",
    "play",
    "record",
    "run",
    "run_cell",
    "run_matrix",
    "rung",
    "table_of",
    "third_party",
    "trusted_passage",
    "writable_folder",
]
