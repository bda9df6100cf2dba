"""TLS 1.3 peers that misbehave: one misdeed a test case, and the alert the RFC wants for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_tls13_interop import modern_client, modern_server
from tls_pair import End, Pair, client_identity, connected, root

from trustlab import tls
from trustlab.tls.extensions import (
    KeyShareEntry,
    push_alpn,
    push_server_name,
    push_share,
    push_shares,
    push_supported_versions,
)
from trustlab.tls.messages import Certificate13, CertificateEntry, EncryptedExtensions, KeyUpdate
from trustlab.tls.messages.hello import HELLO_RETRY_RANDOM

X, E = tls.ExtensionType, tls.Extension
CLASSIC = (tls.Group.X25519, tls.Group.SECP256R1)


def changed(message: Any, kind: int, body: bytes | None, **fields: Any) -> Any:
    """Return a message with an extension replaced, added or (None) left out, and other fields changed."""
    kept = [E(e.type, body) if e.type == kind and body is not None else e for e in message.extensions]
    kept = [e for e in kept if not (e.type == kind and body is None)]
    if body is not None and all(e.type != kind for e in kept):
        kept.append(E(kind, body))
    return replace(message, extensions=tuple(kept), **fields)


def misdeed(who: str, name: str, edit: Any, **settings: Any) -> Any:
    """Run a handshake in which one end's message of this name is edited; return the other end's error."""

    def ready(request: tls.MessageReady) -> Any:
        return edit(request.message) if request.message.name == name else None

    settings = {"groups": CLASSIC} | settings
    client, server = modern_client(intercept=who == "client", **settings), modern_server(intercept=who == "server")
    answers = {f"{who}_answers": {"MessageReady": ready}}
    pair = Pair(client, server, **answers).run()
    return pair.server.error if who == "client" else pair.client.error


HELLO_CASES: dict[str, tuple[Any, type]] = {
    "without signature_algorithms": (lambda m: changed(m, X.SIGNATURE_ALGORITHMS, None), tls.MissingExtension),
    "without supported_groups": (lambda m: changed(m, X.SUPPORTED_GROUPS, None), tls.MissingExtension),
    "without key_share": (lambda m: changed(m, X.KEY_SHARE, None), tls.MissingExtension),
    "with two shares of one group": (
        lambda m: changed(m, X.KEY_SHARE, m.extension(X.KEY_SHARE) and push_shares([KeyShareEntry(29, bytes(32))] * 2)),
        tls.IllegalParameter,
    ),
    "with a share of a group not offered": (
        lambda m: changed(m, X.KEY_SHARE, push_shares([KeyShareEntry(0x11EC, bytes(1216))])),
        tls.IllegalParameter,
    ),
    "with a share that is too short": (
        lambda m: changed(m, X.KEY_SHARE, push_shares([KeyShareEntry(29, bytes(31))])),
        tls.IllegalParameter,
    ),
    "with a share of all zeros": (
        lambda m: changed(m, X.KEY_SHARE, push_shares([KeyShareEntry(29, bytes(32))])),
        tls.IllegalParameter,
    ),
    "with a point that is not on the curve": (
        lambda m: changed(m, X.KEY_SHARE, push_shares([KeyShareEntry(23, b"\x04" + bytes(63) + b"\x01")])),
        tls.IllegalParameter,
    ),
    "with a compressed point": (
        lambda m: changed(m, X.KEY_SHARE, push_shares([KeyShareEntry(23, b"\x02" + bytes(32))])),
        tls.IllegalParameter,
    ),
    "with compression": (lambda m: replace(m, compression_methods=(1, 0)), tls.IllegalParameter),
    "with versions nobody speaks": (
        lambda m: changed(m, X.SUPPORTED_VERSIONS, push_supported_versions([0x7A7A, 0x0302])),
        tls.ProtocolVersion,
    ),
    "with an empty list of versions": (lambda m: changed(m, X.SUPPORTED_VERSIONS, b"\x00"), tls.DecodeError),
    "with half a version": (lambda m: changed(m, X.SUPPORTED_VERSIONS, b"\x01\x03"), tls.DecodeError),
    "of SSL 3.0": (lambda m: replace(m, legacy_version=0x0300), tls.ProtocolVersion),
    "without a common suite": (lambda m: replace(m, cipher_suites=(0x1399, 0x9C)), tls.HandshakeFailure),
    "without a common group": (
        lambda m: changed(changed(m, X.SUPPORTED_GROUPS, b"\x00\x02\x00\x1e"), X.KEY_SHARE, b"\x00\x00"),
        tls.HandshakeFailure,
    ),
    "without a common signature scheme": (
        lambda m: changed(m, X.SIGNATURE_ALGORITHMS, b"\x00\x02\x08\x07"),
        tls.HandshakeFailure,
    ),
    "with an empty list of signature schemes": (
        lambda m: changed(m, X.SIGNATURE_ALGORITHMS, b"\x00\x00"),
        tls.DecodeError,
    ),
    "with octets behind an extension": (
        lambda m: changed(m, X.SUPPORTED_VERSIONS, b"\x02\x03\x04\x00"),
        tls.DecodeError,
    ),
    "with pre_shared_key in the middle": (
        lambda m: replace(m, extensions=(E(X.PRE_SHARED_KEY, b""), *m.extensions)),
        tls.IllegalParameter,
    ),
    "with pre_shared_key and no modes": (lambda m: changed(m, X.PRE_SHARED_KEY, b""), tls.MissingExtension),
    "with an extension twice": (
        lambda m: replace(m, extensions=(*m.extensions, m.extensions[0])),
        tls.IllegalParameter,
    ),
    "with a malformed server name": (lambda m: changed(m, X.SERVER_NAME, b"\x00\x00"), tls.DecodeError),
    "with a server name of other octets": (
        lambda m: changed(m, X.SERVER_NAME, push_server_name(b"bank\x00.example")),
        tls.IllegalParameter,
    ),
    "with an empty protocol name": (lambda m: changed(m, X.ALPN, b"\x00\x01\x00"), tls.DecodeError),
}


@pytest.mark.parametrize("case", HELLO_CASES)
def test_a_client_hello(case: str) -> None:
    edit, alert = HELLO_CASES[case]
    assert isinstance(misdeed("client", "ClientHello", edit), alert)


def alien_share(message: Any) -> Any:
    return changed(message, X.KEY_SHARE, push_share(KeyShareEntry(23, b"\x04" + bytes(64))))


SERVER_CASES: dict[str, tuple[str, Any, type]] = {
    "a suite not offered": ("ServerHello", lambda m: replace(m, cipher_suite=0x1304), tls.IllegalParameter),
    "a suite of TLS 1.2": ("ServerHello", lambda m: replace(m, cipher_suite=0x9C), tls.IllegalParameter),
    "another session id": ("ServerHello", lambda m: replace(m, session_id=b"other"), tls.IllegalParameter),
    "compression": ("ServerHello", lambda m: replace(m, compression_method=1), tls.IllegalParameter),
    "no key share": ("ServerHello", lambda m: changed(m, X.KEY_SHARE, None), tls.MissingExtension),
    "a share of another group": ("ServerHello", alien_share, tls.IllegalParameter),
    "a version not offered": (
        "ServerHello",
        lambda m: changed(m, X.SUPPORTED_VERSIONS, b"\x03\x03"),
        tls.IllegalParameter,
    ),
    "no version": ("ServerHello", lambda m: changed(m, X.SUPPORTED_VERSIONS, None), tls.ProtocolVersion),
    "SSL 3.0": (
        "ServerHello",
        lambda m: changed(m, X.SUPPORTED_VERSIONS, None, legacy_version=0x300),
        tls.ProtocolVersion,
    ),
    "an extension not offered in ServerHello": (
        "ServerHello",
        lambda m: changed(m, 0x1234, b""),
        tls.UnsupportedExtension,
    ),
    "an extension that belongs elsewhere": (
        "ServerHello",
        lambda m: changed(m, X.SERVER_NAME, b""),
        tls.IllegalParameter,
    ),
    "a key share in EncryptedExtensions": (
        "EncryptedExtensions",
        lambda m: changed(m, X.KEY_SHARE, push_share(KeyShareEntry(29, bytes(32)))),
        tls.IllegalParameter,
    ),
    "an unasked extension in EncryptedExtensions": (
        "EncryptedExtensions",
        lambda m: changed(m, X.MAX_FRAGMENT_LENGTH, b"\x01"),
        tls.UnsupportedExtension,
    ),
    "a protocol not offered": (
        "EncryptedExtensions",
        lambda m: changed(m, X.ALPN, push_alpn([b"h3"])),
        tls.IllegalParameter,
    ),
    "two protocols": (
        "EncryptedExtensions",
        lambda m: changed(m, X.ALPN, push_alpn([b"h2", b"h2"])),
        tls.IllegalParameter,
    ),
    "no certificate": ("Certificate", lambda m: Certificate13(b"", ()), tls.DecodeError),
    "a certificate with a context": (
        "Certificate",
        lambda m: Certificate13(b"x", m.certificate_list),
        tls.IllegalParameter,
    ),
    "an unasked extension beside a certificate": (
        "Certificate",
        lambda m: Certificate13(b"", (CertificateEntry(m.certificate_list[0].cert_data, (E(0x1234),)),)),
        tls.UnsupportedExtension,
    ),
    "a signature that does not verify": (
        "CertificateVerify",
        lambda m: replace(m, signature=bytes([m.signature[0] ^ 1]) + m.signature[1:]),
        tls.DecryptError,
    ),
    "an empty signature": ("CertificateVerify", lambda m: replace(m, signature=b""), tls.DecryptError),
    "a signature scheme of TLS 1.2": (
        "CertificateVerify",
        lambda m: replace(m, scheme=tls.SignatureScheme.RSA_PKCS1_SHA256),
        tls.IllegalParameter,
    ),
    "a signature scheme for another key": (
        "CertificateVerify",
        lambda m: replace(m, scheme=tls.SignatureScheme.ECDSA_SECP256R1_SHA256),
        tls.IllegalParameter,
    ),
    "a signature scheme not offered": ("CertificateVerify", lambda m: replace(m, scheme=0x0203), tls.IllegalParameter),
    "a wrong Finished": ("Finished", lambda m: tls.Finished(bytes(32)), tls.DecryptError),
    "a short Finished": ("Finished", lambda m: tls.Finished(m.verify_data[:-1]), tls.DecodeError),
    "a long Finished": ("Finished", lambda m: tls.Finished(m.verify_data + b"\0"), tls.DecodeError),
}


@pytest.mark.parametrize("case", SERVER_CASES)
def test_a_server_with(case: str) -> None:
    name, edit, alert = SERVER_CASES[case]
    error = misdeed("server", name, edit, alpn=("h2",))
    assert isinstance(error, alert), error


def retry(**changes: Any) -> Any:
    group = changes.pop("group", b"\x00\x17")

    def edit(message: Any) -> Any:
        extensions = [E(X.SUPPORTED_VERSIONS, b"\x03\x04")]
        extensions += [E(X.KEY_SHARE, group)] if group else []
        return tls.HelloRetryRequest(HELLO_RETRY_RANDOM, message.session_id, message.cipher_suite, tuple(extensions))

    return edit


def play_retry(*octets: Any) -> End:
    """Give a client these HelloRetryRequests, one after another."""
    client = End(tls.Client(modern_client(groups=CLASSIC)))
    hello = tls.parse_message(22, tls.split_records(client.drain())[0][0].fragment)
    fake = tls.ServerHello(bytes(32), hello.session_id, 0x1301, ())  # type: ignore[union-attr]
    for edit in octets:
        raw = edit(fake).encode()
        client.connection.receive(b"\x16\x03\x03" + len(raw).to_bytes(2, "big") + raw)
        client.drain()
    return client


def test_a_hello_retry_request_must_change_something() -> None:
    assert isinstance(play_retry(retry(group=b"")).error, tls.IllegalParameter)


def test_a_hello_retry_request_for_a_share_that_was_sent_is_refused() -> None:
    assert isinstance(play_retry(retry(group=b"\x00\x1d")).error, tls.IllegalParameter)


def test_a_hello_retry_request_for_a_group_not_offered_is_refused() -> None:
    assert isinstance(play_retry(retry(group=b"\x00\x18")).error, tls.IllegalParameter)


def test_a_second_hello_retry_request_is_an_unexpected_message() -> None:
    client = play_retry(retry(), retry())
    assert isinstance(client.error, tls.UnexpectedMessage)
    assert client.sent.count("ClientHello") == 2


def test_a_second_client_hello_must_not_change_anything_else() -> None:
    hellos = []

    def edit(message: Any) -> Any:
        hellos.append(message)
        return replace(message, random=bytes(32)) if len(hellos) == 2 else message

    def ready(request: tls.MessageReady) -> Any:
        return edit(request.message) if request.message.name == "ClientHello" else None

    pair = Pair(
        modern_client(intercept=True, groups=CLASSIC),
        modern_server(groups=(tls.Group.SECP256R1,)),
        client_answers={"MessageReady": ready},
    ).run()
    assert isinstance(pair.server.error, tls.IllegalParameter)


def to_server(*records: tuple[int, bytes], plain: bool = False) -> Any:
    """Let a connected client send these records and return the server's error."""
    pair = connected(client=modern_client(), server=modern_server())
    for content_type, content in records:
        pair.client.connection.records.write_message(content_type, content, plain=plain)
    pair.run()
    return pair.server.error


UPDATE = KeyUpdate(0).encode()
RECORD_CASES: dict[str, tuple[list[tuple[int, bytes]], type]] = {
    "an empty handshake record": ([(22, b"")], tls.UnexpectedMessage),
    "an empty alert": ([(21, b"")], tls.UnexpectedMessage),
    "half an alert": ([(21, b"\x02")], tls.DecodeError),
    "a protected ChangeCipherSpec": ([(20, b"\x01")], tls.UnexpectedMessage),
    "a content type that does not exist": ([(99, b"x")], tls.UnexpectedMessage),
    "content type zero": ([(0, b"")], tls.UnexpectedMessage),
    "too much inside": ([(23, bytes(2**14 + 1))], tls.RecordOverflow),
    "a KeyUpdate and more in one record": ([(22, UPDATE + UPDATE)], tls.UnexpectedMessage),
    "a KeyUpdate of two octets": ([(22, b"\x18\x00\x00\x02\x00\x00")], tls.DecodeError),
    "an empty KeyUpdate": ([(22, b"\x18\x00\x00\x00")], tls.DecodeError),
    "a KeyUpdate with another wish": ([(22, b"\x18\x00\x00\x01\x02")], tls.IllegalParameter),
    "data inside a handshake message": ([(22, UPDATE[:2]), (23, b"data")], tls.UnexpectedMessage),
    "an alert inside a handshake message": ([(22, UPDATE[:2]), (21, b"\x01\x00")], tls.UnexpectedMessage),
    "a ticket for the server": ([(22, b"\x04\x00\x00\x00")], tls.UnexpectedMessage),
    "a second ClientHello": ([(22, b"\x01\x00\x00\x00")], tls.UnexpectedMessage),
    "a Finished again": ([(22, b"\x14\x00\x00\x20" + bytes(32))], tls.UnexpectedMessage),
    "EncryptedExtensions for the server": ([(22, EncryptedExtensions(()).encode())], tls.UnexpectedMessage),
}


@pytest.mark.parametrize("case", RECORD_CASES)
def test_after_the_handshake(case: str) -> None:
    records, alert = RECORD_CASES[case]
    if case == "too much inside":
        pair = connected(client=modern_client(), server=modern_server())
        pair.client.connection.records.max_fragment = 2**15
        pair.client.connection.records.write_message(*records[0])
        pair.run()
        assert isinstance(pair.server.error, alert)
        return
    assert isinstance(to_server(*records), alert)


@pytest.mark.parametrize("content_type", [20, 22])
def test_plaintext_after_the_handshake_is_an_unexpected_message(content_type: int) -> None:
    assert isinstance(to_server((content_type, b"\x01"), plain=True), tls.UnexpectedMessage)


def test_a_plaintext_alert_of_a_client_without_keys_is_understood() -> None:
    pair = Pair(modern_client(), modern_server())
    pair.server.connection.receive(pair.client.drain())
    pair.server.drain()
    pair.server.connection.receive(b"\x15\x03\x03\x00\x02\x02\x28")
    pair.server.drain()
    assert pair.server.error.alert.code == 40


def test_every_alert_but_close_notify_and_user_canceled_is_fatal_whatever_its_level() -> None:
    assert isinstance(to_server((21, b"\x01\x28")), tls.PeerAlert)
    pair = connected(client=modern_client(), server=modern_server())
    pair.client.connection.records.write_message(21, b"\x01\x5a")
    pair.client.connection.send(b"and on")
    pair.run()
    assert pair.server.data == b"and on"


def test_a_message_that_lies_across_a_change_of_keys_is_refused() -> None:
    pair = Pair(modern_client(), modern_server())
    hello = pair.client.drain()
    raw = hello[5:] + UPDATE[:1]
    pair.server.connection.receive(hello[:3] + len(raw).to_bytes(2, "big") + raw)
    pair.server.drain()
    assert isinstance(pair.server.error, tls.UnexpectedMessage)


def test_the_compatibility_ccs_is_dropped_again_and_again_up_to_a_limit() -> None:
    pair = Pair(modern_client(), modern_server())
    pair.server.connection.receive(pair.client.drain())
    pair.server.drain()
    patience = pair.server.connection.config.limits.compatibility_ccs
    pair.server.connection.receive(b"\x14\x03\x03\x00\x01\x01" * patience)
    pair.server.drain()
    assert pair.server.error is None
    pair.server.connection.receive(b"\x14\x03\x03\x00\x01\x01")
    pair.server.drain()
    assert isinstance(pair.server.error, tls.UnexpectedMessage)


@pytest.mark.parametrize("content", [b"\x02", b"\x01\x01", b""])
def test_a_compatibility_ccs_of_other_octets_is_an_unexpected_message(content: bytes) -> None:
    pair = Pair(modern_client(), modern_server())
    pair.server.connection.receive(pair.client.drain())
    pair.server.drain()
    pair.server.connection.receive(b"\x14\x03\x03" + len(content).to_bytes(2, "big") + content)
    pair.server.drain()
    assert isinstance(pair.server.error, tls.UnexpectedMessage)


@pytest.mark.parametrize("server_groups", [CLASSIC, (tls.Group.SECP256R1,)])
def test_early_data_that_nobody_wants_is_skipped_up_to_a_limit(server_groups: Any) -> None:
    for size, survives in ((500, True), (70_000, False)):
        early = E(X.EARLY_DATA)
        pair = Pair(modern_client(extensions=(early,), groups=CLASSIC), modern_server(groups=server_groups))
        out = pair.client.drain()
        for start in range(0, size, 10_000):
            piece = b"e" * min(10_000, size - start)
            out += b"\x17\x03\x03" + len(piece).to_bytes(2, "big") + piece
        pair.server.connection.receive(out)
        pair.run()
        assert pair.server.connection.handshake_complete is survives


def test_a_client_that_proves_nothing_for_its_certificate_is_refused() -> None:
    identity = client_identity()

    def skip(request: tls.MessageReady) -> Any:
        return tls.CertificateVerify(0x0804, b"") if request.message.name == "CertificateVerify" else None

    pair = Pair(
        modern_client(certificates=(identity.der,), key=identity.key, intercept=True),
        modern_server(client_certificate="require", trust=[root().certificate]),
        client_answers={"MessageReady": skip},
    ).run()
    assert isinstance(pair.server.error, tls.DecryptError)
