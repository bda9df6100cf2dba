"""Binder fields: with each, its attack is refused; without it, it succeeds; and nothing else is different."""

from __future__ import annotations

import pytest

from trustlab.attacks import experiments
from trustlab.attacks.ablation import OWN_KEYS_ONLY, SESSION_HASH_EPHEMERAL
from trustlab.attacks.verifier import ATTACKS_ON_BINDERS, VerifierTestbed, binders
from trustlab.passage import PARTS, Binder, Design
from trustlab.scenarios import Peers, formulas, left_out, play, run, rung

FIELDS = experiments()["fields"]
IDS = [f"{row.without[0]}-{row.attack}" for row in FIELDS]
SESSION_HASH_WITHOUT_PEERS = Design.custom(
    "session-hash-own-keys",
    like=SESSION_HASH_EPHEMERAL,
    server=Binder(("L", "S", "nonce_C", "session_hash", "H(SPKI_S)")),
    client=Binder(("L", "C", "nonce_S", "session_hash", "H(SPKI_C)?")),
)
SWALLOWS = {"request context": {"exporter"}}
"""Parts that are gone with another: without the exporter there is nothing to put a context into."""


@pytest.mark.parametrize("row", FIELDS, ids=IDS)
def test_the_field_refuses_the_attack_and_without_it_the_attack_succeeds(row):
    (result,) = run([row])
    assert (result.whole.outcome, result.whole.failed) == (
        "refused",
        ("key identity",) if row.without == ("key binder",) else ("extraData",),
    )
    assert result.less.outcome == "succeeded"
    assert result.decisive
    assert len(set(formulas(row))) == 2


@pytest.mark.parametrize("row", FIELDS, ids=IDS)
def test_leaving_out_every_other_field_does_not_help_the_attack(row):
    others = tuple(name for name in PARTS if name not in {*row.without, *SWALLOWS.get(row.without[0], ())})
    played = play(row.attack, row.design, without=others)
    assert (played.outcome, len(played.failed)) == ("refused", 1)


@pytest.mark.parametrize("row", [row for row in FIELDS if row.binder != "key_proof"], ids=lambda r: r.design.name)
def test_an_honest_payment_goes_through_with_and_without_the_field(row):
    for without in ((), row.without):
        with (Peers if row.attack == "reflection" else rung)(row.design, None, without=without) as act:
            assert act.run().outcome == "completed"


def test_the_refusing_check_left_out_in_place_of_the_field_lets_the_attack_in_as_well():
    row = next(row for row in FIELDS if row.without == ("request context",))
    assert [result.less.outcome for result in run([row], without=("extraData",))] == ["succeeded"]
    assert [result.less.outcome for result in run([row], without=("claims",))] == ["refused"]


def test_evidence_made_anew_would_have_shown_what_the_stale_one_hides(monkeypatch):
    row = next(row for row in FIELDS if row.without == ("request context",))
    remembering = binders.Remembering
    monkeypatch.setattr(remembering, "attest", lambda self, binder, **_: self._machine.evidence(binder).encode())
    with VerifierTestbed() as bed:
        assert ATTACKS_ON_BINDERS["stale-authenticator"].carry_out(bed, row.design).failed == ["claims"]


@pytest.mark.parametrize(
    ("design", "attack"),
    [
        (OWN_KEYS_ONLY, "evidence-relay"),
        (OWN_KEYS_ONLY, "known-dh-secret-and-key"),
        (SESSION_HASH_WITHOUT_PEERS, "evidence-relay-ecdhe"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_leaving_out_the_peers_key_alone_lets_nobody_in(design, attack):
    with rung(design, attack) as act:
        assert act.run().failed == ("extraData",)
    with rung(design) as act:
        assert act.run().outcome == "completed"


def test_the_trace_of_a_run_without_a_field_shows_the_binder_that_was_computed():
    with rung("trusted-passage", "same-pms-reencryption", without=("H(EPMS)",)) as act:
        act.run()
    computed = [e for e in act.trace.select("binder") if e.data["role"] == "C"]
    assert computed
    assert {e.name for e in computed} == {"trusted-passage without H(EPMS)"}
    assert all("H(EPMS)" not in dict(e.data["fields"]) for e in computed)


def test_what_stops_an_attack_together_must_all_be_left_out():
    results = list(run(experiments()["overlaps"]))
    assert [result.experiment for result in results] == list(experiments()["overlaps"])
    assert all(result.decisive for result in results)
    assert all(set(result.each) == set(result.experiment.without) for result in results)


def test_what_is_left_out_is_sorted_by_kind():
    assert left_out(["claims", "role", "CA identity", "role"]) == (("claims",), ("CA identity",), ("role",))
    assert left_out("claims").checks == ("claims",)


def test_what_cannot_be_left_out_is_named_with_what_can():
    with pytest.raises(
        ValueError, match=r"field 'nonce'.*checks: AK chain.*rules: offer answered.*binder fields: nonce and"
    ):
        rung("tcb-key", without=("nonce",))
