"""The numbers of the registries, held against scapy's tables; what scapy does not know stands here with its source."""

from __future__ import annotations

import pytest
from scapy.layers.tls.crypto.groups import _tls_named_curves
from scapy.layers.tls.crypto.suites import _tls_cipher_suites
from scapy.layers.tls.extensions import _tls_ext
from scapy.layers.tls.handshake import _tls_handshake_type
from scapy.layers.tls.keyexchange import _tls_hash_sig

from trustlab.tls.registry import CipherSuite, ExtensionType, Group, HandshakeType, SignatureScheme

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
