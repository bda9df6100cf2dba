"""Alice disturbs the bank's TPM: what is tried again goes through, what the gate stops never happens."""

from __future__ import annotations

import pytest

from trustlab.scenarios import rung
from trustlab.tpm import OPEN, Platform, policy


def played(attack, design="trusted-passage"):
    with rung(design, attack) as act:
        act.run()
    return act


@pytest.fixture(scope="module")
def disturbed():
    return played("tpm-nuisance")


def quotes(act):
    return [e.data["rc"] for e in act.trace.select("tpm.response", party="bank", name="TPM2_Quote")]


def voided(act):
    return [e.name for e in act.trace.select("tpm.response", party="bank") if e.data["rc"] == 0x128]


def test_a_payment_goes_through_though_every_command_is_disturbed_four_times(disturbed):
    assert disturbed.outcome.outcome == "failed"
    assert disturbed.trace.select("app", party="bank", name="payment")
    assert quotes(disturbed) == [0x128] * 4 + [0]


def test_every_new_attempt_is_in_the_trace(disturbed):
    notes = disturbed.trace.select("note", party="bank", name="PCR changed, trying again")
    assert len(notes) == len(voided(disturbed)) >= 8  # the quote and the decryption at least


def test_the_gate_stops_clearing_and_the_flushing_of_what_others_loaded(disturbed):
    refused = disturbed.trace.select("machine", party="bank", name="gate refused")
    assert [e.data["command"] for e in refused] == ["TPM2_Clear", *["TPM2_FlushContext"] * 3]
    assert not disturbed.trace.select("tpm.command", party="bank", name="TPM2_Clear")


def test_a_nuisance_without_end_costs_the_service_and_nothing_else():
    act = played("tpm-nuisance-without-end")
    assert act.outcome.outcome == "succeeded"
    assert act.outcome.alice_knows == ()
    assert not act.trace.select("app", party="teller", name="connected")
    assert set(voided(act)) == {"TPM2_CertifyCreation"}
    assert 5 < len(voided(act)) <= policy.ATTEMPTS  # or as many as two seconds allow


def test_without_trying_again_the_nuisance_succeeds(monkeypatch):
    monkeypatch.setattr(policy, "ATTEMPTS", 1)
    act = played("tpm-nuisance")
    assert act.outcome.outcome == "succeeded"
    assert voided(act) == ["TPM2_CertifyCreation"]


def test_without_the_gate_alice_clears_the_banks_tpm_and_its_key_is_gone(monkeypatch):
    closed = Platform.client

    def opened(self, name, *, locality, gate=OPEN):
        return closed(self, name, locality=locality, gate=gate)

    monkeypatch.setattr(Platform, "client", opened)
    act = played("tpm-nuisance")
    assert act.outcome.outcome == "succeeded"
    assert [e.data["rc"] for e in act.trace.select("tpm.response", party="bank", name="TPM2_Clear")] == [0]
