"""The frames of a passage that can be attested again: octet for octet, and closed to everything else."""

from __future__ import annotations

import pytest

from trustlab import tls
from trustlab.passage import DESIGNS, Renewal, Schedule
from trustlab.passage.renewal import MAX_OCTETS, PIECE, NonceExchange, framed, renewed

SESSION_HASH = DESIGNS["session-hash"]
NONCE = bytes(range(32))


class Inner:
    finished = False

    def __init__(self) -> None:
        self.heard, self.over = b"", None

    def connected(self) -> bytes:
        return b"hello"

    def received(self, data: bytes) -> bytes:
        self.heard += data
        return b""

    def closed(self, error) -> None:
        self.over = error


class Judge:
    """A guard that notes what it is asked; `alert` is its verdict."""

    def __init__(self, role: str = "client", alert: tls.Alert | None = None) -> None:
        self.role, self.design, self.alert = role, SESSION_HASH, alert
        self.seen: list[tuple[str, bytes, tls.HandshakeFacts]] = []
        self.refusals: list[str] = []

    def evidence(self, facts) -> bytes:
        self.seen.append(("evidence", b"", facts))
        return b"E"

    def appraise(self, evidence, facts):
        self.seen.append(("appraise", evidence, facts))
        return self.alert

    def refuse(self, by: str, sentence: str) -> None:
        self.refusals.append(f"{by}: {sentence}")


def made(guard: Judge, **options):
    aborted: list[tls.Alert] = []
    facts = tls.HandshakeFacts(session_hash=bytes(32))
    exchange = NonceExchange(guard, lambda: facts, lambda size: NONCE[:size])
    renewal = Renewal(Inner(), guard, exchange, aborted.append, **options)
    renewal.connected()
    return renewal, aborted


def test_the_vector_of_docs_passages():
    """Kind, length as u24, octets: what docs/passages.md prints."""
    client, _ = made(Judge())
    assert client.connected().hex() == "0000000568656c6c6f"
    assert client.ask().hex() == "01000020" + NONCE.hex()
    server, _ = made(Judge("server"))
    assert server.received(bytes.fromhex("01000020" + NONCE.hex())).hex() == "0200000145"
    assert client.received(bytes.fromhex("0200000145")) == b""
    assert client.accepted == 1


@pytest.mark.parametrize(("asker", "nonce"), [("client", "nonce_C"), ("server", "nonce_S")])
def test_both_ends_bind_the_askers_nonce(asker, nonce):
    asking, answering = Judge(asker), Judge("server" if asker == "client" else "client")
    one, _ = made(asking)
    other, _ = made(answering)
    one.received(other.received(one.ask()))
    for guard in (asking, answering):
        _, _, facts = guard.seen[-1]
        assert getattr(facts, nonce) == NONCE
        assert facts.session_hash == bytes(32)


def test_data_of_any_length_in_any_pieces_arrive_whole():
    sender, _ = made(Judge())
    receiver, aborted = made(Judge("server"))
    data = bytes(range(256)) * 300
    octets = sender.frames_of(data)
    assert len(octets) == len(data) + 4 * -(-len(data) // PIECE)
    for place in range(0, len(octets), 1000):
        receiver.received(octets[place : place + 1000])
    assert receiver.inner.heard == data
    assert aborted == []
    assert sender.frames_of(b"") == b""


@pytest.mark.parametrize(
    ("octets", "alert"),
    [
        (framed(3, b"x"), tls.UnexpectedMessage),
        (framed(2, b"E"), tls.UnexpectedMessage),
        (framed(1, NONCE[:31]), tls.DecodeError),
        (framed(1, NONCE + b"\0"), tls.DecodeError),
        *((bytes([kind]) + (most + 1).to_bytes(3, "big"), tls.DecodeError) for kind, most in MAX_OCTETS.items()),
    ],
)
def test_whatever_has_no_place_ends_the_passage(octets, alert):
    renewal, aborted = made(Judge())
    assert renewal.received(octets + framed(0, b"behind it")) == b""
    assert [type(a) for a in aborted] == [alert]
    assert renewal.inner.heard == b""


def test_a_refusal_ends_the_passage_and_tells_whoever_waits():
    told = []
    renewal, aborted = made(Judge(alert=tls.AccessDenied("drift")))
    renewal.ask(told.append)
    renewal.received(framed(2, b"E") + framed(0, b"behind it"))
    assert [type(a) for a in aborted] == [tls.AccessDenied]
    assert told == aborted
    assert renewal.inner.heard == b""


def test_one_request_is_open_at_a_time_and_everybody_who_waits_is_told():
    told = []
    renewal, _ = made(Judge())
    assert renewal.ask(told.append)
    assert renewal.ask(told.append) == b""
    renewal.received(framed(2, b"E"))
    assert told == [None, None]
    assert renewal.ask(told.append)
    renewal.closed(None)
    assert isinstance(told[2], tls.AccessDenied)


def test_evidence_that_is_too_old_ends_the_passage():
    now = [0.0]
    guard = Judge()
    renewal, aborted = made(guard, schedule=Schedule(freshness=10.0), clock=lambda: now[0])
    now[0] = 9.9
    assert not renewal.expire()
    renewal.ask()
    renewal.received(framed(2, b"E"))
    now[0] = 19.8
    assert not renewal.expire()
    now[0] = 20.0
    assert renewal.expire()
    assert [type(a) for a in aborted] == [tls.AccessDenied]
    assert guard.refusals == ["freshness: The last accepted evidence is 10 seconds old, and 10 are allowed."]


def test_how_often_and_how_old():
    assert (Schedule().every, Schedule().greatest_age) == (None, None)
    assert (Schedule(reattest=1.0).every, Schedule(reattest=1.0).greatest_age) == (1.0, 31.0)
    assert (Schedule(freshness=60.0).every, Schedule(freshness=60.0).greatest_age) == (30.0, 60.0)


def test_in_handshake_designs_are_renewed_over_the_exporter():
    exporter = DESIGNS["tls13-exporter"]
    assert renewed(DESIGNS["tls13-early"]).server == exporter.server
    assert renewed(DESIGNS["tls13-nonce"]).client is None
    assert renewed(SESSION_HASH) is SESSION_HASH
