"""A server and clients that break the rules: the alert the RFC demands, for TLS 1.2 and TLS 1.3."""

from __future__ import annotations

import struct

import pytest
from tls_identities import CLIENT_NAME, DAY, NOW, issue, key, root, stranger
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
    before,
    body,
    both,
    broken,
    client_config,
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
    play,
    seals,
    sends,
    sends_long_record,
    server_config,
    shorter,
    twice,
    update_without_end,
    without,
)

from trustlab import tls


def u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def listed(content: bytes, size: int = 2) -> bytes:
    return len(content).to_bytes(size, "big") + content


def share(group: int, content: bytes) -> bytes:
    return listed(u16(group) + listed(content))


def chain(identity: object) -> dict[str, object]:
    return {"certificates": (identity.der,), "key": identity.key}


def old() -> dict[str, object]:
    return chain(issue(key("ECDSA", 9), CLIENT_NAME, root(), client=True, start=NOW - 9 * DAY, end=NOW - DAY))


def foreign() -> dict[str, object]:
    return chain(issue(key("ECDSA", 9), CLIENT_NAME, stranger(), client=True))


def server_only() -> dict[str, object]:
    return chain(issue(key("ECDSA", 9), CLIENT_NAME, root()))


HELLO = "ClientHello"
SCSV = tls.CipherSuite.TLS_FALLBACK_SCSV
# fmt: off
HELLOS = [
    Case("a ClientHello without its last octet", tls.DecodeError, {HELLO: shorter}),
    Case("a ClientHello with an octet too many", tls.DecodeError, {HELLO: longer}),
    Case("an empty ClientHello", tls.DecodeError, {HELLO: empty}),
    Case("a session id of 33 octets", tls.DecodeError, {HELLO: body(lambda b: b[:34] + b"\x21" + bytes(33) + b[35 + b[34] :])}),
    Case("cipher suites of an odd length", tls.DecodeError, {HELLO: body(lambda b: b[: 35 + b[34]] + b"\0\3\x13\x01\0" + b"\1\0")}),
    Case("no cipher suites", tls.DecodeError, {HELLO: fields(cipher_suites=())}),
    Case("no compression methods", tls.DecodeError, {HELLO: fields(compression_methods=())}),
    Case("compression methods without null", tls.IllegalParameter, {HELLO: fields(compression_methods=(1,))}),
    Case("no cipher suite in common", tls.HandshakeFailure, {HELLO: fields(cipher_suites=(0x1399, 0x0005))}),
    Case("an unknown cipher suite beside a known one", None, {HELLO: lambda m: fields(cipher_suites=(0x0A0A, *m.cipher_suites))(m)}),
    Case("an unknown extension", None, {HELLO: extension(0x0A0A, b"grease")}),
    Case("an extension twice", tls.IllegalParameter, {HELLO: doubled(TYPE.SUPPORTED_GROUPS)}),
    Case("an unknown extension twice", tls.IllegalParameter, {HELLO: both(extension(0x0A0A, b""), doubled(0x0A0A))}),
    Case("an SSL 3.0 ClientHello", tls.ProtocolVersion, {HELLO: both(without(TYPE.SUPPORTED_VERSIONS), fields(legacy_version=0x0300))}),
    Case("a TLS 1.1 ClientHello", tls.ProtocolVersion, {HELLO: both(without(TYPE.SUPPORTED_VERSIONS), fields(legacy_version=0x0302))}),
    Case("no version in common", tls.ProtocolVersion, {HELLO: extension(TYPE.SUPPORTED_VERSIONS, listed(u16(0x7F1C), 1))}),
    Case("supported_versions empty", tls.DecodeError, {HELLO: extension(TYPE.SUPPORTED_VERSIONS, b"\0")}),
    Case("supported_versions of an odd length", tls.DecodeError, {HELLO: extension(TYPE.SUPPORTED_VERSIONS, b"\3\3\4\3")}),
    Case("two server names", tls.IllegalParameter, {HELLO: extension(TYPE.SERVER_NAME, listed(b"\0\0\1a" + b"\0\0\1b"))}),
    Case("a server name with a zero octet", tls.IllegalParameter, {HELLO: extension(TYPE.SERVER_NAME, listed(b"\0\0\3a\0b"))}),
    Case("a server name outside ASCII", tls.IllegalParameter, {HELLO: extension(TYPE.SERVER_NAME, listed(b"\0\0\5b\xc3\xa4nk"))}),
    Case("a server name list of a wrong length", tls.DecodeError, {HELLO: extension(TYPE.SERVER_NAME, b"\xff\xff\xff\xff")}),
    Case("a server name list without names", tls.DecodeError, {HELLO: extension(TYPE.SERVER_NAME, b"\0\0")}),
    Case("an empty server name", tls.DecodeError, {HELLO: extension(TYPE.SERVER_NAME, b"\0\3\0\0\0")}),
    Case("an octet behind the server names", tls.DecodeError, {HELLO: extension(TYPE.SERVER_NAME, lambda b: b + b"\0")}),
    Case("supported_groups empty", tls.DecodeError, {HELLO: extension(TYPE.SUPPORTED_GROUPS, b"\0\0")}),
    Case("supported_groups of an odd length", tls.DecodeError, {HELLO: extension(TYPE.SUPPORTED_GROUPS, b"\0\3\0\x1d\0")}),
    Case("signature_algorithms empty", tls.DecodeError, {HELLO: extension(TYPE.SIGNATURE_ALGORITHMS, b"\0\0")}),
    Case("signature_algorithms with a length too large", tls.DecodeError, {HELLO: extension(TYPE.SIGNATURE_ALGORITHMS, b"\0\4\4\3")}),
    Case("no signature scheme in common", tls.HandshakeFailure, {HELLO: extension(TYPE.SIGNATURE_ALGORITHMS, listed(u16(0x0807)))}),
    Case("no application protocol in common", tls.NoApplicationProtocol, {HELLO: extension(TYPE.ALPN, b"\0\6\5other")}),
    Case("a list of application protocols that is empty", tls.DecodeError, {HELLO: extension(TYPE.ALPN, b"\0\0")}),
    Case("an application protocol that is empty", tls.DecodeError, {HELLO: extension(TYPE.ALPN, b"\0\1\0")}),
    Case("a fallback that was not needed", None, {HELLO: lambda m: fields(cipher_suites=(*m.cipher_suites, SCSV))(m)}),
    Case("an alert record of one octet", tls.DecodeError, {HELLO: before(Part(ALERT, b"\2"))}),
    Case("an alert record without content", tls.UnexpectedMessage, {HELLO: before(Part(0, b"\x15\3\1\0\0"))}),
    Case("a handshake record without content", tls.UnexpectedMessage, {HELLO: before(Part(0, b"\x16\3\1\0\0"))}),
    Case("a record of an unknown type", tls.UnexpectedMessage, {HELLO: before(Part(0, b"\x63\3\1\0\1\0"))}),
    Case("application data first", tls.UnexpectedMessage, {HELLO: before(Part(DATA, b"GET /"))}),
    Case("a Finished first", tls.UnexpectedMessage, {HELLO: instead(Part(HANDSHAKE, b"\x14\0\0\x20" + bytes(32)))}),
    Case("a message of an unknown type first", tls.UnexpectedMessage, {HELLO: instead(Part(HANDSHAKE, b"\x63\0\0\0"))}),
    Case("a record of version 2.0", tls.ProtocolVersion, {HELLO: instead(Part(0, b"\x16\2\0\0\4\1\0\0\0"))}),
    Case("a record longer than 2^14", tls.RecordOverflow, {HELLO: instead(Part(0, b"\x16\3\1\x40\1\1"))}),
    Case("an application data record inside the ClientHello", tls.UnexpectedMessage, {HELLO: lambda m: instead(Part(HANDSHAKE, m.encode()[:40]), Part(DATA, b"x"))(m)}),
    Case("a ChangeCipherSpec inside the ClientHello", tls.UnexpectedMessage, {HELLO: lambda m: instead(Part(HANDSHAKE, m.encode()[:40]), Part(CCS, b"\1"))(m)}),
]
# fmt: on


@pytest.mark.parametrize("case", HELLOS, ids=str)
@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
def test_a_server_of_either_version_answers(case: Case, version: tls.Version) -> None:
    judge(case, "server", version)


P256_POINT = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296") + bytes.fromhex(
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
OFF_CURVE = P256_POINT[:-1] + b"\xf4"
# fmt: off
CLIENT_CASES_12 = [
    Case("renegotiation_info of another handshake", tls.HandshakeFailure, {HELLO: extension(TYPE.RENEGOTIATION_INFO, listed(bytes(12), 1))}),
    Case("a malformed renegotiation_info", tls.DecodeError, {HELLO: extension(TYPE.RENEGOTIATION_INFO, b"\5")}),
    Case("point formats without uncompressed", tls.IllegalParameter, {HELLO: extension(TYPE.EC_POINT_FORMATS, b"\1\1")}),
    Case("point formats empty", tls.DecodeError, {HELLO: extension(TYPE.EC_POINT_FORMATS, b"\0")}),
    Case("extended_master_secret with content", tls.DecodeError, {HELLO: extension(TYPE.EXTENDED_MASTER_SECRET, b"\0")}),
    Case("no group in common", tls.HandshakeFailure, {HELLO: extension(TYPE.SUPPORTED_GROUPS, listed(u16(0x0100)))}),
    Case("a second ClientHello", tls.UnexpectedMessage, {"ClientKeyExchange": before(Part(HANDSHAKE, b"\1\0\0\0"))}),
    Case("no ClientKeyExchange", tls.UnexpectedMessage, {"ClientKeyExchange": drop}),
    Case("ClientKeyExchange twice", tls.UnexpectedMessage, {"ClientKeyExchange": twice}),
    Case("a ClientKeyExchange without its last octet", tls.DecodeError, {"ClientKeyExchange": shorter}),
    Case("a ClientKeyExchange with an octet too many", tls.DecodeError, {"ClientKeyExchange": longer}),
    Case("an empty ClientKeyExchange", tls.DecodeError, {"ClientKeyExchange": empty}),
    Case("an x25519 value of 31 octets", tls.IllegalParameter, {"ClientKeyExchange": fields(exchange=bytes(31))}),
    Case("an x25519 value of zeros", tls.IllegalParameter, {"ClientKeyExchange": fields(exchange=bytes(32))}),
    Case("a point that is not on the curve", tls.IllegalParameter, {"ClientKeyExchange": fields(exchange=OFF_CURVE)}, ours={"groups": (P256,)}),
    Case("a compressed point", tls.IllegalParameter, {"ClientKeyExchange": fields(exchange=b"\2" + P256_POINT[1:33])}, ours={"groups": (P256,)}),
    Case("the point at infinity", tls.IllegalParameter, {"ClientKeyExchange": fields(exchange=b"\0")}, ours={"groups": (P256,)}),
    Case("no ChangeCipherSpec", tls.UnexpectedMessage, {"ChangeCipherSpec": drop, "Finished": plaintext}),
    Case("a ChangeCipherSpec of 2", tls.UnexpectedMessage, {"ChangeCipherSpec": instead(Part(CCS, b"\2"))}),
    Case("a ChangeCipherSpec of two octets", tls.UnexpectedMessage, {"ChangeCipherSpec": instead(Part(CCS, b"\1\1"))}),
    Case("a ChangeCipherSpec before ClientKeyExchange", tls.UnexpectedMessage, {"ClientKeyExchange": before(Part(CCS, b"\1"))}),
    Case("a Finished that is not right", tls.DecryptError, {"Finished": last_bit}),
    Case("a Finished of eleven octets", tls.DecodeError, {"Finished": shorter}),
    Case("a Finished of thirteen octets", tls.DecodeError, {"Finished": longer}),
    Case("Finished twice", tls.UnexpectedMessage, {"Finished": twice}),
    Case("no Finished but application data", tls.UnexpectedMessage, {"Finished": instead(Part(DATA, b"hello"))}),
    Case("a HelloRequest from a client", tls.UnexpectedMessage, {"ClientKeyExchange": before(Part(HANDSHAKE, bytes(4)))}),
    Case("a certificate that nobody asked for", tls.UnexpectedMessage, {"ClientKeyExchange": before(Part(HANDSHAKE, b"\x0b\0\0\3\0\0\0"))}),
    Case("no Certificate where one is required", tls.UnexpectedMessage, {"Certificate": drop}, client="ECDSA"),
    Case("an empty chain where a certificate is required", tls.HandshakeFailure, {"Certificate": fields(certificate_list=())}, client="ECDSA"),
    Case("a chain that is no certificate", tls.BadCertificate, {"Certificate": fields(certificate_list=(b"paper",))}, client="ECDSA"),
    Case("a chain with an empty certificate", tls.DecodeError, {"Certificate": fields(certificate_list=(b"",))}, client="ECDSA"),
    Case("an expired client certificate", tls.CertificateExpired, client="ECDSA", theirs=old()),
    Case("a client certificate of an unknown authority", tls.UnknownCa, client="ECDSA", theirs=foreign()),
    Case("a server's certificate from a client", tls.BadCertificate, client="ECDSA", theirs=server_only()),
    Case("no CertificateVerify", tls.UnexpectedMessage, {"CertificateVerify": drop}, client="ECDSA"),
    Case("a CertificateVerify that is not right", tls.DecryptError, {"CertificateVerify": last_bit}, client="ECDSA"),
    Case("a CertificateVerify by a scheme that was not offered", tls.IllegalParameter, {"CertificateVerify": fields(scheme=0x0203)}, client="ECDSA"),
    Case("a CertificateVerify by a scheme for another key", tls.IllegalParameter, {"CertificateVerify": fields(scheme=0x0804)}, client="ECDSA"),
    Case("a CertificateVerify without its last octet", tls.DecodeError, {"CertificateVerify": shorter}, client="ECDSA"),
    Case("a CertificateVerify with an empty signature", tls.DecryptError, {"CertificateVerify": fields(signature=b"")}, client="ECDSA"),
    Case("CertificateVerify twice", tls.UnexpectedMessage, {"CertificateVerify": twice}, client="ECDSA"),
    Case("a record with a wrong tag", tls.BadRecordMac, then=broken(lambda r: r[:-1] + bytes([r[-1] ^ 1]))),
    Case("a record shorter than nonce and tag", tls.BadRecordMac, then=sends(Part(0, b"\x17\3\3\0\x17" + bytes(23)))),
    Case("a record of TLS 1.1", tls.ProtocolVersion, then=broken(lambda r: r[:1] + b"\3\2" + r[3:])),
    Case("a record whose type was changed", tls.BadRecordMac, then=broken(lambda r: b"\x16" + r[1:])),
    Case("a protected record longer than 2^14 + 2048", tls.RecordOverflow, then=sends(Part(0, b"\x17\3\3\x48\1"))),
    Case("a protected record with more than 2^14 octets inside", tls.RecordOverflow, then=sends_long_record),
    Case("the same record twice", tls.BadRecordMac, then=broken(lambda r: r + r)),
]
# fmt: on


@pytest.mark.parametrize("case", CLIENT_CASES_12, ids=str)
def test_a_tls12_server_answers(case: Case) -> None:
    judge(case, "server", TLS12)


# fmt: off
ODD_SECRETS = [
    Case("a pre-master secret of another version", tls.BadRecordMac, kind="RSA", pms=b"\3\2" + bytes(46)),
    Case("a ciphertext that decrypts to nonsense", tls.BadRecordMac, {"ClientKeyExchange": fields(exchange=b"\1" * 256)}, kind="RSA"),
    Case("a ciphertext larger than the modulus", tls.BadRecordMac, {"ClientKeyExchange": fields(exchange=b"\xff" * 256)}, kind="RSA"),
    Case("a ciphertext of the wrong length", tls.BadRecordMac, {"ClientKeyExchange": fields(exchange=b"\1" * 255)}, kind="RSA"),
    Case("a ciphertext of zeros", tls.BadRecordMac, {"ClientKeyExchange": fields(exchange=bytes(256))}, kind="RSA"),
    Case("an empty ciphertext", tls.BadRecordMac, {"ClientKeyExchange": fields(exchange=b"")}, kind="RSA"),
]
# fmt: on


@pytest.mark.parametrize("case", ODD_SECRETS, ids=str)
def test_a_server_does_not_tell_why_it_cannot_read_the_secret(case: Case) -> None:
    """Bleichenbacher's question gets one answer, whatever was wrong, and only at Finished (RFC 5246 7.4.7.1)."""
    end, _ = play(case, "server", TLS12)
    assert type(end.fatal) is tls.BadRecordMac, repr(end.fatal)
    assert end.received == ["ClientHello", "ClientKeyExchange", "ChangeCipherSpec"]


# fmt: off
CLIENT_CASES_13 = [
    Case("no signature_algorithms", tls.MissingExtension, {HELLO: without(TYPE.SIGNATURE_ALGORITHMS)}),
    Case("no supported_groups", tls.MissingExtension, {HELLO: without(TYPE.SUPPORTED_GROUPS)}),
    Case("no key_share", tls.MissingExtension, {HELLO: without(TYPE.KEY_SHARE)}),
    Case("a legacy version of SSL 3.0 beside supported_versions", tls.ProtocolVersion, {HELLO: fields(legacy_version=0x0300)}),
    Case("a legacy version of 0.0 beside supported_versions", tls.ProtocolVersion, {HELLO: fields(legacy_version=0)}),
    Case("a legacy version of TLS 1.0 beside supported_versions", None, {HELLO: fields(legacy_version=0x0301)}),
    Case("a legacy version of the future beside supported_versions", None, {HELLO: fields(legacy_version=0x0305)}),
    Case("two compression methods", tls.IllegalParameter, {HELLO: fields(compression_methods=(0, 1))}),
    Case("no group in common", tls.HandshakeFailure, {HELLO: both(extension(TYPE.SUPPORTED_GROUPS, listed(u16(0x0100))), extension(TYPE.KEY_SHARE, b"\0\0"))}),
    Case("a key share for a group that is not offered", tls.IllegalParameter, {HELLO: extension(TYPE.SUPPORTED_GROUPS, listed(u16(P256)))}),
    Case("two key shares for one group", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, lambda b: listed(b[2:] * 2))}),
    Case("a key share without octets", tls.DecodeError, {HELLO: extension(TYPE.KEY_SHARE, share(X25519, b""))}),
    Case("an x25519 share of 31 octets", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, share(X25519, bytes(31)))}),
    Case("an x25519 share of 33 octets", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, share(X25519, b"\1" * 33))}),
    Case("an x25519 share of zeros", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, share(X25519, bytes(32)))}),
    Case("a share that is not on the curve", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, share(P256, OFF_CURVE))}),
    Case("a share that is a compressed point", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, share(P256, b"\2" + P256_POINT[1:33]))}),
    Case("a hybrid share one octet short", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, lambda b: listed(b[2:4] + listed(b[6:-1])))}, ours={"groups": (HYBRID,)}, theirs={"groups": (HYBRID,)}),
    Case("a hybrid share whose ML-KEM key fails its check", tls.IllegalParameter, {HELLO: extension(TYPE.KEY_SHARE, lambda b: b[:6] + b"\xff" * 1184 + b[6 + 1184 :])}, ours={"groups": (HYBRID,)}, theirs={"groups": (HYBRID,)}),
    Case("early data that nobody wants", None, {HELLO: both(extension(TYPE.EARLY_DATA, b""))}),
    Case("pre_shared_key without its modes", tls.MissingExtension, {HELLO: extension(TYPE.PRE_SHARED_KEY, b"\0\x0a\0\4name\0\0\0\0\0\x21\x20" + bytes(32))}),
    Case("pre_shared_key that is not last", tls.IllegalParameter, {HELLO: both(extension(TYPE.PSK_KEY_EXCHANGE_MODES, b"\1\1"), extension(TYPE.PRE_SHARED_KEY, b"\0\x0a\0\4name\0\0\0\0\0\x21\x20" + bytes(32)), extension(0x0A0A, b"")) }),
    Case("a key share asked for and not given", tls.IllegalParameter, {HELLO: [None, extension(TYPE.KEY_SHARE, b"\0\0")]}, ours={"groups": (P256,)}),
    Case("another random after HelloRetryRequest", tls.IllegalParameter, {HELLO: [None, fields(random=bytes(32))]}, ours={"groups": (P256,)}),
    Case("other cipher suites after HelloRetryRequest", tls.IllegalParameter, {HELLO: [None, lambda m: fields(cipher_suites=(*m.cipher_suites, 0x1302))(m)]}, ours={"groups": (P256,)}),
    Case("another extension after HelloRetryRequest", tls.IllegalParameter, {HELLO: [None, extension(0x0A0A, b"")]}, ours={"groups": (P256,)}),
    Case("a third ClientHello", tls.UnexpectedMessage, {HELLO: [None, twice]}, ours={"groups": (P256,)}),
    Case("a second ClientHello", tls.UnexpectedMessage, {"Finished": before(Part(HANDSHAKE, b"\1\0\0\0"))}),
    Case("no Finished", tls.UnexpectedMessage, {"Finished": instead(Part(DATA, b"hello"))}),
    Case("a Finished that is not right", tls.DecryptError, {"Finished": last_bit}),
    Case("a Finished of 31 octets", tls.DecodeError, {"Finished": shorter}),
    Case("a Finished of 33 octets", tls.DecodeError, {"Finished": longer}),
    Case("an empty Finished", tls.DecodeError, {"Finished": empty}),
    Case("Finished in plaintext", tls.UnexpectedMessage, {"Finished": plaintext}),
    Case("an octet behind Finished in its record", tls.UnexpectedMessage, {"Finished": lambda m: instead(Part(HANDSHAKE, m.encode() + b"\x18"))(m)}),
    Case("a KeyUpdate before Finished", tls.UnexpectedMessage, {"Finished": before(Part(HANDSHAKE, b"\x18\0\0\1\0"))}),
    Case("a Certificate that nobody asked for", tls.UnexpectedMessage, {"Finished": before(Part(HANDSHAKE, b"\x0b\0\0\4\0\0\0\0"))}),
    Case("an end of early data without early data", tls.UnexpectedMessage, {"Finished": before(Part(HANDSHAKE, b"\x05\0\0\0"))}),
    Case("an empty chain where a certificate is required", tls.CertificateRequired, {"Certificate": fields(certificate_list=()), "CertificateVerify": drop}, client="ECDSA"),
    Case("a client Certificate with another context", tls.IllegalParameter, {"Certificate": fields(certificate_request_context=b"x")}, client="ECDSA"),
    Case("an expired client certificate", tls.CertificateExpired, client="ECDSA", theirs=old()),
    Case("a client certificate of an unknown authority", tls.UnknownCa, client="ECDSA", theirs=foreign()),
    Case("no Certificate", tls.UnexpectedMessage, {"Certificate": drop}, client="ECDSA"),
    Case("no CertificateVerify", tls.UnexpectedMessage, {"CertificateVerify": drop}, client="ECDSA"),
    Case("a CertificateVerify that is not right", tls.DecryptError, {"CertificateVerify": last_bit}, client="ECDSA"),
    Case("a CertificateVerify by PKCS#1 v1.5", tls.IllegalParameter, {"CertificateVerify": fields(scheme=0x0401)}, client="RSA"),
    Case("a CertificateVerify on the wrong curve", tls.IllegalParameter, {"CertificateVerify": fields(scheme=0x0503)}, client="ECDSA"),
    Case("a CertificateVerify by a scheme that was not offered", tls.IllegalParameter, {"CertificateVerify": fields(scheme=0x0807)}, client="ECDSA"),
    Case("a ClientHello after the handshake", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\1\0\0\0"))),
    Case("a NewSessionTicket from a client", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\4\0\0\0"))),
    Case("a KeyUpdate that asks for 2", tls.IllegalParameter, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\2"))),
    Case("a KeyUpdate without content", tls.DecodeError, then=sends(Part(HANDSHAKE, b"\x18\0\0\0"))),
    Case("a KeyUpdate of two octets", tls.DecodeError, then=sends(Part(HANDSHAKE, b"\x18\0\0\2\0\0"))),
    Case("a message behind KeyUpdate in its record", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\0" * 2))),
    Case("a KeyUpdate with old keys after it", tls.BadRecordMac, then=sends(Part(HANDSHAKE, b"\x18\0\0\1\0"), Part(DATA, b"x"))),
    Case("KeyUpdate without end", tls.UnexpectedMessage, then=update_without_end),
    Case("a ChangeCipherSpec after the handshake", tls.UnexpectedMessage, then=sends(Part(CCS, b"\1", plain=True))),
    Case("a ChangeCipherSpec of 2", tls.UnexpectedMessage, {"Finished": before(Part(CCS, b"\2", plain=True))}),
    Case("a ChangeCipherSpec that is protected", tls.UnexpectedMessage, {"Finished": before(Part(CCS, b"\1"))}),
    Case("an alert in plaintext after the handshake", tls.UnexpectedMessage, then=sends(Part(ALERT, b"\2\x28", plain=True))),
    Case("application data in plaintext", tls.BadRecordMac, then=sends(Part(DATA, b"a line long enough for a tag", plain=True))),
    Case("a record shorter than its tag", tls.BadRecordMac, then=sends(Part(DATA, b"short", plain=True))),
    Case("a record with a wrong tag", tls.BadRecordMac, then=broken(lambda r: r[:-1] + bytes([r[-1] ^ 1]))),
    Case("the same record twice", tls.BadRecordMac, then=broken(lambda r: r + r)),
    Case("a record of padding only", tls.UnexpectedMessage, then=seals(bytes(40))),
    Case("a record longer than 2^14 + 256", tls.RecordOverflow, then=sends(Part(0, b"\x17\3\3\x41\1"))),
    Case("a record with more than 2^14 octets inside", tls.RecordOverflow, then=sends_long_record),
    Case("a record whose padding makes it too long", tls.RecordOverflow, then=seals(b"\1" * 2**14 + bytes([DATA, 0]))),
    Case("a handshake record without content", tls.UnexpectedMessage, then=sends(Part(HANDSHAKE, b""))),
    Case("an alert without content", tls.UnexpectedMessage, then=sends(Part(ALERT, b""))),
    Case("an alert of three octets", tls.DecodeError, then=sends(Part(ALERT, b"\1\0\0"))),
    Case("a record of an unknown inner type", tls.UnexpectedMessage, then=sends(Part(99, b"x"))),
]
# fmt: on


def truncations(raw: bytes) -> list[bytes]:
    """Return a message cut at every octet of its body, its length put right."""
    return [raw[:1] + (size - 4).to_bytes(3, "big") + raw[4:size] for size in range(4, len(raw))]


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
def test_a_client_hello_cut_anywhere_is_a_decode_error(version: tls.Version) -> None:
    """Only where all extensions are gone it is still a ClientHello: one of long ago."""
    whole = End(tls.Client(client_config(version)))
    raw = whole.drain()[5:]
    bare = 4 + 2 + 32 + 1 + raw[38] + 2 + 2 + 2
    for cut in truncations(raw):
        server = End(tls.Server(server_config(version)))
        server.connection.receive(b"\x16\3\1" + len(cut).to_bytes(2, "big") + cut)
        server.drain()
        due = tls.DecodeError if len(cut) != bare else tls.ProtocolVersion | tls.HandshakeFailure | type(None)
        assert isinstance(server.fatal, due), (len(cut), server.fatal)


@pytest.mark.parametrize("case", CLIENT_CASES_13, ids=str)
def test_a_tls13_server_answers(case: Case) -> None:
    judge(case, "server", TLS13)


def test_a_fallback_to_tls12_is_noticed_by_a_server_of_tls13() -> None:
    fallen = {HELLO: lambda m: fields(cipher_suites=(*m.cipher_suites, SCSV))(m)}
    versions = {"versions": (TLS12, TLS13), "cipher_suites": tls.config.DEFAULT_SUITES}
    judge(Case("a fallback", tls.InappropriateFallback, fallen, ours=versions), "server", TLS12)


def test_a_client_that_renegotiates_is_warned_and_served() -> None:
    case = Case(
        "renegotiation", None, then=lambda end: end.write(Part(HANDSHAKE, hello(end)), Part(DATA, b"and on we go"))
    )
    end = judge(case, "server", TLS12)
    warnings = [e.alert for e in end.events if isinstance(e, tls.AlertSent) and not e.fatal]
    assert [type(alert) for alert in warnings] == [tls.NoRenegotiation]
    assert end.data == b"and on we go"


def hello(end: object) -> bytes:
    return next(e.raw for e in end.events if isinstance(e, tls.MessageSent) and e.name == "ClientHello")
