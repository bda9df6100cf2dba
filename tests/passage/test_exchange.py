"""Questions and answers inside a channel: what each side says when, what it refuses, and what it waits for."""

from __future__ import annotations

import pytest
from test_guard import FACTS, FakeAttester, FakeVerifier, Inner, guard

from trustlab import tls
from trustlab.passage import DESIGNS, AttestationFailure
from trustlab.passage.exchange import Answering, Asking, ExchangeError, Mutual, PlainEndpoint, _Framed, frame

INSIDE, MUTUAL = DESIGNS["connect-then-attest"], DESIGNS["session-hash"]
NONCE = b"n" * 32


class Speaker(Inner):
    """An application that greets, and has the last word when it is told to."""

    waits_for = "the teller's order"

    def connected(self):
        return b"hello"

    def received(self, data):
        self.heard += data
        self.finished = data.endswith(b"!")
        return b"yes"


def asking(*failing, inner=None):
    return Asking(
        inner or Speaker(), guard("client", verifier=FakeVerifier(*failing), design=INSIDE), random=lambda n: NONCE
    )


def answering(*, error=None, told=None):
    attester = FakeAttester(error)
    return Answering(
        Speaker(), guard("server", attester=attester, design=INSIDE), abort=[].append if told is None else told.append
    ), attester


def mutual(role, *failing, error=None, told=None):
    attester, verifier = FakeAttester(error), FakeVerifier(*failing)
    one = guard(role, attester=attester, verifier=verifier, design=MUTUAL)
    facts = tls.HandshakeFacts(session_hash=b"h" * 32, spki_S=b"key")
    nonce = NONCE if role == "client" else b"m" * 32
    end = Mutual(
        Speaker(), one, lambda: facts, abort=[].append if told is None else told.append, random=lambda _: nonce
    )
    return end, attester, verifier, facts


def test_whoever_asks_says_a_nonce_and_the_application_speaks_once_the_answer_is_accepted():
    end = asking()
    assert end.connected() == frame(NONCE)
    assert not end.finished
    assert end.received(frame(b"evidence")) == b"hello"
    assert end.received(b"now?") == b"yes"
    assert not end.finished
    end.received(b"enough!")
    assert end.finished
    assert end.inner.heard == b"now?enough!"


def test_a_nonce_is_fresh_unless_told_otherwise():
    drawn = {Asking(Speaker(), guard("client", design=INSIDE)).nonce for _ in range(8)}
    assert {len(nonce) for nonce in drawn} == {32}
    assert len(drawn) == 8


def test_the_evidence_is_judged_by_the_nonce_that_was_asked_with():
    end = asking()
    end.received(frame(b"evidence"))
    nonces = dict(end._guard._verifier.expected.fields)
    assert nonces["nonce_C"] == NONCE


def test_whoever_refuses_the_answer_wants_the_end_and_hears_nothing_more():
    end = asking("signature")
    end.connected()
    assert end.received(frame(b"evidence") + frame(b"evidence") + b"and more") == b""
    assert end.finished
    assert end.inner.heard == b""
    end.closed(None)
    assert "before the evidence was accepted" in str(end.inner.ended)


def test_whoever_answers_quotes_the_nonce_and_then_the_application_speaks():
    end, attester = answering()
    assert end.connected() == b""
    assert not end.finished
    said = end.received(frame(NONCE) + b"first words")
    binder, prove_key = attester.asked[0]
    assert binder == INSIDE.server.bind(tls.HandshakeFacts(nonce_C=NONCE)).octets
    assert prove_key is False
    assert said == frame(b"evidence over " + binder) + b"hello" + b"yes"
    assert end.inner.heard == b"first words"
    assert end.received(frame(NONCE)) == b"yes"  # the second is the application's own business
    assert len(attester.asked) == 1


def test_whoever_cannot_answer_ends_the_channel_by_an_alert_and_says_nothing():
    told = []
    end, _ = answering(error=AttestationFailure("the TPM is off"), told=told)
    assert end.received(frame(NONCE) + b"first words") == b""
    assert [alert.code for alert in told] == [80]
    assert end.finished
    assert end.inner.heard == b""


def test_an_end_that_gives_up_takes_back_what_it_was_about_to_say():
    """Frames in one piece: the first is answered, the second cannot be, and an alert stands in place of both."""

    class Once(_Framed):
        def frame_received(self, octets):
            return b"said" if octets == b"one" else self._give_up(tls.InternalError("no more"))

    told = []
    end = Once(Speaker(), told.append)
    assert end.received(frame(b"one")) == b"said"
    assert end.received(frame(b"one") + frame(b"two")) == b""
    assert len(told) == 1


def test_a_frame_that_nobody_asked_for_is_an_error():
    with pytest.raises(ExchangeError, match="3 octets that nobody asked for"):
        _Framed(Speaker()).received(frame(b"one"))


def test_a_frame_may_be_empty():
    end, attester = answering()
    end.received(b"\0\0")
    assert end._guard.design is INSIDE
    assert attester.asked == []  # a nonce of no octets makes no binder
    assert end.finished


@pytest.mark.parametrize("role", ["client", "server"])
def test_both_sides_ask_answer_over_the_nonce_of_each_and_judge(role):
    end, attester, verifier, facts = mutual(role)
    own = NONCE if role == "client" else b"m" * 32
    peers = b"m" * 32 if role == "client" else NONCE
    assert end.connected() == frame(own)
    whole = facts.knowing(nonce_C=NONCE, nonce_S=b"m" * 32)
    mine, theirs = (MUTUAL.client, MUTUAL.server) if role == "client" else (MUTUAL.server, MUTUAL.client)
    assert end.received(frame(peers)) == frame(b"evidence over " + mine.bind(whole).octets)
    assert len(attester.asked) == 1
    assert verifier.expected is None
    assert end.received(frame(b"evidence") + b"words") == b"hello" + b"yes"
    assert verifier.expected.binder == theirs.bind(whole).octets
    assert len(attester.asked) == 1


def test_each_of_two_nonces_is_fresh():
    ends = [Mutual(Speaker(), guard("client", design=MUTUAL), lambda: FACTS) for _ in range(8)]
    assert {len(end.connected()) for end in ends} == {34}
    assert len({end.connected() for end in ends}) == 8


def test_whoever_refuses_the_peer_or_cannot_answer_it_opens_nothing():
    end, *_ = mutual("client", "signature")
    end.received(frame(b"m" * 32))
    assert end.received(frame(b"evidence") + b"words") == b""
    assert end.finished
    told = []
    end, *_ = mutual("server", error=AttestationFailure("off"), told=told)
    assert end.received(frame(NONCE)) == b""
    assert [alert.code for alert in told] == [80]
    assert end.finished


@pytest.mark.parametrize(
    ("here", "more", "size"), [(b"", 2, 2), (b"\1", 1, 2), (b"\0\x05", 5, 7), (b"\1\0\0", 255, 258)]
)
def test_it_says_how_much_of_a_frame_is_here(here, more, size):
    end = asking()
    end.received(here)
    what = f"{more} more octets of a frame of the attestation exchange ({len(here)} of {size} are here)"
    assert end.waits_for == what


def test_it_waits_for_nothing_of_its_own_once_through_or_refused():
    through, refused = asking(), asking("signature")
    for end in (through, refused):
        end.received(frame(b"evidence"))
        assert end.waits_for == ""


def test_a_fault_of_the_channel_reaches_the_application_as_it_is():
    end, fault = asking(), ConnectionError("cut")
    end.closed(fault)
    assert end.inner.ended is fault


def test_without_tls_an_application_begins_once_and_is_told_the_end_once():
    ends = []
    application = Speaker()
    application.closed = ends.append
    end = PlainEndpoint(application)
    assert (end.closed, end.waits_for) == (False, "the teller's order")
    assert end.data_to_send() == b"hello"
    assert end.data_to_send() == b""
    end.receive(b"more?")
    assert end.data_to_send() == b"yes"
    assert not end.closed
    end.receive(b"bye!")
    assert (end.data_to_send(), end.closed, end.waits_for) == (b"yes", True, "")
    end.data_to_send()
    end.eof_received()
    assert ends == [None]


def test_without_tls_the_first_octets_may_be_the_peers():
    end = PlainEndpoint(Speaker())
    end.receive(b"you first")
    assert end.data_to_send() == b"helloyes"
    end.eof_received()
    assert end.closed


def test_without_tls_an_application_that_does_not_say_waits_for_the_peer():
    assert PlainEndpoint(Inner()).waits_for == "the peer's octets"
