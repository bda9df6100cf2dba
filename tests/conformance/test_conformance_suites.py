"""What public conformance suites ask that the other tables here do not: one row, one question, the answer that is due.

The questions are those of tlsfuzzer, of BoringSSL's runner and of TLS-Anvil; the octets are our own.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from tls_identities import client_identity
from unruly import (
    ALERT,
    CCS,
    DATA,
    HANDSHAKE,
    HYBRID,
    P256,
    TLS12,
    TLS13,
    TYPE,
    X25519,
    Case,
    End,
    Part,
    Parts,
    before,
    both,
    client_config,
    extension,
    fields,
    instead,
    judge,
    play,
    run,
    sends,
    server_config,
    without,
)

from trustlab import tls
from trustlab.tls import groups

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO, RETRY, DONE = "ClientHello", "HelloRetryRequest", "ServerHelloDone"
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
OBSOLETE = (1, 0x15, 0x16, 0x1A, 0x1C, 0xFF01, 0xFF02)
WEAK_SCHEMES = (0x0101, 0x0102, 0x0201, 0x0202, 0x0203, 0x0301)
WEAK_SUITES = (0x0001, 0x0003, 0x0005, 0x000A, 0x003B, 0xC007)
RETRIED: dict[str, Any] = {"ours": {"groups": (P256,)}, "theirs": {"groups": (X25519, P256)}}
RETRIES: dict[str, Any] = {"ours": {"groups": (X25519, P256)}, "theirs": {"groups": (P256,)}}
WARNING = Part(ALERT, b"\1\x2b")
HEARTBEAT = Part(0, b"\x18\3\3\0\3\1\0\x40")


def listed(content: bytes, size: int = 2) -> bytes:
    return len(content).to_bytes(size, "big") + content


def u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def offers(*values: int) -> Any:
    return extension(TYPE.SUPPORTED_VERSIONS, listed(u16(*values), 1))


def names(*group: int, first: bool = False) -> Any:
    """Name more groups, behind the others or before them."""
    more = u16(*group)
    return extension(TYPE.SUPPORTED_GROUPS, lambda b: listed(more + b[2:] if first else b[2:] + more))


def version(value: int) -> Any:
    return both(without(TYPE.SUPPORTED_VERSIONS), fields(legacy_version=value))


def many(content: bytes) -> Callable[[Any], Any]:
    """Add four thousand extensions that nobody knows."""
    added = tuple(tls.Extension(kind, content) for kind in range(0x3000, 0x4000))
    return lambda message: replace(message, extensions=message.extensions + added)


def psk(identity: bytes, binder: bytes) -> Any:
    offer = listed(listed(identity) + bytes(4)) + listed(listed(binder, 1))
    return both(extension(TYPE.PSK_KEY_EXCHANGE_MODES, b"\1\1"), extension(TYPE.PRE_SHARED_KEY, offer))


def backwards(message: Any) -> Any:
    return replace(message, extensions=message.extensions[::-1])


def behind(octets: bytes) -> Callable[[Any], Parts]:
    """Put octets behind a message, in the same record."""
    return lambda message: instead(Part(HANDSHAKE, message.encode() + octets))(message)


def cut(size: int, *between: Part) -> Callable[[Any], Parts]:
    """Send a message in two records, the first of `size` octets, and something between them."""

    def edit(message: Any) -> Parts:
        octets = message.encode()
        return instead(Part(HANDSHAKE, octets[:size]), *between, Part(HANDSHAKE, octets[size:]))(message)

    return edit


# fmt: off
BORNE = [
    Case("MD5, SHA-1 and DSA among the signature schemes", None, {HELLO: extension(TYPE.SIGNATURE_ALGORITHMS, lambda b: listed(u16(*WEAK_SCHEMES) + b[2:]))}),
    Case("suites without encryption, of export, RC4 and 3DES", None, {HELLO: lambda m: fields(cipher_suites=(*WEAK_SUITES, *m.cipher_suites))(m)}),
    Case("four thousand extensions without content", None, {HELLO: many(b"")}),
    Case("four thousand extensions with content", None, {HELLO: many(b"content")}),
    Case("a pre-shared key of another server", None, {HELLO: psk(bytes(320), bytes(32))}),
    Case("heartbeat on offer", None, {HELLO: extension(15, b"\1")}),
    Case("twenty thousand signature schemes", None, {HELLO: extension(TYPE.SIGNATURE_ALGORITHMS, listed(u16(*range(0x1000, 0x6000), 0x0403)))}),
    Case("four warnings before the hello", None, {HELLO: before(*[WARNING] * 4)}),
]
BORNE_13 = [
    Case("point formats without a list", None, {HELLO: extension(TYPE.EC_POINT_FORMATS, b"")}),
    Case("extended_master_secret with content", None, {HELLO: extension(TYPE.EXTENDED_MASTER_SECRET, b"junk")}),
    Case("encrypt_then_mac with content", None, {HELLO: extension(TYPE.ENCRYPT_THEN_MAC, b"junk")}),
    Case("renegotiation_info without its content", None, {HELLO: extension(TYPE.RENEGOTIATION_INFO, b"\7")}),
    *[Case(f"the obsolete group 0x{group:04x} last", None, {HELLO: names(group)}) for group in OBSOLETE],
    Case("obsolete groups before the others", None, {HELLO: names(*OBSOLETE, first=True)}),
    Case("a key share of secp224r1 before the others", None, {HELLO: both(names(0x15, first=True), extension(TYPE.KEY_SHARE, lambda b: listed(u16(0x15, 57) + b"\4" + bytes(56) + b[2:])))}),
    Case("an obsolete group beside an offer of TLS 1.2", None, {HELLO: both(offers(0x0304, 0x0303), names(0x0015))}),
    Case("a KeyUpdate of five records", None, then=sends(*[Part(HANDSHAKE, bytes([octet])) for octet in b"\x18\0\0\1\0"])),
]
BORNE_12 = [
    Case("a key share without its content", None, {HELLO: extension(TYPE.KEY_SHARE, b"\0")}),
    Case("psk modes without a list", None, {HELLO: extension(TYPE.PSK_KEY_EXCHANGE_MODES, b"\0")}),
    Case("TLS 1.8 and TLS 1.2 on offer", None, {HELLO: offers(0x0309, 0x0303)}),
    Case("the version TLS 1.3 without supported_versions", None, {HELLO: version(0x0304)}),
    Case("the version 3.254", None, {HELLO: version(0x03FE)}),
    Case("the version 4.0", None, {HELLO: version(0x0400)}),
    Case("the version 255.255", None, {HELLO: version(0xFFFF)}),
    Case("the version 3.9 inside the pre-master secret", None, {HELLO: version(0x0309)}, kind="RSA"),
]
# fmt: on


@pytest.mark.parametrize("case", BORNE, ids=str)
@BOTH
def test_a_server_of_either_version_bears(case: Case, version: tls.Version) -> None:
    assert_borne(case, version)


@pytest.mark.parametrize("case", BORNE_12, ids=str)
def test_a_tls12_server_bears(case: Case) -> None:
    assert_borne(case, TLS12)


@pytest.mark.parametrize("case", BORNE_13, ids=str)
def test_a_tls13_server_bears(case: Case) -> None:
    assert_borne(case, TLS13)


def assert_borne(case: Case, version: tls.Version) -> None:
    """Assert that the handshake goes through in this version and that nothing odd is answered."""
    end = judge(case, "server", version)
    assert end.connection.version == version
    answers = [e.message.extensions for e in end.events if isinstance(e, tls.MessageSent) and e.name in ANSWERS]
    assert {e.type for found in answers for e in found} <= KNOWN_ANSWERS[version]


ANSWERS = {"ServerHello", "EncryptedExtensions"}
KNOWN_ANSWERS = {
    TLS12: {TYPE.SERVER_NAME, TYPE.RENEGOTIATION_INFO, TYPE.EXTENDED_MASTER_SECRET, TYPE.EC_POINT_FORMATS, TYPE.ALPN},
    TLS13: {TYPE.SUPPORTED_VERSIONS, TYPE.KEY_SHARE, TYPE.SERVER_NAME, TYPE.ALPN},
}

# fmt: off
REFUSED = [
    Case("five warnings before the hello", tls.UnexpectedMessage, {HELLO: before(*[WARNING] * 5)}),
    Case("two alerts in one record", tls.DecodeError, {HELLO: before(Part(ALERT, b"\1\x2b\1\x2b"))}),
    Case("an alert of the level 3", tls.IllegalParameter, {HELLO: before(Part(ALERT, b"\3\x2b"))}),
    Case("a HelloRequest first", tls.UnexpectedMessage, {HELLO: before(Part(HANDSHAKE, bytes(4), counted=False))}),
    Case("a ChangeCipherSpec first", tls.UnexpectedMessage, {HELLO: before(Part(CCS, b"\1"))}),
    Case("a heartbeat first", tls.UnexpectedMessage, {HELLO: before(HEARTBEAT)}),
    Case("a heartbeat after the handshake", tls.UnexpectedMessage, then=sends(HEARTBEAT)),
    Case("an SSL 2.0 ClientHello", tls.UnexpectedMessage, {HELLO: instead(Part(0, b"\x80\x2b\1\0\2\0\x12\0\0\0\x10" + bytes(34)))}),
    Case("empty data between the pieces of the hello", tls.UnexpectedMessage, {HELLO: cut(2, Part(0, b"\x17\3\3\0\0"))}),
    Case("an octet behind the hello", tls.UnexpectedMessage, {HELLO: behind(b"\x10")}),
    Case("a message behind the hello", tls.UnexpectedMessage, {HELLO: behind(b"\x14\0\0\0")}),
    Case("an octet behind Finished", tls.UnexpectedMessage, {"Finished": behind(b"\0")}),
    Case("a hello that claims more octets than its form allows", tls.DecodeError, {HELLO: instead(Part(HANDSHAKE, b"\1\2\1\x45"))}),
    Case("a hello that claims all the octets it may", None, {HELLO: lambda m: instead(Part(HANDSHAKE, replace(m, extensions=(*m.extensions, tls.Extension(0x3000, bytes(0xFFFF - 4 - sum(4 + len(e.data) for e in m.extensions))))).encode()))(m)}),
    Case("a Finished that claims 2^17 octets", tls.DecodeError, {"Finished": instead(Part(HANDSHAKE, b"\x14\2\0\0"))}),
    Case("empty data instead of Finished", tls.UnexpectedMessage, {"Finished": instead(Part(DATA, b""))}),
    Case("a hello of the version 0.2 beside an offer of it", tls.ProtocolVersion, {HELLO: both(offers(0x0304, 0x0002), fields(legacy_version=0x0002))}),
    Case("a hello of the version 1.3 beside an offer of it", tls.ProtocolVersion, {HELLO: both(offers(0x0304, 0x0103), fields(legacy_version=0x0103))}),
    Case("SSL 3.0 alone in supported_versions", tls.ProtocolVersion, {HELLO: offers(0x0300)}),
]
REFUSED_12 = [
    Case("a ChangeCipherSpec between the pieces of ClientKeyExchange", tls.UnexpectedMessage, {"ClientKeyExchange": cut(2, Part(CCS, b"\1"))}),
    Case("a ClientKeyExchange that claims 2^24 - 1 octets", tls.DecodeError, {"ClientKeyExchange": instead(Part(HANDSHAKE, b"\x10\xff\xff\xff"))}),
    Case("a Certificate that claims 2^24 - 1 octets", tls.IllegalParameter, {"Certificate": instead(Part(HANDSHAKE, b"\x0b\xff\xff\xff"))}, client="ECDSA"),
    Case("the hybrid group alone", tls.HandshakeFailure, {HELLO: extension(TYPE.SUPPORTED_GROUPS, listed(u16(HYBRID)))}),
    Case("a KeyUpdate", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\0"))),
    Case("a Certificate whose list claims one octet too few", tls.DecodeError, {"Certificate": lambda m: instead(Part(HANDSHAKE, off_by(m.encode(), 6, -1)))(m)}, client="ECDSA"),
    Case("a Certificate whose first certificate claims one octet too many", tls.DecodeError, {"Certificate": lambda m: instead(Part(HANDSHAKE, off_by(m.encode(), 9, 1)))(m)}, client="ECDSA"),
    Case("a certificate of four zeros", tls.BadCertificate, {"Certificate": fields(certificate_list=(bytes(4),))}, client="ECDSA"),
    Case("a CertificateVerify whose signature claims one octet too few", tls.DecodeError, {"CertificateVerify": lambda m: instead(Part(HANDSHAKE, off_by(m.encode(), 7, -1)))(m)}, client="ECDSA"),
    Case("a CertificateVerify by MD5", tls.IllegalParameter, {"CertificateVerify": fields(scheme=0x0101)}, client="RSA"),
]
REFUSED_13 = [
    Case("obsolete groups alone", tls.HandshakeFailure, {HELLO: both(extension(TYPE.SUPPORTED_GROUPS, listed(u16(0x15, 0x16))), extension(TYPE.KEY_SHARE, b"\0\0"))}),
    Case("key shares in another order than the groups", tls.IllegalParameter, theirs={"key_shares": (P256, X25519)}),
    Case("a key_share extension without a list", tls.DecodeError, {HELLO: extension(TYPE.KEY_SHARE, b"")}),
    Case("psk modes without a list", tls.DecodeError, {HELLO: extension(TYPE.PSK_KEY_EXCHANGE_MODES, b"\0")}),
    Case("post_handshake_auth with content", tls.DecodeError, {HELLO: extension(TYPE.POST_HANDSHAKE_AUTH, b"\0")}),
    Case("two octets in a ChangeCipherSpec", tls.UnexpectedMessage, {"Finished": before(Part(CCS, b"\1\1", plain=True))}),
    Case("data between the pieces of a KeyUpdate", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x18\0"), Part(DATA, b"x"), Part(HANDSHAKE, b"\0\1\0"))),
    Case("an octet behind a hello that leads to a retry", tls.UnexpectedMessage, {HELLO: behind(b"\1")}, **RETRIED),
    Case("an octet behind the second hello", tls.UnexpectedMessage, {HELLO: [None, behind(b"\x14")]}, **RETRIED),
    Case("the extensions of the second hello in another order", tls.IllegalParameter, {HELLO: [None, backwards]}, **RETRIED),
    Case("another random in the second hello", tls.IllegalParameter, {HELLO: [None, fields(random=bytes(32))]}, **RETRIED),
    Case("another extension in the second hello", tls.IllegalParameter, {HELLO: [None, extension(0x3000, b"")]}, **RETRIED),
    Case("a third hello", tls.UnexpectedMessage, {"Finished": before(Part(HANDSHAKE, b"\1\0\0\0"))}, **RETRIED),
    Case("a hybrid share whose ML-KEM key is not reduced", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, lambda b: b[:6] + b"\xff" * 32 + b[38:])}, ours={"groups": (HYBRID,)}, theirs={"groups": (HYBRID,)}),
    Case("a hybrid share whose x25519 half is zero", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, lambda b: b[:-32] + bytes(32))}, ours={"groups": (HYBRID,)}, theirs={"groups": (HYBRID,)}),
]
# fmt: on


def off_by(octets: bytes, place: int, difference: int) -> bytes:
    return octets[:place] + bytes([(octets[place] + difference) & 0xFF]) + octets[place + 1 :]


@pytest.mark.parametrize("case", REFUSED, ids=str)
@BOTH
def test_a_server_of_either_version_refuses(case: Case, version: tls.Version) -> None:
    judge(case, "server", version)


@pytest.mark.parametrize("case", REFUSED_12, ids=str)
def test_a_tls12_server_refuses(case: Case) -> None:
    judge(case, "server", TLS12)


@pytest.mark.parametrize("case", REFUSED_13, ids=str)
def test_a_tls13_server_refuses(case: Case) -> None:
    judge(case, "server", TLS13)


# fmt: off
FROM_SERVERS_12 = [
    Case("an octet behind ServerHelloDone", tls.UnexpectedMessage, {DONE: behind(b"\x14")}),
    Case("a message behind ServerHelloDone", tls.UnexpectedMessage, {DONE: behind(b"\4\0\0\0")}),
    Case("an octet behind Finished", tls.UnexpectedMessage, {"Finished": behind(b"\0")}),
    Case("half a HelloRequest and then data", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\0\0"), Part(DATA, b"x"))),
    Case("five warnings", tls.UnexpectedMessage, then=sends(*[WARNING] * 5)),
    Case("four warnings", None, then=sends(*[WARNING] * 4)),
    Case("server_name acknowledged with content", tls.DecodeError, {"ServerHello": extension(TYPE.SERVER_NAME, b"\0")}),
    Case("the hybrid group in ServerKeyExchange", tls.IllegalParameter, {"ServerKeyExchange": fields(named_curve=HYBRID)}),
    Case("a curve that is described", tls.IllegalParameter, {"ServerKeyExchange": lambda m: instead(Part(HANDSHAKE, off_by(m.encode(), 4, -2)))(m)}),
]
FROM_SERVERS_13 = [
    Case("an octet behind HelloRetryRequest", tls.UnexpectedMessage, {RETRY: behind(b"\2")}, **RETRIES),
    Case("data between the pieces of a KeyUpdate", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x18\0"), Part(DATA, b"x"))),
    Case("user_canceled now and then", None, then=sends(*[Part(ALERT, b"\1\x5a")] * 4)),
    Case("user_canceled without end", tls.UnexpectedMessage, then=sends(*[Part(ALERT, b"\1\x5a")] * 5)),
    Case("a hybrid answer of another length", tls.IllegalParameter, {"ServerHello": extension(TYPE.KEY_SHARE, u16(HYBRID) + listed(bytes(1119)))}, ours={"groups": (HYBRID,)}, theirs={"groups": (HYBRID,)}),
    Case("a hybrid answer whose x25519 half is zero", tls.IllegalParameter, {"ServerHello": extension(TYPE.KEY_SHARE, u16(HYBRID) + listed(bytes(1120)))}, ours={"groups": (HYBRID,)}, theirs={"groups": (HYBRID,)}),
    Case("padding in EncryptedExtensions", tls.IllegalParameter, {"EncryptedExtensions": extension(TYPE.PADDING, b"")}),
    Case("a ticket with an extension twice", tls.IllegalParameter, then=sends(Part(HANDSHAKE, b"\4\0\0\x16" + bytes(8) + b"\0\0\1t\0\x08" + b"\x0a\x0a\0\0" * 2))),
    Case("a CertificateRequest with an extension twice", tls.IllegalParameter, {"CertificateRequest": both(extension(0x3000, b""), lambda m: replace(m, extensions=(*m.extensions, m.extensions[-1])))}, client="ECDSA"),
]
# fmt: on


@pytest.mark.parametrize("case", FROM_SERVERS_12, ids=str)
def test_a_tls12_client_answers(case: Case) -> None:
    judge(case, "client", TLS12)


@pytest.mark.parametrize("case", FROM_SERVERS_13, ids=str)
def test_a_tls13_client_answers(case: Case) -> None:
    judge(case, "client", TLS13)


def plain_hello(extensions: bytes | None) -> bytes:
    """Return a ClientHello of long ago with its header: one suite, RSA key exchange."""
    body = b"\3\3" + bytes(32) + b"\0" + listed(b"\0\x9c") + b"\1\0"
    return b"\1" + listed(body if extensions is None else body + listed(extensions), 3)


@pytest.mark.parametrize(
    ("place", "extensions", "lawful"),
    [
        pytest.param(38, None, {0}, id="session id"),
        pytest.param(40, None, {2}, id="cipher suites"),
        pytest.param(43, None, {1}, id="compression methods"),
        pytest.param(38, b"\xff\1\0\1\0", {0}, id="session id, with extensions"),
        pytest.param(40, b"\xff\1\0\1\0", {2}, id="cipher suites, with extensions"),
        pytest.param(43, b"\xff\1\0\1\0", {1, 8}, id="compression methods, with extensions"),
        pytest.param(46, b"\xff\1\0\1\0", {5}, id="extensions"),
        pytest.param(50, b"\xff\1\0\1\0", {1}, id="renegotiation_info"),
    ],
)
def test_a_length_in_the_hello_that_is_wrong_is_a_decode_error(
    place: int, extensions: bytes | None, lawful: set[int]
) -> None:
    """Eight methods of compression and no extensions are a lawful reading of the same octets."""
    config = server_config(TLS12, kind="RSA")
    hello = plain_hello(extensions)
    for value in range(256):
        server = End(tls.Server(config))
        octets = hello[:place] + bytes([value]) + hello[place + 1 :]
        server.connection.receive(b"\x16\3\1" + listed(octets))
        server.process()
        assert isinstance(server.fatal, type(None) if value in lawful else tls.DecodeError), (value, server.fatal)


PRIME = 2**255 - 19
SMALL_ORDER = [
    0,
    1,
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    PRIME - 1,
    PRIME,
    PRIME + 1,
]


def shares(value: int) -> Any:
    return extension(TYPE.KEY_SHARE, listed(u16(X25519) + listed(value.to_bytes(32, "little"))))


@pytest.mark.parametrize("value", SMALL_ORDER, ids=hex)
def test_an_x25519_value_of_small_order_is_refused(value: int) -> None:
    judge(Case("small order", tls.IllegalParameter, {HELLO: shares(value)}), "server", TLS13)


@pytest.mark.parametrize("value", [9, 2**255 + 9, PRIME + 3, 2**255 - 10], ids=hex)
def test_an_x25519_value_that_is_not_reduced_is_taken(value: int) -> None:
    """RFC 7748 5: implementations MUST accept non-canonical values and mask the highest bit."""
    client, server = pair(TLS13)
    hello = tls.parse_message(HANDSHAKE, client.drain()[5:])
    server.connection.receive(b"\x16\3\1" + listed(shares(value)(hello).encode()))
    server.process()
    assert server.fatal is None
    assert "Finished" in [e.name for e in server.events if isinstance(e, tls.MessageSent)]


def pair(version: tls.Version, **changes: Any) -> tuple[End, End]:
    return End(tls.Client(client_config(version, **changes))), End(tls.Server(server_config(version, **changes)))


@BOTH
def test_a_server_without_attestation_does_not_read_the_attestation_extension(version: tls.Version) -> None:
    client, server = pair(version)
    hello = tls.parse_message(HANDSHAKE, client.drain()[5:])
    octets = extension(TYPE.ATTESTATION, b"\1")(hello).encode()
    server.connection.receive(b"\x16\3\1" + listed(octets))
    server.process()
    assert server.fatal is None
    assert "ServerHello" in [e.name for e in server.events if isinstance(e, tls.MessageSent)]


@BOTH
@pytest.mark.parametrize("record", [0x0300, 0x0301, 0x0302, 0x0304, 0x0305])
def test_the_version_of_the_first_record_says_nothing(record: int, version: tls.Version) -> None:
    client, server = pair(version)
    client.connection.records.write_version = record
    run(client, server)
    assert server.connection.handshake_complete, server.connection.error


def test_the_version_of_any_record_says_nothing_in_tls13() -> None:
    client, server = pair(TLS13)
    run(client, server)
    client.connection.records.write_version = 0x0301
    client.connection.send(b"still heard")
    run(client, server)
    assert server.data == b"still heard"


def test_one_change_of_keys_answers_thirty_two_requests_that_came_before_it() -> None:
    """RFC 9846 4.7.3: an implementation that receives several KeyUpdates while it is silent answers with one."""
    client, server = pair(TLS13)
    run(client, server)
    for _ in range(32):
        client.connection.update_keys(request_peer=True)
    client.connection.send(b"done")
    run(client, server)
    server.connection.send(b"done here")
    run(client, server)
    assert [e.name for e in server.events if isinstance(e, tls.MessageSent)].count("KeyUpdate") == 1
    assert (server.data, client.data) == (b"done", b"done here")


@BOTH
def test_a_fatal_alert_instead_of_finished_is_heard_and_not_answered(version: tls.Version) -> None:
    """In TLS 1.3 it may be in plaintext: the client may not have understood the server's keys."""
    edit = instead(Part(ALERT, b"\2\x30", plain=version == TLS13))
    name = "Finished" if version == TLS13 else "ClientKeyExchange"
    end, _ = play(Case("alert", None, {name: edit}), "server", version)
    assert end.fatal is None
    assert isinstance(end.connection.error, tls.PeerAlert)
    assert isinstance(end.connection.error.alert, tls.UnknownCa)


@BOTH
def test_close_notify_during_the_handshake_is_answered_in_kind(version: tls.Version) -> None:
    end, _ = play(Case("closed", None, {"ServerHello": before(Part(ALERT, b"\1\0"))}), "client", version)
    sent = [type(e.alert) for e in end.events if isinstance(e, tls.AlertSent)]
    assert sent == [tls.CloseNotify]
    assert isinstance(end.connection.error, tls.PeerAlert)


class Signing(End):
    """A client that signs with PSS, but with a salt of its own length."""

    salt = 0

    def process(self) -> None:
        for event in tls.pump(self.connection):
            self.events.append(event)
            if isinstance(event, tls.KeyOperationWanted):
                how = padding.PSS(padding.MGF1(hashes.SHA256()), self.salt)
                signature = client_identity("RSA").key.sign(event.data, how, hashes.SHA256())
                self.connection.answer(event, signature)


@BOTH
@pytest.mark.parametrize(("salt", "alert"), [(0, True), (31, True), (32, False), (33, True)])
def test_the_salt_of_pss_has_the_length_of_the_hash(salt: int, alert: bool, version: tls.Version) -> None:  # noqa: FBT001
    pss = (tls.SignatureScheme.RSA_PSS_RSAE_SHA256,)
    identity = client_identity("RSA")
    mine = {"certificates": (identity.der,), "key": object(), "signature_schemes": (*pss, 0x0403)}
    client = Signing(tls.Client(client_config(version, client="RSA", **mine)))
    client.salt = salt
    server = End(tls.Server(server_config(version, client="RSA")))
    run(client, server)
    assert isinstance(server.fatal, tls.DecryptError) is alert
    assert server.connection.handshake_complete is not alert


@pytest.mark.parametrize("padded", [0, 1, 15])
def test_padding_of_cbc_may_be_as_long_as_its_length_octet_says(padded: int) -> None:
    suites = (tls.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,)
    client, server = pair(TLS12, cipher_suites=suites)
    run(client, server)
    server.connection.receive(cbc_record(client.connection.records.write, b"x" * 40, 16 * padded))
    server.process()
    assert server.data == b"x" * 40
    broken = bytearray(cbc_record(client.connection.records.write, b"x" * 40, 16 * padded))
    broken[-17] ^= 1
    server.connection.receive(bytes(broken))
    server.process()
    assert isinstance(server.fatal, tls.BadRecordMac)


def cbc_record(protection: Any, content: bytes, more: int) -> bytes:
    """Protect a record as the engine does, with `more` octets of padding."""
    plain = content + protection._mac(protection._next(), DATA, TLS12, content)
    length = 15 - len(plain) % 16 + more
    cipher = tls.protection.BlockCipher(protection._key, tls.protection.modes.CBC(bytes(16))).encryptor()
    sealed = bytes(16) + cipher.update(plain + bytes([length]) * (length + 1)) + cipher.finalize()
    return b"\x17\3\3" + listed(sealed)


def test_a_hybrid_answer_keeps_the_share_that_was_drawn_before() -> None:
    mine, theirs = groups.HybridShare(), groups.HybridShare()
    answer, secret = groups.respond(mine, HYBRID, theirs.public)
    assert answer[-32:] == mine.public[-32:]
    assert theirs.finish(answer) == secret
