"""Odd, but within the rules: what a peer may do must be borne, and what it may not do too much of has a limit."""

from __future__ import annotations

from typing import Any

import pytest
from tls_identities import NAME, issue, key, root, server_identity
from unruly import (
    CCS,
    DATA,
    HANDSHAKE,
    P256,
    TLS12,
    TLS13,
    TYPE,
    X25519,
    Case,
    End,
    Part,
    after,
    before,
    client_config,
    extension,
    fields,
    instead,
    judge,
    run,
    sends,
    server_config,
)

from trustlab import tls

VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
ROLE = pytest.mark.parametrize("role", ["client", "server"])


def pair(version: tls.Version, kind: str = "ECDSA", client: str = "", **changes: Any) -> tuple[End, End]:
    theirs, ours = changes.get("client_changes", {}), changes.get("server_changes", {})
    return (
        End(tls.Client(client_config(version, kind, client, **theirs))),
        End(tls.Server(server_config(version, kind, client, **ours))),
    )


def shaken(first: End, second: End) -> None:
    run(first, second)
    assert first.connection.handshake_complete, first.connection.error
    assert second.connection.handshake_complete, second.connection.error
    first.connection.send(b"there")
    second.connection.send(b"and back")
    run(first, second)
    assert (second.data, first.data) == (b"there", b"and back")


@VERSION
@pytest.mark.parametrize("octets", [1, 2, 3, 4, 5, 100])
def test_every_message_may_come_in_pieces(version: tls.Version, octets: int) -> None:
    client, server = pair(version, client="ECDSA")
    client.connection.records.max_fragment = server.connection.records.max_fragment = octets
    shaken(client, server)


@VERSION
def test_messages_may_share_records(version: tls.Version) -> None:
    together = {"coalesce": True}
    shaken(*pair(version, client="ECDSA", client_changes=together, server_changes=together))


@VERSION
def test_a_stream_may_come_octet_by_octet(version: tls.Version) -> None:
    client, server = pair(version)
    for source, target in [(client, server), (server, client)] * 4:
        for octet in source.drain():
            target.connection.receive(bytes([octet]))
            target.process()
    shaken(client, server)


GREASE = [0x0A0A, 0x1A1A, 0xFAFA]


def greased(hello: Any) -> Any:
    """Put values nobody knows before the known ones (RFC 8701)."""
    first = b"".join(value.to_bytes(2, "big") for value in GREASE)

    def lengthened(size: int) -> Any:
        def edit(body: bytes) -> bytes:
            inner = first + body[size:]
            return len(inner).to_bytes(size, "big") + inner

        return edit

    hello = fields(cipher_suites=(*GREASE, *hello.cipher_suites))(hello)
    for kind, size in ((TYPE.SUPPORTED_GROUPS, 2), (TYPE.SIGNATURE_ALGORITHMS, 2), (TYPE.SUPPORTED_VERSIONS, 1)):
        if hello.extension(kind) is not None:
            hello = extension(kind, lengthened(size))(hello)
    if hello.extension(TYPE.KEY_SHARE) is not None:
        share = b"\x0a\x0a\0\1\0"
        hello = extension(TYPE.KEY_SHARE, lambda b: (len(b) + 3).to_bytes(2, "big") + share + b[2:])(hello)
    hello = extension(TYPE.ALPN, lambda b: (len(b) + 1).to_bytes(2, "big") + b"\2\x0a\x0a" + b[2:])(hello)
    return extension(0x5A5A, b"\0")(hello)


# fmt: off
SERVER_BEARS = [
    Case("grease among suites, groups, versions, schemes and protocols", None, {"ClientHello": greased}),
    Case("a ClientHello padded to fourteen thousand octets", None, {"ClientHello": extension(TYPE.PADDING, bytes(14_000))}),
    Case("a ClientHello of five records", None, {"ClientHello": extension(TYPE.PADDING, bytes(60_000))}),
    Case("a session ticket extension", None, {"ClientHello": extension(TYPE.SESSION_TICKET, bytes(100))}),
    Case("a request for OCSP", None, {"ClientHello": extension(TYPE.STATUS_REQUEST, b"\1\0\0\0\0")}),
    Case("a request for timestamps", None, {"ClientHello": extension(TYPE.SIGNED_CERTIFICATE_TIMESTAMP, b"")}),
    Case("encrypt-then-MAC", None, {"ClientHello": extension(TYPE.ENCRYPT_THEN_MAC, b"")}),
    Case("a ClientHello larger than the limit", tls.IllegalParameter, {"ClientHello": extension(TYPE.PADDING, bytes(60_000))}, ours={"limits": tls.Limits(message=50_000)}),
    Case("a warning before the ClientHello", None, {"ClientHello": before(Part(21, b"\1\x5a"))}),
]
CLIENT_BEARS = [
    Case("a chain with the root in it", None, theirs={"certificates": (server_identity("ECDSA").der, root().der)}),
    Case("a chain with a stranger in it", None, theirs={"certificates": (server_identity("ECDSA").der, issue(key("ECDSA", 5), "Nobody").der)}),
    Case("a chain longer than the limit", tls.BadCertificate, theirs={"certificates": (server_identity("ECDSA").der, *[root().der] * 20)}),
    Case("a certificate without keyUsage", None, theirs={"certificates": (issue(key("ECDSA"), NAME, root(), usage=False).der,), "key": key("ECDSA")}),
]
# fmt: on


@VERSION
@pytest.mark.parametrize("case", SERVER_BEARS, ids=str)
def test_a_server_bears(case: Case, version: tls.Version) -> None:
    judge(case, "server", version)


@VERSION
@pytest.mark.parametrize("case", CLIENT_BEARS, ids=str)
def test_a_client_bears(case: Case, version: tls.Version) -> None:
    judge(case, "client", version)


@ROLE
@VERSION
def test_a_stream_that_ends_without_a_word_is_a_truncation(role: str, version: tls.Version) -> None:
    client, server = pair(version)
    shaken(client, server)
    end = client if role == "client" else server
    end.connection.eof_received()
    end.process()
    assert isinstance(end.connection.error, tls.Truncated)


@ROLE
@VERSION
def test_a_stream_that_ends_inside_a_record_is_a_truncation(role: str, version: tls.Version) -> None:
    client, server = pair(version)
    shaken(client, server)
    ours, theirs = (client, server) if role == "client" else (server, client)
    theirs.connection.send(b"half of this")
    ours.connection.receive(theirs.drain()[:-3])
    ours.connection.eof_received()
    ours.process()
    assert isinstance(ours.connection.error, tls.Truncated)
    assert ours.data == (b"and back" if role == "client" else b"there")


@ROLE
@VERSION
def test_what_follows_close_notify_is_not_read(role: str, version: tls.Version) -> None:
    client, server = pair(version)
    shaken(client, server)
    ours, theirs = (client, server) if role == "client" else (server, client)
    before_ = ours.data
    theirs.write(Part(21, b"\1\0"), Part(DATA, b"too late"), Part(0, b"\x63\3\3\0\0"))
    ours.connection.receive(theirs.connection.records.drain())
    ours.process()
    ours.connection.receive(b"\x17\3\3\0\5hello")
    ours.process()
    assert ours.connection.error is None
    assert ours.connection.peer_closed
    assert ours.connection.state == ("PeerClosed" if version == TLS13 else "Closed")
    assert ours.data == before_


@ROLE
@VERSION
def test_after_a_fatal_alert_nothing_is_sent_or_read(role: str, version: tls.Version) -> None:
    client, server = pair(version)
    shaken(client, server)
    ours, theirs = (client, server) if role == "client" else (server, client)
    theirs.write(Part(99, b"nonsense") if version == TLS13 else Part(0, b"\x63\3\3\0\0"))
    ours.connection.receive(theirs.connection.records.drain())
    ours.drain()
    assert isinstance(ours.fatal, tls.UnexpectedMessage)
    count = len(ours.events)
    ours.connection.receive(b"\x17\3\3\0\5hello")
    assert ours.drain() == b""
    assert len(ours.events) == count
    with pytest.raises(tls.LocalProtocolError):
        ours.connection.send(b"still there?")


@ROLE
def test_keys_may_change_between_the_pieces_of_a_talk(role: str) -> None:
    client, server = pair(TLS13)
    shaken(client, server)
    ours, theirs = (client, server) if role == "client" else (server, client)
    for number in range(20):
        ours.connection.update_keys(request_peer=number % 2 == 0)
        ours.connection.send(b"%d" % number)
        run(client, server)
    assert theirs.data.endswith(b"".join(b"%d" % n for n in range(20)))


def test_early_data_that_nobody_wants_is_skipped_up_to_its_limit() -> None:
    """RFC 9846 4.3.10: records under keys the server does not have."""
    junk = Part(0, b"\x17\3\3\x04\0" + bytes(1024))
    offered = extension(TYPE.EARLY_DATA, b"")
    judge(Case("early data", None, {"ClientHello": lambda m: after(junk, junk)(offered(m))}), "server", TLS13)
    endless = [junk] * 100
    case = Case("endless early data", tls.BadRecordMac, {"ClientHello": lambda m: after(*endless)(offered(m))})
    judge(case, "server", TLS13)


def test_early_data_is_skipped_before_a_second_hello() -> None:
    config = client_config(TLS13, intercept=True)
    client = End(tls.Client(config), {"ClientHello": [extension(TYPE.EARLY_DATA, b""), None]})
    server = End(tls.Server(server_config(TLS13, groups=(P256,))))
    server.connection.receive(client.drain() + b"\x17\3\3\x04\0" + bytes(1024))
    run(client, server)
    assert server.connection.handshake_complete, server.connection.error
    assert server.received.count("ClientHello") == 2


def test_a_cookie_comes_back_in_the_second_hello() -> None:
    cookie = b"\0\x06crumbs"
    case = Case(
        "cookie",
        None,
        {"HelloRetryRequest": extension(TYPE.COOKIE, cookie)},
        ours={"groups": (X25519, P256)},
        theirs={"groups": (P256,)},
    )
    end = judge(case, "client", TLS13)
    second = [e.message for e in end.events if isinstance(e, tls.MessageSent) and e.name == "ClientHello"][1]
    assert second.extension(TYPE.COOKIE) == cookie


def test_a_client_without_key_shares_is_asked_for_one() -> None:
    client, server = pair(TLS13, client_changes={"key_shares": ()})
    shaken(client, server)
    assert client.received[0] == "HelloRetryRequest"


@pytest.mark.parametrize("place", ["EncryptedExtensions", "Certificate", "CertificateVerify", "Finished"])
def test_the_compatibility_ccs_may_stand_anywhere_before_finished(place: str) -> None:
    judge(Case("compatibility ChangeCipherSpec", None, {place: before(Part(CCS, b"\1", plain=True))}), "client", TLS13)


def test_a_ticket_with_unknown_extensions_is_taken() -> None:
    ticket = b"\4\0\0\x13" + bytes(8) + b"\0\0\1t\0\5\x0a\x0a\0\1\0"
    judge(Case("ticket", None, then=sends(Part(HANDSHAKE, ticket))), "client", TLS13)


def test_a_certificate_request_with_unknown_extensions_is_answered() -> None:
    edit = {"CertificateRequest": extension(0x0A0A, b"grease")}
    judge(Case("request", None, edit, client="ECDSA"), "client", TLS13)


def test_a_finished_cut_in_two_records_with_an_alert_between_is_refused() -> None:
    def cut(message: Any) -> Any:
        raw = message.encode()
        return instead(Part(HANDSHAKE, raw[:9]), Part(21, b"\1\x5a"), Part(HANDSHAKE, raw[9:]))(message)

    judge(Case("cut", tls.UnexpectedMessage, {"Finished": cut}), "server", TLS13)
