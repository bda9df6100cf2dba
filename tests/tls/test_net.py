"""The net under the engine: a fault of its own becomes internal_error, a closed state and one log line."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from test_tls13_interop import modern_client, modern_server
from tls_pair import Pair, client_config, server_config

from trustlab import tls
from trustlab.tls import handshake as handshakes
from trustlab.tls.client12 import Client12
from trustlab.tls.client13 import Client13
from trustlab.tls.records import RecordLayer
from trustlab.tls.server12 import Server12
from trustlab.tls.server13 import Server13

SECRET = "octets that nobody else may read"
PLACES = [
    (Server13, "receive_client_hello", "server"),
    (Server13, "after_server_hello", "server"),
    (Server13, "send_certificate", "server"),
    (Server13, "receive_finished", "server"),
    (Client13, "receive_encrypted_extensions", "client"),
    (Client13, "judge_evidence", "client"),
    (Client13, "receive_new_session_ticket", "client"),
    (Server12, "receive_client_key_exchange", "server"),
    (Client12, "receive_server_key_exchange", "client"),
    (Client12, "receive_finished", "client"),
]


class FaultError(LookupError):
    """A fault of the engine's, made for the test."""


def breaks(*_: Any, **__: Any) -> Any:
    raise FaultError(SECRET)


@pytest.fixture(autouse=True)
def _own_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no broken method outlive its test: the engine remembers its methods."""
    monkeypatch.setattr(handshakes, "_HANDLERS", {})


def pair_of(handshake: type) -> Pair:
    if handshake in {Client13, Server13}:
        return Pair(client=modern_client(), server=modern_server())
    return Pair(client=client_config(), server=server_config())


@pytest.mark.parametrize(("handshake", "method", "role"), PLACES, ids=lambda v: getattr(v, "__name__", v))
def test_a_fault_while_the_peers_octets_are_eaten_ends_the_connection_with_an_alert(
    handshake: type, method: str, role: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(handshake, method, breaks)
    pair = pair_of(handshake).run()
    if method == "receive_new_session_ticket":
        ticket = tls.NewSessionTicket13(7200, 1, b"n", b"ticket", ())
        pair.server.connection.put(ticket, ticket.encode())
        pair.run()
    ours, theirs = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    assert isinstance(ours.error, tls.InternalError)
    assert isinstance(ours.error.__cause__, FaultError)
    assert ours.connection.state == "Closed"
    assert [e.alert for e in ours.of(tls.AlertSent)] == [ours.error]
    assert ours.of(tls.ConnectionClosed) == [tls.ConnectionClosed(ours.error)]
    assert isinstance(theirs.error, tls.PeerAlert)
    assert isinstance(theirs.error.alert, tls.InternalError)
    assert [(r.name, r.levelno) for r in caplog.records] == [("trustlab.tls", logging.ERROR)]
    text = logging.Formatter().format(caplog.records[0])
    assert "\n" not in text
    assert "FaultError in breaks (test_net.py, line" in text
    assert f"as {role} in" in text
    assert SECRET not in text + str(ours.error)


def test_the_traceback_is_there_for_whoever_debugs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "trustlab.tls")
    monkeypatch.setattr(RecordLayer, "next_record", breaks)
    server = pair_of(Server13).server
    server.connection.receive(b"\x16")
    server.process()
    assert isinstance(server.error, tls.InternalError)
    assert "Traceback" in caplog.text
    assert len(caplog.records) == 1


def test_what_the_program_does_wrong_is_still_its_own_to_hear(caplog: pytest.LogCaptureFixture) -> None:
    pair = pair_of(Server13)
    with pytest.raises(tls.LocalProtocolError):
        pair.server.connection.send(b"too early")
    with pytest.raises(tls.LocalProtocolError):
        pair.client.connection.answer(tls.EvidenceWanted(tls.HandshakeFacts()), b"nobody asked")
    pair.run()
    assert pair.client.connection.handshake_complete
    assert caplog.records == []
