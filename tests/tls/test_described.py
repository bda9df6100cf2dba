"""Octets are named as they stand: in records of each protection, in flights cut anywhere, in forms that are foreign."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tls_pair import Pair, client_config, client_identity, connected, root, server_config

from trustlab import tls
from trustlab.tls import keys
from trustlab.tls.describe import context_for, describe_record
from trustlab.tls.extensions import AttestationExtension, push_attestation
from trustlab.tls.limits import LONG, LONGEST, check_length
from trustlab.tls.protection import Aead13, Cbc12
from trustlab.tls.suites import Cipher

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
S = tls.CipherSuite
RECORD = b"\x17\3\3\0\x40" + bytes(64)
GCM12 = [("explicit_nonce", 5, 13), ("encrypted", 13, 53), ("tag", 53, 69)]
TAGGED = [("encrypted", 5, 53), ("tag", 53, 69)]
CBC = [("iv", 5, 21), ("encrypted", 21, 69)]
OPAQUE = [("encrypted", 5, 69)]


@pytest.mark.parametrize(
    ("suite", "version", "parts"),
    [
        (S.TLS_RSA_WITH_AES_128_GCM_SHA256, TLS12, GCM12),  # RFC 5288 3
        (S.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS12, GCM12),
        (S.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS12, TAGGED),  # RFC 7905 2: no nonce travels
        (S.TLS_RSA_WITH_AES_128_CBC_SHA, TLS12, CBC),  # RFC 5246 6.2.3.2
        (S.TLS_RSA_WITH_AES_128_CBC_SHA, tls.Version.TLS10, OPAQUE),  # an IV of the record before
        (S.TLS_AES_128_GCM_SHA256, TLS13, TAGGED),  # RFC 9846 5.2
        (0x0005, TLS12, OPAQUE),
        (None, TLS12, OPAQUE),
    ],
)
def test_a_protected_record_is_named_as_its_suite_lays_it_out(suite: Any, version: Any, parts: Any) -> None:
    spans = tls.describe(RECORD, 23, suite, version)
    assert [(s.name, s.start, s.end) for s in spans] == [("type", 0, 1), ("version", 1, 3), ("length", 3, 5), *parts]


@pytest.mark.parametrize("size", range(26))
@pytest.mark.parametrize("suite", [S.TLS_RSA_WITH_AES_128_GCM_SHA256, S.TLS_RSA_WITH_AES_128_CBC_SHA])
def test_a_record_too_short_for_its_suite_is_named_all_the_same(size: int, suite: Any) -> None:
    raw = b"\x17\3\3\0" + bytes([size]) + bytes(size)
    spans = tls.describe(raw, 23, suite)
    assert {n for s in spans for n in range(s.start, s.end)} == set(range(len(raw)))
    assert all(s.start < s.end for s in spans)


def test_a_record_in_clear_has_a_fragment() -> None:
    spans = describe_record(b"\x16\3\1\0\2\1\2")
    assert [(s.name, s.start, s.end) for s in spans][-1] == ("fragment", 5, 7)
    assert [(s.name, s.value) for s in describe_record(b"\x16\3")][-1][0] == "unreadable"


@pytest.mark.parametrize(
    ("suite", "version", "key_exchange", "foreign"),
    [
        (None, TLS12, tls.KeyExchange.RSA, ""),
        (None, TLS13, tls.KeyExchange.TLS13, ""),
        (S.TLS_AES_128_GCM_SHA256, TLS13, tls.KeyExchange.TLS13, ""),
        (S.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS12, tls.KeyExchange.ECDHE, ""),
        (0x009E, TLS12, None, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 (0x009e)"),
        (S.TLS_RSA_WITH_AES_128_CBC_SHA, tls.Version.TLS11, None, "TLS 1.1"),
    ],
)
def test_what_a_codec_knows_of_a_connection(suite: Any, version: Any, key_exchange: Any, foreign: str) -> None:
    context = context_for(suite, version)
    assert (context.tls13, context.foreign) == (version == TLS13, foreign)
    if key_exchange is not None:
        assert (context.key_exchange, context.suite) == (key_exchange, suite)


@pytest.mark.parametrize("attested", [False, True])
def test_a_hello_says_that_it_brings_a_nonce_for_evidence(*, attested: bool) -> None:
    body = push_attestation(AttestationExtension(bytes(range(32)), 1, 2, (1,)))
    extensions = (tls.Extension(tls.ExtensionType.ATTESTATION, body),) if attested else ()
    for hello in (
        tls.ClientHello(bytes(32), b"", (0x9C,), extensions),
        tls.ServerHello(bytes(32), b"", 0x9C, extensions),
    ):
        assert ("a nonce for Evidence (00010203...)" in tls.sentence(hello)) is attested


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
@pytest.mark.parametrize("size", [*range(30, 80), 400, 2**14])
def test_flights_cut_anywhere_are_placed_alike_by_writer_and_reader(version: tls.Version, size: int) -> None:
    identity = client_identity("ECDSA")
    pair = Pair(
        client_config(versions=(version,), certificates=(identity.der,), key=identity.key),
        server_config("ECDSA", versions=(version,), client_certificate="request", trust=[root().certificate]),
    )
    for end in (pair.client, pair.server):
        end.connection.records.max_fragment = size
    pair.run()
    for writer, reader in ((pair.client, pair.server), (pair.server, pair.client)):
        sent = [(e.name, e.offset, e.records, e.raw) for e in writer.of(tls.MessageSent)]
        assert sent == [(e.name, e.offset, e.records, e.raw) for e in reader.of(tls.MessageReceived)]
    assert pair.client.connection.handshake_complete


@pytest.mark.parametrize(
    ("kind", "longest"),
    [
        ("HELLO_REQUEST", 0),
        ("CLIENT_HELLO", 34 + 33 + 2 + 65_534 + 256 + 2 + 65_535),  # RFC 5246 7.4.1.2
        ("SERVER_HELLO", 34 + 33 + 2 + 1 + 2 + 65_535),
        ("NEW_SESSION_TICKET", 4 + 4 + 256 + 2 + 65_535 + 2 + 65_534),  # RFC 9846 4.7.1
        ("ENCRYPTED_EXTENSIONS", 2 + 65_535),
        ("SERVER_KEY_EXCHANGE", 3 + 256 + 2 + 2 + 65_535),  # RFC 8422 5.4
        ("CERTIFICATE_REQUEST", 256 + 2 + 65_534 + 2 + 65_535),  # RFC 5246 7.4.4
        ("SERVER_HELLO_DONE", 0),
        ("CERTIFICATE_VERIFY", 2 + 2 + 65_535),
        ("CLIENT_KEY_EXCHANGE", 2 + 65_535),
    ],
)
def test_a_message_may_be_as_long_as_its_parts_together(kind: str, longest: int) -> None:
    number, patience = tls.HandshakeType[kind], 2**24
    check_length(number, longest, patience)
    with pytest.raises(tls.DecodeError, match=f"{longest + 1} octets where its form allows {longest}"):
        check_length(number, longest + 1, patience)
    with pytest.raises(tls.IllegalParameter, match=f"{longest} octets where {longest - 1} are allowed"):
        check_length(number, longest, longest - 1)


def test_a_message_of_no_bounded_form_is_bounded_by_patience_alone() -> None:
    assert LONG == 65_536
    assert tls.HandshakeType.CERTIFICATE not in LONGEST
    check_length(tls.HandshakeType.CERTIFICATE, 2**24 - 1, 2**24 - 1)
    with pytest.raises(tls.IllegalParameter):
        check_length(tls.HandshakeType.CERTIFICATE, 2**24 - 1, 2**24 - 2)


def vector(size: int, octets: bytes) -> bytes:
    return len(octets).to_bytes(size, "big") + octets


def test_the_authorities_of_a_foreign_certificate_request_are_named_one_by_one() -> None:
    names = vector(2, vector(2, b"one") + vector(2, b"two"))
    raw = b"\x0d" + vector(3, b"\1\1" + names)
    spans = tls.describe(raw, 22, S.TLS_RSA_WITH_AES_128_CBC_SHA, tls.Version.TLS11)
    found = [
        (s.name, raw[s.start : s.end]) for s in spans if "distinguished_name[" in s.name and "length" not in s.name
    ]
    assert found == [(f"certificate_authorities.distinguished_name[{n}]", v) for n, v in enumerate((b"one", b"two"))]
    for cut in (b"\1\1" + names[:-1], b"\0" + names, b"\1\1" + vector(2, vector(2, b""))):
        with pytest.raises(tls.DecodeError):
            tls.parse_message(22, b"\x0d" + vector(3, cut), S.TLS_RSA_WITH_AES_128_CBC_SHA, tls.Version.TLS11)


@pytest.mark.parametrize("version", [tls.Version.TLS10, TLS12])
def test_only_messages_whose_form_differs_are_foreign(version: tls.Version) -> None:
    """With a suite that this engine has not, or before TLS 1.2; the key exchanges always differ."""
    plain = [tls.ServerHelloDone(), tls.Certificate((b"leaf",)), tls.Finished(bytes(12))]
    for message in plain:
        assert tls.parse_message(22, message.encode(), 0x009E, version) == message
    new = [tls.CertificateRequest((1,), (0x0403,), ()), tls.CertificateVerify(0x0403, b"s")]
    for message in new:
        if version == TLS12:
            assert tls.parse_message(22, message.encode(), 0x009E, version) == message


def fits(bits: int, schemes: Any) -> list[int]:
    return [s.value for s in keys.CertifiedKey._fitting(SimpleNamespace(key=SimpleNamespace(key_size=bits)), schemes)]


@pytest.mark.parametrize(
    ("schemes", "least"),
    [
        (keys._PKCS1, {0x0401: 8 * 61 + 1, 0x0501: 8 * 77 + 1, 0x0601: 8 * 93 + 1}),  # RFC 8017 9.2: 11 octets and DER
        (keys._PSS_RSAE, {0x0804: 8 * 65 + 2, 0x0805: 8 * 97 + 2, 0x0806: 8 * 129 + 2}),  # RFC 8017 9.1.1
    ],
)
def test_an_rsa_key_serves_a_hash_from_the_bits_on_that_its_encoding_needs(schemes: Any, least: dict[int, int]) -> None:
    for scheme, bits in least.items():
        assert scheme in fits(bits, schemes)
        assert scheme not in fits(bits - 1, schemes)


@pytest.mark.parametrize("mac", [20, 32])
@pytest.mark.parametrize("size", range(40))
def test_cbc_takes_back_content_of_any_size_also_of_none(mac: int, size: int) -> None:
    writer, reader = Cbc12(bytes(16), bytes(mac)), Cbc12(bytes(16), bytes(mac))
    fragment = writer.protect(23, 0x0303, b"x" * size)
    assert len(fragment) % 16 == 0
    assert reader.unprotect(23, 0x0303, fragment) == (23, b"x" * size)


@pytest.mark.parametrize(("wish", "inner"), [(0, 6), (10, 16), (2**14 - 5, 2**14 + 1), (2**14, 2**14 + 1)])
def test_padding_fills_a_record_of_tls13_and_no_more(wish: int, inner: int) -> None:
    """RFC 9846 5.4: content, type and padding are 2^14 + 1 octets at most."""
    key, iv = bytes(16), bytes(12)
    fragment = Aead13(Cipher.AES_GCM, key, iv, lambda length: wish + 5 - length).protect(23, 0x0303, b"hello")
    assert len(fragment) == inner + 16
    assert Aead13(Cipher.AES_GCM, key, iv).unprotect(23, 0x0303, fragment) == (23, b"hello")


def edited(role: str, name: str, edit: Any, version: tls.Version = TLS12, **server: Any) -> Any:
    """Run a handshake with client certificates in which one message of the client is edited; return the server's error."""
    identity = client_identity()
    pair = Pair(
        client_config(versions=(version,), intercept=True, certificates=(identity.der,), key=identity.key),
        server_config(versions=(version,), trust=[root().certificate], **server),
        {"MessageReady": lambda r: edit(r.message) if r.message.name == name else None, "EvidenceWanted": b"ce"},
    ).run()
    return pair.server.error


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
def test_a_client_signs_by_a_scheme_that_was_offered(version: tls.Version) -> None:
    change = lambda m: tls.CertificateVerify(0x0201, m.signature)  # noqa: E731
    error = edited("client", "CertificateVerify", change, version, client_certificate="require")
    assert isinstance(error, tls.IllegalParameter)


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
def test_a_server_that_checks_nobody_takes_any_client(version: tls.Version) -> None:
    mine = client_identity()
    pair = connected(
        client=client_config(versions=(version,), certificates=(mine.der,), key=mine.key),
        server=server_config(versions=(version,), client_certificate="require", checks=False, trust=None),
    )
    assert pair.server.connection.peer_certificates == (mine.der,)


def test_a_record_of_a_tag_alone_authenticates_and_holds_nothing() -> None:
    """RFC 9846 5.4: no content type inside is unexpected_message; a tag that is cut is bad_record_mac."""
    key, iv = bytes(16), bytes(12)
    tag = AESGCM(key).encrypt(iv, b"", b"\x17\3\3\0\x10")
    with pytest.raises(tls.UnexpectedMessage):
        Aead13(Cipher.AES_GCM, key, iv).unprotect(23, 0x0303, tag)
    for size in range(16):
        with pytest.raises(tls.BadRecordMac):
            Aead13(Cipher.AES_GCM, key, iv).unprotect(23, 0x0303, tag[:size])
