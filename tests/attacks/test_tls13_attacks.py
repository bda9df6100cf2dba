"""The attacks on TLS 1.3 from inside: what is assumed is seen, what is copied is the same, and one thing refuses."""

from __future__ import annotations

import msgspec
import pytest

from trustlab.attacks import CATALOGUE, Assumptions
from trustlab.passage import BARE_EXPORTER, BARE_EXPORTER_WITH_ROLE, DESIGNS, LADDER13
from trustlab.scenarios import Peers, rung

SERVER_ONLY = [design.name for design in LADDER13 if design.client is None]
NEWEST = {"suite": "TLS_AES_256_GCM_SHA384", "group": "X25519MLKEM768"}


def played(design, attack, *, without=()):
    act = rung(design, attack, without=without)
    with act:
        act.run()
    return act


def hellos(act, connection):
    by_name = {e.name: e.raw for e in act.trace.select("tls.message", connection=connection)}
    return by_name["ClientHello"], by_name["ServerHello"]


@pytest.fixture(scope="module")
def takeover():
    return played("tls13-exporter", "known-dh-secret-and-key")


def test_the_secret_that_leaks_is_handed_over_by_the_lab_where_all_can_see_it():
    act = played("tls13-key", "known-dh-secret")
    notes = act.trace.select("note", party="lab", name="assumption: DH secret")
    assert [note.data["sentence"] for note in notes] == [
        "Assumed: the secret of the key agreement of teller-bank-1 has leaked. The lab gives it to Alice."
    ]
    given = act.trace.select("secret", party="alice", name="shared_secret")
    assert [event.data["leaked"] for event in given] == [True]
    assert given[0].raw == act.trace.select("secret", party="bank", name="shared_secret")[0].raw


def test_an_attack_that_assumes_nothing_is_given_nothing():
    act = played("tls13-key", "rogue-certificate")
    assert not [e for e in act.trace.select("note") if e.name.startswith("assumption")]
    assert not [e for e in act.trace.select("secret", party="alice") if e.data.get("leaked")]


def test_a_passive_reader_changes_no_octet_and_nobody_notices():
    act = played("tls13-exporter", "known-dh-secret")
    assert act.trace.select("app", party="teller", name="answer")
    assert {e.name for e in act.trace.select("appraisal")} == {"accepted"}
    assert {e.connection for e in act.trace.select("tls.message", party="alice")} == set()


@pytest.mark.parametrize("design", ["tls13-early", "tls13-exporter"])
def test_the_recording_opens_too_with_sha_384_and_a_hybrid_group(design):
    newest = msgspec.structs.replace(DESIGNS[design], **NEWEST)
    with rung(newest, "known-dh-secret") as act:
        assert act.run().alice_knows == ("pin",)


@pytest.mark.parametrize(
    ("design", "outcome"), [("tls13-handshake-secret", "succeeded"), ("tls13-exporter", "refused")]
)
def test_the_takeover_does_the_same_over_another_group_and_hash(design, outcome):
    other = msgspec.structs.replace(DESIGNS[design], suite="TLS_AES_256_GCM_SHA384", group="SECP256R1")
    with rung(other, "known-dh-secret-and-key") as act:
        assert act.run().outcome == outcome


@pytest.mark.parametrize(
    ("design", "attack"), [("trusted-passage", "evidence-relay"), ("tls13-early", "client-impersonation")]
)
def test_an_attack_on_the_other_version_is_refused_at_the_door(design, attack):
    with pytest.raises(ValueError, match="is an attack on TLS"):
        rung(design, attack)


def test_a_genuine_machine_of_alices_falls_to_the_pin_on_the_slides_ladder_too():
    with rung("trusted-passage", "own-genuine-machine") as act:
        assert act.run().outcome == "succeeded"
    with rung("trusted-passage", "own-genuine-machine-pinned") as act:
        assert act.run().refused_by == "machine pinned"


@pytest.mark.parametrize("design", ["trusted-passage", "tls13-exporter"])
def test_a_diversion_to_another_machine_of_bobs_falls_to_the_pin(design, monkeypatch):
    with rung(design, "diversion") as act:
        assert act.run().outcome == "succeeded"
    truth = act.trace.select("ground-truth", name="connection")
    assert ("bank", "bank-test") in {(e.data["addressed"], e.data["server"]) for e in truth}
    monkeypatch.setitem(
        CATALOGUE,
        "diversion",
        msgspec.structs.replace(CATALOGUE["diversion"], assumes=Assumptions(genuine="same image, Bob's")),
    )
    with rung(design, "diversion") as act:
        assert act.run().refused_by == "machine pinned"


def test_the_usable_key_signs_in_the_banks_own_tpm_for_the_root_vm():
    act = played("tls13-nonce-key", "evidence-relay")
    by_client = {e.data["client"]: e.data["locality"] for e in act.trace.select("tpm.command", name="TPM2_Sign")}
    assert by_client == {"root VM": 0, "HyperSafe": 2}
    assert act.trace.select("note", party="lab", name="assumption: key usable")


@pytest.mark.parametrize("design", [d.name for d in LADDER13])
def test_a_key_that_only_the_measured_software_can_use_ends_the_relay_in_every_design(design, monkeypatch):
    without_leak = msgspec.structs.replace(CATALOGUE["evidence-relay"], assumes=Assumptions())
    monkeypatch.setitem(CATALOGUE, "evidence-relay", without_leak)
    act = played(design, "evidence-relay")
    assert (act.outcome.outcome, act.outcome.alice_knows) == ("failed", ())
    assert "TPM_RC" in act.trace.select("attack", name="evidence-relay")[-1].data["sentence"]


@pytest.mark.parametrize("design", SERVER_ONLY)
def test_relayed_evidence_lets_the_payment_through_and_neither_end_notices(design):
    act = played(design, "evidence-relay")
    assert act.trace.select("app", party="bank", name="payment")
    assert (
        act.outcome.alice_read
        == f"PAY 120.00 TO carol PIN {act.trace.select('secret', name='canary pin')[0].raw.decode()}"
    )


def test_the_relay_copies_random_and_nonce_and_no_key_share():
    act = played("tls13-early", "evidence-relay")
    (first, _), (second, _) = hellos(act, "teller-bank-1"), hellos(act, "alice-bank-1")
    assert first[6:38] == second[6:38]
    assert first != second
    nonces = {
        span.value
        for e in act.trace.select("tls.message", name="ClientHello")
        for span in e.spans
        if span.name.endswith("nonce")
    }
    assert len(nonces) == 1


def test_in_the_takeover_both_hellos_pass_octet_for_octet(takeover):
    assert hellos(takeover, "teller-bank-1") == hellos(takeover, "alice-bank-1")


def test_in_the_takeover_what_follows_the_hellos_is_alices_and_the_exporters_differ(takeover):
    def verify_data(party):
        return {e.raw for e in takeover.trace.select("secret", party=party, name="server_verify_data")}

    assert verify_data("bank").isdisjoint(verify_data("teller"))
    fields = [dict(e.data["fields"]) for e in takeover.trace.select("binder") if e.data["role"] == "S"]
    differing = {name for name in fields[0] if len({f[name] for f in fields}) > 1}
    assert differing == {"exporter_server", "H(SPKI_C)?"}


def test_in_the_takeover_evidence_over_the_hellos_alone_fits_both_channels():
    act = played("tls13-handshake-secret", "known-dh-secret-and-key")
    binders = {e.data["binder"] for e in act.trace.select("binder") if e.data["role"] == "S"}
    assert len(binders) == 1
    assert act.outcome.outcome == "succeeded"


@pytest.mark.parametrize(
    ("design", "attack", "without"),
    [
        ("tls13-key", "rogue-certificate", ("extraData", "key identity")),
        ("tls13-nonce-key", "rogue-certificate", ("extraData", "key identity")),
        ("tls13-early", "rogue-certificate", ("extraData", "key identity")),
        ("tls13-handshake-secret", "rogue-certificate", ("extraData", "key identity")),
        ("tls13-exporter", "rogue-certificate", ("extraData", "key identity")),
        ("tls13-early", "evidence-relay", ("extraData",)),
        ("tls13-handshake-secret", "evidence-relay", ("extraData",)),
        ("tls13-exporter", "evidence-relay", ("extraData",)),
        ("tls13-nonce", "evidence-replay", ("extraData",)),
        ("tls13-nonce-key", "evidence-replay", ("extraData",)),
        ("tls13-early", "evidence-replay", ("extraData",)),
        ("tls13-handshake-secret", "evidence-replay", ("extraData",)),
        ("tls13-exporter", "evidence-replay", ("extraData",)),
        ("tls13-exporter", "known-dh-secret-and-key", ("extraData",)),
    ],
)
def test_without_the_checks_that_refuse_it_the_same_attack_succeeds(design, attack, without):
    assert played(design, attack).outcome.failed == without
    assert played(design, attack, without=without).outcome.alice_knows == ("pin",)


@pytest.mark.parametrize(
    ("attack", "check"),
    [("own-genuine-machine-pinned", "machine pinned"), ("own-genuine-machine-other-image", "reference values")],
)
@pytest.mark.parametrize("design", ["tls13-nonce", "tls13-exporter"])
def test_without_pin_or_reference_values_the_teller_trusts_a_machine_of_alices(design, attack, check):
    assert played(design, attack).outcome.failed == (check,)
    assert played(design, attack, without=(check,)).outcome.outcome == "succeeded"


def test_where_the_connection_really_ended_is_said_by_the_cloud_and_not_by_alice():
    act = played("tls13-handshake-secret", "own-genuine-machine")
    truth = act.trace.select("ground-truth", connection="teller-bank-1")[0]
    assert (truth.party, truth.data["addressed"], truth.data["server"]) == ("cloud", "bank", "alice-genuine")
    assert act.trace.select("app", party="alice-genuine", name="payment")
    assert not act.trace.select("app", party="bank", name="payment")


@pytest.mark.parametrize(
    ("design", "outcome", "failed"),
    [
        (BARE_EXPORTER, "succeeded", ()),
        (BARE_EXPORTER_WITH_ROLE, "refused", ("extraData",)),
        (DESIGNS["tls13-exporter"], "refused", ("extraData", "key identity")),
    ],
    ids=["bare", "with the role", "on the ladder"],
)
def test_the_role_is_what_stops_a_reflection_among_peers_of_one_kind(design, outcome, failed):
    with Peers(design, None) as honest:
        assert honest.run().outcome == "completed"
    with Peers(design, "reflection") as act:
        assert (act.run().outcome, act.outcome.failed) == (outcome, failed)
    assert {e.party for e in act.trace.select("binder")} == {"teller"}, "the bank was never asked"


def test_a_relying_party_that_wants_another_image_than_its_own_is_not_fooled_by_its_reflection():
    with rung(BARE_EXPORTER, "reflection") as act:
        assert act.run().refused_by == "reference values"
