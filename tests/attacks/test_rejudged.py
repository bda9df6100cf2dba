"""Every cell is judged twice: by the program, and from frames and keys alone by another one (`rejudge`)."""

from __future__ import annotations

import os

import pytest
from rejudge import goals_reached

from trustlab.attacks import BY_CAROL, known, table
from trustlab.finder import GOALS
from trustlab.passage import DESIGNS
from trustlab.scenarios.experiments import act_of

SAMPLE = [
    ("plain-tls", "plain-wire"),
    ("plain-tls", "deployed-key"),
    ("plain-tls", "rogue-certificate"),
    ("plain-tls", "own-genuine-machine"),
    ("attest-then-connect", "evil-workload"),
    ("machine-linked-key", "key-abuse"),
    ("tcb-key", "stranger"),
    ("tcb-key", "ak-compromise"),
    ("pms-in-quote", "same-pms-reencryption"),
    ("trusted-passage", "evidence-relay"),
    ("trusted-passage", "tunnel-relay"),
    ("session-hash", "known-dh-secret"),
    ("session-hash", "diversion"),
    ("tls13-nonce", "tunnel-relay"),
    ("tls13-early", "known-dh-secret-and-key"),
    ("tls13-exporter", "known-dh-secret"),
    ("tls13-exporter", "same-pms-reencryption"),
]
WHOLE = [place for place, cell in table().items() if cell.mark != "-" and cell.only != "uml" and place[0] != "sealed"]
"""The second judge knows TLS, and nothing of what is sealed inside it."""
PLACES = WHOLE if os.environ.get("TRUSTLAB_SOAK") else SAMPLE


@pytest.mark.parametrize(("design", "attack"), PLACES, ids=lambda value: value)
def test_frames_and_keys_alone_give_the_same_goals(design, attack):
    """With TRUSTLAB_SOAK=1 all cells, else some of every kind."""
    played = known(attack, DESIGNS[design].tls)
    with act_of(played.name, DESIGNS[design]) as act:
        told = act.run()
    if attack in BY_CAROL:  # nobody is after a secret
        assert goals_reached(act.trace) == set()
        return
    found = goals_reached(act.trace)
    assert found == set(told.reached) & set(GOALS)
    if played.goal in GOALS and played.prize not in {"oracle", "unnoticed"}:
        assert (played.goal in found) == (table()[design, attack].mark == "S")


def test_a_router_reaches_nothing_on_any_design_that_has_a_channel():
    assert {cell.mark for (_, attack), cell in table().items() if attack == "plain-wire"} == {"x"}
