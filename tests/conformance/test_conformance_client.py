"""A client and servers that break the rules: the alert the RFC demands, for TLS 1.2 and TLS 1.3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tls_identities import DAY, NAME, NOW, issue, key, root, stranger
from unruly import (
    ALERT,
    CCS,
    DATA,
    HANDSHAKE,
    P256,
    TLS12,
    TLS13,
    TYPE,
    X25519,
    Case,
    Part,
    before,
    body,
    both,
    broken,
    doubled,
    drop,
    empty,
    extension,
    fields,
    instead,
    judge,
    last_bit,
    longer,
    plaintext,
    seals,
    sends,
    sends_long_record,
    shorter,
    twice,
    update_without_end,
    without,
)

from trustlab import tls

HELLO, EE, RETRY = "ServerHello", "EncryptedExtensions", "HelloRetryRequest"
KEYS, VERIFY, REQUEST, DONE = "ServerKeyExchange", "CertificateVerify", "CertificateRequest", "ServerHelloDone"
OFF_CURVE = bytes([4]) + bytes([7]) * 64


def chain(*identities: Any) -> dict[str, Any]:
    return {"certificates": tuple(i.der for i in identities), "key": identities[0].key}


def leaf(name: str = NAME, issuer: Any = None, **changes: Any) -> dict[str, Any]:
    return chain(issue(key("ECDSA", 8), name, issuer or root(), **changes))


def junk() -> dict[str, Any]:
    return {"certificates": (root().der[:-1] + b"\0",)}


# fmt: off
HELLOS = [
    Case("a ServerHello without its last octet", tls.DecodeError, {HELLO: shorter}),
    Case("a ServerHello with an octet too many", tls.DecodeError, {HELLO: longer}),
    Case("an empty ServerHello", tls.DecodeError, {HELLO: empty}),
    Case("a cipher suite that was not offered", tls.IllegalParameter, {HELLO: fields(cipher_suite=0xC030)}),
    Case("an unknown cipher suite", tls.IllegalParameter, {HELLO: fields(cipher_suite=0x0A0A)}),
    Case("the signalling suite", tls.IllegalParameter, {HELLO: fields(cipher_suite=0x00FF)}),
    Case("compression", tls.IllegalParameter, {HELLO: fields(compression_method=1)}),
    Case("an extension that was not offered", tls.UnsupportedExtension, {HELLO: extension(0x0A0A, b"")}),
    Case("an extension twice", tls.IllegalParameter, {HELLO: lambda m: doubled(m.extensions[0].type)(m)}),
    Case("the version TLS 1.1", tls.ProtocolVersion, {HELLO: both(without(TYPE.SUPPORTED_VERSIONS), fields(legacy_version=0x0302))}),
    Case("the version SSL 3.0", tls.ProtocolVersion, {HELLO: both(without(TYPE.SUPPORTED_VERSIONS), fields(legacy_version=0x0300))}),
    Case("a Finished first", tls.UnexpectedMessage, {HELLO: instead(Part(HANDSHAKE, b"\x14\0\0\x0c" + bytes(12)))}),
    Case("a Certificate first", tls.UnexpectedMessage, {HELLO: instead(Part(HANDSHAKE, b"\x0b\0\0\3\0\0\0"))}),
    Case("a ClientHello from the server", tls.UnexpectedMessage, {HELLO: instead(Part(HANDSHAKE, b"\1\0\0\0"))}),
    Case("application data first", tls.UnexpectedMessage, {HELLO: instead(Part(DATA, b"<html>"))}),
    Case("plain text in place of TLS", tls.UnexpectedMessage, {HELLO: instead(Part(0, b"HTTP/1.1 400 Bad Request\r\n"))}),
    Case("a record longer than 2^14", tls.RecordOverflow, {HELLO: instead(Part(0, b"\x16\3\3\x48\1"))}),
    Case("a ServerHello longer than its form allows", tls.DecodeError, {HELLO: instead(Part(HANDSHAKE, b"\2\xff\xff\xff"))}),
    Case("a Certificate without certificates", tls.DecodeError, {"Certificate": fields(certificate_list=())}),
    Case("a Certificate without its last octet", tls.DecodeError, {"Certificate": shorter}),
    Case("a Certificate with an octet too many", tls.DecodeError, {"Certificate": longer}),
    Case("a certificate that is none", tls.BadCertificate, theirs=None),
    Case("a certificate for another name", tls.CertificateUnknown, theirs=None),
    Case("a certificate of an unknown authority", tls.UnknownCa, theirs=None),
    Case("an expired certificate", tls.CertificateExpired, theirs=None),
    Case("a certificate that is not valid yet", tls.CertificateExpired, theirs=None),
    Case("a client's certificate from a server", tls.BadCertificate, theirs=None),
    Case("no Certificate", tls.UnexpectedMessage, {"Certificate": drop}),
    Case("Certificate twice", tls.UnexpectedMessage, {"Certificate": twice}),
    Case("a Finished that is not right", tls.DecryptError, {"Finished": last_bit}),
    Case("a Finished without its last octet", tls.DecodeError, {"Finished": shorter}),
    Case("a Finished with an octet too many", tls.DecodeError, {"Finished": longer}),
    Case("an empty Finished", tls.DecodeError, {"Finished": empty}),
    Case("no Finished but application data", tls.UnexpectedMessage, {"Finished": instead(Part(DATA, b"<html>"))}),
    Case("a record with a wrong tag", tls.BadRecordMac, then=broken(lambda r: r[:-1] + bytes([r[-1] ^ 1]))),
    Case("the same record twice", tls.BadRecordMac, then=broken(lambda r: r + r)),
    Case("a record with more than 2^14 octets inside", tls.RecordOverflow, then=sends_long_record),
    Case("a second ServerHello after the handshake", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\2\0\0\0"))),
    Case("an unknown message after the handshake", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x63\0\0\0"))),
    Case("warnings without end", tls.UnexpectedMessage, then=sends(*[Part(ALERT, b"\1\x5a")] * 9)),
    Case("empty records without end", tls.UnexpectedMessage, then=sends(*[Part(DATA, b"")] * 40)),
    Case("a few empty records", None, then=sends(*[Part(DATA, b"")] * 9)),
]
# fmt: on
CERTIFICATES = {
    "a certificate that is none": junk,
    "a certificate for another name": lambda: leaf("alice.example"),
    "a certificate of an unknown authority": lambda: leaf(issuer=stranger()),
    "an expired certificate": lambda: leaf(start=NOW - 9 * DAY, end=NOW - DAY),
    "a certificate that is not valid yet": lambda: leaf(start=NOW + DAY, end=NOW + 9 * DAY),
    "a client's certificate from a server": lambda: leaf(client=True),
}


def complete(case: Case) -> Case:
    """Make the certificates a case is about (they are made when it runs)."""
    if case.theirs is not None:
        return case
    made = CERTIFICATES[case.sentence]()
    if "key" not in made:  # the server's own configuration must be sound: change the message
        return replace(
            case, theirs={}, edits={"Certificate": body(lambda b: b.replace(b"\x02\x01\x02\x02", b"\x02\x01\x07\x02"))}
        )
    return replace(case, theirs=made)


@pytest.mark.parametrize("case", HELLOS, ids=str)
@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
def test_a_client_of_either_version_answers(case: Case, version: tls.Version) -> None:
    judge(complete(case), "client", version)


# fmt: off
SERVER_CASES_12 = [
    Case("renegotiation_info of another handshake", tls.HandshakeFailure, {HELLO: extension(TYPE.RENEGOTIATION_INFO, b"\x0c" + bytes(12))}),
    Case("extended_master_secret with content", tls.DecodeError, {HELLO: extension(TYPE.EXTENDED_MASTER_SECRET, b"\0")}),
    Case("two application protocols", tls.IllegalParameter, {HELLO: extension(TYPE.ALPN, b"\0\x0c\5lab/1\5lab/1")}),
    Case("an application protocol that was not offered", tls.IllegalParameter, {HELLO: extension(TYPE.ALPN, b"\0\6\5other")}),
    Case("point formats without uncompressed", tls.IllegalParameter, {HELLO: extension(TYPE.EC_POINT_FORMATS, b"\1\1")}),
    Case("a TLS 1.3 cipher suite", tls.IllegalParameter, {HELLO: fields(cipher_suite=0x1301)}, ours={"versions": (TLS12, TLS13), "cipher_suites": (0xC02B, 0x1301)}),
    Case("the random of a server that could do TLS 1.3", tls.IllegalParameter, {HELLO: lambda m: fields(random=m.random[:24] + b"DOWNGRD\1")(m)}, ours={"versions": (TLS12, TLS13), "cipher_suites": (0xC02B, 0x1301)}),
    Case("the random of a server that could do TLS 1.2", tls.IllegalParameter, {HELLO: lambda m: fields(random=m.random[:24] + b"DOWNGRD\0")(m)}, ours={"versions": (TLS12, TLS13), "cipher_suites": (0xC02B, 0x1301)}),
    Case("no ServerKeyExchange", tls.UnexpectedMessage, {KEYS: drop}),
    Case("ServerKeyExchange twice", tls.UnexpectedMessage, {KEYS: twice}),
    Case("ServerKeyExchange before Certificate", tls.UnexpectedMessage, {"Certificate": before(Part(HANDSHAKE, b"\x0c\0\0\0"))}),
    Case("a ServerKeyExchange without its last octet", tls.DecodeError, {KEYS: shorter}),
    Case("a ServerKeyExchange with an octet too many", tls.DecodeError, {KEYS: longer}),
    Case("an empty ServerKeyExchange", tls.DecodeError, {KEYS: empty}),
    Case("a signature that is not right", tls.DecryptError, {KEYS: last_bit}),
    Case("a key that was not signed", tls.DecryptError, {KEYS: fields(public=b"\1" * 32)}),
    Case("a signature by a scheme that was not offered", tls.IllegalParameter, {KEYS: fields(scheme=0x0203)}),
    Case("a signature by a scheme for another key", tls.IllegalParameter, {KEYS: fields(scheme=0x0401)}),
    Case("a group that was not offered", tls.IllegalParameter, {KEYS: fields(named_curve=0x0018)}),
    Case("explicit curve parameters", tls.IllegalParameter, {KEYS: body(lambda b: b"\1" + b[1:])}),
    Case("ServerKeyExchange with RSA key exchange", tls.UnexpectedMessage, {DONE: before(Part(HANDSHAKE, b"\x0c\0\0\0"))}, kind="RSA"),
    Case("a ServerHelloDone with an octet", tls.DecodeError, {DONE: longer}),
    Case("no ServerHelloDone", tls.UnexpectedMessage, {DONE: instead(Part(CCS, b"\1"))}),
    Case("ServerHelloDone twice", tls.UnexpectedMessage, {DONE: twice}),
    Case("CertificateRequest twice", tls.UnexpectedMessage, {REQUEST: twice}, client="ECDSA"),
    Case("a CertificateRequest without its last octet", tls.DecodeError, {REQUEST: shorter}, client="ECDSA"),
    Case("a CertificateRequest without certificate types", tls.DecodeError, {REQUEST: fields(certificate_types=())}, client="ECDSA"),
    Case("a CertificateRequest without signature schemes", tls.DecodeError, {REQUEST: fields(supported_signature_algorithms=())}, client="ECDSA"),
    Case("a certificate for another kind of key than the suite's", tls.UnsupportedCertificate, {"Certificate": lambda m: replace(m, certificate_list=(rsa_leaf(),))}),
    Case("no ChangeCipherSpec", tls.UnexpectedMessage, {"ChangeCipherSpec": drop, "Finished": plaintext}),
    Case("ChangeCipherSpec twice", tls.BadRecordMac, {"ChangeCipherSpec": twice}),
    Case("a ChangeCipherSpec that comes early", tls.UnexpectedMessage, {DONE: before(Part(CCS, b"\1"))}),
    Case("a HelloRequest during the handshake", None, {DONE: before(Part(HANDSHAKE, bytes(4), counted=False))}),
    Case("SupplementalData that was not agreed on", tls.UnexpectedMessage, {"Certificate": before(Part(HANDSHAKE, b"\x17\0\0\0"))}),
    Case("a NewSessionTicket that was not agreed on", tls.UnexpectedMessage, {"ChangeCipherSpec": before(Part(HANDSHAKE, b"\4\0\0\6\0\0\0\0\0\0"))}),
    Case("a CertificateStatus that was not agreed on", tls.UnexpectedMessage, {KEYS: before(Part(HANDSHAKE, b"\x16\0\0\0"))}),
]
# fmt: on


def rsa_leaf() -> bytes:
    return issue(key("RSA"), NAME, root()).der


@pytest.mark.parametrize("case", SERVER_CASES_12, ids=str)
def test_a_tls12_client_answers(case: Case) -> None:
    judge(case, "client", TLS12)


def without_change_cipher_spec(first: int) -> Case:
    """Return a peer that protects its Finished and has not said so; the ciphertext begins with this octet."""
    noise = Part(HANDSHAKE, bytes([first]) + bytes(range(100, 139)), plain=True)
    return Case(f"first octet {first}", tls.UnexpectedMessage, {"ChangeCipherSpec": drop, "Finished": instead(noise)})


@pytest.mark.parametrize("victim", ["client", "server"])
def test_without_change_cipher_spec_whatever_the_ciphertext_looks_like(victim: str) -> None:
    """One in 256 looks like a HelloRequest, which a client takes at any time, and this one is too long for one."""
    for first in range(256):
        case = without_change_cipher_spec(first)
        due = tls.DecodeError if (victim, first) == ("client", 0) else tls.UnexpectedMessage
        judge(replace(case, alert=due), victim, TLS12)


def wants(group: int) -> Any:
    return extension(TYPE.KEY_SHARE, group.to_bytes(2, "big"))


def answers(group: int, content: bytes) -> Any:
    return extension(TYPE.KEY_SHARE, group.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content)


RETRIES: dict[str, Any] = {"ours": {"groups": (X25519, P256)}, "theirs": {"groups": (P256,)}}
# fmt: off
SERVER_CASES_13 = [
    Case("another session id", tls.IllegalParameter, {HELLO: fields(session_id=bytes(32))}),
    Case("no session id", tls.IllegalParameter, {HELLO: fields(session_id=b"")}),
    Case("TLS 1.2 in supported_versions", tls.IllegalParameter, {HELLO: extension(TYPE.SUPPORTED_VERSIONS, b"\3\3")}),
    Case("TLS 1.5 in supported_versions", tls.IllegalParameter, {HELLO: extension(TYPE.SUPPORTED_VERSIONS, b"\3\6")}),
    Case("supported_versions of three octets", tls.DecodeError, {HELLO: extension(TYPE.SUPPORTED_VERSIONS, b"\3\4\0")}),
    Case("no supported_versions", tls.ProtocolVersion, {HELLO: without(TYPE.SUPPORTED_VERSIONS)}),
    Case("a legacy version of TLS 1.3", tls.IllegalParameter, {HELLO: fields(legacy_version=0x0304)}),
    Case("no key share", tls.MissingExtension, {HELLO: without(TYPE.KEY_SHARE)}),
    Case("a key share for a group that was not offered", tls.IllegalParameter, {HELLO: answers(0x0018, bytes(97))}),
    Case("a key share for a group without a share", tls.IllegalParameter, {HELLO: answers(P256, OFF_CURVE)}),
    Case("an x25519 share of 31 octets", tls.IllegalParameter, {HELLO: answers(X25519, bytes(31))}),
    Case("an x25519 share of zeros", tls.IllegalParameter, {HELLO: answers(X25519, bytes(32))}),
    Case("a share that is not on the curve", tls.IllegalParameter, {HELLO: answers(P256, OFF_CURVE)}, ours={"groups": (P256,)}),
    Case("an empty share", tls.DecodeError, {HELLO: answers(X25519, b"")}),
    Case("ALPN in ServerHello", tls.IllegalParameter, {HELLO: extension(TYPE.ALPN, b"\0\6\5lab/1")}),
    Case("a HelloRetryRequest for a group that was not offered", tls.IllegalParameter, {RETRY: wants(0x0018)}, **RETRIES),
    Case("a HelloRetryRequest for a share that is there", tls.IllegalParameter, {RETRY: wants(X25519)}, **RETRIES),
    Case("a HelloRetryRequest that changes nothing", tls.IllegalParameter, {RETRY: without(TYPE.KEY_SHARE)}, **RETRIES),
    Case("a HelloRetryRequest with an empty cookie", tls.DecodeError, {RETRY: extension(TYPE.COOKIE, b"\0\0")}, **RETRIES),
    Case("a HelloRetryRequest with an extension that was not offered", tls.UnsupportedExtension, {RETRY: extension(0x0A0A, b"")}, **RETRIES),
    Case("a HelloRetryRequest with another session id", tls.IllegalParameter, {RETRY: fields(session_id=bytes(32))}, **RETRIES),
    Case("a HelloRetryRequest with another suite than offered", tls.IllegalParameter, {RETRY: fields(cipher_suite=0x1302)}, **RETRIES),
    Case("a second HelloRetryRequest", tls.UnexpectedMessage, {HELLO: fields(random=tls.messages.hello.HELLO_RETRY_RANDOM)}, **RETRIES),
    Case("another suite after HelloRetryRequest", tls.IllegalParameter, {HELLO: fields(cipher_suite=0x1302)}, ours={"groups": (X25519, P256), "cipher_suites": (0x1301, 0x1302)}, theirs={"groups": (P256,)}),
    Case("another group after HelloRetryRequest", tls.IllegalParameter, {HELLO: answers(X25519, b"\1" * 32)}, **RETRIES),
    Case("EncryptedExtensions in plaintext", tls.UnexpectedMessage, {EE: plaintext}),
    Case("no EncryptedExtensions", tls.UnexpectedMessage, {EE: drop}),
    Case("EncryptedExtensions twice", tls.UnexpectedMessage, {EE: twice}),
    Case("EncryptedExtensions without its last octet", tls.DecodeError, {EE: shorter}),
    Case("EncryptedExtensions with an octet too many", tls.DecodeError, {EE: longer}),
    Case("empty EncryptedExtensions", tls.DecodeError, {EE: empty}),
    Case("an unknown extension in EncryptedExtensions", tls.UnsupportedExtension, {EE: extension(0x0A0A, b"")}),
    Case("key_share in EncryptedExtensions", tls.IllegalParameter, {EE: extension(TYPE.KEY_SHARE, b"\0\0")}),
    Case("supported_versions in EncryptedExtensions", tls.IllegalParameter, {EE: extension(TYPE.SUPPORTED_VERSIONS, b"\3\4")}),
    Case("an extension twice in EncryptedExtensions", tls.IllegalParameter, {EE: doubled(TYPE.ALPN)}),
    Case("two application protocols", tls.IllegalParameter, {EE: extension(TYPE.ALPN, b"\0\x0c\5lab/1\5lab/1")}),
    Case("an application protocol that was not offered", tls.IllegalParameter, {EE: extension(TYPE.ALPN, b"\0\6\5other")}),
    Case("early_data that was not offered", tls.UnsupportedExtension, {EE: extension(TYPE.EARLY_DATA, b"")}),
    Case("a CertificateRequest with a context", tls.IllegalParameter, {REQUEST: fields(certificate_request_context=b"x")}, client="ECDSA"),
    Case("a CertificateRequest without signature_algorithms", tls.MissingExtension, {REQUEST: without(TYPE.SIGNATURE_ALGORITHMS)}, client="ECDSA"),
    Case("CertificateRequest twice", tls.UnexpectedMessage, {REQUEST: twice}, client="ECDSA"),
    Case("a Certificate with a context", tls.IllegalParameter, {"Certificate": fields(certificate_request_context=b"x")}),
    Case("a certificate extension that was not asked for", tls.UnsupportedExtension, {"Certificate": lambda m: entry_extension(m, 0x0A0A)}),
    Case("an OCSP response that was not asked for", tls.UnsupportedExtension, {"Certificate": lambda m: entry_extension(m, TYPE.STATUS_REQUEST)}),
    Case("no CertificateVerify", tls.UnexpectedMessage, {VERIFY: drop}),
    Case("CertificateVerify twice", tls.UnexpectedMessage, {VERIFY: twice}),
    Case("a signature that is not right", tls.DecryptError, {VERIFY: last_bit}),
    Case("an empty signature", tls.DecryptError, {VERIFY: fields(signature=b"")}),
    Case("a CertificateVerify without its last octet", tls.DecodeError, {VERIFY: shorter}),
    Case("a signature by a scheme that was not offered", tls.IllegalParameter, {VERIFY: fields(scheme=0x0807)}),
    Case("a signature by PKCS#1 v1.5", tls.IllegalParameter, {VERIFY: fields(scheme=0x0401)}, kind="RSA"),
    Case("a signature by SHA-1", tls.IllegalParameter, {VERIFY: fields(scheme=0x0203)}),
    Case("a signature on the wrong curve", tls.IllegalParameter, {VERIFY: fields(scheme=0x0503)}),
    Case("Finished before CertificateVerify", tls.UnexpectedMessage, {VERIFY: before(Part(HANDSHAKE, b"\x14\0\0\x20" + bytes(32)))}),
    Case("Finished twice", tls.BadRecordMac, {"Finished": twice}),
    Case("an octet behind Finished in its record", tls.UnexpectedMessage, {"Finished": lambda m: instead(Part(HANDSHAKE, m.encode() + b"\x08"))(m)}),
    Case("an octet behind ServerHello in its record", tls.UnexpectedMessage, {HELLO: lambda m: instead(Part(HANDSHAKE, m.encode() + b"\x08"))(m)}),
    Case("a ServerKeyExchange", tls.UnexpectedMessage, {VERIFY: before(Part(HANDSHAKE, b"\x0c\0\0\0"))}),
    Case("a HelloRequest", tls.UnexpectedMessage, {VERIFY: before(Part(HANDSHAKE, bytes(4)))}),
    Case("a NewSessionTicket before Finished", tls.UnexpectedMessage, {"Finished": before(Part(HANDSHAKE, b"\4\0\0\0"))}),
    Case("a ChangeCipherSpec of 2", tls.UnexpectedMessage, {EE: before(Part(CCS, b"\2", plain=True))}),
    Case("a ChangeCipherSpec inside a message", tls.UnexpectedMessage, {EE: lambda m: instead(Part(HANDSHAKE, m.encode()[:3]), Part(CCS, b"\1", plain=True))(m)}),
    Case("an alert inside a message", tls.UnexpectedMessage, {EE: lambda m: instead(Part(HANDSHAKE, m.encode()[:3]), Part(ALERT, b"\2\x28"))(m)}),
    Case("a few ChangeCipherSpecs before EncryptedExtensions", None, {EE: before(*[Part(CCS, b"\1", plain=True)] * 3)}),
    Case("ChangeCipherSpecs without end", tls.UnexpectedMessage, {EE: before(*[Part(CCS, b"\1", plain=True)] * 40)}),
    Case("the ChangeCipherSpec for middleboxes before EncryptedExtensions", None, {EE: before(Part(CCS, b"\1", plain=True))}, ours={"middlebox_compatibility": False}),
    Case("a CertificateRequest after the handshake", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x0d\0\0\3\0\0\0"))),
    Case("a HelloRequest after the handshake", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, bytes(4)))),
    Case("a NewSessionTicket without its last octet", tls.DecodeError, then=sends(Part(HANDSHAKE, b"\4\0\0\x0d" + bytes(8) + b"\0\0\1t\0"))),
    Case("a NewSessionTicket without a ticket", tls.DecodeError, then=sends(Part(HANDSHAKE, b"\4\0\0\x0d" + bytes(8) + b"\0\0\0\0\0"))),
    Case("a NewSessionTicket", None, then=sends(Part(HANDSHAKE, b"\4\0\0\x0e" + bytes(8) + b"\0\0\1t\0\0"))),
    Case("a KeyUpdate that asks for 2", tls.IllegalParameter, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\2"))),
    Case("a KeyUpdate without content", tls.DecodeError, then=sends(Part(HANDSHAKE, b"\x18\0\0\0"))),
    Case("a message behind KeyUpdate in its record", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\0" * 2))),
    Case("a KeyUpdate with old keys after it", tls.BadRecordMac, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\0"), Part(DATA, b"x"))),
    Case("KeyUpdate without end", tls.UnexpectedMessage, then=update_without_end),
    Case("application data inside a message", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\4\0\0\x0e"), Part(DATA, b"x"))),
    Case("a record of padding only", tls.UnexpectedMessage, then=seals(bytes(40))),
    Case("a record whose padding makes it too long", tls.RecordOverflow, then=seals(b"\1" * 2**14 + bytes([DATA, 0]))),
    Case("a record with padding up to the limit", None, then=seals(b"\1" * 9 + bytes([DATA]) + bytes(2**14 - 9))),
    Case("a record of an unknown inner type", tls.UnexpectedMessage, then=sends(Part(99, b"x"))),
    Case("an alert of one octet", tls.DecodeError, then=sends(Part(ALERT, b"\1"))),
    Case("a plaintext handshake record after the handshake", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\0", plain=True))),
]
# fmt: on


def entry_extension(message: Any, kind: int) -> Any:
    first, *rest = message.certificate_list
    return replace(message, certificate_list=(replace(first, extensions=(tls.Extension(kind, b""),)), *rest))


@pytest.mark.parametrize("case", SERVER_CASES_13, ids=str)
def test_a_tls13_client_answers(case: Case) -> None:
    judge(case, "client", TLS13)


def test_a_server_that_renegotiates_is_warned_and_heard() -> None:
    case = Case("renegotiation", None, then=sends(Part(HANDSHAKE, bytes(4)), Part(DATA, b"and on we go")))
    end = judge(case, "client", TLS12)
    assert [type(e.alert) for e in end.events if isinstance(e, tls.AlertSent)] == [tls.NoRenegotiation]
    assert end.data == b"and on we go"


def test_a_fatal_alert_ends_a_connection_without_an_answer() -> None:
    end = judge(Case("alert", None, then=sends(Part(ALERT, b"\2\x50"))), "client", TLS13)
    assert isinstance(end.connection.error, tls.PeerAlert)
    assert type(end.connection.error.alert) is tls.InternalError


def test_an_unknown_alert_is_fatal_in_tls13() -> None:
    end = judge(Case("alert", None, then=sends(Part(ALERT, b"\1\xc8"))), "client", TLS13)
    assert isinstance(end.connection.error, tls.PeerAlert)
