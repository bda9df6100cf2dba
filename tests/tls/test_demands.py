"""A side that wants more security than its peer has refuses, and a server's alert says why."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from test_tls13_interop import modern_client, modern_server
from tls_pair import Pair, client_config, client_identity, connected, root, server_config

from trustlab import tls
from trustlab.tls.keys import sign

OTHER = tls.SignatureScheme.RSA_PSS_RSAE_SHA512
HYBRID = (tls.Group.X25519MLKEM768,)


def test_a_server_that_requires_the_extended_master_secret_tells_a_client_without_it() -> None:
    client = client_config(extended_master_secret=False)
    pair = Pair(client=client, server=server_config(require_extended_master_secret=True)).run()
    assert isinstance(pair.server.error, tls.InsufficientSecurity)
    assert isinstance(pair.client.error.alert, tls.InsufficientSecurity)


def test_a_client_that_requires_the_extended_master_secret_refuses_a_server_without_it() -> None:
    client = client_config(require_extended_master_secret=True)
    pair = Pair(client=client, server=server_config(extended_master_secret=False)).run()
    assert isinstance(pair.client.error, tls.HandshakeFailure)


def test_two_that_require_the_extended_master_secret_agree_on_it() -> None:
    pair = connected(
        client=client_config(require_extended_master_secret=True),
        server=server_config(require_extended_master_secret=True),
    )
    assert pair.client.connection.extended_master_secret
    assert pair.server.connection.extended_master_secret


def test_a_server_with_nothing_but_a_post_quantum_group_tells_a_client_without_one() -> None:
    pair = Pair(client=modern_client(groups=(tls.Group.X25519,)), server=modern_server(groups=HYBRID)).run()
    assert isinstance(pair.server.error, tls.InsufficientSecurity)


def test_groups_that_merely_differ_are_a_failed_handshake() -> None:
    client = modern_client(groups=(tls.Group.X25519,))
    pair = Pair(client=client, server=modern_server(groups=(tls.Group.SECP256R1,))).run()
    assert isinstance(pair.server.error, tls.HandshakeFailure)
    assert not isinstance(pair.server.error, tls.InsufficientSecurity)


@pytest.mark.parametrize(
    "settings",
    [{"alpn": ("x" * 256,)}, {"alpn": ("",)}, {"server_name": "x" * 256}],
    ids=["a protocol too long", "a protocol without a name", "a server name too long"],
)
def test_a_configuration_that_no_message_can_carry_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(tls.LocalProtocolError):
        client_config(**settings)


@pytest.mark.parametrize("make", [(client_config, server_config), (modern_client, modern_server)])
@pytest.mark.parametrize("asked", [("x" * 250, b"", 32), ("x", bytes(2**16), 32), ("x", b"", 8161), ("x", b"", -1)])
def test_an_exporter_refuses_what_no_label_or_expansion_can_hold(make: Any, asked: tuple[str, bytes, int]) -> None:
    client = connected(client=make[0](), server=make[1]()).client.connection
    assert len(client.export("x" * 249, bytes(2**16 - 1), 8160)) == 8160
    with pytest.raises(tls.LocalProtocolError):
        client.export(*asked)


def test_evidence_fills_a_certificate_entry_and_no_more() -> None:
    wants, gives = tls.AttestationOffer(demanded=tls.ROLE_S), tls.AttestationOffer(offered=tls.ROLE_S)
    pair = {"client": modern_client(attestation=wants), "server": modern_server(attestation=gives)}
    assert connected(**pair, server_answers={"EvidenceWanted": bytes(65529)})
    with pytest.raises(tls.LocalProtocolError):
        Pair(**pair, server_answers={"EvidenceWanted": bytes(65530)}).run()


@pytest.mark.parametrize(
    ("version", "signer"),
    [(tls.Version.TLS12, "client"), (tls.Version.TLS13, "client"), (tls.Version.TLS13, "server")],
    ids=lambda value: getattr(value, "title", value) if isinstance(value, tls.Version) else value,
)
def test_a_good_signature_by_a_scheme_that_was_not_offered_is_refused(version: tls.Version, signer: str) -> None:
    """The key can make it and it verifies: only the list of schemes stands against it."""
    identity = client_identity()
    configs = {
        "client": client_config(versions=(version,), certificates=(identity.der,), key=identity.key, intercept=True),
        "server": server_config(versions=(version,), client_certificate="require", trust=[root().certificate]),
    }
    configs = {role: dataclasses.replace(config, intercept=True) for role, config in configs.items()}
    judge = "server" if signer == "client" else "client"
    schemes = tuple(s for s in configs[judge].signature_schemes if s != OTHER)
    configs[judge] = dataclasses.replace(configs[judge], signature_schemes=schemes)

    def signed(request: tls.MessageReady) -> Any:
        if request.message.name != "CertificateVerify":
            return None
        made = getattr(pair, signer).connection
        return tls.CertificateVerify(OTHER, sign(made.config.key, OTHER, made.handshake.signed_by(signer)))

    pair = Pair(**configs, **{f"{signer}_answers": {"MessageReady": signed}})
    pair.run()
    error = getattr(pair, judge).error
    assert isinstance(error, tls.IllegalParameter), error
    assert "not offered" in error.sentence


@pytest.mark.parametrize("chain", [True, False], ids=["with a certificate", "without one"])
@pytest.mark.parametrize("role", ["client", "server"])
def test_evidence_that_was_promised_and_is_not_in_the_certificate_is_missing(role: str, *, chain: bool) -> None:
    """In TLS 1.3 it has no other place."""

    def stripped(request: tls.MessageReady) -> Any:
        message = request.message
        if message.name != "Certificate":
            return None
        return tls.Certificate13(
            b"", tuple(tls.CertificateEntry(e.cert_data) for e in message.certificate_list if chain)
        )

    identity = client_identity()
    pair = Pair(
        modern_client(
            certificates=(identity.der,),
            key=identity.key,
            intercept=role == "client",
            attestation=tls.AttestationOffer(offered=tls.ROLE_C, demanded=tls.ROLE_S),
        ),
        modern_server(
            intercept=role == "server",
            client_certificate="request",
            trust=[root().certificate],
            attestation=tls.AttestationOffer(offered=tls.ROLE_S, demanded=tls.ROLE_C),
        ),
        **{
            f"{each}_answers": {"EvidenceWanted": b"e"} | ({"MessageReady": stripped} if each == role else {})
            for each in ("client", "server")
        },
    ).run()
    error = (pair.server if role == "client" else pair.client).error
    assert isinstance(error, tls.DecodeError if role == "server" and not chain else tls.MissingExtension), error
