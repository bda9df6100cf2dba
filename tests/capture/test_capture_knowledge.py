"""What a party knows follows from octets and keys alone."""

from __future__ import annotations

import pytest
from openssl_ends import PIN, RECEIPT, Identity, pay, pay_through_alice

from trustlab.capture import PRIVATE_KEY, CaptureError, PassiveDecoder, knowledge
from trustlab.trace import Trace


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity()


@pytest.fixture
def paid(identity: Identity) -> Trace:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity)
    return trace


def test_alice_sees_the_octets_but_does_not_know_the_pin_without_a_key(paid: Trace) -> None:
    known = knowledge(paid, "alice")
    assert known.connections == ("teller-bank-1",)
    assert (known.opened, known.keys, known.holds(PIN)) == ((), (), [])
    assert known.plaintext("teller-bank-1", "client") == b""


def test_the_two_ends_know_the_pin(paid: Trace) -> None:
    for party in ("teller", "bank"):
        (place,) = knowledge(paid, party).holds(PIN)
        assert place == ("teller-bank-1", "client", 0, "decrypted")


def test_carol_who_saw_nothing_knows_nothing_even_with_a_key(paid: Trace) -> None:
    (master, *_) = paid.select("secret", name="master_secret")
    paid.append("carol", "secret", "master_secret", raw=master.raw, data=master.data)
    assert knowledge(paid, "carol").holds(PIN) == []


def test_alice_with_the_master_secret_knows_the_pin(paid: Trace) -> None:
    (master, *_) = paid.select("secret", name="master_secret")
    paid.append("alice", "secret", "master_secret", raw=master.raw, data=master.data)
    known = knowledge(paid, "alice")
    assert known.holds(PIN) == [("teller-bank-1", "client", 0, "decrypted")]
    assert known.plaintext("teller-bank-1", "server") == RECEIPT
    assert known.opened == ("teller-bank-1",)


def test_alice_with_the_banks_rsa_key_opens_the_recording(paid: Trace, identity: Identity) -> None:
    paid.party("alice").secret(PRIVATE_KEY, identity.pkcs8)
    assert knowledge(paid, "alice").holds(PIN) == [("teller-bank-1", "client", 0, "decrypted")]


def test_another_rsa_key_opens_nothing(paid: Trace) -> None:
    paid.party("alice").secret(PRIVATE_KEY, Identity().pkcs8)
    assert knowledge(paid, "alice").holds(PIN) == []


def test_the_banks_rsa_key_does_not_open_an_ecdhe_recording(identity: Identity) -> None:
    trace = Trace()
    pay(trace, identity, keys=False, suite="ECDHE-RSA-AES128-GCM-SHA256")
    trace.party("alice").secret(PRIVATE_KEY, identity.pkcs8)
    assert knowledge(trace, "alice").holds(PIN) == []


def test_a_declared_plaintext_is_not_knowledge(paid: Trace) -> None:
    paid.party("alice").secret("application data", PIN)
    assert knowledge(paid, "alice").holds(PIN) == []


def test_alice_in_the_middle_knows_the_pin_on_both_legs(identity: Identity) -> None:
    trace = Trace()
    pay_through_alice(trace, identity, Identity())
    places = knowledge(trace, "alice").holds(PIN)
    assert {(p.connection, p.direction) for p in places} == {("teller-bank-1", "client"), ("alice-bank-1", "client")}


def test_alice_in_the_middle_without_her_own_keys_in_the_trace_proves_nothing(identity: Identity) -> None:
    trace = Trace()
    pay_through_alice(trace, identity, Identity(), alice_tells=False)
    assert knowledge(trace, "alice").holds(PIN) == []


def test_her_private_key_opens_only_the_leg_that_was_encrypted_to_it(identity: Identity) -> None:
    trace, rogue = Trace(), Identity()
    pay_through_alice(trace, identity, rogue, alice_tells=False)
    trace.party("alice").secret(PRIVATE_KEY, rogue.pkcs8)
    assert knowledge(trace, "alice").opened == ("teller-bank-1",)


def test_what_crosses_in_clear_is_known_with_its_place(paid: Trace) -> None:
    (hello,) = [e for e in paid.select("tls.message", name="ClientHello") if e.sent]
    random = hello.raw[6:38]
    assert knowledge(paid, "alice").holds(random) == [("teller-bank-1", "client", 11, "clear")]


def test_nothing_is_known_of_an_empty_secret(paid: Trace) -> None:
    assert knowledge(paid, "teller").holds(b"") == []


def test_no_repr_of_knowledge_shows_what_is_known(paid: Trace) -> None:
    known = knowledge(paid, "bank")
    assert repr(known) == "<Knowledge of bank: 1 connections seen, 1 opened>"
    assert "4711" not in repr(known.messages("teller-bank-1", "client"))


def test_a_secret_that_is_no_key_is_a_capture_error(paid: Trace) -> None:
    paid.party("alice").secret(PRIVATE_KEY, b"not a key")
    with pytest.raises(CaptureError, match="not a private key"):
        knowledge(paid, "alice")
