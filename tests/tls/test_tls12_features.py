"""What TLS 1.2 can do beyond RSA key exchange, with ourselves and with Python's ssl."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from test_tls12_interop import Ssl, files, shake
from tls_pair import NAME, End, Pair, client_config, client_identity, connected, make, root, server_config

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

SUITES = {
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
}


def kind_of(suite: str) -> str:
    return "ECDSA" if "ECDSA" in suite else "RSA"


def exchange(end: End, peer: Ssl) -> None:
    """Carry data both ways, more than one record of it."""
    end.connection.send(b"q" * 20_000)
    peer.step(end.drain())
    got = b""
    while len(got) < 20_000:
        got += peer.object.read(20_000)
    assert got == b"q" * 20_000
    peer.object.write(b"a" * 20_000)
    end.connection.receive(peer.outgoing.read())
    end.drain()
    assert end.data == b"a" * 20_000


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("group", ["X25519", "SECP256R1"])
def test_our_client_runs_every_suite_and_group_with_pythons_ssl(suite: str, group: str, tmp_path: Path) -> None:
    certificate, key, _ = files(tmp_path, kind_of(suite))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES[suite])
    peer = Ssl(context, server=True)
    # OpenSSL wants the curve of an ECDSA certificate among the groups too (RFC 8422 5.3)
    groups = (tls.Group[group], tls.Group.SECP256R1)
    config = client_config(cipher_suites=(tls.CipherSuite[suite],), groups=groups)
    end = End(tls.Client(config))
    shake(end, peer)
    assert end.connection.handshake_complete
    exchange(end, peer)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("group", ["X25519", "SECP256R1"])
def test_our_server_runs_every_suite_and_group_with_pythons_ssl(suite: str, group: str, tmp_path: Path) -> None:
    _, _, ca = files(tmp_path, kind_of(suite))
    context = ssl.create_default_context(cafile=ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES[suite])
    peer = Ssl(context, server=False)
    config = server_config(kind_of(suite), cipher_suites=(tls.CipherSuite[suite],), groups=(tls.Group[group],))
    end = End(tls.Server(config))
    end.connection.receive(peer.step(b""))
    shake(end, peer)
    assert end.connection.handshake_complete
    exchange(end, peer)


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_a_client_certificate_is_checked_and_bound_to_the_handshake(kind: str) -> None:
    identity = client_identity(kind)
    pair = connected(
        client=client_config(certificates=(identity.der,), key=identity.key),
        server=server_config(client_certificate="require", trust=[root().certificate]),
    )
    assert pair.server.connection.peer_certificates == (identity.der,)
    assert pair.server.connection.facts.spki_C
    assert pair.client.connection.facts == pair.server.connection.facts
    assert pair.client.sent[1:4] == ["Certificate", "ClientKeyExchange", "CertificateVerify"]


def test_a_client_without_a_certificate_is_refused_only_where_one_is_required() -> None:
    for wish, complete in (("request", True), ("require", False)):
        server = server_config(client_certificate=wish, trust=[root().certificate])
        pair = Pair(client_config(), server).run()
        assert pair.server.connection.handshake_complete is complete
    assert isinstance(pair.server.error, tls.HandshakeFailure)


def test_a_signature_by_another_key_is_a_decrypt_error() -> None:
    identity, other = client_identity("RSA"), client_identity("ECDSA")
    wrong = replace(
        client_config(certificates=(identity.der,), key="elsewhere"),
    )

    def sign(request: tls.KeyOperationWanted) -> Any:
        return tls.perform(tls.KeyOperationWanted("sign", identity.key, request.data + b"!", request.scheme))

    server = server_config(client_certificate="require", trust=[root().certificate])
    pair = Pair(wrong, server, client_answers={"KeyOperationWanted": sign}).run()
    assert isinstance(pair.server.error, tls.DecryptError)
    assert other.der != identity.der


def test_client_certificates_work_with_pythons_ssl(tmp_path: Path) -> None:
    identity = client_identity("ECDSA")
    certificate, key, ca = files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = Ssl(context, server=True)
    end = End(tls.Client(client_config(certificates=(identity.der,), key=identity.key)))
    shake(end, peer)
    assert peer.object.getpeercert(binary_form=True) == identity.der
    (tmp_path / "client.pem").write_bytes(identity.pem + identity.key_pem)
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(str(tmp_path / "client.pem"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = Ssl(context, server=False)
    end = End(tls.Server(server_config(client_certificate="require", trust=[root().certificate])))
    end.connection.receive(peer.step(b""))
    shake(end, peer)
    assert end.connection.peer_certificates[0] == identity.der


def test_both_agree_on_an_application_protocol() -> None:
    pair = connected(client=client_config(alpn=("h2", "http/1.1")), server=server_config(alpn=("http/1.1",)))
    assert pair.client.connection.alpn == pair.server.connection.alpn == "http/1.1"
    assert connected(client=client_config(alpn=("h2",))).client.connection.alpn == ""
    pair = Pair(client_config(alpn=("h2",)), server_config(alpn=("http/1.1",))).run()
    assert isinstance(pair.server.error, tls.NoApplicationProtocol)


@pytest.mark.parametrize("extended", [False, True])
def test_both_export_the_same_keying_material(*, extended: bool) -> None:
    pair = connected(client=client_config(extended_master_secret=extended))
    for context in (None, b"", b"context"):
        exported = pair.client.connection.export("EXPERIMENTAL test", context, 40)
        assert exported == pair.server.connection.export("EXPERIMENTAL test", context, 40)
        assert len(exported) == 40
    assert pair.client.connection.export("a", None, 32) != pair.client.connection.export("a", b"", 32)


def test_suites_that_the_key_cannot_serve_are_not_chosen() -> None:
    ecdsa_only = client_config(cipher_suites=(tls.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,))
    assert isinstance(Pair(ecdsa_only, server_config("RSA")).run().server.error, tls.HandshakeFailure)


def test_no_common_group_leads_to_rsa_key_exchange_or_failure() -> None:
    pair = connected(
        client=client_config(groups=(tls.Group.X25519,)), server=server_config(groups=(tls.Group.SECP256R1,))
    )
    assert pair.client.connection.cipher_suite == tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256
    pair = Pair(client_config(groups=(tls.Group.X25519,)), server_config("ECDSA", groups=(tls.Group.SECP256R1,))).run()
    assert isinstance(pair.server.error, tls.HandshakeFailure)


def test_an_older_client_gets_protocol_version_and_a_fallback_is_noticed() -> None:
    def older(request: tls.MessageReady) -> Any:
        if isinstance(request.message, tls.ClientHello):
            return replace(request.message, legacy_version=0x0302)
        return None

    pair = Pair(client_config(intercept=True), client_answers={"MessageReady": older}).run()
    assert isinstance(pair.server.error, tls.ProtocolVersion)


def test_both_keep_to_what_the_certificate_says_its_key_may_do() -> None:
    """A key that may decipher and not sign serves RSA key exchange, however much the server prefers another."""
    identity = make("RSA", NAME, root(), signs=False)
    suites = (
        tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,
    )
    server = server_config(certificates=(identity.der,), key=identity.key, cipher_suites=suites)
    pair = connected(client=client_config(cipher_suites=suites), server=server)
    assert pair.client.connection.handshake_complete
    assert pair.client.connection.cipher_suite == suites[1]


def test_a_group_of_tls_13_alone_is_not_offered_for_tls_12() -> None:
    groups = (tls.Group.X25519MLKEM768, tls.Group.X25519)
    hybrid, plain = (group.to_bytes(2, "big") for group in groups)
    for versions, offered in (((tls.Version.TLS12,), False), ((tls.Version.TLS13, tls.Version.TLS12), True)):
        client = tls.Client(client_config(groups=groups, versions=versions, random=bytes))
        hello = client.data_to_send()
        assert plain in hello
        assert (b"\0\4" + hybrid + plain in hello) is offered
