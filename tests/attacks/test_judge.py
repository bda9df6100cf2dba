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


def test_a_client_that_was_connected_to_somebody_else_trusts_the_wrong_peer():
    trace = Trace()
    truth = {"client": "teller", "addressed": "bank", "server": "alice"}
    trace.party("cloud").emit("ground-truth", "connection", connection="teller-bank-1", **truth)
    assert judge(trace, {}).wrong_peer is None
    trace.party("teller").emit("app", "connected", sentence="the teller trusts this channel")
    assert judge(trace, {}).wrong_peer == "teller"


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
