"""TLS 1.2 peers that misbehave: one misdeed a test case, and the alert the RFC wants for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tls_pair import End, Pair, client_config, client_identity, connected, root, server_config

from trustlab import tls

X, E = tls.ExtensionType, tls.Extension
RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
ECDHE = (tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,)


def misdeed(who: str, name: str, edit: Any, suites: Any = ECDHE) -> Any:
    """Run a handshake in which one end's message of this name is edited; return the other end's error."""

    def ready(request: tls.MessageReady) -> Any:
        return edit(request.message) if request.message.name == name else None

    pair = Pair(
        client_config(intercept=who == "client", cipher_suites=suites, alpn=("h2",)),
        server_config(intercept=who == "server", cipher_suites=suites),
        **{f"{who}_answers": {"MessageReady": ready}},
    ).run()
    return pair.server.error if who == "client" else pair.client.error


def extended(message: Any, *extensions: tls.Extension) -> Any:
    kinds = {e.type for e in extensions}
    return replace(message, extensions=(*[e for e in message.extensions if e.type not in kinds], *extensions))


CASES: dict[str, tuple[str, str, Any, type]] = {
    "a hello without the null compression": (
        "client",
        "ClientHello",
        lambda m: replace(m, compression_methods=(1,)),
        tls.IllegalParameter,
    ),
    "a hello of TLS 1.1": ("client", "ClientHello", lambda m: replace(m, legacy_version=0x302), tls.ProtocolVersion),
    "a hello without a common suite": (
        "client",
        "ClientHello",
        lambda m: replace(m, cipher_suites=(0x1234,)),
        tls.HandshakeFailure,
    ),
    "a hello with half a list of groups": (
        "client",
        "ClientHello",
        lambda m: extended(m, E(X.SUPPORTED_GROUPS, b"\x00\x01\x00")),
        tls.DecodeError,
    ),
    "a hello that renegotiates nothing": (
        "client",
        "ClientHello",
        lambda m: extended(m, E(X.RENEGOTIATION_INFO, b"\x01x")),
        tls.HandshakeFailure,
    ),
    "a hello with a body for extended_master_secret": (
        "client",
        "ClientHello",
        lambda m: extended(m, E(X.EXTENDED_MASTER_SECRET, b"x")),
        tls.DecodeError,
    ),
    "a hello that takes compressed points only": (
        "client",
        "ClientHello",
        lambda m: extended(m, E(X.EC_POINT_FORMATS, b"\x01\x01")),
        tls.IllegalParameter,
    ),
    "a hello that fell back": (
        "client",
        "ClientHello",
        lambda m: replace(m, cipher_suites=(*m.cipher_suites, 0x5600)),
        type(None),
    ),
    "a client key that is no point": (
        "client",
        "ClientKeyExchange",
        lambda m: replace(m, exchange=bytes(32)),
        tls.IllegalParameter,
    ),
    "a client key that is too long": (
        "client",
        "ClientKeyExchange",
        lambda m: replace(m, exchange=bytes(33)),
        tls.IllegalParameter,
    ),
    "an empty client key": ("client", "ClientKeyExchange", lambda m: replace(m, exchange=b""), tls.DecodeError),
    "a wrong Finished of the client": ("client", "Finished", lambda m: tls.Finished(bytes(12)), tls.DecryptError),
    "a short Finished of the client": ("client", "Finished", lambda m: tls.Finished(bytes(11)), tls.DecodeError),
    "a suite not offered": (
        "server",
        "ServerHello",
        lambda m: replace(m, cipher_suite=0xC030),
        tls.IllegalParameter,
    ),
    "a version not offered": ("server", "ServerHello", lambda m: replace(m, legacy_version=0x302), tls.ProtocolVersion),
    "compression": ("server", "ServerHello", lambda m: replace(m, compression_method=1), tls.IllegalParameter),
    "no secure renegotiation": (
        "server",
        "ServerHello",
        lambda m: replace(m, extensions=tuple(e for e in m.extensions if e.type != X.RENEGOTIATION_INFO)),
        tls.HandshakeFailure,
    ),
    "an extension not offered": ("server", "ServerHello", lambda m: extended(m, E(0x4321)), tls.UnsupportedExtension),
    "a protocol not offered": (
        "server",
        "ServerHello",
        lambda m: extended(m, E(X.ALPN, b"\x00\x03\x02h3")),
        tls.IllegalParameter,
    ),
    "a group not offered": (
        "server",
        "ServerKeyExchange",
        lambda m: replace(m, named_curve=0x1E),
        tls.IllegalParameter,
    ),
    "a hybrid group": ("server", "ServerKeyExchange", lambda m: replace(m, named_curve=0x11EC), tls.IllegalParameter),
    "a signature over something else": (
        "server",
        "ServerKeyExchange",
        lambda m: replace(m, public=bytes(31) + b"\x09"),
        tls.DecryptError,
    ),
    "a signature scheme not offered": (
        "server",
        "ServerKeyExchange",
        lambda m: replace(m, scheme=0x0201),
        tls.IllegalParameter,
    ),
    "a wrong Finished of the server": ("server", "Finished", lambda m: tls.Finished(bytes(12)), tls.DecryptError),
}


@pytest.mark.parametrize("case", CASES)
def test_a_handshake_with(case: str) -> None:
    who, name, edit, alert = CASES[case]
    error = misdeed(who, name, edit)
    assert isinstance(error, alert), error


def test_a_fallback_to_less_than_both_speak_is_inappropriate() -> None:
    def fall(request: tls.MessageReady) -> Any:
        if isinstance(request.message, tls.ClientHello):
            return replace(request.message, cipher_suites=(*request.message.cipher_suites, 0x5600))
        return None

    both = (tls.Version.TLS13, tls.Version.TLS12)
    pair = Pair(client_config(intercept=True), server_config(versions=both), {"MessageReady": fall}).run()
    assert isinstance(pair.server.error, tls.InappropriateFallback)


def flight(suites: Any, **server: Any) -> tuple[End, list[bytes]]:
    """Return a client that said hello, and the messages of the server's flight for it."""
    pair = Pair(client_config(cipher_suites=suites), server_config(cipher_suites=suites, **server))
    pair.server.connection.receive(pair.client.drain())
    records, _ = tls.split_records(pair.server.drain())
    return pair.client, [r.fragment for r in records]


def fed(end: End, messages: list[bytes], content_type: int = 22) -> Any:
    for message in messages:
        end.connection.receive(bytes([content_type]) + b"\x03\x03" + len(message).to_bytes(2, "big") + message)
    end.drain()
    return end.error


@pytest.mark.parametrize("suites", [RSA, ECDHE])
def test_a_message_left_out_of_the_servers_flight_is_unexpected_at_the_next(suites: Any) -> None:
    _, whole = flight(suites)
    for left_out in range(len(whole) - 1):
        client, messages = flight(suites)
        assert isinstance(fed(client, messages[:left_out] + messages[left_out + 1 :]), tls.UnexpectedMessage)


@pytest.mark.parametrize("suites", [RSA, ECDHE])
def test_a_message_twice_in_the_servers_flight_is_unexpected(suites: Any) -> None:
    _, whole = flight(suites)
    for doubled in range(len(whole)):
        client, messages = flight(suites)
        assert isinstance(fed(client, messages[: doubled + 1] + messages[doubled:]), tls.UnexpectedMessage)


def test_two_messages_in_another_order_are_unexpected() -> None:
    _, whole = flight(ECDHE)
    for first in range(len(whole) - 1):
        client, messages = flight(ECDHE)
        messages[first], messages[first + 1] = messages[first + 1], messages[first]
        assert isinstance(fed(client, messages), tls.UnexpectedMessage)


def test_the_servers_flight_may_come_in_any_fragments() -> None:
    for size in (1, 3, 7, 1000, 16384):
        client, messages = flight(ECDHE)
        stream = b"".join(messages)
        assert fed(client, [stream[n : n + size] for n in range(0, len(stream), size)]) is None
        assert client.sent[-1] == "Finished"


def test_a_change_cipher_spec_too_early_is_unexpected() -> None:
    client, messages = flight(ECDHE)
    assert fed(client, messages[:2]) is None
    assert isinstance(fed(client, [b"\x01"], 20), tls.UnexpectedMessage)
    server = Pair().server
    assert isinstance(fed(server, [b"\x01"], 20), tls.UnexpectedMessage)


def test_a_finished_without_change_cipher_spec_is_unexpected() -> None:
    pair = Pair(client_config(cipher_suites=RSA))
    pair.server.connection.receive(pair.client.drain())
    pair.client.connection.receive(pair.server.drain())
    records, _ = tls.split_records(pair.client.drain())
    assert isinstance(fed(pair.server, [records[0].fragment, b"\x14\x00\x00\x0c" + bytes(12)]), tls.UnexpectedMessage)


def test_plaintext_application_data_is_unexpected() -> None:
    client, messages = flight(RSA)
    fed(client, messages)
    assert isinstance(fed(client, [b"data"], 23), tls.UnexpectedMessage)


def test_a_hello_request_during_the_handshake_is_ignored() -> None:
    client, messages = flight(RSA)
    request = tls.HelloRequest().encode()
    assert fed(client, [messages[0], request, *messages[1:]]) is None
    assert client.sent[-1] == "Finished"


def test_a_record_of_another_version_is_protocol_version() -> None:
    pair = connected()
    pair.server.connection.receive(b"\x17\x03\x01\x00\x20" + bytes(32))
    pair.server.drain()
    assert isinstance(pair.server.error, tls.ProtocolVersion)


@pytest.mark.parametrize("suite", ["TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"])
def test_bad_padding_and_bad_mac_of_cbc_are_told_apart_by_nobody(suite: str) -> None:
    suites = (tls.CipherSuite[suite],)
    seen = set()
    for position in (20, -1, -17, -33, 5):
        pair = connected(client=client_config(cipher_suites=suites), server=server_config(cipher_suites=suites))
        pair.client.connection.send(b"a" * 40)
        data = bytearray(pair.client.drain())
        data[position] ^= 1
        pair.server.connection.receive(bytes(data))
        pair.server.drain()
        seen.add(str(pair.server.error))
    assert len(seen) == 1
    assert "bad_record_mac" in seen.pop()


def test_a_certificate_verify_by_nobody_is_unexpected() -> None:
    pair = Pair(
        client_config(cipher_suites=RSA), server_config(client_certificate="request", trust=[root().certificate])
    )
    pair.server.connection.receive(pair.client.drain())
    pair.client.connection.receive(pair.server.drain())
    records, _ = tls.split_records(pair.client.drain())
    verify = tls.CertificateVerify(0x0804, b"x" * 256).encode()
    assert isinstance(fed(pair.server, [r.fragment for r in records[:2]] + [verify]), tls.UnexpectedMessage)


def test_a_missing_certificate_verify_is_unexpected() -> None:
    identity = client_identity()
    pair = Pair(
        client_config(cipher_suites=RSA, certificates=(identity.der,), key=identity.key),
        server_config(client_certificate="request", trust=[root().certificate]),
    )
    pair.server.connection.receive(pair.client.drain())
    pair.client.connection.receive(pair.server.drain())
    records, _ = tls.split_records(pair.client.drain())
    fed(pair.server, [r.fragment for r in records[:2]])
    assert isinstance(fed(pair.server, [b"\x01"], 20), tls.UnexpectedMessage)
