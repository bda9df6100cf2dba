"""An attack played over any design, with whoever takes part in it; what became of it, in the words of an act."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustlab.attacks import CATALOGUE
from trustlab.attacks.unwilling import BY_CAROL
from trustlab.scenarios.acts import rung
from trustlab.scenarios.peers import Peers
from trustlab.scenarios.third_party import third_party

if TYPE_CHECKING:
    from trustlab.passage import Design
    from trustlab.scenarios.stage import Act


class Played(NamedTuple):
    """What became of it: `succeeded`, `refused` or `failed`; and all checks that failed where it was first refused."""

    outcome: str
    refused_by: tuple[str, ...]


def play(design: Design, attack: str, *, without: tuple[str, ...] = ()) -> Played:
    """Play an attack over a design, with something left out."""
    if attack in BY_CAROL:
        act: Act = third_party(attack, without=without, design=design)
    elif CATALOGUE[attack].peers:
        act = Peers(design, attack, without=without)
    else:
        act = rung(design, attack, without=without)
    with act:
        told = act.run()
    return Played("succeeded" if told.outcome == "completed" else told.outcome, told.failed)
