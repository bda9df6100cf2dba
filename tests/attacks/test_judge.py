"""The judge decides by facts: what Alice can derive, and where connections really ended."""

from __future__ import annotations

from trustlab.attacks import ATTACKS, judge
from trustlab.trace import Trace


def test_nothing_happened_nothing_is_known():
    verdict = judge(Trace(), {"pin": b"471100"})
    assert (verdict.alice_knows, verdict.refused_by, verdict.wrong_peer) == ((), None, None)


def test_a_secret_that_another_party_holds_is_not_alices():
    trace = Trace()
    trace.party("teller").secret("canary pin", b"471100")
    assert judge(trace, {"pin": b"471100"}).alice_knows == ()


def test_alice_boasting_of_a_secret_changes_nothing():
    trace = Trace()
    trace.party("alice").emit("attack", "rogue-certificate", step="boast", sentence="I know 471100", raw=b"471100")
    assert judge(trace, {"pin": b"471100"}).alice_knows == ()


TRUTH = {"client": "teller", "addressed": "bank", "server": "alice"}


def connected(**holders):
    """Return a trace in which the teller trusts a channel; each other party holds the secret that is named."""
    trace = Trace()
    trace.party("cloud").emit("ground-truth", "connection", connection="teller-bank-1", **TRUTH)
    for party, (connection, secret) in holders.items():
        trace.party(party).secret("master_secret", secret, connection=connection)
    trace.party("teller").secret("master_secret", b"the teller's", connection="teller-bank-1")
    trace.party("teller").emit("app", "connected", sentence="the teller trusts this channel")
    return trace


def test_whoever_has_the_keys_of_a_channel_is_at_its_other_end():
    verdict = judge(connected(alice=("teller-bank-1", b"the teller's"), bank=("alice-bank-1", b"another")), {})
    assert (verdict.wrong_peer, verdict.disagrees) == ("teller", "teller")


def test_whoever_has_only_the_tcp_connection_is_not():
    """The teller's TCP connection ends at Alice, and the bank has the keys."""
    verdict = judge(connected(bank=("alice-bank-1", b"the teller's")), {})
    assert (verdict.wrong_peer, verdict.disagrees) == (None, None)


def test_where_the_bank_has_the_keys_too_the_ends_agree_whoever_reads_along():
    keys = {"bank": ("alice-bank-1", b"the teller's"), "alice": ("teller-bank-1", b"the teller's")}
    verdict = judge(connected(**keys), {})
    assert (verdict.wrong_peer, verdict.disagrees) == (None, None)


def test_a_machine_that_keeps_its_keys_to_itself_is_the_wrong_peer_and_alice_has_no_keys():
    verdict = judge(connected(genuine=("teller-bank-1", b"the teller's")), {})
    assert (verdict.wrong_peer, verdict.disagrees) == ("teller", None)


def test_a_channel_that_the_client_does_not_trust_deceives_nobody():
    trace = Trace()
    trace.party("cloud").emit("ground-truth", "connection", connection="teller-bank-1", **TRUTH)
    for party in ("alice", "teller"):
        trace.party(party).secret("master_secret", b"the teller's", connection="teller-bank-1")
    assert judge(trace, {}).wrong_peer is None


def test_what_a_client_says_is_about_the_connection_that_it_dealt_with():
    """Its first channel went to Alice and was refused; the second one, which it trusts, is the bank's."""
    trace = Trace()
    for name in ("teller-bank-1", "teller-bank-2"):
        trace.party("cloud").emit("ground-truth", "connection", connection=name, **TRUTH)
    for party, name in (("alice", "teller-bank-1"), ("bank", "alice-bank-1")):
        trace.party(party).secret("master_secret", f"of {party}".encode(), connection=name)
    trace.party("teller").secret("master_secret", b"of alice", connection="teller-bank-1")
    trace.party("teller").secret("master_secret", b"of bank", connection="teller-bank-2")
    trace.party("teller").emit("app", "connected", sentence="the teller trusts this channel")
    assert judge(trace, {}).wrong_peer is None


def test_the_first_refusal_and_all_failed_checks_are_reported():
    trace = Trace()
    for check in ("extraData", "signature"):
        trace.party("teller").emit("appraisal", "refused", refused_by=check, failed=[check, "key identity"])
    verdict = judge(trace, {})
    assert (verdict.refused_by, verdict.failed) == ("extraData", ("extraData", "key identity"))


def test_every_attack_says_what_it_needs_and_what_stops_it():
    for name, attack in ATTACKS.items():
        assert name == attack.name
        assert all((attack.needs, attack.steps, attack.breaks, attack.why, attack.source, attack.stopped_by))


def test_what_alice_says_of_refusals_is_not_evidence():
    trace = Trace()
    trace.party("alice").emit("appraisal", "refused", refused_by="my own say", failed=["my own say"])
    assert judge(trace, {}).refused_by is None
