"""The numbers of the registries, held against scapy's tables; what scapy does not know stands here with its source."""

from __future__ import annotations

import pytest
from scapy.layers.tls.crypto.groups import _tls_named_curves
from scapy.layers.tls.crypto.suites import _tls_cipher_suites
from scapy.layers.tls.extensions import _tls_ext
from scapy.layers.tls.handshake import _tls_handshake_type
from scapy.layers.tls.keyexchange import _tls_hash_sig
from scapy.layers.tls.record import _tls_alert_description

from trustlab.tls import registry
from trustlab.tls.registry import (
    AlertDescription,
    CipherSuite,
    ExtensionType,
    Group,
    HandshakeType,
    SignatureScheme,
    Version,
    label,
)

OTHER_NAMES = {
    "alpn": {ExtensionType.ALPN},
    "early_data_indication": {ExtensionType.EARLY_DATA},
    "session_ticket": {ExtensionType.SESSION_TICKET, HandshakeType.NEW_SESSION_TICKET},
}
UNKNOWN_TO_SCAPY = {
    ExtensionType.COMPRESS_CERTIFICATE: 27,  # RFC 8879
    ExtensionType.ATTESTATION: 0xFF54,  # this laboratory's own
    Group.FFDHE2048: 0x0100,  # RFC 7919
    Group.X25519MLKEM768: 0x11EC,  # draft-ietf-tls-ecdhe-mlkem
    HandshakeType.END_OF_EARLY_DATA: 5,  # RFC 9846 4.6
    HandshakeType.CLIENT_CERTIFICATE_REQUEST: 17,  # RFC 9261
    HandshakeType.COMPRESSED_CERTIFICATE: 25,  # RFC 8879
    HandshakeType.MESSAGE_HASH: 254,  # RFC 9846 4.1
    CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV: 0x00FF,  # RFC 5746
    CipherSuite.TLS_FALLBACK_SCSV: 0x5600,  # RFC 7507
}
HASHES = ("sha1", "sha256", "sha384", "sha512")


def scapys(member) -> str | None:
    """Return scapy's name for a number."""
    tables = {
        ExtensionType: _tls_ext,
        Group: _tls_named_curves,
        HandshakeType: _tls_handshake_type,
        CipherSuite: _tls_cipher_suites,
        SignatureScheme: _tls_hash_sig,
    }
    return tables[type(member)].get(int(member))


def ours(scheme: SignatureScheme) -> str:
    """Return a scheme's name as scapy writes it: the hash, and the kind of signature."""
    name = scheme.name.lower()
    if name.startswith("ed"):
        return name
    kind = next(k for k in ("rsa_pss_rsae", "rsa_pss_pss", "rsa_pkcs1", "ecdsa") if name.startswith(k))
    kinds = {"rsa_pss_rsae": "rsaepss", "rsa_pss_pss": "rsapss", "rsa_pkcs1": "rsa", "ecdsa": "ecdsa"}
    return f"{next(h for h in HASHES if name.endswith(h))}+{kinds[kind]}"


@pytest.mark.parametrize("member", [*ExtensionType, *Group, *HandshakeType, *CipherSuite], ids=str)
def test_a_number_has_the_name_that_others_give_it(member):
    known = scapys(member)
    if member in UNKNOWN_TO_SCAPY and type(member) in {type(m) for m in UNKNOWN_TO_SCAPY if m.name == member.name}:
        assert int(member) == UNKNOWN_TO_SCAPY[member]
        return
    assert known is not None, "scapy does not know it: say where the number is from"
    same = known.lower() == member.name.lower() or member in OTHER_NAMES.get(known, ())
    assert same, f"{member!r} is {known} to scapy"


@pytest.mark.parametrize("scheme", SignatureScheme, ids=str)
def test_a_signature_scheme_is_the_pair_that_others_call_it(scheme):
    assert ours(scheme) == scapys(scheme)


UNKNOWN_ALERTS = {
    "MISSING_EXTENSION": 109,  # RFC 9846 6.2
    "CERTIFICATE_REQUIRED": 116,
    "GENERAL_ERROR": 117,
    "NO_APPLICATION_PROTOCOL": 120,  # RFC 7301 3.2
    "UNKNOWN_PSK_IDENTITY": 115,  # RFC 4279 2
    "INAPPROPRIATE_FALLBACK": 86,  # RFC 7507
    "CERTIFICATE_UNOBTAINABLE": 111,  # RFC 6066 9
    "UNRECOGNIZED_NAME": 112,
    "BAD_CERTIFICATE_STATUS_RESPONSE": 113,
    "BAD_CERTIFICATE_HASH_VALUE": 114,
    "DECRYPTION_FAILED": 21,  # RFC 2246, reserved since
    "NO_CERTIFICATE": 41,  # SSL 3.0, reserved since
    "EXPORT_RESTRICTION": 60,  # RFC 2246, reserved since
}
SMALL = {
    "Version": {"SSL30": 0x0300, "TLS10": 0x0301, "TLS11": 0x0302, "TLS12": 0x0303, "TLS13": 0x0304},
    "ContentType": {"CHANGE_CIPHER_SPEC": 20, "ALERT": 21, "HANDSHAKE": 22, "APPLICATION_DATA": 23},
    "ClientCertificateType": {"RSA_SIGN": 1, "ECDSA_SIGN": 64},  # RFC 8422 5.5
    "CompressionMethod": {"NULL": 0},
    "NameType": {"HOST_NAME": 0},
    "PointFormat": {"UNCOMPRESSED": 0, "ANSIX962_COMPRESSED_PRIME": 1, "ANSIX962_COMPRESSED_CHAR2": 2},
    "CertificateStatusType": {"OCSP": 1, "OCSP_MULTI": 2},  # RFC 6961 2.2
    "CertChainType": {"INDIVIDUAL_CERTS": 0, "PKIPATH": 1},  # RFC 6066 5
    "CertificateCompressionAlgorithm": {"ZLIB": 1, "BROTLI": 2, "ZSTD": 3},  # RFC 8879 7.3
    "CurveType": {"EXPLICIT_PRIME": 1, "EXPLICIT_CHAR2": 2, "NAMED_CURVE": 3},  # RFC 8422 5.4
    "KeyUpdateRequest": {"UPDATE_NOT_REQUESTED": 0, "UPDATE_REQUESTED": 1},  # RFC 9846 4.7.3
    "EvidenceFormat": {"CMW_CBOR": 1},
    "AlertLevel": {"WARNING": 1, "FATAL": 2},
}


@pytest.mark.parametrize("name", AlertDescription.__members__)
def test_an_alert_has_the_number_that_others_give_it(name):
    known = {text.upper(): number for number, text in _tls_alert_description.items()}
    assert AlertDescription[name] == {**UNKNOWN_ALERTS, **known}[name]


@pytest.mark.parametrize("name", SMALL)
def test_a_small_registry_is_the_one_of_its_document(name):
    assert {each: int(number) for each, number in getattr(registry, name).__members__.items()} == SMALL[name]


def test_every_registry_is_held_against_another():
    found = {n for n, v in vars(registry).items() if isinstance(v, type) and v.__module__ == registry.__name__}
    seen = {"ExtensionType", "Group", "HandshakeType", "CipherSuite", "SignatureScheme", "AlertDescription", *SMALL}
    assert found == seen


@pytest.mark.parametrize(
    ("kind", "value", "size", "text"),
    [
        (CipherSuite, 0x1301, 2, "TLS_AES_128_GCM_SHA256 (0x1301)"),
        (CipherSuite, 0x0005, 2, "TLS_RSA_WITH_RC4_128_SHA (0x0005)"),
        (CipherSuite, 0x5555, 2, "unknown (0x5555)"),
        (Group, 29, 2, "x25519 (0x001d)"),
        (AlertDescription, 40, 1, "handshake_failure (0x28)"),
        (AlertDescription, 200, 1, "unknown (0xc8)"),
        (Version, 0x0303, 2, "TLS 1.2 (0x0303)"),
        (None, 7, 3, "0x000007"),
    ],
)
def test_a_number_is_shown_by_its_name_where_it_has_one(kind, value, size, text):
    assert label(kind, value, size) == text


def test_a_version_has_the_name_that_people_use():
    assert [v.title for v in Version] == ["SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"]
