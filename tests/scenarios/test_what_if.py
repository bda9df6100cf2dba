"""What if: the same act with one field changed, and the first difference that it made, with the noise left out."""

from __future__ import annotations

import pytest

from trustlab.scenarios import rung
from trustlab.scenarios.comparison import compare, noise
from trustlab.trace import Span, Trace


@pytest.fixture(scope="module", params=["trusted-passage", "plain-tls", "tls13-early"])
def played(request):
    act = rung(request.param)
    with act:
        act.run()
    return act


def test_runs_without_an_edit_do_not_differ_but_in_what_always_does(played):
    for _ in range(2):
        other = played._anew()
        with other:
            other.run()
        comparison = played.compare(other)
        assert not comparison, comparison.first
        assert str(comparison) == "Nothing differs but what differs in every run."
    assert any(played._noise[0].values())


def test_an_edited_random_is_named_first_and_then_what_it_led_to(played):
    other = played.what_if("ServerHello", "random", bytes(32))
    assert other is not played
    assert other.outcome.outcome != "completed"
    assert played.outcome.outcome == "completed"
    comparison = played.compare(other)
    (edited,) = comparison.edited
    assert comparison.first is edited
    assert edited.sentence.startswith("On teller-bank-1: ServerHello.random was edited in flight. ")
    assert edited.sentence.endswith(" became 000000000000000000000000....")
    told = {
        "trusted-passage": "refused at teller on teller-bank-1: Refused by 'extraData'",
        "plain-tls": "channel failed at bank: The bank's channel ended: [SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC]",
        "tls13-early": "Alert bad_record_mac at teller on teller-bank-1",
    }[played.design.name]
    assert f"Then: {told}" in str(comparison)
    assert any(each.what == "missing" and each.key.name == "answer" for each in comparison.course)


def test_an_edit_that_two_checks_leave_alone_shows_where_it_is_caught():
    with rung("trusted-passage") as act:
        act.run()
    name = "extensions.server_name.server_name_list.server_name[0].host_name"
    comparison = act.compare(act.what_if("ClientHello", name, b"c", octet=0))
    assert comparison.course[0].key.name == "Alert decrypt_error"  # nothing at all before the bank checks Finished
    (read,) = comparison.octets
    assert (read.key.party, read.field) == ("bank", name)
    assert "is 63616e6b2e6578616d706c65, and in the other run 62616e6b2e6578616d706c65." in read.sentence


def test_either_run_may_be_asked_and_the_edit_is_never_taken_for_noise():
    with rung("tls13-early") as act:
        act.run()
    other = act.what_if("ServerHello", "random", bytes(32))
    comparison = other.compare(act)  # which learns the noise, and from runs without the edit
    assert comparison.first.layer == "edited"
    assert [each.key.name for each in comparison.course if each.what == "new"]
    assert len(comparison.course) == len(act.compare(other).course)
    again = act.what_if("ServerHello", "random", bytes(32))
    assert not again.compare(other).course


def test_against_an_attack_the_connection_is_named():
    with rung("trusted-passage", "rogue-certificate") as act:
        act.run()
    other = act.what_if("ServerHello", "random", bytes(32), connection="teller-bank-1")
    assert act.compare(other).edited[0].key.connection == "teller-bank-1"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ServerHello", "random", bytes(31)), "has 32 octets, and the new value has 31 octets"),
        (("ServerHello", "rndom", bytes(32)), "ServerHello has no field 'rndom'; it has: record.type"),
        (("HelloRetryRequest", "random", bytes(32)), "no HelloRetryRequest number 1 passed: nothing was changed"),
    ],
)
def test_what_does_not_fit_or_does_not_pass_is_a_value_error(played, arguments, told):
    with pytest.raises(ValueError, match=told):
        played.what_if(*arguments)


def test_of_messages_of_one_name_the_nth_is_changed():
    with rung("tls13-early") as act:
        act.run()
        with pytest.raises(ValueError, match="no ClientHello number 2 passed on teller-bank-1"):
            act.what_if("ClientHello", "random", bytes(32), nth=2, connection="teller-bank-1")
    other = act.what_if("Finished", "verify_data", bytes(8), nth=2, octet=0)
    assert other.outcome.outcome == "failed"
    (edited,) = other.trace.select("note", name="edited in flight")
    assert edited.direction == "client"


def test_an_act_that_was_not_played_is_not_compared():
    with rung("plain-tls") as act:
        other = rung("plain-tls")
        with pytest.raises(ValueError, match="has not been played: run it first"):
            act.compare(other)


def message(trace, raw, name="Finished", party="a", **more):
    trace.party(party).emit(
        "tls.message",
        name,
        raw=raw,
        spans=[Span("x_length", 0, 1), Span("x", 1, len(raw))],
        connection="c",
        direction="client",
        offset=0,
        sent=True,
        **more,
    )


def test_noise_lengths_and_events_that_come_now_and_then_are_left_out():
    first, second, third = Trace(), Trace(), Trace()
    message(first, b"\1a")
    message(second, b"\1b")
    message(second, b"\1b", "Now and then")
    message(third, b"\2cc")
    message(third, b"\1b", "Now and then")
    known = noise(first, second)
    assert not compare(first, third, known)
    assert [each.field for each in compare(first, third, {}).octets] == ["x"]
    assert [each.what for each in compare(third, first, {}).course] == ["missing"]
    assert [each.what for each in compare(first, third, {}).course] == ["new"]
