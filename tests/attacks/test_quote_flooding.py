"""Whose quotes the bank's TPM makes while somebody floods it, with and without a limit before the quote."""

from __future__ import annotations

from trustlab.attacks import quotes_for
from trustlab.attacks.programs.quote_flooding import FLOOD
from trustlab.scenarios import rung
from trustlab.scenarios.setup import QUOTE_BURST


def flooded(*, without=()):
    with rung("trusted-passage", "quote-flooding", without=without) as act:
        act.run()
    return act


def test_with_a_limit_alice_gets_her_share_and_the_teller_is_served():
    act = flooded()
    made = quotes_for(act.trace)
    assert made["teller"] == 1
    assert QUOTE_BURST <= made["alice"] < FLOOD / 2
    assert act.trace.select("app", party="bank", name="payment")
    kept_waiting = act.trace.select("note", party="bank", name="no evidence")
    assert len(kept_waiting) == FLOOD - made["alice"]


def test_without_a_limit_every_hello_costs_the_bank_a_quote():
    act = flooded(without=("paced quotes",))
    assert quotes_for(act.trace) == {"alice": FLOOD, "teller": 1}
    assert len(act.trace.select("tpm.command", party="bank", name="TPM2_Quote")) == FLOOD + 1


def test_a_bank_without_a_limit_in_its_configuration_paces_nobody():
    with rung("trusted-passage") as act:
        assert act.run().outcome == "completed"
    assert quotes_for(act.trace) == {"teller": 1}
