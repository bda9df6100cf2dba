"""Alice's two legs, joined in memory without a cloud: what they copy, what they keep, and when they speak."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attacks.alice.applications import STATEMENT, THANKS, ListenAndThank, Quiet, Relay
from trustlab.attacks.alice.authenticators import RelayOrThank
from trustlab.attacks.alice.legs import Credentials, LeakedShare, TowardsClient, TowardsServer
from trustlab.attacks.alice.middle import first_hello
from trustlab.cloud import Authority
from trustlab.passage import DESIGNS
from trustlab.trace import Trace

NAME = "bank.example"
DESIGN_OF = {"1.2": "connect-then-attest", "1.3": "tls13-exporter"}
"""A design of each version that asks for evidence outside the handshake: nothing but TLS happens in these tests."""


class Guest:
    """As much of her machine as a leg asks for."""

    def __init__(self):
        self.party = Trace("legs").party("alice")

    def setting(self, _name):
        return NAME

    def random(self, size):
        return os.urandom(size)


class Alice:
    """As much of her as a leg asks for; `leaked` is the secret of every key agreement."""

    def __init__(self, version, leaked=None):
        self.guest, self.design, self.leaked = Guest(), DESIGNS[DESIGN_OF[version]], leaked

    def tell(self, step, sentence):
        self.guest.party.emit("attack", "a test", step=step, sentence=sentence)

    def leaked_secret(self, _client_random):
        return self.leaked


@pytest.fixture(scope="module")
def shows():
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    certificate = Authority("A public CA").issue([NAME], key.public_key())
    return Credentials((certificate.public_bytes(Encoding.DER),), key)


@pytest.fixture(params=["1.2", "1.3"])
def alice(request):
    return Alice(request.param)


def join(client, server):
    """Carry octets between two ends until neither has more to say."""
    while said := [
        (other, data) for end, other in ((client, server), (server, client)) if (data := end.data_to_send())
    ]:
        for other, data in said:
            other.receive(data)


def test_what_is_written_too_early_is_said_after_the_applications_own_words(alice, shows):
    heard = Heard()
    client, server = TowardsServer(alice, "a-b-1", Relay(STATEMENT)), TowardsClient(alice, "a-b-1", heard, shows=shows)
    client.write(b"one, ")
    client.write(b"two")
    assert not client.ready
    join(client, server)
    assert client.ready
    assert heard.words == STATEMENT + b"one, two"
    client.write(b", three")
    join(client, server)
    assert heard.words.endswith(b"two, three")


class Heard(Quiet):
    """Keeps what it hears."""

    words = b""

    def received(self, data):
        self.words += data
        return b""


def test_a_leg_is_closed_once_and_is_not_ready_afterwards(alice, shows):
    client = TowardsServer(alice, "a-b-1", Quiet())
    server = TowardsClient(alice, "a-b-1", ListenAndThank(), shows=shows)
    join(client, server)
    client.close()
    client.close()
    join(client, server)
    assert client.closed
    assert not client.ready
    client.write(b"too late")
    assert client.data_to_send() == b""


def hello_of(alice):
    """Return the hello of some other client."""
    hello = first_hello(TowardsServer(Alice(alice.design.tls), "c-b-1", Quiet()).data_to_send())
    assert hello is not None
    return hello


def test_a_clients_random_is_copied_and_nothing_else_of_its_hello(alice):
    hello = hello_of(alice)
    own = first_hello(TowardsServer(alice, "a-b-1", Quiet(), like=hello).data_to_send())
    assert own.random == hello.random
    assert own != hello or alice.design.tls == "1.2"  # without key shares and session id two hellos are alike


def test_a_whole_hello_is_said_octet_for_octet(alice):
    alice.leaked = bytes(32)
    hello = hello_of(alice)
    assert first_hello(TowardsServer(alice, "a-b-1", Quiet(), like=hello, whole=True).data_to_send()) == hello


def test_a_share_whose_secret_did_not_leak_gives_none():
    assert LeakedShare(Alice("1.3", b"secret"), b"random").finish(b"their share") == b"secret"
    with pytest.raises(LookupError, match="the secret of this key agreement has not leaked"):
        LeakedShare(Alice("1.3"), b"random").finish(b"their share")


@pytest.mark.parametrize(("passes", "answer"), [(True, b""), (False, THANKS)])
def test_while_the_server_listens_she_passes_on_or_thanks_as_she_was_told(alice, shows, passes, answer):
    heard = Heard()
    behind, server = TowardsServer(alice, "a-b-1", Quiet()), TowardsClient(alice, "a-b-1", heard, shows=shows)
    application = RelayOrThank(passes=passes)
    application.other = behind
    assert application.received(b"before it stands\n") == THANKS
    join(behind, server)
    assert application.received(b"an order\n") == answer
    join(behind, server)
    assert heard.words == (b"an order\n" if passes else b"")


def test_a_server_alone_shows_its_own_random_and_one_with_a_leg_behind_waits_and_copies(alice, shows):
    behind = TowardsServer(alice, "a-b-2", Quiet(), like=hello_of(alice))
    front = TowardsClient(alice, "a-b-1", Quiet(), shows=shows, behind=behind)
    client = TowardsServer(alice, "a-b-1", Quiet())
    front.receive(client.data_to_send())
    assert front.data_to_send() == b"", "the server behind her has not spoken"
    bank = TowardsClient(alice, "a-b-2", Quiet(), shows=shows)
    bank.receive(behind.data_to_send())
    behind.receive(bank.data_to_send())
    front.proceed()
    client.receive(front.data_to_send())
    assert client.server_hello.random == behind.server_hello.random


def test_a_stream_that_is_cut_short_or_begins_otherwise_has_no_hello(alice):
    octets = TowardsServer(alice, "a-b-1", Quiet()).data_to_send()
    assert first_hello(octets[:20]) is None
    assert first_hello(b"\x17\x03\x03\x00\x01\x00") is None
