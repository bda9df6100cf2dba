"""Exported authenticators: a certificate proved after the handshake, worth nothing on any other connection."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest
from test_tls13_interop import modern_client, modern_server
from tls_pair import Pair, client_config, client_identity, connected, root, server_identity

from trustlab import tls
from trustlab.tls import authenticators
from trustlab.tls.extensions import push_attestation
from trustlab.tls.suites import SUITES

WANTED = tls.Extension(
    tls.ExtensionType.ATTESTATION, push_attestation(tls.AttestationExtension(b"n" * 32, 0, tls.ROLE_S, (1,)))
)
EVIDENCE = tls.Extension(tls.ExtensionType.ATTESTATION, b"\x00\x08evidence")


def joined(**server: Any) -> Pair:
    return connected(client=modern_client(), server=modern_server(trust=[root().certificate], **server))


def ends(pair: Pair, who: str) -> tuple[tls.Connection, tls.Connection, Any]:
    """Return the requester, the one who authenticates, and the latter's identity."""
    client, server = pair.client.connection, pair.server.connection
    return (client, server, server_identity()) if who == "server" else (server, client, client_identity())


def made(pair: Pair, who: str, asked: bytes, *extensions: tls.Extension) -> bytes:
    _, prover, identity = ends(pair, who)
    unsigned = authenticators.prepare(prover, asked, [identity.der], extensions)
    request = tls.KeyOperationWanted("sign", identity.key, unsigned.data, unsigned.scheme)
    signature = tls.perform(request)
    assert isinstance(signature, bytes)
    return unsigned.finish(signature)


@pytest.mark.parametrize("who", ["client", "server"])
def test_either_side_proves_a_certificate_with_evidence(who: str) -> None:
    pair = joined()
    asker, _, identity = ends(pair, who)
    asked = authenticators.request(asker, [WANTED])
    found = authenticators.validate(asker, asked, made(pair, who, asked, EVIDENCE))
    assert found.chain == (identity.der,)
    assert found.evidence == b"evidence"


def test_what_is_to_be_signed_is_shown_without_the_key_that_finishes_it() -> None:
    pair = joined()
    asker, prover, identity = ends(pair, "server")
    unsigned = authenticators.prepare(prover, authenticators.request(asker), [identity.der])
    assert repr(unsigned) == f"Unsigned(data={unsigned.data!r}, scheme={unsigned.scheme!r})"


@pytest.mark.parametrize("who", ["client", "server"])
def test_an_authenticator_of_another_connection_is_a_decrypt_error(who: str) -> None:
    here, there = joined(), joined()
    asker, _, _ = ends(here, who)
    asked = authenticators.request(asker)
    with pytest.raises(tls.DecryptError):
        authenticators.validate(asker, asked, made(there, who, asked))


def test_an_authenticator_for_another_request_is_refused() -> None:
    pair = joined()
    asker, _, _ = ends(pair, "server")
    answer = made(pair, "server", authenticators.request(asker))
    with pytest.raises(tls.DecryptError):
        authenticators.validate(asker, authenticators.request(asker), answer)


def test_a_signature_by_a_scheme_that_was_not_offered_is_an_illegal_parameter() -> None:
    pair = joined()
    asker, _, _ = ends(pair, "server")
    asked = authenticators.request(asker)
    answer = made(pair, "server", asked)
    asker.config = replace(asker.config, signature_schemes=(tls.SignatureScheme.ED25519,))
    with pytest.raises(tls.IllegalParameter, match="a signature by"):
        authenticators.validate(asker, asked, answer)


def test_a_refusal_is_an_empty_authenticator() -> None:
    pair = joined()
    asker, prover, _ = ends(pair, "client")
    asked = authenticators.request(asker)
    found = authenticators.validate(asker, asked, authenticators.refuse(prover, asked))
    assert found.chain == ()
    assert found.evidence is None


def test_extensions_that_were_not_asked_for_are_refused() -> None:
    pair = joined()
    asker, _, _ = ends(pair, "server")
    asked = authenticators.request(asker)
    with pytest.raises(tls.UnsupportedExtension):
        authenticators.validate(asker, asked, made(pair, "server", asked, EVIDENCE))


def test_every_changed_octet_is_noticed_with_an_alert() -> None:
    pair = joined()
    asker, _, _ = ends(pair, "server")
    asked = authenticators.request(asker)
    answer = made(pair, "server", asked)
    for position in range(0, len(answer), 7):
        changed = bytearray(answer)
        changed[position] ^= 0x40
        with pytest.raises(tls.Alert):
            authenticators.validate(asker, asked, bytes(changed))
    for end in range(0, len(answer), 11):
        with pytest.raises(tls.Alert):
            authenticators.validate(asker, asked, answer[:end])


def test_a_request_of_the_wrong_kind_is_an_unexpected_message() -> None:
    pair = joined()
    asked = authenticators.request(pair.server.connection)
    with pytest.raises(tls.UnexpectedMessage):
        authenticators.read_request(pair.server.connection, asked)


def test_a_request_carries_the_context_that_it_is_given() -> None:
    assert authenticators.request(joined().client.connection, context=b"c" * 32)[4:37] == b"\x20" + b"c" * 32


def test_two_requests_have_different_contexts() -> None:
    pair = joined()
    one, two = (authenticators.request(pair.client.connection) for _ in range(2))
    assert one != two


def test_in_tls_12_authenticators_need_the_extended_master_secret() -> None:
    for extended in (True, False):
        pair = connected(client=client_config(extended_master_secret=extended))
        assert pair.client.connection.extended_master_secret is extended
        assert pair.server.connection.extended_master_secret is extended
        asked = authenticators.request(pair.client.connection)
        if extended:
            answer = authenticators.refuse(pair.server.connection, asked)
            assert authenticators.validate(pair.client.connection, asked, answer).chain == ()
        else:
            with pytest.raises(tls.LocalProtocolError):
                authenticators.refuse(pair.server.connection, asked)


@pytest.mark.parametrize("chain", [(), (b"",), (b"no certificate",)])
def test_an_own_chain_that_cannot_be_used_is_this_sides_fault(chain: tuple[bytes, ...]) -> None:
    pair = joined()
    asked = authenticators.request(pair.client.connection)
    with pytest.raises(tls.LocalProtocolError, match="certificate"):
        authenticators.prepare(pair.server.connection, asked, chain)


@pytest.mark.parametrize("who", ["client", "server"])
def test_an_authenticator_is_made_as_rfc_9261_writes_it(who: str) -> None:
    """5.2: what is signed and what is in Finished, put together by hand from the exporters of 5.1."""
    pair = joined()
    asker, prover, identity = ends(pair, who)
    asked = authenticators.request(asker)
    name = SUITES[prover.cipher_suite].hash_name
    size = hashlib.new(name).digest_size
    context, key = (
        prover.export(f"EXPORTER-{who} authenticator {what}", b"", size)
        for what in ("handshake context", "finished key")
    )
    unsigned = authenticators.prepare(prover, asked, [identity.der])
    found = authenticators.validate(asker, asked, answer := made(pair, who, asked))
    assert (found.chain, found.evidence) == ((identity.der,), None)
    lengths = [int.from_bytes(answer[1:4], "big") + 4]
    certificate = answer[: lengths[0]]
    covered = hashlib.new(name, context + asked + certificate).digest()
    assert unsigned.data == b" " * 64 + b"Exported Authenticator" + b"\0" + covered
    end = len(answer) - 4 - size
    finished = hmac.digest(key, hashlib.new(name, context + asked + answer[:end]).digest(), name)
    assert answer[end:] == b"\x14\0\0" + bytes([size]) + finished


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_request_without_signature_schemes_is_a_missing_extension(who: str) -> None:
    pair = joined()
    asker, prover, _ = ends(pair, who)
    kind = tls.messages.ClientCertificateRequest if who == "server" else tls.messages.CertificateRequest13
    with pytest.raises(tls.MissingExtension, match="without signature_algorithms"):
        authenticators.read_request(prover, kind(b"c" * 32, ()).encode())
    assert asker is not prover


def test_a_key_that_serves_no_scheme_of_the_request_cannot_prove_itself() -> None:
    pair = joined()
    asker, prover, identity = ends(pair, "server")
    asker.config = replace(asker.config, signature_schemes=(tls.SignatureScheme.ED25519,))
    with pytest.raises(tls.LocalProtocolError, match="no signature scheme in common"):
        authenticators.prepare(prover, authenticators.request(asker), [identity.der])


def test_messages_of_another_kind_or_order_are_no_authenticator() -> None:
    pair = joined()
    asker, _, _ = ends(pair, "server")
    asked = authenticators.request(asker)
    answer = made(pair, "server", asked)
    parts = []
    while answer:
        size = 4 + int.from_bytes(answer[1:4], "big")
        parts.append(answer[:size])
        answer = answer[size:]
    certificate, verify, finished = parts
    for wrong in (
        verify + certificate + finished,
        certificate + certificate + finished,
        verify + verify + finished,
        certificate + finished + verify,
        certificate + verify,
        certificate + verify + finished + finished,
        b"",
    ):
        with pytest.raises(tls.DecodeError):
            authenticators.validate(asker, asked, wrong)


def test_an_authenticator_that_proves_another_context_than_the_requests_is_illegal() -> None:
    """RFC 9261 5.2.1: also where signature and Finished are right."""
    pair = joined()
    asker, prover, identity = ends(pair, "server")
    asked = authenticators.request(asker)
    right = authenticators.prepare(prover, asked, [identity.der])
    entries = (tls.messages.CertificateEntry(identity.der),)
    certificate = tls.messages.Certificate13(b"another context", entries).encode()
    data = authenticators.SIGNATURE_CONTEXT + hashlib.new(right._hash, right._before + certificate).digest()
    wrong = replace(right, data=data, _certificate=certificate)
    signature = tls.perform(tls.KeyOperationWanted("sign", identity.key, wrong.data, wrong.scheme))
    with pytest.raises(tls.IllegalParameter, match="an authenticator for another request"):
        authenticators.validate(asker, asked, wrong.finish(signature))
