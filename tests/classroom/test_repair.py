"""What `11-repair` takes for granted: which client binders stop which attack, played. All 32 under TRUSTLAB_SOAK=1."""

from __future__ import annotations

import os
from itertools import combinations

import pytest

from trustlab.classroom.exercises.ex11_repair import ENOUGH, FIELDS
from trustlab.passage import DESIGNS, Binder, Design
from trustlab.scenarios import rung

EVERY = [fields for count in range(len(FIELDS) + 1) for fields in combinations(FIELDS, count)]
SAMPLE = [("client_random",), ("HMAC(PMS)",)]


@pytest.mark.parametrize("fields", EVERY if os.environ.get("TRUSTLAB_SOAK") else SAMPLE, ids="+".join)
def test_a_binder_stops_what_the_exercise_says(fields):
    design = Design.custom("mine", like=DESIGNS["key-in-quote"], client=Binder(("L", "C", *fields)))
    for attack, enough in ENOUGH.items():
        with rung(design, attack) as act:
            assert (act.run().outcome != "succeeded") is bool(enough & set(fields)), attack
