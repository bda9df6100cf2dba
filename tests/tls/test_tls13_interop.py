"""TLS 1.3 with Python's ssl and with ourselves: suites, groups, certificates, everything after the handshake."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
from test_tls12_features import exchange
from test_tls12_interop import Ssl, files, shake
from tls_pair import (
    NAME,
    End,
    Pair,
    client_config,
    client_identity,
    connected,
    root,
    server_config,
    server_identity,
)

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

TLS13 = (tls.Version.TLS13,)
BOTH = (tls.Version.TLS13, tls.Version.TLS12)
SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
GROUPS = ["X25519", "SECP256R1"]


def modern_client(**changes: Any) -> tls.ClientConfig:
    return client_config(**({"versions": TLS13} | changes))


def modern_server(kind: str = "RSA", **changes: Any) -> tls.ServerConfig:
    return server_config(kind, **({"versions": TLS13} | changes))


def ssl_server(tmp_path: Path, kind: str = "RSA") -> ssl.SSLContext:
    certificate, key, _ = files(tmp_path, kind)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def ssl_client(tmp_path: Path, kind: str = "RSA") -> ssl.SSLContext:
    return ssl.create_default_context(cafile=files(tmp_path, kind)[2])


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_our_client_runs_every_suite_with_pythons_ssl(suite: str, kind: str, tmp_path: Path) -> None:
    peer = Ssl(ssl_server(tmp_path, kind), server=True)
    end = End(tls.Client(modern_client(cipher_suites=(tls.CipherSuite[suite],))))
    shake(end, peer)
    assert end.connection.version == tls.Version.TLS13
    exchange(end, peer)
    assert end.received.count("NewSessionTicket") == 2


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_our_server_runs_every_suite_with_pythons_ssl(suite: str, kind: str, tmp_path: Path) -> None:
    peer = Ssl(ssl_client(tmp_path, kind), server=False)
    end = End(tls.Server(modern_server(kind, cipher_suites=(tls.CipherSuite[suite],))))
    end.connection.receive(peer.step(b""))
    shake(end, peer)
    assert peer.object.cipher()[0] == suite
    exchange(end, peer)


@pytest.mark.parametrize("group", GROUPS)
def test_our_client_agrees_on_every_group_with_pythons_ssl(group: str, tmp_path: Path) -> None:
    peer = Ssl(ssl_server(tmp_path), server=True)
    end = End(tls.Client(modern_client(groups=(tls.Group[group],))))
    shake(end, peer)
    exchange(end, peer)


def test_a_server_that_wants_another_group_is_asked_again(tmp_path: Path) -> None:
    context = ssl_server(tmp_path)
    context.set_ecdh_curve("prime256v1")
    peer = Ssl(context, server=True)
    end = End(tls.Client(modern_client(groups=(tls.Group.X25519, tls.Group.SECP256R1))))
    shake(end, peer)
    assert "HelloRetryRequest" in end.received
    exchange(end, peer)


def test_our_server_asks_pythons_ssl_again(tmp_path: Path) -> None:
    peer = Ssl(ssl_client(tmp_path), server=False)
    end = End(tls.Server(modern_server(groups=(tls.Group.SECP256R1,))))
    end.connection.receive(peer.step(b""))
    shake(end, peer)
    assert "HelloRetryRequest" in end.sent
    exchange(end, peer)


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_client_certificates_work_with_pythons_ssl_in_both_roles(kind: str, tmp_path: Path) -> None:
    identity = client_identity(kind)
    context = ssl_server(tmp_path)
    context.load_verify_locations(str(tmp_path / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    peer = Ssl(context, server=True)
    end = End(tls.Client(modern_client(certificates=(identity.der,), key=identity.key)))
    shake(end, peer)
    assert peer.object.getpeercert(binary_form=True) == identity.der
    (tmp_path / "client.pem").write_bytes(identity.pem + identity.key_pem)
    context = ssl_client(tmp_path)
    context.load_cert_chain(str(tmp_path / "client.pem"))
    peer = Ssl(context, server=False)
    end = End(tls.Server(modern_server(client_certificate="require", trust=[root().certificate])))
    end.connection.receive(peer.step(b""))
    shake(end, peer)
    assert end.connection.peer_certificates[0] == identity.der


def test_a_client_that_speaks_both_versions_meets_servers_of_either(tmp_path: Path) -> None:
    for maximum, expected in ((ssl.TLSVersion.TLSv1_2, tls.Version.TLS12), (ssl.TLSVersion.TLSv1_3, tls.Version.TLS13)):
        context = ssl_server(tmp_path)
        context.maximum_version = maximum
        peer = Ssl(context, server=True)
        end = End(tls.Client(client_config(versions=BOTH)))
        shake(end, peer)
        assert end.connection.version == expected
        exchange(end, peer)


def test_a_server_that_speaks_both_versions_meets_clients_of_either(tmp_path: Path) -> None:
    for maximum, expected in ((ssl.TLSVersion.TLSv1_2, tls.Version.TLS12), (ssl.TLSVersion.TLSv1_3, tls.Version.TLS13)):
        context = ssl_client(tmp_path)
        context.maximum_version = maximum
        peer = Ssl(context, server=False)
        end = End(tls.Server(server_config(versions=BOTH)))
        end.connection.receive(peer.step(b""))
        shake(end, peer)
        assert end.connection.version == expected
        exchange(end, peer)


def test_alpn_is_agreed_with_pythons_ssl(tmp_path: Path) -> None:
    context = ssl_server(tmp_path)
    context.set_alpn_protocols(["http/1.1"])
    peer = Ssl(context, server=True)
    end = End(tls.Client(modern_client(alpn=("h2", "http/1.1"))))
    shake(end, peer)
    assert end.connection.alpn == peer.object.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("group", ["X25519", "SECP256R1", "X25519MLKEM768"])
@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_and_group_with_ourselves(group: str, suite: str) -> None:
    pair = connected(
        client=modern_client(groups=(tls.Group[group],), cipher_suites=(tls.CipherSuite[suite],)),
        server=modern_server("ECDSA"),
    )
    pair.client.connection.send(b"x" * 100_000)
    pair.run()
    assert pair.server.data == b"x" * 100_000


def test_a_hybrid_client_falls_back_to_the_share_a_classic_server_can_use() -> None:
    pair = connected(client=modern_client(), server=modern_server(groups=(tls.Group.X25519,)))
    assert "HelloRetryRequest" not in pair.client.received


def test_keys_can_be_updated_again_and_again_in_both_directions() -> None:
    pair = connected(client=modern_client(), server=modern_server())
    for number in range(50):
        pair.client.connection.update_keys(request_peer=bool(number % 2))
        pair.client.connection.send(b"c")
        pair.server.connection.send(b"s")
        pair.run()
    assert (pair.client.data, pair.server.data) == (b"s" * 50, b"c" * 50)
    assert pair.server.sent.count("KeyUpdate") == 25


def test_key_updates_without_data_between_them_have_a_limit() -> None:
    pair = connected(client=modern_client(), server=modern_server())
    for _ in range(40):
        pair.client.connection.update_keys()
    pair.run()
    assert isinstance(pair.server.error, tls.UnexpectedMessage)


def test_there_is_no_key_update_in_tls_12() -> None:
    pair = connected()
    with pytest.raises(tls.LocalProtocolError):
        pair.client.connection.update_keys()


def test_records_can_be_padded() -> None:
    plain = connected(client=modern_client(), server=modern_server())
    padded = connected(client=modern_client(padding=lambda n: 1000 - n % 1000), server=modern_server())
    for pair in (plain, padded):
        pair.client.connection.send(b"short")
        pair.run()
        assert pair.server.data == b"short"
    sizes = [len(pair.client.of(tls.ApplicationDataSent)[0].raw) for pair in (plain, padded)]
    assert sizes[1] == sizes[0] + 995


def test_both_export_the_same_keying_material_also_with_pythons_ssl_as_a_witness() -> None:
    pair = connected(client=modern_client(), server=modern_server())
    exported = pair.client.connection.export("EXPERIMENTAL test", b"context", 50)
    assert exported == pair.server.connection.export("EXPERIMENTAL test", b"context", 50)
    assert pair.client.connection.export("x", None, 32) == pair.client.connection.export("x", b"", 32)


def test_the_downgrade_sentinel_betrays_whoever_hid_tls_13() -> None:
    def hide(request: tls.MessageReady) -> Any:
        message = request.message
        if isinstance(message, tls.ClientHello):
            kept = tuple(e for e in message.extensions if e.type not in {43, 51})
            return tls.ClientHello(message.random, b"", message.cipher_suites, kept)
        return None

    pair = Pair(
        client_config(versions=BOTH, intercept=True),
        server_config(versions=BOTH),
        client_answers={"MessageReady": hide},
    ).run()
    assert isinstance(pair.client.error, tls.IllegalParameter)
    assert pair.client.error.clause == "RFC 9846 4.2.3"


def test_the_change_cipher_spec_for_middleboxes_can_be_left_off() -> None:
    pair = connected(client=modern_client(middlebox_compatibility=False), server=modern_server())
    assert "ChangeCipherSpec" not in pair.client.sent + pair.server.sent


def test_both_give_evidence_beside_their_certificates() -> None:
    identity = client_identity()
    pair = connected(
        client=modern_client(
            certificates=(identity.der,),
            key=identity.key,
            attestation=tls.AttestationOffer(offered=tls.ROLE_C, demanded=tls.ROLE_S),
        ),
        server=modern_server(
            client_certificate="require",
            trust=[root().certificate],
            attestation=tls.AttestationOffer(offered=tls.ROLE_S, demanded=tls.ROLE_C),
        ),
        client_answers={"EvidenceWanted": b"client evidence"},
        server_answers={"EvidenceWanted": b"server evidence"},
    )
    assert pair.client.of(tls.EvidenceReceived)[0].evidence == b"server evidence"
    assert pair.server.of(tls.EvidenceReceived)[0].evidence == b"client evidence"
    assert pair.client.connection.facts == pair.server.connection.facts
    needed = {"nonce_C", "nonce_S", "spki_S", "spki_C", "transcript_hash_CH_SH", "tp_attest"}
    assert all(getattr(pair.client.connection.facts, name) for name in needed)


@pytest.mark.parametrize("end", ["client", "server"])
def test_refused_evidence_is_access_denied(end: str) -> None:
    identity = client_identity()
    answers: dict[str, Any] = {
        "client_answers": {"EvidenceWanted": b"ce"},
        "server_answers": {"EvidenceWanted": b"se"},
    }
    answers[f"{end}_answers"]["EvidenceReceived"] = tls.AccessDenied("no")
    pair = Pair(
        modern_client(
            certificates=(identity.der,),
            key=identity.key,
            attestation=tls.AttestationOffer(offered=tls.ROLE_C, demanded=tls.ROLE_S),
        ),
        modern_server(checks=False, attestation=tls.AttestationOffer(offered=tls.ROLE_S, demanded=tls.ROLE_C)),
        **answers,
    ).run()
    assert isinstance(getattr(pair, end).error, tls.AccessDenied)
    other = pair.server if end == "client" else pair.client
    assert other.error.alert.code == 49


def test_unanswered_demands_are_missing_extension() -> None:
    wants = tls.AttestationOffer(offered=tls.ROLE_C, demanded=tls.ROLE_S)
    assert isinstance(Pair(modern_client(attestation=wants), modern_server()).run().client.error, tls.MissingExtension)
    demands = tls.AttestationOffer(offered=tls.ROLE_S, demanded=tls.ROLE_C)
    pair = Pair(modern_client(), modern_server(attestation=demands)).run()
    assert isinstance(pair.server.error, tls.MissingExtension)


def test_a_client_without_a_certificate_where_one_is_required_is_certificate_required() -> None:
    server = modern_server(client_certificate="require", trust=[root().certificate])
    pair = Pair(modern_client(), server).run()
    assert isinstance(pair.server.error, tls.CertificateRequired)
    server = modern_server(client_certificate="request", trust=[root().certificate])
    assert Pair(modern_client(), server).run().server.connection.handshake_complete


def test_keys_are_changed_before_they_have_seen_too_many_records() -> None:
    limits = tls.Limits(records_per_key=3)
    pair = connected(client=modern_client(limits=limits), server=modern_server())
    for _ in range(10):
        pair.client.connection.send(b"x")
        pair.run()
    assert pair.client.sent.count("KeyUpdate") == 3
    assert pair.server.data == b"x" * 10


def test_a_name_that_is_not_served_is_unrecognized() -> None:
    for versions in ((tls.Version.TLS12,), TLS13):
        pair = Pair(client_config(versions=versions), server_config(versions=versions, names=("other.example",))).run()
        assert isinstance(pair.server.error, tls.UnrecognizedName)


def test_a_program_that_gives_up_during_the_handshake_says_so() -> None:
    pair = Pair(modern_client(), modern_server())
    pair.server.connection.receive(pair.client.drain())
    pair.client.connection.close()
    pair.run()
    assert [e.alert.name for e in pair.client.of(tls.AlertSent)] == ["user_canceled", "close_notify"]
    assert pair.client.connection.closed
    assert not pair.server.connection.handshake_complete


def test_both_versions_are_spoken_by_default_and_the_newer_is_preferred() -> None:
    fresh = tls.ClientConfig(server_name=NAME, trust=[root().certificate])
    identity = server_identity()
    server = tls.ServerConfig(certificates=(identity.der,), key=identity.key)
    assert connected(client=fresh, server=server).client.connection.version == tls.Version.TLS13
    assert connected(client=client_config(), server=server).client.connection.version == tls.Version.TLS12
    assert connected(client=fresh, server=server_config()).client.connection.version == tls.Version.TLS12
