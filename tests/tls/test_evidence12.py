"""Evidence in a TLS 1.2 handshake: who is asked what and when, and which alert answers which misdeed."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from tls_pair import Pair, client_config, connected, server_config

from trustlab import tls
from trustlab.tls.extensions import push_attestation

RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
CLIENT = tls.AttestationOffer(offered=tls.ROLE_C, demanded=tls.ROLE_S)
SERVER = tls.AttestationOffer(offered=tls.ROLE_S, demanded=tls.ROLE_C)


def pair(client: Any = CLIENT, server: Any = SERVER, **settings: Any) -> Pair:
    intercept = {"client": False, "server": False} | settings.pop("intercept", {})
    answers = {
        "client_answers": {"EvidenceWanted": b"client evidence"} | settings.pop("client_answers", {}),
        "server_answers": {"EvidenceWanted": b"server evidence"} | settings.pop("server_answers", {}),
    }
    return Pair(
        client_config(attestation=client, cipher_suites=RSA, intercept=intercept["client"]),
        server_config(attestation=server, cipher_suites=RSA, intercept=intercept["server"]),
        **answers,
    ).run()


def alert_of(p: Pair, end: str) -> Any:
    return getattr(p, end).error


def test_both_give_evidence_and_judge_each_others() -> None:
    p = pair()
    assert p.client.connection.handshake_complete
    assert [type(r).__name__ for r in p.client.requests] == ["EvidenceReceived", "EvidenceWanted"]
    assert [type(r).__name__ for r in p.server.requests] == ["EvidenceWanted", "EvidenceReceived"]
    assert p.client.of(tls.EvidenceReceived)[0].evidence == b"server evidence"
    assert p.server.of(tls.EvidenceReceived)[0].evidence == b"client evidence"
    assert p.client.received[:4] == ["ServerHello", "SupplementalData", "Certificate", "ServerHelloDone"]
    assert p.client.sent == ["ClientHello", "SupplementalData", "ClientKeyExchange", "ChangeCipherSpec", "Finished"]


def test_both_ends_hold_the_same_facts() -> None:
    p = pair()
    client, server = p.client.connection.facts, p.server.connection.facts
    assert client == server
    wanted = vars(p.client.of(tls.EvidenceWanted)[0].facts)
    assert {name: value for name, value in wanted.items() if value is not None}.items() <= vars(server).items()
    assert wanted["epms"] is not None
    assert p.server.of(tls.EvidenceReceived)[0].facts == server
    pms = p.server.secret("pre_master_secret")
    seed = b"tp pms" + client.client_random + client.server_random
    assert client.pms_commitment == hmac.digest(pms, seed, "sha256")


def test_a_configured_nonce_is_used() -> None:
    p = pair(client=replace(CLIENT, nonce=b"n" * 32))
    assert p.server.connection.facts.nonce_C == b"n" * 32


def test_refused_server_evidence_ends_the_handshake_before_any_secret_is_sent() -> None:
    p = pair(client_answers={"EvidenceReceived": tls.AccessDenied("extraData differs")})
    assert isinstance(p.client.error, tls.AccessDenied)
    assert p.client.error.sentence == "extraData differs"
    assert p.client.sent == ["ClientHello", "Alert"]
    assert p.server.error.alert.code == 49


def test_refused_client_evidence_ends_the_handshake_before_the_servers_finished() -> None:
    p = pair(server_answers={"EvidenceReceived": tls.DecryptError("another pre-master secret")})
    assert p.server.sent[-2:] == ["ServerHelloDone", "Alert"]
    assert p.client.error.alert.code == 51


def test_a_party_without_evidence_may_give_up_with_an_alert() -> None:
    p = pair(client_answers={"EvidenceWanted": tls.InternalError("no TPM here")})
    assert p.server.error.alert.code == 80


def test_a_demand_the_server_does_not_answer_is_handshake_failure() -> None:
    p = pair(server=None)
    assert isinstance(p.client.error, tls.HandshakeFailure)


def test_a_server_that_answers_without_offering_is_handshake_failure() -> None:
    p = pair(server=tls.AttestationOffer(offered=0, demanded=tls.ROLE_C))
    assert isinstance(p.client.error, tls.HandshakeFailure)


def test_a_demand_the_client_does_not_meet_is_handshake_failure() -> None:
    assert isinstance(pair(client=tls.AttestationOffer(demanded=tls.ROLE_S)).server.error, tls.HandshakeFailure)
    assert isinstance(pair(client=None).server.error, tls.HandshakeFailure)


def test_a_demand_without_a_common_format_is_handshake_failure() -> None:
    assert isinstance(pair(client=replace(CLIENT, formats=(7,))).server.error, tls.HandshakeFailure)


def test_only_the_server_may_give_evidence() -> None:
    p = pair(client=tls.AttestationOffer(demanded=tls.ROLE_S), server=tls.AttestationOffer(offered=tls.ROLE_S))
    assert p.client.connection.handshake_complete
    assert p.client.sent == ["ClientHello", "ClientKeyExchange", "ChangeCipherSpec", "Finished"]


def test_only_the_client_may_give_evidence() -> None:
    p = pair(client=tls.AttestationOffer(offered=tls.ROLE_C), server=tls.AttestationOffer(demanded=tls.ROLE_C))
    assert p.client.connection.handshake_complete
    assert "SupplementalData" not in p.client.received


def test_unsolicited_evidence_is_an_unexpected_message() -> None:
    evidence = tls.SupplementalData(((tls.ExtensionType.ATTESTATION, b"surprise"),))
    p = Pair()
    p.server.connection.receive(p.client.drain())
    p.server.drain()
    p.client.connection.receive(b"\x16\x03\x03" + len(evidence.encode()).to_bytes(2, "big") + evidence.encode())
    p.client.drain()
    assert isinstance(p.client.error, tls.UnexpectedMessage)


def server_flight(edit: Any) -> Pair:
    """Run a handshake in which the server's plaintext messages are edited on their way."""
    p = Pair(
        client_config(attestation=CLIENT, cipher_suites=RSA),
        server_config(attestation=SERVER, cipher_suites=RSA),
        {"EvidenceWanted": b"client evidence"},
        {"EvidenceWanted": b"server evidence"},
    )
    p.server.connection.receive(p.client.drain())
    flight = p.server.drain()
    records, _ = tls.split_records(flight)
    for message in edit([r.fragment for r in records]):
        p.client.connection.receive(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    p.client.drain()
    return p


def test_missing_evidence_is_an_unexpected_message() -> None:
    p = server_flight(lambda m: [m[0], *m[2:]])
    assert isinstance(p.client.error, tls.UnexpectedMessage)


def test_evidence_twice_is_an_illegal_parameter() -> None:
    p = server_flight(lambda m: [m[0], m[1], m[1], *m[2:]])
    assert isinstance(p.client.error, tls.IllegalParameter)


def test_misplaced_evidence_is_an_illegal_parameter() -> None:
    assert isinstance(server_flight(lambda m: [m[1], *m]).client.error, tls.UnexpectedMessage)
    assert isinstance(server_flight(lambda m: [m[0], m[1], m[2], m[1]]).client.error, tls.IllegalParameter)


def test_malformed_evidence_is_a_decode_error() -> None:
    def cut(messages: list[bytes]) -> list[bytes]:
        body = messages[1][4:-1]
        return [messages[0], b"\x17" + len(body).to_bytes(3, "big") + body]

    assert isinstance(server_flight(cut).client.error, tls.DecodeError)


def test_two_entries_of_evidence_are_an_illegal_parameter() -> None:
    entry = (tls.ExtensionType.ATTESTATION, b"e")
    for entries in ((entry, entry), ((7, b"x"),)):
        p = server_flight(lambda m, entries=entries: [m[0], tls.SupplementalData(entries).encode()])
        assert isinstance(p.client.error, tls.IllegalParameter)


def test_an_attestation_extension_with_the_wrong_role_is_an_illegal_parameter() -> None:
    wrong = push_attestation(tls.AttestationExtension(bytes(32), tls.ROLE_S, 0, (1,)))
    extension = tls.Extension(tls.ExtensionType.ATTESTATION, wrong)
    p = Pair(client_config(extensions=(extension,)), server_config(attestation=SERVER)).run()
    assert isinstance(p.server.error, tls.IllegalParameter)


def test_an_attack_may_replace_randoms_and_nonces_and_the_engine_follows() -> None:
    def replaced(request: tls.MessageReady) -> Any:
        if isinstance(request.message, tls.ClientHello):
            return tls.with_attestation(replace(request.message, random=b"r" * 32), nonce=b"x" * 32)
        if isinstance(request.message, tls.ServerHello):
            return tls.with_attestation(replace(request.message, random=b"s" * 32), nonce=b"y" * 32)
        return None

    p = pair(
        intercept={"client": True, "server": True},
        client_answers={"MessageReady": replaced},
        server_answers={"MessageReady": replaced},
    )
    assert p.client.connection.handshake_complete
    facts = p.client.connection.facts
    assert facts == p.server.connection.facts
    assert (facts.client_random, facts.nonce_C) == (b"r" * 32, b"x" * 32)
    assert (facts.server_random, facts.nonce_S) == (b"s" * 32, b"y" * 32)


def test_an_attack_may_choose_the_pre_master_secret() -> None:
    pms = b"\x03\x03" + b"p" * 46
    p = pair(intercept={"client": True}, client_answers={"PreMasterSecretReady": pms})
    assert p.client.connection.handshake_complete
    assert p.server.secret("pre_master_secret") == pms


def test_an_attack_may_choose_the_ciphertext_of_the_pre_master_secret_too() -> None:
    first = pair()
    chosen = tls.ChosenPreMasterSecret(first.client.secret("pre_master_secret"), first.client.connection.facts.epms)
    p = pair(intercept={"client": True}, client_answers={"PreMasterSecretReady": chosen})
    assert p.client.connection.handshake_complete
    assert p.server.connection.facts.epms == chosen.epms


def test_without_attestation_nothing_of_it_is_on_the_wire() -> None:
    p = connected()
    hello = p.client.of(tls.MessageSent)[0].message
    assert hello.extension(tls.ExtensionType.ATTESTATION) is None
    assert not p.client.requests
    assert not p.server.requests
