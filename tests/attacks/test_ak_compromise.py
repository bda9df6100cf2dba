"""An extracted attestation key: nothing that a Verifier checks is wrong, and only an attack that assumes it has it."""

from __future__ import annotations

import msgspec
import pytest

from trustlab.attacks import CATALOGUE, Assumptions
from trustlab.scenarios import rung


@pytest.mark.parametrize("design", ["trusted-passage", "tls13-exporter"])
def test_every_check_passes_and_the_channel_is_hers(design):
    with rung(design, "ak-compromise") as act:
        told = act.run()
    assert (told.outcome, told.reached) == ("succeeded", ("pin", "agree"))
    assert {(e.party, e.name) for e in act.trace.select("appraisal")} == {("teller", "accepted")}
    pinned = act.trace.select("verdict", party="teller", name="machine pinned")[0]
    assert pinned.data["verdict"] == "pass"
    assert act.trace.select("note", name="assumption: attestation keys")


def test_only_an_attack_that_assumes_it_has_it():
    assert [name for name, a in CATALOGUE.items() if "attestation keys" in a.assumes.leaks] == ["ak-compromise"]
    bare = msgspec.structs.replace(CATALOGUE["ak-compromise"], assumes=Assumptions())
    with (
        rung("trusted-passage", bare) as act,
        pytest.raises(LookupError, match="no attestation key of bank has leaked"),
    ):
        act.run()
