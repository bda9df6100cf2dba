"""Every state of every table, and every type of handshake message in it: what has no edge is an unexpected_message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unruly import HANDSHAKE, P256, TLS12, TLS13, X25519, End, client_config, server_config

from trustlab import tls
from trustlab.tls import states
from trustlab.tls.records import RecordLayer
from trustlab.tls.registry import HandshakeType

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = {
    ("client", TLS12): states.CLIENT12,
    ("server", TLS12): states.SERVER12,
    ("client", TLS13): states.CLIENT13,
    ("server", TLS13): states.SERVER13,
}
S, C = tls.ROLE_S, tls.ROLE_C
EVIDENCE = {
    "client": {"attestation": tls.AttestationOffer(offered=C, demanded=S)},
    "server": {"attestation": tls.AttestationOffer(offered=S, demanded=C)},
}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "RSA": {"kind": "RSA"},
    "certificate": {"client": "ECDSA"},
    "evidence": {"evidence": True},
    "evidence and certificate": {"evidence": True, "client": "ECDSA"},
    "retry": {"retry": True},
}
"""Ways through the handshake that together lead through every state."""


def ends(version: tls.Version, way: dict[str, Any]) -> tuple[End, End]:
    kind, client = way.get("kind", "ECDSA"), way.get("client", "")
    extra = EVIDENCE if way.get("evidence") else {"client": {}, "server": {}}
    groups = {"groups": (P256,)} if way.get("retry") and version == TLS13 else {}
    more = way.get("more", {})
    return (
        End(tls.Client(client_config(version, kind, client, groups=(X25519, P256), **extra["client"], **more))),
        End(tls.Server(server_config(version, kind, client, **extra["server"], **groups, **more))),
    )


def pauses(version: tls.Version, role: str, way: dict[str, Any]) -> Iterator[tls.Connection]:
    """Walk through a handshake, a record at a time; yield one end whenever it waits for octets."""
    client, server = ends(version, way)
    ours, theirs = (client, server) if role == "client" else (server, client)
    inbox = b""
    for _ in range(400):
        ours.process()
        outgoing = ours.connection.records.drain()
        if outgoing:
            theirs.connection.receive(outgoing)
        if not inbox:
            inbox = theirs.drain()
        if ours.connection.state == "Closed":  # TLS 1.3 has no place for a client's evidence without a certificate
            return
        yield ours.connection
        if not inbox:
            closing = ours.connection.copy()
            closing.close()
            yield closing
            return
        length = 5 + int.from_bytes(inbox[3:5], "big")
        ours.connection.receive(inbox[:length])
        inbox = inbox[length:]


def waiting_states(table: states.Table) -> set[str]:
    return {e.source for e in table.edges if e.action == "receive"}


def lawful(connection: tls.Connection, kind: int) -> bool:
    """Whether a message of this type may come now, by the table or by the rules beside it."""
    if connection.is_expected(kind):
        return True
    role, modern = connection.role, connection.context.tls13
    if role == "client" and not modern and kind == HandshakeType.HELLO_REQUEST:
        return True  # ignored, or refused with a warning
    return role == "server" and not modern and kind == HandshakeType.CLIENT_HELLO and connection.handshake_complete


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
def test_every_message_out_of_order_is_unexpected(role: str, version: tls.Version) -> None:
    table = TABLES[role, version]
    tried = set()
    for way in WAYS.values():
        for connection in pauses(version, role, way):
            for kind in range(256):
                if not lawful(connection, kind) and (connection.state, kind) not in tried:
                    strike(connection.copy(), kind)
                    tried.add((connection.state, kind))
    assert {state for state, _ in tried} >= waiting_states(table)


def strike(victim: tls.Connection, kind: int) -> None:
    """Write a message of this type just as its peer would, with the keys it reads with."""
    writer = RecordLayer()
    writer.write = victim.records.read.copy() if victim.records.read else None
    writer.write_message(HANDSHAKE, bytes([kind, 0, 0, 0]))
    end = End(victim)
    state = victim.state
    victim.receive(writer.drain())
    end.process()
    due: Any = tls.UnexpectedMessage
    if kind == HandshakeType.SUPPLEMENTAL_DATA and not victim.context.tls13:
        due = tls.UnexpectedMessage | tls.IllegalParameter  # evidence that was agreed on, in the wrong place
    found = victim.error if state == "Closing" else end.fatal  # after close_notify nothing can be sent any more
    assert isinstance(found, due), f"type {kind} in {state}: {found!r}"
