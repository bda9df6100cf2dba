"""One normal form of a server's name: what the client sends, checks and keeps; and configurations that cannot work."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

import pytest
from broken_certificates import MALFORMED, rebuilt
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes
from tls_pair import DAY, NOW, Identity, Pair, client_config, make, new_key, root, server_config

from trustlab import tls
from trustlab.tls.names import normal_name

NORMAL = {
    "bank.example": "bank.example",
    "BANK.Example": "bank.example",
    "bank.example.": "bank.example",
    "localhost": "localhost",
    "bücher.example": "xn--bcher-kva.example",
    "BÜCHER.Example.": "xn--bcher-kva.example",
    "bu\u0308cher.example": "xn--bcher-kva.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "faß.example": "xn--fa-hia.example",
    "ΒΌΛΟΣ.example": "xn--nxasmq6b.example",
    "例え。テスト。": "xn--r8jz45g.xn--zckzah",
    "3---a.example": "3---a.example",
    "a" * 63 + ".example": "a" * 63 + ".example",
    ".".join(["a" * 63] * 3 + ["a" * 61]): ".".join(["a" * 63] * 3 + ["a" * 61]),
    "127.0.0.1": "127.0.0.1",
    "127.0.0.1.": "127.0.0.1",
    "::1": "::1",
    "2001:DB8:0:0::1": "2001:db8::1",
    "fe80::1%eth0": "fe80::1",
}
REFUSED = [
    ".",
    "..",
    "bank.example..",
    ".bank.example",
    "bank..example",
    "a" * 64 + ".example",
    ".".join(["a" * 63] * 3 + ["a" * 62]),
    "bank example",
    "bank\0.example",
    "bank.example\n",
    "bank_1.example",
    "-bank.example",
    "bank-.example",
    "*.example",
    "[::1]",
    "bank.example:443",
    "127.1",
    "2130706433",
    "bank.1",
    "bänk_1.example",
    "bänk example",
    "bänk..example",
    "bänk\0",
    "-bänk.example",
    "xn--bänk.example",
    "ä" * 60 + ".example",
    "ä.1.2.3.4",
    "☃.example",
    "\ud800.example",
    "\uff42\uff41\uff4e\uff4b.example",
    "ba\u00adnk.example",
    "\u212aiosk.example",
    "bänk.ex\u200bample",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "bank.example\u3002evil\u2024example",
    b"bank.example",
    7,
    ["bank.example"],
]


@pytest.mark.parametrize("text", NORMAL)
def test_a_name_has_one_normal_form(text: str) -> None:
    assert normal_name(text) == NORMAL[text]
    assert normal_name(NORMAL[text]) == NORMAL[text]


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_is_no_name_is_a_clear_error_before_anything_is_sent(text: Any) -> None:
    for lax in ({}, {"checks": False, "trust": None}):
        with pytest.raises(tls.LocalProtocolError, match="name"):
            client_config(server_name=text, **lax)
    with pytest.raises(tls.LocalProtocolError, match="name"):
        server_config(names=(text,))


def test_a_look_alike_is_told_which_name_it_would_be() -> None:
    with pytest.raises(tls.LocalProtocolError, match=r"another way to write 'bank\.example'"):
        normal_name("\uff42\uff41\uff4e\uff4b.example")


@pytest.mark.parametrize("text", ["bank..example", ".", "bank.example.."])
def test_an_empty_label_is_told_as_such(text: str) -> None:
    with pytest.raises(tls.LocalProtocolError, match="there is nothing before, between or after a dot"):
        normal_name(text)


def sent_name(config: tls.ClientConfig) -> bytes | None:
    body = next((e.data for e in config.standing_extensions if e.type == tls.ExtensionType.SERVER_NAME), None)
    return None if body is None else body[5:]


@pytest.mark.parametrize("text", NORMAL)
def test_the_server_name_sent_is_the_normal_form_and_never_an_address(text: str) -> None:
    config = client_config(server_name=text)
    assert config.server_name == NORMAL[text]
    assert dataclasses.replace(config, alpn=("h2",)).server_name == NORMAL[text]
    assert tls.Client(config).server_name == NORMAL[text]
    try:
        ipaddress.ip_address(NORMAL[text])
    except ValueError:
        assert sent_name(config) == NORMAL[text].encode()
    else:
        assert sent_name(config) is None


def test_without_a_name_none_is_sent() -> None:
    for name in (None, ""):
        assert sent_name(client_config(server_name=name, checks=False, trust=None)) is None


def identity(*names: library.GeneralName) -> Identity:
    key = new_key("ECDSA")
    subject = library.Name([])
    builder = library.CertificateBuilder(root().certificate.subject, subject, key.public_key(), 7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    authority = library.AuthorityKeyIdentifier.from_issuer_public_key(root().key.public_key())
    builder = builder.add_extension(library.SubjectAlternativeName(names), critical=True)
    return Identity(key, builder.add_extension(authority, critical=False).sign(root().key, hashes.SHA256()))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("bücher.example", library.DNSName("xn--bcher-kva.example")),
        ("Bank.Example.", library.DNSName("bank.example")),
        ("shop.bücher.example", library.DNSName("*.xn--bcher-kva.example")),
        ("127.0.0.1.", library.IPAddress(ipaddress.ip_address("127.0.0.1"))),
        ("fe80::1%eth0", library.IPAddress(ipaddress.ip_address("fe80::1"))),
    ],
)
@pytest.mark.parametrize("version", [tls.Version.TLS12, tls.Version.TLS13])
def test_the_certificate_is_checked_for_the_normal_form(asked: str, named: Any, version: tls.Version) -> None:
    own = identity(named)
    server = server_config(certificates=(own.der,), key=own.key, versions=(version,), names=(asked,))
    pair = Pair(client_config(server_name=asked, versions=(version,)), server).run()
    assert pair.client.connection.handshake_complete, (pair.client.error, pair.server.error)
    other = Pair(client_config(server_name="bank.example", versions=(version,)), dataclasses.replace(server, names=()))
    own_name = asked.lower().startswith("bank.example")
    assert (other.run().client.error is None) is own_name


def test_the_servers_own_names_are_found_however_they_are_written() -> None:
    own = make("ECDSA", "xn--bcher-kva.example", root())
    server = server_config(certificates=(own.der,), key=own.key, names=("BÜCHER.example.",))
    assert server.names == ("xn--bcher-kva.example",)
    assert Pair(client_config(server_name="bücher.example"), server).run().client.connection.handshake_complete
    error = Pair(client_config(server_name="faß.example"), server).run().server.error
    assert isinstance(error, tls.UnrecognizedName)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cipher_suites": (0x1301, 0xABCD)}, r"no cipher suite unknown \(0xabcd\)"),
        ({"cipher_suites": (tls.CipherSuite.TLS_FALLBACK_SCSV,)}, "no cipher suite TLS_FALLBACK_SCSV"),
        ({"cipher_suites": ("TLS_AES_128_GCM_SHA256",)}, "no cipher suite 'TLS_AES_128_GCM_SHA256'"),
        ({"groups": (tls.Group.X25519, tls.Group.FFDHE2048)}, "no group ffdhe2048"),
        ({"groups": (0x0A0A,)}, r"no group unknown \(0x0a0a\)"),
        ({"key_shares": (tls.Group.X448,)}, "no group x448"),
        ({"versions": (tls.Version.TLS11,)}, "no version TLS 1.1"),
        ({"versions": (0x7F1C,)}, r"no version unknown \(0x7f1c\)"),
        ({"signature_schemes": (0x0999,)}, r"no signature scheme unknown \(0x0999\)"),
        ({"signature_schemes": (tls.SignatureScheme.ECDSA_SHA1,)}, "no signature scheme ecdsa_sha1"),
        ({"versions": ()}, "needs a version"),
        ({"cipher_suites": ()}, "needs a version, and a cipher suite"),
        ({"versions": (tls.Version.TLS12,), "cipher_suites": (0x1301,)}, "needs a version, and a cipher suite"),
    ],
)
def test_what_this_engine_cannot_run_is_refused_at_construction(settings: dict[str, Any], words: str) -> None:
    for make_config in (client_config, server_config):
        with pytest.raises(tls.LocalProtocolError, match=words):
            make_config(**({"versions": tls.ClientConfig.versions} | settings))


def test_every_default_is_known() -> None:
    config = client_config(versions=tls.ClientConfig.versions)
    assert config.offered_suites == config.cipher_suites


@pytest.mark.parametrize("octets", [b"no certificate", b"", b"\x30\x03\x02\x01\x05"])
def test_an_own_certificate_that_cannot_be_read_is_this_sides_fault(octets: bytes) -> None:
    config = client_config(certificates=(octets,))
    for part in ("certificate", "certified_key", "spki"):
        with pytest.raises(tls.LocalProtocolError, match="the first of the configured certificates cannot be read"):
            getattr(config, part)


@pytest.mark.parametrize("name", ["key: an unknown type", "key: a point not on the curve"])
def test_an_own_key_that_cannot_be_read_is_this_sides_fault(name: str) -> None:
    der = rebuilt(make("ECDSA", "teller.example", root()).der, root().key, MALFORMED[name])
    with pytest.raises(tls.LocalProtocolError, match="the key in the first of the configured certificates"):
        _ = client_config(certificates=(der,)).certified_key
