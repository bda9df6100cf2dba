"""Attacks: Alice's programs and her toolbox, the table of their expected outcomes, and the judge of the facts."""

from trustlab.attacks.ablation import Experiment, experiments, stopped_by_no_check
from trustlab.attacks.attack import Assumptions, Attack, Goal
from trustlab.attacks.catalogue import ATTACKS, BY_CAROL, CATALOGUE, SLIDES, CatalogueError
from trustlab.attacks.expectations import Cell, families, known, table
from trustlab.attacks.judge import Judgement, judge
from trustlab.attacks.measures import answers, quotes_for
from trustlab.attacks.stops import NO_ANSWER, Stop, stop_of

__all__ = [
    "ATTACKS",
    "BY_CAROL",
    "CATALOGUE",
    "NO_ANSWER",
    "SLIDES",
    "Assumptions",
    "Attack",
    "CatalogueError",
    "Cell",
    "Experiment",
    "Goal",
    "Judgement",
    "Stop",
    "answers",
    "experiments",
    "families",
    "judge",
    "known",
    "quotes_for",
    "stop_of",
    "stopped_by_no_check",
    "table",
]
