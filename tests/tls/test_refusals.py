"""What a peer, or a program, may not do: each refused by its own alert or error, which names it."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from tls_pair import (
    NAME,
    Pair,
    client_config,
    client_identity,
    connected,
    kept,
    resuming,
    root,
    server_config,
    server_identity,
)

from trustlab import tls
from trustlab.tls import authenticators, keys
from trustlab.tls.messages import CertificateEntry
from trustlab.tls.messages.base import Message
from trustlab.tls.messages.hello import HELLO_RETRY_RANDOM
from trustlab.tls.protection import SEQUENCE_LIMIT, Aead13, Cbc12
from trustlab.tls.resumption12 import SessionCache
from trustlab.tls.suites import Cipher
from trustlab.tls.x509 import Contents, _names

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
X, E = tls.ExtensionType, tls.Extension
ROLES = {"client": tls.AttestationOffer(tls.ROLE_C, tls.ROLE_S), "server": tls.AttestationOffer(tls.ROLE_S, tls.ROLE_C)}


def edited(who: str, name: str, edit: Any, version: tls.Version, *, client: Any = None, server: Any = None) -> Pair:
    """Run a handshake with certificates of both in which one message of one end is edited."""
    mine = client_identity()
    pair = Pair(
        client_config(
            versions=(version,), intercept=who == "client", certificates=(mine.der,), key=mine.key, **(client or {})
        ),
        server_config(
            versions=(version,),
            intercept=who == "server",
            client_certificate="request",
            trust=[root().certificate],
            **(server or {}),
        ),
        {"EvidenceWanted": b"ce"},
        {"EvidenceWanted": b"se"},
    )
    end = pair.client if who == "client" else pair.server
    end.answers["MessageReady"] = lambda r: edit(r.message) if r.message.name == name else None
    return pair.run()


@pytest.mark.parametrize("who", ["client", "server"])
def test_promised_evidence_that_does_not_come_is_a_missing_extension(who: str) -> None:
    def bare(message: Any) -> Any:
        entries = tuple(replace(e, extensions=()) for e in message.certificate_list)
        return replace(message, certificate_list=entries)

    offers = {"client": {"attestation": ROLES["client"]}, "server": {"attestation": ROLES["server"]}}
    pair = edited(who, "Certificate", bare, TLS13, **offers)
    error = pair.server.error if who == "client" else pair.client.error
    assert isinstance(error, tls.MissingExtension)


def test_a_client_that_promised_evidence_may_not_show_no_certificate() -> None:
    offers = {"client": {"attestation": ROLES["client"]}, "server": {"attestation": ROLES["server"]}}
    pair = edited("client", "Certificate", lambda m: replace(m, certificate_list=()), TLS13, **offers)
    assert isinstance(pair.server.error, tls.MissingExtension)


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("attested", [False, True])
def test_evidence_stands_beside_the_first_certificate_and_only_where_it_was_asked_for(
    who: str, *, attested: bool
) -> None:
    evidence = E(X.ATTESTATION, b"\0\2ev")

    def add(message: Any) -> Any:
        second = CertificateEntry(root().der, (evidence,))
        return replace(message, certificate_list=(*message.certificate_list, second))

    offers = {role: {"attestation": ROLES[role]} if attested else {} for role in ROLES}
    pair = edited(who, "Certificate", add, TLS13, **offers)
    error = pair.server.error if who == "client" else pair.client.error
    assert isinstance(error, tls.IllegalParameter if attested else tls.UnsupportedExtension)


@VERSION
@pytest.mark.parametrize("role", ["client", "server"])
def test_a_key_that_fails_to_sign_is_an_internal_error(version: tls.Version, role: str) -> None:
    mine = client_identity()
    suites = {} if version == TLS13 else {"cipher_suites": (tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,)}
    pair = Pair(
        client_config(
            versions=(version,), certificates=(mine.der,), key="held" if role == "client" else mine.key, **suites
        ),
        server_config(
            versions=(version,),
            client_certificate="require",
            trust=[root().certificate],
            key="held" if role == "server" else server_identity("RSA").key,
            **suites,
        ),
        {"KeyOperationWanted": OSError("the TPM is off")},
        {"KeyOperationWanted": OSError("the TPM is off")},
    ).run()
    end, other = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    assert isinstance(end.error, tls.InternalError)
    assert "could not sign: the TPM is off" in str(end.error)
    assert other.error.alert.code == 80


def resumed(change: Any) -> Any:
    """Resume a session whose memory at the client is changed; return both ends."""
    sessions = SessionCache()
    return resuming(sessions, change(kept(sessions))).run()


def test_a_session_is_resumed_as_it_was_or_not_at_all() -> None:
    """RFC 5246 7.4.1.3, RFC 7627 5.3."""
    pair = resumed(lambda s: s)
    assert pair.client.connection.handshake_complete
    assert "Certificate" not in pair.client.received
    other = tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256
    pair = resumed(lambda s: replace(s, cipher_suite=other))
    assert isinstance(pair.client.error, tls.IllegalParameter)
    pair = resumed(lambda s: replace(s, extended_master_secret=False))
    assert isinstance(pair.client.error, tls.HandshakeFailure)


def test_a_server_that_resumes_what_there_never_was_is_refused() -> None:
    """It echoes the session id that a client of both versions sends as noise for middleboxes."""
    pair = Pair(client_config(versions=(TLS13, TLS12)), server_config(intercept=True))

    def echo(request: tls.MessageReady) -> Any:
        if request.message.name != "ServerHello":
            return None
        noise = pair.server.received and pair.server.of(tls.MessageReceived)[0].message.session_id
        return replace(request.message, session_id=noise)

    pair.server.answers["MessageReady"] = echo
    pair.run()
    assert isinstance(pair.client.error, tls.IllegalParameter)
    assert "resumes a session that does not exist" in str(pair.client.error)


def first_words(version: tuple[tls.Version, ...], octets: bytes, content_type: int = 22) -> Any:
    """Feed a client that has said hello; return its error."""
    pair = Pair(client_config(versions=version))
    pair.client.drain()
    record = bytes([content_type]) + b"\3\3" + len(octets).to_bytes(2, "big") + octets
    pair.client.connection.receive(record)
    pair.client.process()
    return pair.client.error


def test_a_change_cipher_spec_before_the_servers_hello_is_for_clients_of_tls13() -> None:
    assert isinstance(first_words((TLS12,), b"\1", 20), tls.UnexpectedMessage)
    assert first_words((TLS13,), b"\1", 20) is None
    assert isinstance(first_words((TLS13,), b"\2", 20), tls.UnexpectedMessage)


def test_a_hello_retry_request_is_of_tls13() -> None:
    retry = tls.HelloRetryRequest(HELLO_RETRY_RANDOM, b"", 0x1301, (E(X.KEY_SHARE, b"\0\x17"),))
    error = first_words((TLS13, TLS12), retry.encode())
    assert isinstance(error, tls.IllegalParameter | tls.MissingExtension | tls.UnexpectedMessage)


@VERSION
def test_before_the_handshake_is_complete_there_is_nothing_to_export_and_nothing_to_prove(version: tls.Version) -> None:
    client = Pair(client_config(versions=(version,))).client
    client.drain()
    with pytest.raises(tls.LocalProtocolError, match="nothing to export before the handshake is complete"):
        client.connection.export("EXPERIMENTAL x", b"", 32)
    with pytest.raises(tls.LocalProtocolError):
        authenticators.refuse(client.connection, authenticators.request(Pair().server.connection))
    with pytest.raises(tls.LocalProtocolError, match="Finished has no place in"):
        client.connection.write(tls.Finished(bytes(12)))


def test_in_tls12_the_keys_do_not_move_on() -> None:
    with pytest.raises(tls.LocalProtocolError, match=r"TLS 1\.2 has no KeyUpdate"):
        connected().client.connection.update_keys()


def test_an_authenticator_must_answer_a_request_and_a_signature_needs_a_chain() -> None:
    """Right in their cryptography, wrong in what they say."""
    identity = server_identity()
    pair = connected(client=client_config(versions=(TLS13,)), server=server_config(versions=(TLS13,)))
    asker, prover = pair.client.connection, pair.server.connection
    asked = authenticators.request(asker)
    right = authenticators.prepare(prover, asked, [identity.der])
    context = right._before[: -len(asked)]

    def made(before: bytes, certificate: bytes) -> bytes:
        data = authenticators.SIGNATURE_CONTEXT + hashlib.new(right._hash, before + certificate).digest()
        signature = tls.perform(tls.KeyOperationWanted("sign", identity.key, data, right.scheme))
        return replace(right, data=data, _before=before, _certificate=certificate).finish(signature)

    none = tls.messages.Certificate13(asked[5 : 5 + asked[4]], ()).encode()
    with pytest.raises(tls.DecodeError, match="an empty chain and a signature"):
        authenticators.validate(asker, asked, made(right._before, none))
    other = tls.Finished(bytes(32)).encode()
    with pytest.raises(tls.LocalProtocolError, match="this is not a request of ours"):
        authenticators.validate(asker, other, made(context + other, right._certificate))


def test_facts_take_no_name_that_is_none() -> None:
    with pytest.raises(TypeError, match="a handshake has no nonce_X"):
        tls.HandshakeFacts().knowing(nonce_C=bytes(32), nonce_X=bytes(32))


def test_a_key_that_cannot_encrypt_is_the_fault_of_its_certificate() -> None:
    def refuse(*_: object) -> bytes:
        raise ValueError("too large for key size")

    with pytest.raises(tls.BadCertificate, match="cannot encrypt"):
        keys.encrypt(SimpleNamespace(kind="RSA", key=SimpleNamespace(encrypt=refuse)), bytes(48))
    with pytest.raises(tls.UnsupportedCertificate, match="RSA key exchange with a key for ECDSA"):
        keys.encrypt(SimpleNamespace(kind="ECDSA"), bytes(48))


def test_a_sequence_number_is_used_once_and_never_wraps() -> None:
    """RFC 5246 6.1, RFC 9846 5.3: 64 bits."""
    assert SEQUENCE_LIMIT == 2**64 - 1
    last = Aead13(Cipher.AES_GCM, bytes(16), bytes(12))
    last.sequence = SEQUENCE_LIMIT - 1
    assert last.protect(23, 0x0303, b"the last")
    with pytest.raises(tls.LocalProtocolError, match="used up"):
        last.protect(23, 0x0303, b"one more")


@pytest.mark.parametrize("mac", [20, 32])
def test_a_cbc_record_has_whole_blocks_and_room_for_iv_mac_and_padding(mac: int) -> None:
    least = -(-(mac + 1) // 16) * 16 + 16
    for size in range(least + 33):
        reader = Cbc12(bytes(16), bytes(mac))
        fits = size >= least and size % 16 == 0
        with pytest.raises(tls.BadRecordMac, match="padding or MAC is wrong" if fits else "an impossible length"):
            reader.unprotect(23, 0x0303, bytes(size))


@pytest.mark.parametrize(
    ("content_type", "octets", "suite", "error"),
    [
        (23, b"data", None, tls.DecodeError),
        (24, b"\1", None, tls.DecodeError),
        (22, tls.ClientKeyExchange(b"e").encode(), tls.CipherSuite.TLS_AES_128_GCM_SHA256, tls.Alert),
        (
            22,
            b"\x15\0\0\x1b\0\0\x18\0\1a\0" + bytes(20),
            tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,
            tls.IllegalParameter,
        ),
    ],
    ids=["data", "heartbeat", "ClientKeyExchange in TLS 1.3", "padding of a CertificateURL"],
)
def test_what_is_no_message_has_its_alert(content_type: int, octets: bytes, suite: Any, error: type) -> None:
    version = TLS13 if suite == tls.CipherSuite.TLS_AES_128_GCM_SHA256 else TLS12
    with pytest.raises(error):
        tls.parse_message(content_type, octets, suite, version)


def test_a_message_without_a_codec_says_so() -> None:
    with pytest.raises(LookupError, match="Message has no codec"):
        Message.pull(SimpleNamespace(left=0), None)
    with pytest.raises(LookupError, match="Message has no codec"):
        Message().push(None)


@pytest.mark.parametrize(("asked", "known"), [("192.0.2.1", True), ("192.0.2.2", False)])
def test_an_address_is_looked_for_among_the_addresses(asked: str, *, known: bool) -> None:
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.0.2.1")), x509.DNSName(NAME)])
    now = dt.datetime.now(dt.UTC)
    leaf = Contents(now, now, names, None)
    assert _names(leaf, asked) is known
    assert _names(Contents(now, now, None, None), asked) is False
