"""Handshakes with every kind of certified key, in both roles and versions, and what each kind must not be used for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from certified import SHA384, SHA512, identity, pss_params
from tls_identities import NAME, Identity, root
from tls_pair import Pair

from trustlab import tls
from trustlab.tls import authenticators

S, TYPE = tls.SignatureScheme, tls.ExtensionType
TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
ROLES = pytest.mark.parametrize("role", ["server", "client"])
X25519, P256, P384 = tls.Group.X25519, tls.Group.SECP256R1, tls.Group.SECP384R1
RSA_KEY_EXCHANGE = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)


def own(identity: Identity) -> dict[str, Any]:
    return {"certificates": (identity.der,), "key": identity.key}


def client(**changes: Any) -> tls.ClientConfig:
    return tls.ClientConfig(**({"server_name": NAME, "trust": [root().certificate]} | changes))


def server(made: Identity, **changes: Any) -> tls.ServerConfig:
    return tls.ServerConfig(**(own(made) | {"trust": [root().certificate]} | changes))


def pair(
    role: str,
    version: tls.Version,
    made: Identity,
    *,
    ours: dict[str, Any] | None = None,
    theirs: dict[str, Any] | None = None,
    edits: dict[str, Any] | None = None,
) -> Pair:
    """Run a handshake in which `role` shows `made` and may edit its messages (`theirs`); `ours` is for the other end."""

    def ready(request: tls.MessageReady) -> Any:
        edit = (edits or {}).get(request.message.name)
        return edit(request.message) if edit else None

    mine = {"versions": (version,)} | (ours or {})
    its = {"versions": (version,), "intercept": edits is not None} | (theirs or {})
    if role == "server":
        return Pair(client(**mine), server(made, **its), server_answers={"MessageReady": ready}).run()
    asking = server(identity("ECDSA"), **({"client_certificate": "require"} | mine))
    return Pair(client(**(own(made) | its)), asking, client_answers={"MessageReady": ready}).run()


def scheme_of(result: Pair, role: str) -> int:
    """Return the scheme `role` signed with, as the other end read it."""
    end = result.client if role == "server" else result.server
    found = [e.message for e in end.of(tls.MessageReceived) if e.name in {"ServerKeyExchange", "CertificateVerify"}]
    return found[0].scheme


KINDS = {
    "RSA": ("RSA", b"", S.RSA_PSS_RSAE_SHA256),
    "RSA-1024": ("RSA-1024", b"", S.RSA_PSS_RSAE_SHA256),
    "RSA-PSS": ("RSA-PSS", b"", S.RSA_PSS_PSS_SHA256),
    "RSA-PSS for SHA-384": ("RSA-PSS", pss_params(SHA384, SHA384, 48), S.RSA_PSS_PSS_SHA384),
    "RSA-PSS for SHA-512": ("RSA-PSS", pss_params(SHA512, SHA512, 32), S.RSA_PSS_PSS_SHA512),
    "P-384": ("P-384", b"", None),
    "P-521": ("P-521", b"", None),
    "Ed25519": ("Ed25519", b"", S.ED25519),
}


@BOTH
@ROLES
@pytest.mark.parametrize("kind", KINDS)
def test_a_handshake_with_each_kind_of_key(role: str, version: tls.Version, kind: str) -> None:
    name, params, expected = KINDS[kind]
    made = identity(name, params, client=role == "client")
    result = pair(role, version, made)
    for end in (result.client, result.server):
        assert end.connection.handshake_complete, end.error
    scheme = scheme_of(result, role)
    if expected is not None:
        assert scheme == expected
    elif version == TLS13:
        assert scheme == {"P-384": S.ECDSA_SECP384R1_SHA384, "P-521": S.ECDSA_SECP521R1_SHA512}[name]
    other = result.client if role == "server" else result.server
    assert other.connection.peer_certificates == (made.der,)


@BOTH
@ROLES
def test_a_scheme_too_big_for_the_key_is_passed_over(role: str, version: tls.Version) -> None:
    schemes = (S.RSA_PSS_RSAE_SHA512, S.RSA_PSS_RSAE_SHA384, S.ECDSA_SECP256R1_SHA256)
    both = {"signature_schemes": schemes}
    result = pair(role, version, identity("RSA-1024", client=role == "client"), ours=both, theirs=both)
    assert result.server.connection.handshake_complete, (result.client.error, result.server.error)
    assert scheme_of(result, role) == S.RSA_PSS_RSAE_SHA384


@BOTH
@ROLES
@pytest.mark.parametrize(
    ("kind", "params", "scheme"),
    [
        ("RSA", b"", S.RSA_PSS_PSS_SHA256),
        ("RSA-PSS", b"", S.RSA_PSS_RSAE_SHA256),
        ("RSA-PSS", pss_params(), S.RSA_PSS_RSAE_SHA256),
    ],
    ids=["rsaEncryption by pss_pss", "PSS by pss_rsae", "limited PSS by pss_rsae"],
)
def test_a_good_signature_under_the_name_of_the_other_rsa_is_refused(
    role: str, version: tls.Version, kind: str, params: bytes, scheme: int
) -> None:
    name = "ServerKeyExchange" if role == "server" and version == TLS12 else "CertificateVerify"
    edits = {name: lambda m: replace(m, scheme=scheme)}
    result = pair(role, version, identity(kind, params, client=role == "client"), edits=edits)
    victim = result.client if role == "server" else result.server
    assert isinstance(victim.error, tls.IllegalParameter)
    assert "does not fit" in str(victim.error)


@BOTH
@ROLES
def test_who_does_not_offer_pss_pss_is_not_shown_such_a_key(role: str, version: tls.Version) -> None:
    ours = {"signature_schemes": (S.RSA_PSS_RSAE_SHA256, S.RSA_PKCS1_SHA256, S.ECDSA_SECP256R1_SHA256)}
    result = pair(role, version, identity("RSA-PSS", client=role == "client"), ours=ours)
    if role == "server":
        assert isinstance(result.server.error, tls.HandshakeFailure)
    else:
        refusal = tls.HandshakeFailure if version == TLS12 else tls.CertificateRequired
        assert isinstance(result.server.error, refusal)  # the client had none to show
        assert result.server.connection.peer_certificates == ()


def test_a_server_with_a_pss_key_does_no_rsa_key_exchange() -> None:
    made = identity("RSA-PSS")
    alone = pair("server", TLS12, made, ours={"cipher_suites": RSA_KEY_EXCHANGE})
    assert isinstance(alone.server.error, tls.HandshakeFailure)
    first = pair("server", TLS12, made, theirs={"cipher_suites": (*RSA_KEY_EXCHANGE, *tls.ServerConfig.cipher_suites)})
    assert first.client.connection.cipher_suite == tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256


@pytest.mark.parametrize("params", [b"", pss_params()], ids=["without limits", "with limits"])
def test_a_client_encrypts_nothing_to_a_pss_key(params: bytes) -> None:
    edits = {"Certificate": lambda m: replace(m, certificate_list=(identity("RSA-PSS", params).der,))}
    result = pair("server", TLS12, identity("RSA"), ours={"cipher_suites": RSA_KEY_EXCHANGE}, edits=edits)
    assert isinstance(result.client.error, tls.UnsupportedCertificate)
    assert "ServerHelloDone" not in result.client.received  # the certificate itself is refused


@pytest.mark.parametrize("kind", ["RSA-PSS", "Ed25519", "P-384", "RSA"])
@ROLES
def test_an_authenticator_by_each_kind_of_key(role: str, kind: str) -> None:
    joined = Pair(client(), server(identity("ECDSA"))).run()
    ends = {"client": joined.client.connection, "server": joined.server.connection}
    prover, asker = ends[role], ends["server" if role == "client" else "client"]
    made = identity(kind, client=role == "client")
    asked = authenticators.request(asker)
    unsigned = authenticators.prepare(prover, asked, [made.der])
    signature = tls.perform(tls.KeyOperationWanted("sign", made.key, unsigned.data, unsigned.scheme))
    assert isinstance(signature, bytes)
    assert authenticators.validate(asker, asked, unsigned.finish(signature)).chain == (made.der,)
    if kind == "RSA-PSS":
        assert unsigned.scheme == S.RSA_PSS_PSS_SHA256
        lie = replace(unsigned, scheme=S.RSA_PSS_RSAE_SHA256).finish(signature)
        with pytest.raises(tls.IllegalParameter, match="does not fit"):
            authenticators.validate(asker, asked, lie)


# Curves of certificates in TLS 1.2 (RFC 8422 5.3)


def test_a_server_shows_no_certificate_on_a_curve_the_client_does_not_name() -> None:
    few = {"groups": (X25519, P256)}
    assert isinstance(pair("server", TLS12, identity("P-384"), ours=few).server.error, tls.HandshakeFailure)
    assert pair("server", TLS13, identity("P-384"), ours=few).server.connection.handshake_complete
    enough = pair("server", TLS12, identity("P-384"), ours={"groups": (X25519, P384)})
    assert enough.client.connection.handshake_complete


def test_a_client_that_names_no_groups_takes_any_curve() -> None:
    def bare(hello: Any) -> Any:
        return replace(hello, extensions=tuple(e for e in hello.extensions if e.type != TYPE.SUPPORTED_GROUPS))

    def ready(request: tls.MessageReady) -> Any:
        return bare(request.message) if request.message.name == "ClientHello" else None

    config = client(versions=(TLS12,), intercept=True)
    found = Pair(config, server(identity("P-384"), versions=(TLS12,)), client_answers={"MessageReady": ready}).run()
    assert "ServerHelloDone" in found.server.sent


def test_a_client_refuses_a_servers_certificate_on_a_curve_it_did_not_name() -> None:
    edits = {"Certificate": lambda m: replace(m, certificate_list=(identity("P-384").der,))}
    result = pair("server", TLS12, identity("ECDSA"), ours={"groups": (X25519, P256)}, edits=edits)
    assert isinstance(result.client.error, tls.IllegalParameter)
    assert "secp384r1" in str(result.client.error)


def test_a_client_shows_no_certificate_on_a_curve_it_does_not_name() -> None:
    made = identity("P-384", client=True)
    asks = {"client_certificate": "request"}
    shown = pair("client", TLS12, made, ours=asks, theirs={"groups": (X25519, P384, P256)})
    assert shown.server.connection.peer_certificates == (made.der,)
    hidden = pair("client", TLS12, made, ours=asks, theirs={"groups": (X25519, P256)})
    assert hidden.server.connection.handshake_complete
    assert hidden.server.connection.peer_certificates == ()


def test_a_server_refuses_a_clients_certificate_on_a_curve_the_client_did_not_name() -> None:
    made = identity("P-384", client=True)
    edits = {"Certificate": lambda m: replace(m, certificate_list=(made.der,))}
    result = pair("client", TLS12, identity("ECDSA", client=True), theirs={"groups": (X25519, P256)}, edits=edits)
    assert isinstance(result.server.error, tls.IllegalParameter)
    assert "secp384r1" in str(result.server.error)


def test_the_names_of_the_kinds_are_told_in_errors() -> None:
    edits = {"Certificate": lambda m: replace(m, certificate_list=(identity("Ed25519").der,))}
    result = pair("server", TLS12, identity("RSA"), edits=edits)
    assert isinstance(result.client.error, tls.UnsupportedCertificate)
    assert "Ed25519" in str(result.client.error)
