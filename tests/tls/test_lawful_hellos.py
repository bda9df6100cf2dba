"""What a server answers to a lawful hello: extensions, names, sessions, a better group, the CAs it asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tls_pair import (
    NAME,
    NOW,
    Pair,
    client_config,
    client_identity,
    connected,
    kept,
    make,
    resuming,
    root,
    server_config,
    stranger,
)

from trustlab import tls
from trustlab.tls.groups import SUPPORTED, generate
from trustlab.tls.resumption12 import Session, SessionCache

TYPE = tls.ExtensionType
TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
X25519, P256, P384, P521 = tls.Group.X25519, tls.Group.SECP256R1, tls.Group.SECP384R1, tls.Group.SECP521R1
HYBRID = tls.Group.X25519MLKEM768
RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
SCSV = int(tls.CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)


def answer_to(edit: Any, *, client: dict[str, Any] | None = None, server: dict[str, Any] | None = None) -> Any:
    """Return the ServerHello that an edited ClientHello gets, as the server sent it."""

    def ready(request: tls.MessageReady) -> Any:
        return edit(request.message) if request.message.name == "ClientHello" else None

    pair = Pair(
        client_config(intercept=True, **(client or {})),
        server_config(**(server or {})),
        client_answers={"MessageReady": ready},
    ).run()
    return next(e for e in pair.server.of(tls.MessageSent) if e.name == "ServerHello")


def types(message: Any) -> list[int]:
    return [extension.type for extension in message.extensions]


def sent(pair: Pair, name: str) -> Any:
    return next(e.message for e in pair.server.of(tls.MessageSent) if e.name == name)


# Extensions


def test_a_client_without_extensions_gets_none() -> None:
    event = answer_to(lambda m: replace(m, extensions=(), has_extensions=False), client={"cipher_suites": RSA})
    assert not event.message.has_extensions
    assert len(event.raw) == 4 + 2 + 32 + 1 + 0 + 2 + 1  # the message ends with compression_method


def test_a_client_without_extensions_but_with_the_signalling_suite_gets_renegotiation_info() -> None:
    event = answer_to(
        lambda m: replace(m, extensions=(), has_extensions=False, cipher_suites=(*m.cipher_suites, SCSV)),
        client={"cipher_suites": RSA},
    )
    assert types(event.message) == [TYPE.RENEGOTIATION_INFO]


# server_name (RFC 6066 3)


@BOTH
@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_a_name_that_was_sent_is_acknowledged(version: tls.Version, *, acknowledged: bool, named: bool) -> None:
    pair = connected(
        client=client_config(versions=(version,), server_name=NAME if named else None, checks=named),
        server=server_config(versions=(version,), acknowledge_server_name=acknowledged),
    )
    where = sent(pair, "ServerHello" if version == TLS12 else "EncryptedExtensions")
    assert (TYPE.SERVER_NAME in types(where)) == (acknowledged and named)
    assert where.extension(TYPE.SERVER_NAME) in {b"", None}


def test_a_resumed_server_hello_acknowledges_no_name() -> None:
    sessions = SessionCache()
    first = resuming(sessions).run()
    assert TYPE.SERVER_NAME in types(sent(first, "ServerHello"))
    session = first.client.connection.session
    assert session.server_name == NAME
    again = resuming(sessions, session).run()
    assert "Certificate" not in again.client.received
    assert TYPE.SERVER_NAME not in types(sent(again, "ServerHello"))


def offered(sessions: SessionCache, session: Session, edit: Any, **client: Any) -> Any:
    """Return the ServerHello that a session in an edited ClientHello gets."""

    def ready(request: tls.MessageReady) -> Any:
        return edit(request.message) if request.message.name == "ClientHello" else None

    config = client_config(intercept=True, **client)
    return sent(resuming(sessions, session, config, client_answers={"MessageReady": ready}).run(), "ServerHello")


def other_name(hello: Any) -> Any:
    body = b"\0\x10\0\0\x0dother.example"
    return replace(
        hello,
        extensions=tuple(tls.Extension(e.type, body) if e.type == TYPE.SERVER_NAME else e for e in hello.extensions),
    )


def no_name(hello: Any) -> Any:
    return replace(hello, extensions=tuple(e for e in hello.extensions if e.type != TYPE.SERVER_NAME))


@pytest.mark.parametrize("edit", [other_name, no_name])
@pytest.mark.parametrize("suites", [{}, {"cipher_suites": RSA}], ids=["with its suite", "without its suite"])
def test_a_session_is_not_resumed_under_another_name(edit: Any, suites: dict[str, Any]) -> None:
    sessions = SessionCache()
    session = kept(sessions)
    hello = offered(sessions, session, edit, **suites)
    assert hello.session_id not in {b"", session.session_id}
    assert sessions[session.session_id] == session


def test_the_case_of_a_name_is_none_of_its_difference() -> None:
    sessions = SessionCache()
    session = kept(sessions)

    def shout(hello: Any) -> Any:
        upper = {e.type: e.data.upper() for e in hello.extensions if e.type == TYPE.SERVER_NAME}
        return replace(
            hello, extensions=tuple(tls.Extension(e.type, upper.get(e.type, e.data)) for e in hello.extensions)
        )

    assert offered(sessions, session, shout).session_id == session.session_id


def test_a_client_offers_no_session_of_another_server() -> None:
    sessions = SessionCache()
    session = kept(sessions)
    elsewhere = client_config(server_name="other.example", checks=False)
    again = resuming(sessions, session, elsewhere).run()
    hello = next(e.message for e in again.client.of(tls.MessageSent) if e.name == "ClientHello")
    assert hello.session_id == b""
    assert "Certificate" in again.client.received

    def claims(request: tls.MessageReady) -> Any:
        message = request.message
        return replace(message, session_id=session.session_id) if message.name == "ServerHello" else None

    intercepted = server_config(intercept=True)
    forced = resuming(sessions, session, elsewhere, intercepted, server_answers={"MessageReady": claims}).run()
    assert "Certificate" in forced.client.received  # an id that was not offered is a new session's


# The CAs that a server asks for (RFC 9846 4.3.4, RFC 5246 7.4.4)


def asked_for(version: tls.Version, **changes: Any) -> tuple[bytes, ...]:
    settings = {"versions": (version,), "client_certificate": "request"} | changes
    pair = connected(client=client_config(versions=(version,)), server=server_config(**settings))
    request = next(e.message for e in pair.client.of(tls.MessageReceived) if e.name == "CertificateRequest")
    if version == TLS12:
        return request.certificate_authorities
    return request.value(TYPE.CERTIFICATE_AUTHORITIES) or ()


@BOTH
def test_a_certificate_request_names_the_trusted_roots(version: tls.Version) -> None:
    roots = [root().certificate, stranger().certificate, root().certificate]
    assert asked_for(version, trust=roots) == tuple(r.subject.public_bytes() for r in roots[:2])
    assert asked_for(version, checks=False) == ()


@BOTH
def test_names_that_do_not_fit_are_left_out(version: tls.Version) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def named(number: int) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"{number:060}")] * 20)
        builder = x509.CertificateBuilder(name, name, key.public_key(), number + 1, NOW, NOW)
        return builder.sign(key, hashes.SHA256())

    many = [named(n) for n in range(46)]
    size = len(many[0].subject.public_bytes()) + 2
    fits = (2**16 - 3) // size
    assert fits < len(many)
    assert len(asked_for(version, trust=many[:fits])) == fits
    assert asked_for(version, trust=many) == ()


# Groups


@pytest.mark.parametrize(
    ("ours", "theirs", "shares", "chosen", "retried"),
    [
        ((HYBRID, X25519), (HYBRID, X25519), None, HYBRID, False),
        ((HYBRID, X25519), (HYBRID, X25519), (X25519,), HYBRID, True),
        ((HYBRID, X25519), (X25519, HYBRID), (X25519,), HYBRID, True),
        ((X25519, HYBRID), (HYBRID, X25519), (X25519,), X25519, False),
        ((X25519, HYBRID), (HYBRID, X25519), (HYBRID,), HYBRID, False),
        ((HYBRID, X25519), (X25519, P256), (X25519,), X25519, False),
        ((P384, X25519), (X25519, P384), (X25519,), X25519, False),
        ((P384, P521), (X25519, P384, P521), (X25519,), P384, True),
        ((P521, P256), (X25519, P256, P521), (X25519,), P521, True),
    ],
)
def test_a_better_group_without_a_share_is_asked_for(
    ours: Any, theirs: Any, shares: Any, chosen: int, *, retried: bool
) -> None:
    pair = connected(
        client=client_config(versions=(TLS13,), groups=theirs, key_shares=shares),
        server=server_config(versions=(TLS13,), groups=ours),
    )
    assert ("HelloRetryRequest" in pair.server.sent) == retried
    assert sent(pair, "ServerHello").value(TYPE.KEY_SHARE)[0].group == chosen


def test_two_defaults_meet_without_a_retry() -> None:
    pair = connected(client=client_config(versions=(TLS13,)), server=server_config(versions=(TLS13,)))
    assert "HelloRetryRequest" not in pair.server.sent
    assert sent(pair, "ServerHello").value(TYPE.KEY_SHARE)[0].group == HYBRID


@BOTH
@pytest.mark.parametrize("group", [P256, P384, P521])
def test_the_curves_of_nist_agree_on_keys(version: tls.Version, group: int) -> None:
    both = {"versions": (version,), "groups": (group,)}
    pair = connected(client=client_config(**both), server=server_config(**both))
    assert pair.client.connection.export("EXPORTER-test", None, 32) == pair.server.connection.export(
        "EXPORTER-test", None, 32
    )


@pytest.mark.parametrize("group", [P256, P384, P521])
def test_a_point_that_is_none_is_refused(group: int) -> None:
    own, peer = generate(group), generate(group)
    assert own.finish(peer.public) == peer.finish(own.public)
    size = len(peer.public)
    bad = [peer.public[:-1], peer.public + b"\0", b"\2" + peer.public[1 : 1 + size // 2], b"\4" + bytes(size - 1)]
    bad += [b"\6" + peer.public[1:], peer.public[:-1] + bytes([peer.public[-1] ^ 1]), b"\0"]
    for octets in bad:
        with pytest.raises(tls.IllegalParameter):
            own.finish(octets)


def test_every_default_group_can_be_run() -> None:
    assert set(tls.ClientConfig.groups) == set(SUPPORTED)


# Chains


@BOTH
@pytest.mark.parametrize("length", [20, 21])
def test_a_chain_of_twenty_is_verified(version: tls.Version, length: int) -> None:
    """All twenty are needed: 19 CAs below the root, each certified by the one before."""
    chain, issuer = [], root()
    for number in range(length - 1):
        issuer = make("ECDSA", f"CA {number}", issuer, ca=True)
        chain.append(issuer.der)
    leaf = make("ECDSA", NAME, issuer)
    settings = {"versions": (version,), "certificates": (leaf.der, *chain[::-1]), "key": leaf.key}
    pair = Pair(client_config(versions=(version,)), server_config(**settings)).run()
    if length == 20:
        assert pair.client.connection.handshake_complete, pair.client.error
    else:
        assert isinstance(pair.client.error, tls.BadCertificate)


def test_a_client_that_is_asked_for_other_cas_shows_what_it_has() -> None:
    own = client_identity("ECDSA")
    both: dict[str, Any] = {"versions": (TLS13,)}
    pair = Pair(
        client_config(certificates=(own.der,), key=own.key, **both),
        server_config(client_certificate="require", trust=[stranger().certificate], **both),
    ).run()
    assert isinstance(pair.server.error, tls.UnknownCa)
