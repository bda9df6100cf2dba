"""The attacks of the table from inside: what is refused is a real attack, for without what refuses it, it succeeds."""

from __future__ import annotations

import pytest

from trustlab.attacks import families, known, table
from trustlab.passage import DESIGNS
from trustlab.scenarios import Peers, rung

BOTH = ("extraData", "key identity")
DECISIVE = [
    ("attest-then-connect", "evidence-replay", ("extraData",)),
    ("connect-then-attest", "evidence-replay", ("extraData",)),
    ("tcb-key", "evidence-replay", ("extraData",)),
    ("client-certificate", "evidence-replay", ("extraData",)),
    ("session-hash", "evidence-replay", ("extraData",)),
    ("key-in-quote", "cuckoo", ("extraData",)),
    ("session-hash", "cuckoo", BOTH),
    ("tls13-early", "cuckoo", BOTH),
    ("tls13-exporter", "cuckoo", BOTH),
    ("tcb-key", "evil-workload", ("reference values",)),
    ("tls13-exporter", "evil-workload", ("reference values",)),
    ("trusted-passage", "same-machine-wrong-workload", ("reference values",)),
    ("connect-then-attest", "reference-rollback", ("reference version",)),
    ("tls13-key", "reference-rollback", ("reference version",)),
    ("tls13-early", "client-impersonation", BOTH),
    ("tls13-exporter", "client-impersonation", BOTH),
    ("tls13-handshake-secret", "same-pms-reencryption", BOTH),
    ("tls13-exporter", "same-pms-reencryption", BOTH),
    ("session-hash", "same-pms-reencryption", ("extraData",)),
    ("key-in-quote", "downgrade", ("offer answered",)),
    ("tls13-early", "downgrade", ("offer answered",)),
    ("tls13-exporter", "fail-open", ("error refuses",)),
    ("connect-then-attest", "uncertified-mallory", ("CA identity",)),
    ("tls13-nonce", "uncertified-mallory", ("CA identity",)),
    ("attest-then-connect", "quote-flooding", ("paced quotes",)),
    ("tls13-nonce", "quote-flooding", ("paced quotes",)),
    ("client-certificate", "bleichenbacher", ("one answer",)),
]


def played(design, attack, *, without=()):
    with rung(design, known(attack, DESIGNS[design].tls).name, without=without) as act:
        act.run()
    return act


@pytest.mark.parametrize(("design", "attack", "without"), DECISIVE, ids=[f"{d}-{a}" for d, a, _ in DECISIVE])
def test_without_what_refuses_it_the_attack_succeeds(design, attack, without):
    assert table()[design, attack].mark == "x"
    assert played(design, attack, without=without).outcome.outcome == "succeeded"


def test_every_attack_of_the_ladder_is_in_the_table_once():
    names = [attack for family in families() for attack in family.attacks]
    assert len(names) == len(set(names))
    assert list(dict.fromkeys(attack for _, attack in table())) == names


@pytest.mark.parametrize("design", ["trusted-passage", "session-hash"])
def test_with_the_banks_key_both_channels_are_one_octet_for_octet(design):
    act = played(design, "evidence-relay")
    ours, hers = "teller-bank-1", "alice-bank-2"
    clear = {"ClientHello", "ServerHello", "ClientKeyExchange"}
    picked = {
        c: [e.raw for e in act.trace.select("tls.message", connection=c) if e.sent and e.name in clear]
        for c in (ours, hers)
    }
    assert picked[ours] == picked[hers]
    assert len(picked[ours]) == 3
    assert {e.name for e in act.trace.select("appraisal")} == {"accepted"}


def test_a_key_that_came_with_the_image_needs_no_leak():
    act = played("key-in-quote", "evidence-relay")
    assert act.outcome.outcome == "succeeded"
    assert act.design == DESIGNS["key-in-quote"]
    assert not act.trace.select("tpm.command", name="TPM2_RSA_Decrypt")


def test_the_tpm_refuses_its_attestation_key_to_a_hypersafe_with_a_back_door():
    act = played("tcb-key", "evil-hypersafe")
    launches = act.trace.select("machine", party="bank", name="DRTM launch")
    assert len({e.data["digest"] for e in launches}) == 2
    assert [e.data["rc"] for e in act.trace.select("tpm.response", party="bank", name="TPM2_CertifyCreation")] == [
        0x99D
    ]
    assert not act.trace.select("app", party="teller", name="connected")


def test_the_bank_with_a_leak_tells_alice_in_clear_what_it_hears():
    act = played("plain-tls", "evil-workload")
    assert act.trace.select("app", party="bank", name="leak")
    assert ("bank", "alice") in {
        (e.data["client"], e.data["server"]) for e in act.trace.select("ground-truth", name="connection")
    }


def test_the_secret_of_an_ephemeral_agreement_opens_a_recording_of_tls_12():
    act = played("session-hash", "known-dh-secret")
    assert act.design.suite.startswith("TLS_ECDHE")
    assert act.outcome.alice_knows == ("pin",)
    assert {e.connection for e in act.trace.select("tls.message", party="alice")} == set()
    assert {e.name for e in act.trace.select("appraisal")} == {"accepted"}


def test_the_copied_key_in_the_middle_needs_no_evidence_of_her_own():
    act = played("key-in-quote", "deployed-key-middle")
    binders = {e.data["binder"] for e in act.trace.select("binder")}
    assert len(binders) == 1
    assert act.trace.select("app", party="bank", name="payment")


def test_a_reflection_over_the_session_hash_shows_the_teller_its_own_quote():
    with Peers(DESIGNS["session-hash"], "reflection") as act:
        assert "extraData" in act.run().failed
    assert {e.party for e in act.trace.select("binder")} == {"teller"}


@pytest.mark.parametrize("design", ["tls13-early", "tls13-handshake-secret"])
def test_a_teller_that_looks_shows_its_evidence_to_nobody_it_has_not_accepted(design):
    act = played(design, "client-impersonation")
    assert {e.party for e in act.trace.select("binder") if e.data["side"] == "attester"} == {"bank"}


def test_in_a_finished_channel_the_teller_answers_before_it_has_judged_and_the_binder_holds():
    act = played("tls13-exporter", "same-pms-reencryption")
    refused = {e.party: e.data["refused_by"] for e in act.trace.select("appraisal", name="refused")}
    assert refused == {"bank": "extraData"}
    assert act.outcome.alice_knows == ("pin",)


@pytest.mark.parametrize("design", ["key-in-quote", "session-hash"])
def test_nobody_finds_a_session_worth_resuming(design):
    act = played(design, "resumption-splice", without=("evidence anew",))
    assert act.design.resumes
    assert act.outcome.alice_knows == ()
