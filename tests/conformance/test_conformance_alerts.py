"""Alerts in every state of both roles: protected as soon as there are keys, and always readable for the peer.

RFC 9846 A.1 and A.2: from ServerHello on an alert has the handshake keys, from Finished on the application's. Otherwise
everybody on the path could read what became of an appraisal.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
from test_conformance_order import WAYS, ends
from tls_identities import NAME, client_identity, server_identity
from unruly import ALERT, CCS, DATA, TLS12, TLS13, End, client_config, server_config

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEFORE_KEYS = {
    *("Start", "ExpectServerHello", "SendSecondClientHello", "ExpectSecondServerHello"),
    *("ExpectClientHello", "SendServerHello", "SendHelloRetryRequest", "ExpectSecondClientHello"),
}
REFUSAL = tls.AccessDenied("the firmware is not the one wanted")


def records(stream: bytes) -> list[int]:
    """Return the content types of the records on a stream."""
    found, rest = tls.split_records(stream)
    assert rest == b""
    return [record.content_type for record in found]


def answer(connection: tls.Connection, event: tls.Event) -> None:
    if isinstance(event, tls.KeyOperationWanted):
        connection.answer(event, tls.perform(event))
    elif isinstance(event, tls.Request):
        connection.answer(event, b"evidence" if isinstance(event, tls.EvidenceWanted) else None)


def steps(ours: tls.Connection, theirs: End) -> Iterator[tuple[tls.Connection, End, bytes, list[str]]]:
    """Walk through a handshake; at every step yield copies of both ends, what was sent before, and the messages so far.

    A step lies also between a message and the next of the same flight, and where a request waits for its answer.
    """
    sent, told = b"", []
    for _ in range(20):
        while (event := ours.next_event()) is not None:
            if isinstance(event, tls.MessageSent | tls.MessageReceived):
                told.append(event.name)
            yield ours.copy(), End(theirs.connection.copy()), sent, told
            answer(ours, event)
        data = ours.data_to_send()
        sent += data
        theirs.connection.receive(data)
        ours.receive(theirs.drain())
        if not data and ours.handshake_complete:
            return


def say(victim: tls.Connection, act: Callable[[tls.Connection], None]) -> bytes:
    """Let a copy do something and return all that it puts on the stream, without going on with its handshake."""
    act(victim)
    return victim.data_to_send()


@pytest.mark.parametrize("coalesce", [False, True], ids=["", "coalesced"])
@pytest.mark.parametrize("compatible", [False, True], ids=["bare", "compatible"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ["client", "server"])
def test_tls13_alerts_are_protected_once_there_are_keys(
    role: str, way: str, *, compatible: bool, coalesce: bool
) -> None:
    more = {"middlebox_compatibility": compatible, "coalesce": coalesce}
    client, server = ends(TLS13, WAYS[way] | {"more": more})
    ours, theirs = (client.connection, server) if role == "client" else (server.connection, client)
    ours_states = set()
    for act in (lambda c: c.abort(REFUSAL), lambda c: c.close()):
        for victim, peer, before, told in steps(ours.copy(), End(theirs.connection.copy())):
            if victim.closed or (role == "client" and "ClientHello" not in told):
                continue
            state = victim.state
            in_handshake = not victim.handshake_complete and bool(victim.records.write_offset or victim._held)
            after = say(victim, act)
            kinds = records(before + after)
            protected = state not in BEFORE_KEYS
            where = f"{role} in {state} behind {told}: {kinds}"
            assert kinds[-1] == (DATA if protected else ALERT), where
            if protected:
                assert kinds.count(CCS) == compatible, where
                assert not compatible or kinds.index(CCS) < kinds.index(DATA), where
            peer.connection.receive(after)
            peer.process()
            if way == "evidence" and isinstance(peer.connection.error, tls.MissingExtension):
                continue  # TLS 1.3 has no place for a client's evidence without a certificate: the server left first
            heard = [e.alert.name for e in peer.events if isinstance(e, tls.AlertReceived)]
            if isinstance(victim.error, tls.AccessDenied):
                assert heard == ["access_denied"], where
            else:
                assert heard == ["user_canceled"] * in_handshake + ["close_notify"], where
            ours_states.add(state)
    assert len(ours_states) >= 5


@pytest.mark.parametrize("way", [w for w in WAYS if w != "retry"])
@pytest.mark.parametrize("role", ["client", "server"])
def test_tls12_alerts_have_the_keys_that_are_in_use(role: str, way: str) -> None:
    client, server = ends(TLS12, WAYS[way])
    ours, theirs = (client.connection, server) if role == "client" else (server.connection, client)
    for victim, peer, _, told in steps(ours, theirs):
        if victim.closed or (role == "client" and "ClientHello" not in told):
            continue
        after = say(victim, lambda c: c.abort(REFUSAL))
        peer.connection.receive(after)
        peer.process()
        assert isinstance(peer.connection.error, tls.PeerAlert), f"{victim!r} behind {told}: {peer.connection.error!r}"
        assert isinstance(peer.connection.error.alert, tls.AccessDenied)


# What OpenSSL reads


def pem(identity: Any, folder: Path) -> str:
    path = folder / "chain.pem"
    path.write_bytes(identity.pem + identity.key_pem)
    return str(path)


def speak(ours: End, theirs: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> ssl.SSLError:
    """Carry octets between our end and OpenSSL until that one fails; return how."""
    shaken = False
    for _ in range(20):
        incoming.write(ours.drain())
        try:
            if not shaken:
                theirs.do_handshake()
                shaken = True
            theirs.read(100)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return error
        ours.connection.receive(outgoing.read())
    raise AssertionError("OpenSSL never failed")


def test_openssls_server_reads_why_our_client_refused_it(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem(server_identity("ECDSA"), tmp_path))
    bios = ssl.MemoryBIO(), ssl.MemoryBIO()
    stranger = [client_identity("ECDSA").certificate]
    ours = End(tls.Client(client_config(TLS13, trust=stranger, alpn=())))
    error = speak(ours, context.wrap_bio(*bios, server_side=True), *bios)
    assert isinstance(ours.fatal, tls.UnknownCa)
    assert error.reason == "TLSV1_ALERT_UNKNOWN_CA"


@pytest.mark.parametrize("late", [False, True], ids=["behind its ServerHello", "behind its Finished"])
def test_openssls_client_reads_why_our_server_refused_it(*, late: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    bios = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = context.wrap_bio(*bios, server_hostname=NAME)
    server = End(tls.Server(server_config(TLS13, client="ECDSA", alpn=())))
    if not late:
        with pytest.raises(ssl.SSLWantReadError):
            theirs.do_handshake()
        server.connection.receive(bios[1].read())
        while not isinstance(event := server.connection.next_event(), tls.MessageSent):
            assert event is not None
        server.connection.abort(REFUSAL)
    error = speak(server, theirs, *bios)
    assert error.reason == ("TLSV13_ALERT_CERTIFICATE_REQUIRED" if late else "TLSV1_ALERT_ACCESS_DENIED")
