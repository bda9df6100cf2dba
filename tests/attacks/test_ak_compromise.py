"""An extracted attestation key: nothing that a Verifier checks is wrong, and only an attack that assumes it has it."""

from __future__ import annotations

import pytest

from trustlab.attacks import CATALOGUE, Assumptions, Attack
from trustlab.scenarios import rung

SOURCE = """
def start(guest):
    guest.provider.leaked_attestation("bank")
"""


@pytest.mark.parametrize("design", ["trusted-passage", "tls13-exporter"])
def test_every_check_passes_and_the_channel_is_hers(design):
    with rung(design, "ak-compromise") as act:
        told = act.run()
    assert (told.outcome, told.reached) == ("succeeded", ("pin", "agree"))
    assert {(e.party, e.name) for e in act.trace.select("appraisal")} == {("teller", "accepted")}
    pinned = act.trace.select("verdict", party="teller", name="machine pinned")[0]
    assert pinned.data["verdict"] == "pass"
    assert act.trace.select("note", name="assumption: attestation key")


def test_without_the_assumption_nobody_lends_it():
    with (
        rung("trusted-passage", Attack.from_source("thief", SOURCE)) as act,
        pytest.raises(Exception, match="only an attack that assumes the leak 'attestation key' has it"),
    ):
        act.run()
    assumed = Attack.from_source("holder", SOURCE, assumes=Assumptions(leaks=("attestation key",)))
    with rung("trusted-passage", assumed) as act:
        act.run()


def test_it_is_the_only_attack_that_assumes_it():
    assert [name for name, a in CATALOGUE.items() if "attestation key" in a.assumes.leaks] == ["ak-compromise"]
