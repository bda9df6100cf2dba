"""Every codec: what is pushed can be pulled, what is cut is refused, and every octet has a name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tls_pair import connected

from trustlab import tls
from trustlab.tls.describe import context_for
from trustlab.tls.extensions import (
    AttestationExtension,
    KeyShareEntry,
    parse_extension,
    pull_extensions,
    push_alpn,
    push_attestation,
    push_cookie,
    push_server_name,
    push_share,
    push_shares,
    push_supported_versions,
    push_uint16_list,
)
from trustlab.tls.messages import (
    AlertMessage,
    Certificate13,
    CertificateEntry,
    CertificateRequest13,
    ChangeCipherSpec,
    ClientCertificateRequest,
    EncryptedExtensions,
    KeyUpdate,
    NewSessionTicket13,
    pull_any,
)
from trustlab.tls.messages.hello import HELLO_RETRY_RANDOM
from trustlab.tls.reading import SHOWN, Reader, SpanReader, shown

ECDHE = tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
RSA = tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256
TLS13 = tls.CipherSuite.TLS_AES_128_GCM_SHA256
ATTESTED = AttestationExtension(bytes(range(32)), 1, 2, (1, 9))
E, X = tls.Extension, tls.ExtensionType

CLIENT_EXTENSIONS = (
    E(X.SERVER_NAME, push_server_name(b"bank.example")),
    E(X.SUPPORTED_GROUPS, push_uint16_list((29, 23))),
    E(X.EC_POINT_FORMATS, b"\x01\x00"),
    E(X.SIGNATURE_ALGORITHMS, push_uint16_list((0x0403, 0x0804))),
    E(X.ALPN, push_alpn((b"h2", b"http/1.1"))),
    E(X.EXTENDED_MASTER_SECRET),
    E(X.RENEGOTIATION_INFO, b"\x00"),
    E(X.SUPPORTED_VERSIONS, push_supported_versions((0x0304, 0x0303))),
    E(X.KEY_SHARE, push_shares((KeyShareEntry(29, bytes(32)), KeyShareEntry(23, bytes(65))))),
    E(X.COOKIE, push_cookie(b"crumbs")),
    E(X.PSK_KEY_EXCHANGE_MODES, b"\x01\x01"),
    E(X.ATTESTATION, push_attestation(ATTESTED)),
    E(0x0A0A, b"grease"),
)
SERVER_EXTENSIONS = (
    E(X.SUPPORTED_VERSIONS, b"\x03\x04"),
    E(X.KEY_SHARE, push_share(KeyShareEntry(29, bytes(32)))),
    E(X.SERVER_NAME),
)
RETRY_EXTENSIONS = (E(X.SUPPORTED_VERSIONS, b"\x03\x04"), E(X.KEY_SHARE, b"\x00\x17"))
CASES: list[tuple[Any, Any]] = [
    (tls.HelloRequest(), RSA),
    (tls.ClientHello(bytes(32), b"session", (0x9C, 0xFF), CLIENT_EXTENSIONS), None),
    (tls.ClientHello(bytes(32), b"", (0x9C,), (), has_extensions=False), None),
    (tls.ServerHello(bytes(range(32)), b"", 0x1301, SERVER_EXTENSIONS), None),
    (tls.HelloRetryRequest(HELLO_RETRY_RANDOM, b"s", 0x1301, RETRY_EXTENSIONS), None),
    (tls.SupplementalData(((0xFF54, b"evidence"),)), RSA),
    (tls.Certificate((b"leaf", b"root")), RSA),
    (tls.Certificate(()), RSA),
    (tls.ServerKeyExchange(29, bytes(32), 0x0804, b"signature"), ECDHE),
    (tls.CertificateRequest((1, 64), (0x0403,), (b"name",)), RSA),
    (tls.ServerHelloDone(), RSA),
    (tls.ClientKeyExchange(b"e" * 256), RSA),
    (tls.ClientKeyExchange(b"p" * 32, tls.KeyExchange.ECDHE), ECDHE),
    (tls.CertificateVerify(0x0403, b"signature"), RSA),
    (tls.Finished(bytes(12)), RSA),
    (tls.NewSessionTicket(300, b"ticket"), RSA),
    (tls.CertificateStatus(1, (b"response",)), RSA),
    (tls.CertificateStatus(2, (b"response", b"", b"another")), ECDHE),
    (tls.CertificateURL(0, ((b"http://ca.example/leaf", bytes(20)), (b"http://ca.example/ca", bytes(20)))), RSA),
    (tls.CompressedCertificate(2, 1000, b"compressed"), TLS13),
    (tls.EndOfEarlyData(), TLS13),
    (EncryptedExtensions((E(X.ALPN, push_alpn((b"h2",))), E(X.SERVER_NAME))), TLS13),
    (CertificateRequest13(b"ctx", (E(X.SIGNATURE_ALGORITHMS, push_uint16_list((0x0403,))),)), TLS13),
    (ClientCertificateRequest(b"ctx", (E(X.ATTESTATION, push_attestation(ATTESTED)),)), TLS13),
    (
        Certificate13(b"", (CertificateEntry(b"leaf", (E(X.ATTESTATION, b"\x00\x02ev"),)), CertificateEntry(b"ca"))),
        TLS13,
    ),
    (NewSessionTicket13(1, 2, b"n", b"ticket", ()), TLS13),
    (KeyUpdate(1), TLS13),
    (ChangeCipherSpec(), RSA),
    (AlertMessage(2, 40), RSA),
]
IDS = [f"{type(m).__name__}-{n}" for n, (m, _) in enumerate(CASES)]


def version_of(suite: Any) -> tls.Version:
    return tls.Version.TLS13 if suite == TLS13 else tls.Version.TLS12


def pulled(message: Any, raw: bytes, suite: Any) -> Any:
    return pull_any(message.content_type, raw, context_for(suite, version_of(suite)))


@pytest.mark.parametrize(("message", "suite"), CASES, ids=IDS)
def test_what_is_pushed_can_be_pulled(message: Any, suite: Any) -> None:
    raw = message.encode()
    found = pulled(message, raw, suite)
    assert found == message
    assert found.encode() == raw


@pytest.mark.parametrize(("message", "suite"), CASES, ids=IDS)
def test_what_is_cut_is_refused_with_an_alert(message: Any, suite: Any) -> None:
    raw = message.encode()
    for end in range(len(raw)):
        with pytest.raises(tls.Alert):
            pulled(message, raw[:end], suite)
    for end in range(4, len(raw)):
        if message.content_type == tls.ContentType.HANDSHAKE and message.name != "Finished":
            body = raw[4:end]
            shorter = raw[:1] + len(body).to_bytes(3, "big") + body
            try:
                again = pulled(message, shorter, suite).encode()
            except tls.Alert:
                continue
            assert again == shorter


@pytest.mark.parametrize(("message", "suite"), CASES, ids=IDS)
def test_what_is_too_long_is_refused_with_an_alert(message: Any, suite: Any) -> None:
    raw = message.encode()
    with pytest.raises(tls.Alert):
        pulled(message, raw + b"\0", suite)


@pytest.mark.parametrize(("message", "suite"), CASES, ids=IDS)
def test_every_octet_has_a_name_a_note_and_a_clause(message: Any, suite: Any) -> None:
    raw = message.encode()
    spans = tls.describe(raw, message.content_type, suite, version_of(suite))
    assert all(s.note and s.clause and s.name for s in spans)
    assert not [s for s in spans if s.note.startswith("A field of")]
    assert covered(spans) == set(range(len(raw)))
    assert not [s for s in spans if s.name == "unreadable"]


def covered(spans: Any) -> set[int]:
    """Return the octets that lie in a span without spans inside it."""
    names = {s.name for s in spans}
    leaves = [s for s in spans if not any(n.startswith(f"{s.name}.") for n in names)]
    return {position for s in leaves for position in range(s.start, s.end)}


def test_nested_spans_lie_inside_their_parents() -> None:
    raw = CASES[1][0].encode()
    spans = {s.name: s for s in tls.describe(raw)}
    for name, span in spans.items():
        parent = spans.get(name.rpartition(".")[0])
        if parent:
            assert parent.start <= span.start <= span.end <= parent.end
    assert raw[slice(*span_of(spans, "extensions.attestation.nonce"))] == ATTESTED.nonce
    assert raw[slice(*span_of(spans, "random"))] == bytes(32)


def span_of(spans: Any, name: str) -> tuple[int, int]:
    return spans[name].start, spans[name].end


@given(st.binary(max_size=300), st.sampled_from([20, 21, 22, 23]), st.sampled_from([None, RSA, ECDHE, TLS13]))
@settings(deadline=None)
def test_describe_never_raises_and_covers_everything(raw: bytes, content_type: int, suite: Any) -> None:
    spans = tls.describe(raw, content_type, suite, version_of(suite))
    assert covered(spans) == set(range(len(raw)))


@given(st.sampled_from(CASES), st.data())
@settings(deadline=None, max_examples=300)
def test_a_changed_octet_gives_a_message_or_an_alert(case: Any, data: Any) -> None:
    message, suite = case
    raw = bytearray(message.encode())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    try:
        found = pulled(message, bytes(raw), suite)
        for extension in getattr(found, "extensions", ()):
            parse_extension(extension, found.name)
    except tls.Alert:
        return
    assert found.encode() == bytes(raw)


def test_the_same_extension_twice_is_refused() -> None:
    hello = tls.ClientHello(bytes(32), b"", (0x9C,), (E(X.COOKIE, b""), E(X.COOKIE, b"")))
    with pytest.raises(tls.IllegalParameter):
        pulled(hello, hello.encode(), None)


def test_messages_of_a_real_handshake_are_read_back_from_what_was_on_the_wire() -> None:
    pair = connected()
    for event in pair.client.of(tls.MessageReceived) + pair.client.of(tls.MessageSent):
        assert tls.parse_message(event.content_type, event.raw, ECDHE) == event.message


@pytest.mark.parametrize("kind", [Reader, SpanReader])
@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        ("0003 002b00", "an extension needs 4 octets, 3 are left"),
        ("0006 002b0003 0304", "an extension needs 7 octets, 6 are left"),
        ("000b abcd0003 020304 002b0001", "an extension needs 5 octets, 4 are left"),
    ],
)
def test_an_extension_that_is_cut_off_is_a_decode_error_with_its_size(
    kind: type[Reader], octets: str, complaint: str
) -> None:
    with pytest.raises(tls.DecodeError, match=complaint):
        pull_extensions(kind(bytes.fromhex(octets), prefix="ClientHello"), "client_hello")


@pytest.mark.parametrize("kind", [Reader, SpanReader])
def test_an_extension_of_no_length_may_be_the_last(kind: type[Reader]) -> None:
    found = pull_extensions(kind(bytes.fromhex("000b abcd0003 020304 00170000"), prefix="ClientHello"), "client_hello")
    assert [(e.type, e.data) for e in found] == [(0xABCD, bytes.fromhex("020304")), (0x17, b"")]


def test_long_octets_are_shown_by_their_beginning_and_their_number() -> None:
    assert shown(bytes(SHOWN)) == "00" * SHOWN
    assert shown(bytes(SHOWN + 1)) == "00" * SHOWN + f"... ({SHOWN + 1} bytes)"
