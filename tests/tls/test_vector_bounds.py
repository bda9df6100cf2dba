"""Every vector of every message has the least length of its definition: that much is taken, and not an octet less."""

from __future__ import annotations

import re
from typing import Any

import pytest
from test_codecs import CASES, IDS, pulled, version_of

from trustlab import tls
from trustlab.tls.extensions import parse_extension
from trustlab.tls.registry import ExtensionType

LEAST = {
    # by the last names of the field: the shortest content there may be, in hex
    "session_id": "",  # legacy_session_id<0..32> (RFC 9846 4.2.2)
    "cipher_suites": "009c",  # <2..2^16-2>
    "compression_methods": "00",  # <1..2^8-1>
    "extensions": "",  # <0..2^16-1>
    "server_name_list": "00 0001 61",  # ServerName server_name_list<1..2^16-1> (RFC 6066 3)
    "host_name": "61",  # HostName<1..2^16-1>
    "named_group_list": "001d",  # <2..2^16-1> (RFC 9846 4.3.7)
    "ec_point_format_list": "00",  # <1..2^8-1> (RFC 8422 5.1.2)
    "supported_signature_algorithms": "0403",  # <2..2^16-2> (RFC 9846 4.3.3)
    "protocol_name_list": "01 61",  # <2..2^16-1> (RFC 7301 3.1)
    "protocol_name": "61",  # <1..2^8-1>
    "renegotiated_connection": "",  # <0..255> (RFC 5746 3.2)
    "versions": "0304",  # <2..254> (RFC 9846 4.3.1)
    "client_shares": "",  # <0..2^16-1> (RFC 9846 4.3.8)
    "key_exchange": "01",  # <1..2^16-1>
    "cookie": "01",  # <1..2^16-1> (RFC 9846 4.3.2)
    "ke_modes": "01",  # <1..255> (RFC 9846 4.3.9)
    "authorities": "0001 61",  # <3..2^16-1> (RFC 9846 4.3.4)
    "authorities.distinguished_name": "61",  # <1..2^16-1>
    "formats": "0001",
    "evidence": "01",
    "supp_data": "ff540000",  # <1..2^24-1> (RFC 4680 2)
    "supp_data_entry.data": "",
    "Certificate.certificate_list": "",  # <0..2^24-1> (RFC 5246 7.4.2)
    "certificate": "01",  # ASN.1Cert<1..2^24-1>
    "Certificate13.certificate_list": "",
    "cert_data": "01",  # <1..2^24-1> (RFC 9846 4.5.1)
    "public": "01",  # ECPoint<1..2^8-1> (RFC 8422 5.4)
    "signature": "",  # <0..2^16-1>
    "certificate_types": "01",  # <1..2^8-1> (RFC 5246 7.4.4)
    "certificate_authorities": "",  # <0..2^16-1>
    "certificate_authorities.distinguished_name": "61",  # <1..2^16-1>
    "encrypted_pre_master_secret": "",  # <0..2^16-1> (RFC 5246 7.4.7.1)
    "ecdh_Yc": "01",  # ECPoint<1..2^8-1> (RFC 8422 5.7)
    "NewSessionTicket.ticket": "",  # <0..2^16-1> (RFC 5077 3.3)
    "NewSessionTicket13.ticket": "01",  # <1..2^16-1> (RFC 9846 4.7.1)
    "ticket_nonce": "",  # <0..255>
    "response": "01",  # OCSPResponse<1..2^24-1> (RFC 6066 8)
    "ocsp_response_list": "000000",  # OCSPResponseList<1..2^24-1> (RFC 6961 2.2)
    "ocsp_response_list.response": "",  # OCSPResponse<0..2^24-1>
    "url_and_hash_list": "0001 61 01 " + "00" * 20,  # <1..2^16-1> (RFC 6066 5)
    "url": "61",  # <1..2^16-1>
    "compressed_certificate_message": "01",  # <1..2^24-1> (RFC 8879 4)
    "certificate_request_context": "",  # <0..2^8-1> (RFC 9846 4.4.2)
}
BODIES = {"length", "extension_data_length", "uncompressed_length"}
"""Lengths of what has a form of its own, and one that counts nothing here."""


def fields_of(message: Any, suite: Any) -> list[Any]:
    """Return the spans of lengths, with plain names; those of one list each once."""
    spans = tls.describe(message.encode(), message.content_type, suite, version_of(suite))
    return [s for s in spans if s.name.endswith("length")]


def least_of(message: Any, name: str) -> bytes | None:
    """Return the least content of a field, by as many of its last names as the table has."""
    path = [type(message).__name__, *re.sub(r"\[\d+\]", "", name.removesuffix("_length")).split(".")]
    for start in range(len(path)):
        if (found := LEAST.get(".".join(path[start:]))) is not None:
            return bytes.fromhex(found)
    return None


def with_content(raw: bytes, lengths: list[Any], field: Any, content: bytes) -> bytes:
    """Put another content behind a length, and mend all lengths around it."""
    old = int(field.value)
    out = bytearray(raw)
    for other in lengths:
        count = int(other.value)
        if other is field or other.end <= field.start < other.end + count:
            size = other.end - other.start
            out[other.start : other.end] = (count + len(content) - old).to_bytes(size, "big")
    out[field.end : field.end + old] = content
    return bytes(out)


def read(message: Any, raw: bytes, suite: Any) -> Any:
    """Read a message and all extensions in it."""
    found = pulled(message, raw, suite)
    entries = [*getattr(found, "certificate_list", ())]
    for part in [found, *entries]:
        for extension in getattr(part, "extensions", ()):
            parse_extension(extension, "Certificate" if part in entries else found.name)
    return found


ASKED = (
    tls.Extension(ExtensionType.CERTIFICATE_AUTHORITIES, bytes.fromhex("0005 0003 414243")),
    tls.Extension(ExtensionType.SIGNATURE_ALGORITHMS_CERT, bytes.fromhex("0002 0403")),
)
MORE = [*CASES, (tls.messages.CertificateRequest13(b"", ASKED), tls.CipherSuite.TLS_AES_128_GCM_SHA256)]


@pytest.mark.parametrize(("message", "suite"), MORE, ids=[*IDS, "authorities"])
def test_the_least_content_is_taken_and_nothing_shorter(message: Any, suite: Any) -> None:
    raw, lengths = message.encode(), fields_of(message, suite)
    for field in lengths:
        if field.name.rpartition(".")[2] in BODIES:
            continue
        least = least_of(message, field.name)
        assert least is not None, f"{field.name}: say what its definition allows"
        changed = with_content(raw, lengths, field, least)
        assert read(message, changed, suite).encode() == changed, field.name
        for end in range(len(least)):
            with pytest.raises(tls.DecodeError):
                read(message, with_content(raw, lengths, field, least[:end]), suite)


def test_every_row_of_the_table_is_a_field_of_some_message() -> None:
    used = set()
    for message, suite in MORE:
        for field in fields_of(message, suite):
            path = [type(message).__name__, *re.sub(r"\[\d+\]", "", field.name.removesuffix("_length")).split(".")]
            used |= {".".join(path[start:]) for start in range(len(path))}
    assert not set(LEAST) - used


@pytest.mark.parametrize(
    ("kind", "size", "width", "most"),
    [
        (ExtensionType.SUPPORTED_GROUPS, 2, 2, 65_534),
        (ExtensionType.SIGNATURE_ALGORITHMS, 2, 2, 65_534),
        (ExtensionType.EC_POINT_FORMATS, 1, 1, 255),
        (ExtensionType.SUPPORTED_VERSIONS, 1, 2, 254),
        (ExtensionType.PSK_KEY_EXCHANGE_MODES, 1, 1, 255),
    ],
)
def test_a_list_of_numbers_may_fill_what_its_length_can_say(kind: int, size: int, width: int, most: int) -> None:
    body = most.to_bytes(size, "big") + bytes(most)
    assert parse_extension(tls.Extension(kind, body), "ClientHello") == (0,) * (most // width)
    with pytest.raises(tls.DecodeError):
        parse_extension(tls.Extension(kind, body + b"\0"), "ClientHello")
    if width == 2:
        with pytest.raises(tls.DecodeError):
            parse_extension(tls.Extension(kind, (most - 1).to_bytes(size, "big") + bytes(most - 1)), "ClientHello")
