"""Every edge of every state table is walked by a real handshake, and none is taken that is not in its table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_connection import OFFERS
from test_tls13_interop import modern_client, modern_server
from tls_pair import Pair, client_config, client_identity, connected, kept, resuming, root, server_config

from trustlab import tls
from trustlab.tls.resumption12 import (
    RESUMING_CLIENT12,
    RESUMING_SERVER12,
    ResumingClient,
    ResumingServer,
    SessionCache,
)
from trustlab.tls.states import CLIENT12, CLIENT13, SERVER12, SERVER13, State, Table
from trustlab.trace import Trace

RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
GIVES_C = tls.AttestationOffer(offered=tls.ROLE_C)
WANTS_C = tls.AttestationOffer(demanded=tls.ROLE_C)
TICKET = tls.NewSessionTicket13(7200, 1, b"n", b"ticket", ())
CLASSIC = (tls.Group.X25519, tls.Group.SECP256R1)


def certified(make: Any, **changes: Any) -> Any:
    identity = client_identity()
    return make(certificates=(identity.der,), key=identity.key, **changes)


def asking(make: Any, **changes: Any) -> Any:
    return make(client_certificate="request", trust=[root().certificate], **changes)


def evidence(client: Any, server: Any) -> Pair:
    answers = {"EvidenceWanted": b"e"}
    return connected(client=client, server=server, client_answers=answers, server_answers=answers)


def tls12_pairs() -> list[Pair]:
    return [
        closed_by(connected(), "client"),
        closed_by(connected(), "server"),
        connected(client=client_config(cipher_suites=RSA)),
        connected(client=certified(client_config), server=asking(server_config)),
        connected(client=certified(client_config, cipher_suites=RSA), server=asking(server_config)),
        connected(server=asking(server_config)),
        connected(**OFFERS),
        evidence(certified(client_config, attestation=GIVES_C), asking(server_config, attestation=WANTS_C)),
        evidence(client_config(attestation=GIVES_C), server_config(attestation=WANTS_C)),
    ]


def resuming_pairs() -> list[Pair]:
    sessions = SessionCache()
    return [*tls12_pairs(), resuming(sessions, kept(sessions)).run()]


def tls13_pairs() -> list[Pair]:
    pairs = [
        connected(client=modern_client(), server=modern_server()),
        connected(client=modern_client(groups=CLASSIC), server=modern_server(groups=CLASSIC[1:])),
        connected(client=certified(modern_client), server=asking(modern_server)),
        connected(client=modern_client(), server=asking(modern_server)),
    ]
    pairs[0].client.connection.update_keys(request_peer=True)
    pairs[0].server.connection.put(TICKET, TICKET.encode())
    pairs[0].run()
    for pair, role in zip(pairs, ("client", "server"), strict=False):
        closed_by(pair, role)
    return pairs


def closed_by(pair: Pair, role: str) -> Pair:
    """Close one direction, write the other way (in TLS 1.3) with new keys and a ticket, and close that one too."""
    first, second = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    first.connection.close()
    pair.run()
    if second.connection.version == tls.Version.TLS13:
        second.connection.update_keys()
        if role == "client":
            second.connection.put(TICKET, TICKET.encode())
        second.connection.close()
        pair.run()
    return pair


def walked(pairs: list[Pair], role: str) -> set[tuple[str, str, str, str]]:
    """Return the edges a role took, put together from its messages and its changes of state."""
    edges = set()
    for pair in pairs:
        end = getattr(pair, role)
        state = end.of(tls.StateChanged)[0].old
        before = state
        message: tuple[str, str] | None = None
        for event in [*end.events, None]:
            if isinstance(event, tls.MessageSent | tls.MessageReceived) or event is None:
                if message is not None:
                    edges.add((before, *message, state))
                if event is not None:
                    before = state
                    name = event.message.alert.name if event.name == "Alert" else event.name
                    message = ("send" if isinstance(event, tls.MessageSent) else "receive", name)
            elif isinstance(event, tls.StateChanged):
                state = event.new
    return edges


@pytest.mark.parametrize(
    ("table", "role", "pairs"),
    [
        (CLIENT12, "client", tls12_pairs),
        (SERVER12, "server", tls12_pairs),
        (RESUMING_CLIENT12, "client", resuming_pairs),
        (RESUMING_SERVER12, "server", resuming_pairs),
        (CLIENT13, "client", tls13_pairs),
        (SERVER13, "server", tls13_pairs),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_every_edge_is_walked_and_no_other(table: Table, role: str, pairs: Any) -> None:
    taken = walked(pairs(), role)
    known = {tuple(edge) for edge in table.edges}
    compatibility = {edge for edge in taken if edge[2] == "ChangeCipherSpec" and edge not in known}
    assert known - taken == set()
    tickets = {(state, "send", "NewSessionTicket", state) for state in ("Connected", "PeerClosed")}
    assert taken - compatibility - known - tickets == set()  # the test's own, no server here sends one
    if table not in {CLIENT13, SERVER13}:
        assert not compatibility


def test_a_session_is_resumed_only_by_the_ends_made_for_it() -> None:
    sessions = SessionCache()
    first = resuming(sessions).run()
    session = first.client.connection.session
    again = resuming(sessions, session).run()
    assert "Certificate" not in again.client.received
    assert again.client.secret("master_secret") == first.client.secret("master_secret")
    off = connected(client=ResumingClient(client_config(), session))
    assert "Certificate" in off.client.received
    assert off.client.connection.session is None
    assert "Certificate" in connected(server=ResumingServer(server_config(), sessions)).client.received


def test_the_engine_refuses_to_resume() -> None:
    """It offers no session, so a server that answers its session id invents one."""

    def claims(request: tls.MessageReady) -> Any:
        return replace(request.message, session_id=bytes(32)) if request.message.name.endswith("Hello") else None

    made = client_config(intercept=True), server_config(intercept=True)
    pair = Pair(*made, client_answers={"MessageReady": claims}, server_answers={"MessageReady": claims}).run()
    assert isinstance(pair.client.error, tls.IllegalParameter)
    assert "resumes" in pair.client.error.sentence


def test_the_copies_of_a_connection_share_their_sessions() -> None:
    sessions = SessionCache()
    pair = resuming(sessions)
    pair.server.connection = pair.server.connection.copy()
    pair.run()
    assert list(sessions.values()) == [pair.client.connection.session]


@pytest.mark.parametrize(
    ("made_with", "offered_with", "alert"),
    [
        ({}, {"extended_master_secret": False}, tls.HandshakeFailure),
        ({}, {"cipher_suites": RSA}, tls.IllegalParameter),
        ({"extended_master_secret": False}, {}, None),
    ],
    ids=["without its extended master secret", "without its cipher suite", "with more than it had"],
)
def test_a_session_that_is_offered_otherwise_than_it_was_made_is_not_resumed(
    made_with: dict[str, Any], offered_with: dict[str, Any], alert: type[tls.Alert] | None
) -> None:
    sessions = SessionCache()
    session = kept(sessions, client=client_config(**made_with))
    again = resuming(sessions, session, client_config(**offered_with)).run()
    if alert is None:
        assert "Certificate" in again.client.received
    else:
        assert isinstance(again.server.connection.error, alert)


def test_a_state_stands_in_a_trace_as_plain_text() -> None:
    trace = Trace()
    observer = tls.TraceObserver(trace.party("bank"), "c", "server")
    observer.observe(tls.StateChanged(State.START, State.EXPECT_SERVER_HELLO))
    (event,) = trace.select("tls.state")
    assert (event.name, event.data) == ("ExpectServerHello", {"role": "server", "old": "Start"})
    assert {type(event.name), type(event.data["old"])} == {str}


def test_every_state_is_in_a_table() -> None:
    edges = [edge for table in (CLIENT12, SERVER12, CLIENT13, SERVER13) for edge in table.edges]
    assert {edge.source for edge in edges} | {edge.target for edge in edges} == set(State)


@pytest.mark.parametrize("table", [CLIENT12, SERVER12, CLIENT13, SERVER13], ids=lambda t: t.name)
def test_a_table_can_be_drawn(table: Table) -> None:
    drawing = table.mermaid()
    assert drawing.startswith("stateDiagram-v2\n")
    assert drawing.count("-->") == len(table.edges) + 2
    reached = {table.start} | {edge.target for edge in table.edges}
    assert {edge.source for edge in table.edges} <= reached
