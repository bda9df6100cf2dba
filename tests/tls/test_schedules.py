"""The key schedules' functions give what published vectors say."""

from __future__ import annotations

import hashlib

import pytest

from trustlab.tls import CipherSuite, schedule12, schedule13

INITIAL = bytes.fromhex("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea")
PRF = (
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
    "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
    "87347b66"
)


def test_hkdf_extract_gives_the_pseudorandom_key_of_rfc_5869() -> None:
    found = schedule13.hkdf_extract(bytes(range(13)), b"\x0b" * 22, "sha256")
    assert found.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"


def test_hkdf_expand_label_gives_the_client_s_initial_secret_of_rfc_9001() -> None:
    salt = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
    initial = schedule13.hkdf_extract(salt, bytes.fromhex("8394c8f03e515708"), "sha256")
    assert schedule13.hkdf_expand_label(initial, b"client in", b"", 32, "sha256") == INITIAL


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (b"quic key", "1f369613dd76d5467730efcbe3b1a22d"),
        (b"quic iv", "fa044b2f42a3fd3b46fb255c"),
        (b"quic hp", "9f50449e04a0e810283a1e9933adedd2"),
    ],
)
def test_hkdf_expand_label_gives_the_keys_of_rfc_9001(label: bytes, expected: str) -> None:
    assert schedule13.hkdf_expand_label(INITIAL, label, b"", len(expected) // 2, "sha256").hex() == expected


def test_the_prf_of_tls_12_gives_the_hundred_octets_published_on_the_working_group_s_list() -> None:
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    assert schedule12.prf(secret, b"test label", seed, 100, "sha256").hex() == PRF


def test_an_exporter_is_its_two_expansions_spelled_out() -> None:
    """RFC 9846 7.5, for which no RFC has a vector; `tests/interop` asks OpenSSL and GnuTLS."""
    secret = bytes(range(32))
    first = schedule13.hkdf_expand_label(secret, b"label", hashlib.sha256().digest(), 32, "sha256")
    expected = schedule13.hkdf_expand_label(first, b"exporter", hashlib.sha256(b"context").digest(), 70, "sha256")
    assert schedule13.export(secret, b"label", b"context", 70, "sha256") == expected


@pytest.mark.parametrize(
    ("suite", "octets"),
    [
        ("TLS_RSA_WITH_AES_128_CBC_SHA", 2 * (20 + 16)),
        ("TLS_RSA_WITH_AES_256_CBC_SHA", 2 * (20 + 32)),
        ("TLS_RSA_WITH_AES_128_CBC_SHA256", 2 * (32 + 16)),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", 2 * (16 + 4)),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 2 * (32 + 12)),
    ],
)
def test_a_key_block_has_the_octets_of_its_suite_and_no_more(suite: str, octets: int) -> None:
    """RFC 5246 6.3 and C: MAC keys, keys, and IVs where the suite draws them from here (CBC does not)."""
    assert len(schedule12.key_block(bytes(48), bytes(32), bytes(32), CipherSuite[suite]).octets) == octets
