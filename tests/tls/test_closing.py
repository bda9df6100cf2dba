"""Closing: both directions at once in TLS 1.2, each by itself in TLS 1.3, and a truncation is told in every state."""

from __future__ import annotations

from typing import Any

import pytest
from test_tls13_interop import modern_client, modern_server
from tls_pair import End, Pair, client_config, connected, server_config

from trustlab import tls

TICKET = tls.NewSessionTicket13(7200, 1, b"n", b"ticket", ())
VERSIONS = pytest.mark.parametrize("version", list(tls.Version)[-2:], ids=lambda v: v.title)
ROLES = pytest.mark.parametrize("role", ["client", "server"])


def new_pair(version: tls.Version, **settings: Any) -> Pair:
    if version == tls.Version.TLS13:
        return Pair(client=modern_client(**settings), server=modern_server())
    return Pair(client=client_config(**settings), server=server_config())


def made(version: tls.Version, role: str) -> tuple[Pair, End, End]:
    """Return a connection, the end that closes first, and the other one."""
    pair = new_pair(version).run()
    ends = (pair.client, pair.server)
    assert all(end.connection.handshake_complete for end in ends)
    return pair, *(ends if role == "client" else ends[::-1])


def alerts(end: End) -> list[str]:
    return [event.alert.name for event in end.of(tls.AlertSent)]


@ROLES
def test_after_our_close_notify_everything_lawful_is_still_read(role: str) -> None:
    """Data, KeyUpdate (also one that wants an answer) and, from a server, tickets (RFC 9846 6.1, 4.7)."""
    pair, first, second = made(tls.Version.TLS13, role)
    first.connection.close()
    pair.run()
    assert (first.connection.state, second.connection.state) == ("Closing", "PeerClosed")
    second.connection.send(b"before, ")
    second.connection.update_keys(request_peer=True)
    if role == "client":
        second.connection.put(TICKET, TICKET.encode())
    second.connection.send(b"after")
    pair.run()
    assert first.data == b"before, after"
    assert first.sent[-1] == "Alert"  # no KeyUpdate behind close_notify
    assert first.error is None
    second.connection.close()
    pair.run()
    for end in (first, second):
        assert end.connection.state == "Closed"
        assert end.of(tls.ConnectionClosed) == [tls.ConnectionClosed(None)]
        assert alerts(end) == ["close_notify"]


@ROLES
def test_after_the_peers_close_notify_we_may_write_until_we_close(role: str) -> None:
    pair, first, second = made(tls.Version.TLS13, role)
    first.connection.send(b"a question")
    first.connection.close()
    pair.run()
    assert second.connection.peer_closed
    assert not second.connection.closed
    assert second.of(tls.ConnectionClosed) == []
    second.connection.send(b"the answer")
    pair.run()
    assert first.data == b"the answer"
    second.connection.close()
    with pytest.raises(tls.LocalProtocolError):
        second.connection.send(b"too late")
    pair.run()
    assert first.error is None
    assert second.error is None


def test_the_end_of_the_stream_behind_the_peers_close_notify_closes_our_side_too() -> None:
    pair, first, second = made(tls.Version.TLS13, "client")
    first.connection.close()
    pair.run()
    second.connection.eof_received()
    pair.run()
    for end in (first, second):
        assert end.of(tls.ConnectionClosed) == [tls.ConnectionClosed(None)]
        assert alerts(end) == ["close_notify"]


@ROLES
def test_in_tls12_close_notify_is_answered_at_once_and_ends_both_directions(role: str) -> None:
    pair, first, second = made(tls.Version.TLS12, role)
    first.connection.close()
    second.connection.send(b"on its way")
    pair.carry(second, first, "client")
    first.process()
    assert first.data == b"on its way"
    pair.run()
    for end in (first, second):
        assert end.connection.state == "Closed"
        assert alerts(end) == ["close_notify"]
        assert end.error is None
    with pytest.raises(tls.LocalProtocolError):
        second.connection.send(b"too late")


def test_a_wish_to_renegotiate_behind_our_close_notify_is_passed_over() -> None:
    for role, wish in (("server", tls.ClientHello(bytes(32), b"", (0x9C,), ())), ("client", tls.HelloRequest())):
        pair, first, second = made(tls.Version.TLS12, role)
        first.connection.close()
        second.connection.put(wish, wish.encode())
        pair.run()
        assert first.error is None
        assert alerts(first) == ["close_notify"]


@VERSIONS
@ROLES
def test_a_stream_cut_off_behind_our_close_notify_is_reported(version: tls.Version, role: str) -> None:
    _, first, _ = made(version, role)
    first.connection.close()
    first.drain()
    first.connection.eof_received()
    first.drain()
    assert isinstance(first.error, tls.Unanswered)
    assert isinstance(first.error, tls.Truncated)
    assert first.of(tls.ConnectionClosed) == [tls.ConnectionClosed(first.error)]


@VERSIONS
@ROLES
def test_a_stream_cut_off_anywhere_in_the_handshake_is_reported(version: tls.Version, role: str) -> None:
    seen = set()
    for records in range(12):
        for closes in (False, True):
            _, end, _, _ = walk(version, role, records)
            state = end.connection.state
            if closes:
                end.connection.close()
            end.connection.eof_received()
            end.drain()
            expected = tls.Unanswered if closes else tls.Truncated
            assert type(end.error) is expected, f"{state}: {end.error!r}"
            seen.add(state)
    assert len(seen) >= 3


def walk(version: tls.Version, role: str, records: int) -> tuple[Pair, End, End, bytes]:
    """Return an end that has read this many records of its peer's, that peer, and what the peer said more."""
    pair = new_pair(version)
    ours, theirs = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    inbox = b""
    theirs.connection.receive(ours.drain())
    for _ in range(records):
        inbox = inbox or theirs.drain()
        if not inbox:
            break
        length = 5 + int.from_bytes(inbox[3:5], "big")
        ours.connection.receive(inbox[:length])
        inbox = inbox[length:]
        theirs.connection.receive(ours.drain())
    return pair, ours, theirs, inbox


@VERSIONS
@ROLES
def test_whoever_gives_up_a_handshake_passes_over_the_rest_of_it(version: tls.Version, role: str) -> None:
    """The peer's flight may be on its way; only its own last alert is heard, where there are keys to read it."""
    tried = 0
    for records in range(8):
        pair, ours, theirs, rest = walk(version, role, records)
        if ours.connection.handshake_complete:
            break
        ours.connection.close()
        ours.connection.receive(rest + theirs.drain())
        pair.run()
        assert ours.error is None
        assert alerts(ours)[-1:] == ["close_notify"]
        ours.connection.eof_received()
        assert ours.error is None or type(ours.error) is tls.Unanswered
        tried += 1
    assert tried >= 2


def test_the_answer_to_a_close_in_the_handshake_is_heard() -> None:
    pair = new_pair(tls.Version.TLS12)
    pair.client.drain()
    pair.client.connection.close()
    pair.client.connection.receive(b"\x15\3\3\0\2\1\0")
    pair.client.process()
    assert pair.client.connection.state == "Closed"
    assert pair.client.error is None


def test_one_key_update_answers_the_requests_that_came_before_it_is_sent() -> None:
    pair = connected(client=modern_client(), server=modern_server())
    for _ in range(3):
        pair.client.connection.update_keys(request_peer=True)
        pair.server.connection.receive(pair.client.drain())
        pair.server.process()  # the answer to the first waits to be sent
    pair.run()
    assert pair.server.sent.count("KeyUpdate") == 1
    pair.client.connection.update_keys(request_peer=True)
    pair.run()
    assert pair.server.sent.count("KeyUpdate") == 2
    pair.server.connection.send(b"readable")
    pair.run()
    assert pair.client.data == b"readable"
