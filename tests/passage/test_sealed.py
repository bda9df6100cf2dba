"""Messages sealed to a key in the quote: opened by the two ends alone, each in its place."""

from __future__ import annotations

import itertools

import pytest
from cryptography.exceptions import InvalidTag

from trustlab import tls
from trustlab.cloud import CloudError, Station, World
from trustlab.passage import DESIGNS, Binder, Design, DesignError
from trustlab.passage.exchange import Frames, frame
from trustlab.passage.sealed import PIECE, SealedClient, SealedServer
from trustlab.scenarios import rung
from trustlab.tls.hpke import KEY, SUITE, info
from trustlab.trace import Trace

NONCE = bytes(range(32))


class Inner:
    """Says `hello` once it may speak, and keeps what it hears."""

    def __init__(self, hello=b"", *, echoes=False):
        self.finished, self.heard, self.hello, self.echoes, self.error = False, b"", hello, echoes, "open"

    def connected(self):
        return self.hello

    def received(self, data):
        self.heard += data
        return b"echo " + data if self.echoes else b""

    def closed(self, error):
        self.error = error


class Accepting:
    """A guard that has no TPM: its evidence is the key that it was asked to name."""

    def __init__(self, refuses=None):
        self.refuses = refuses

    def holds(self, name, raw, digest):
        assert (name, len(raw), len(digest)) == ("hpke_private_key", 32, 32)

    def evidence(self, facts):
        return b"evidence over " + facts.hpke_key

    def appraise(self, evidence, facts):
        return self.refuses or (None if evidence == b"evidence over " + facts.hpke_key else tls.AccessDenied("no"))


@pytest.fixture
def pair():
    alerts = []
    client = SealedClient(Inner(b"order"), Accepting(), alerts.append, random=lambda size: NONCE[:size])
    server = SealedServer(Inner(echoes=True), Accepting(), alerts.append)
    return client, server, alerts


def talk(client, server):
    """Carry everything to and fro; return what crossed, in order."""
    said, crossed = client.connected(), []
    ends = itertools.cycle((server, client))
    while said:
        crossed.append(said)
        said = next(ends).received(said)
    return crossed


def test_what_is_said_crosses_sealed_and_both_ways(pair):
    client, server, alerts = pair
    question, answer, order, reply = talk(client, server)
    assert question == frame(NONCE)
    assert answer[2 : 2 + KEY] == server.public
    assert (server.inner.heard, client.inner.heard) == (b"order", b"echo order")
    assert b"order" not in order + reply
    assert alerts == []


def test_more_than_a_piece_comes_in_several_messages_in_order(pair):
    client, server, _ = pair
    client.inner.hello = bytes(PIECE) + b"x" * 10
    _, _, order, *_ = talk(client, server)
    assert len(Frames().feed(order, 9)) == 2
    assert server.inner.heard == client.inner.hello


def test_octets_may_arrive_one_by_one(pair):
    client, server, _ = pair
    answer = b"".join(server.received(bytes([octet])) for octet in client.connected())
    order = b"".join(client.received(bytes([octet])) for octet in answer)
    assert [server.received(bytes([octet])) for octet in order][-1]
    assert server.inner.heard == b"order"


@pytest.mark.parametrize("spoil", ["changed", "again", "reflected", "short", "low order"])
def test_a_message_that_is_not_the_next_one_ends_the_channel(pair, spoil):
    client, server, alerts = pair
    _, answer, order, _ = talk(client, server)
    key = server._own.public_key()
    empty = {"short": b"", "low order": bytes(KEY) + b"order"}.get(spoil, b"")
    spoiled = {
        "changed": order[:-1] + bytes([order[-1] ^ 1]),
        "again": order,
        "reflected": answer,
        "short": frame(SUITE.encrypt(empty, key, info=info(b"client", NONCE, 1))),
        "low order": frame(SUITE.encrypt(empty, key, info=info(b"client", NONCE, 1))),
    }[spoil]
    assert server.received(spoiled) == b""
    assert server.finished
    assert [alert.code for alert in alerts] == [51]
    assert server.inner.heard == b"order"


def test_refused_evidence_and_another_key_leave_the_order_unsaid():
    for guard, swap in ((Accepting(tls.AccessDenied("no")), False), (Accepting(), True)):
        client = SealedClient(Inner(b"order"), guard, lambda _: None)
        server = SealedServer(Inner(), Accepting(), lambda _: None)
        answer = server.received(client.connected())
        answer = answer[:2] + bytes(KEY) + answer[2 + KEY :] if swap else answer
        assert client.received(answer) == b""
        assert client.finished


def test_the_client_s_messages_open_with_the_server_s_key_alone(pair):
    client, server, _ = pair
    _, _, order, _ = talk(client, server)
    with pytest.raises(InvalidTag):
        SUITE.decrypt(order[2:], client._own, info=info(b"client", NONCE, 0))
    plain = SUITE.decrypt(order[2:], server._own, info=info(b"client", NONCE, 0))
    assert plain == client.public + b"order"


def test_the_key_is_named_only_where_there_is_one():
    with pytest.raises(DesignError, match=r"the server's binder cannot contain H\(HPKE_S\): with when='inside'"):
        Design.custom("mine", like=DESIGNS["connect-then-attest"], server=Binder(("nonce_C", "H(HPKE_S)")))


def test_a_key_of_alices_is_refused_and_would_be_sealed_to_if_the_quote_did_not_name_it():
    with rung("sealed", "sealing-key-swap") as act:
        assert (act.run().outcome, act.outcome.failed) == ("refused", ("extraData",))
    with rung("sealed", "deployed-key") as act:
        assert (act.run().outcome, act.outcome.alice_knows) == ("failed", ())


def test_no_passage_between_shells_is_sealed(tmp_path):
    world = World(tmp_path)
    image = world.image("bank", "teller", "trustlab.scenarios.http_bank", DESIGNS["sealed"])
    references = world.references(image, image)
    with pytest.raises(CloudError, match="the design sealed has no single attested channel"):
        Station(world, DESIGNS["sealed"], image, references, Trace().party("bank"))
