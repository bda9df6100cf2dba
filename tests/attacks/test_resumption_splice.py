"""Two sessions with one secret, and what keeps them apart."""

from __future__ import annotations

import msgspec
import pytest

from trustlab import tls
from trustlab.passage import RESUMED
from trustlab.scenarios import rung

ANEW = ("evidence anew",)


def played(design=RESUMED, *, without=ANEW):
    with rung(design, "resumption-splice", without=without) as act:
        act.run()
    return act


@pytest.fixture(scope="module")
def spliced():
    return played()


def test_the_resumed_payment_goes_through_and_alice_reads_it(spliced):
    assert spliced.outcome.outcome == "succeeded"
    assert spliced.trace.select("app", party="bank", name="payment")
    assert "PIN" in spliced.outcome.alice_read


def test_the_first_connection_was_refused_by_both_ends(spliced):
    refused = {e.party: e.data["refused_by"] for e in spliced.trace.select("appraisal", name="refused")}
    assert refused == {"teller": "extraData", "bank": "extraData"}


def test_the_second_handshake_is_the_tellers_and_the_banks_own_octet_for_octet(spliced):
    def hellos(party, connection):
        return [e.raw for e in spliced.trace.select("tls.message", party=party, connection=connection)[:2]]

    assert hellos("teller", "teller-bank-2") == hellos("bank", "alice-bank-2")
    assert "Certificate" not in {e.name for e in spliced.trace.select("tls.message", connection="teller-bank-2")}


def test_the_session_hash_in_the_master_secret_ends_it_though_nobody_asks_for_evidence_anew():
    act = played(msgspec.structs.replace(RESUMED, extended_master_secret=True))
    assert act.outcome.outcome in {"refused", "failed"}
    assert act.outcome.alice_knows == ()
    assert not act.trace.select("app", party="teller", name="connected")
    sent = [e for e in act.trace.select("tls.message", connection="teller-bank-2", name="Alert") if e.sent]
    assert [e.raw[1] for e in sent if e.party == "teller"] == [tls.BadRecordMac("").code]


def test_with_the_rule_a_resumed_session_has_nothing_to_quote_and_is_refused():
    act = played(without=())
    assert act.outcome.alice_knows == ()
    assert any("session_hash" in str(e.data["sentence"]) for e in act.trace.select("note", name="no evidence"))


def test_no_rung_resumes_anything():
    with rung("session-hash") as act:
        act.run()
    hellos = act.trace.select("tls.message", name="ServerHello", party="bank")
    assert [e.raw[38] for e in hellos] == [0]
