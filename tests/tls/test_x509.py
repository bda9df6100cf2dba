"""Certificates that must be refused, each with the alert that says why."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tls_pair import DAY, NAME, NOW, Identity, Pair, client_config, make, root, server_config, stranger

from trustlab import tls
from trustlab.tls.refused_chains import called, missing_issuer
from trustlab.tls.x509 import load

HOUR = dt.timedelta(hours=1)


def refused(identity: Identity, *chain: bytes, **client: Any) -> Any:
    server = server_config(certificates=(identity.der, *chain), key=identity.key)
    pair = Pair(client_config(**client), server).run()
    assert not pair.client.connection.handshake_complete
    assert pair.server.error.alert.code == pair.client.error.code
    return pair.client.error


def test_an_unknown_root_is_unknown_ca() -> None:
    error = refused(make("ECDSA", NAME, stranger()))
    assert isinstance(error, tls.UnknownCa)
    name = called(stranger().certificate.subject)
    assert (
        f"its issuer {name} is not among the trusted roots, and its certificate is not in the chain" in error.sentence
    )


def test_the_issuer_that_was_looked_for_in_vain_is_named() -> None:
    """In words of ours: the library says that candidates were exhausted, whatever is missing."""
    middle = make("ECDSA", "Middle", stranger(), ca=True)
    leaf = make("ECDSA", NAME, middle)
    chain = [each.certificate for each in (leaf, middle)]
    trusted = [root().certificate]
    above = called(stranger().certificate.subject)
    assert missing_issuer(chain, trusted) == (
        f"its issuer {above} is not among the trusted roots, and its certificate is not in the chain"
    )
    assert missing_issuer([*chain, stranger().certificate], trusted) == (
        f"{above} signed its own certificate, and is not trusted here"
    )
    assert missing_issuer(chain[:1], trusted).startswith(f"its issuer {called(middle.certificate.subject)} is not")
    forged = make("ECDSA", NAME, replace_name(root()))
    assert missing_issuer([forged.certificate], trusted) == (
        f"a trusted root is called {called(root().certificate.subject)}, but another key signed the certificate of CN={NAME}"
    )
    other = make("ECDSA", "Middle", root(), ca=True)
    assert "is here, but another key signed" in missing_issuer([leaf.certificate, other.certificate], trusted)
    assert "exhausted" not in refused(leaf, middle.der).sentence


def replace_name(authority: Identity) -> Identity:
    """Return a CA with the name of another, and a key of its own."""
    common = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return make("ECDSA", str(common), ca=True)


def test_a_name_in_a_certificate_is_shown_as_far_as_it_can_be() -> None:
    odd = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "a\u202eb" + 50 * "x"),
            x509.NameAttribute(NameOID.LOCALITY_NAME, 60 * "y"),
        ]
    )
    assert called(odd).endswith("...")
    assert "?" in called(odd)
    assert "\u202e" not in called(odd)
    assert called(x509.Name([])) == "an issuer without a name"


def test_another_name_is_certificate_unknown() -> None:
    error = refused(make("ECDSA", "shop.example", root()))
    assert isinstance(error, tls.CertificateUnknown)
    assert f"not for {NAME}: it is for shop.example" in error.sentence


@pytest.mark.parametrize(("start", "end"), [(NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)])
def test_a_certificate_outside_its_time_is_certificate_expired(start: Any, end: Any) -> None:
    assert isinstance(refused(make("ECDSA", NAME, root(), start=start, end=end)), tls.CertificateExpired)


def test_the_configured_time_counts() -> None:
    error = refused(make("ECDSA", NAME, root()), time=NOW + 60 * DAY)
    assert isinstance(error, tls.CertificateExpired)


def test_a_client_certificate_is_no_server_certificate() -> None:
    error = refused(make("ECDSA", NAME, root(), client=True))
    assert isinstance(error, tls.BadCertificate)
    assert f"its extended key usage does not let CN={NAME} be a server" in error.sentence


def test_a_leaf_is_no_authority() -> None:
    middle = make("ECDSA", "middle.example", root())
    error = refused(make("ECDSA", NAME, middle), middle.der)
    assert isinstance(error, tls.BadCertificate)
    assert "CN=middle.example signed a certificate, and is not a CA" in error.sentence


def test_an_intermediate_makes_a_chain() -> None:
    middle = make("ECDSA", "Middle", root(), ca=True)
    leaf = make("RSA", NAME, middle)
    server = server_config(certificates=(leaf.der, middle.der), key=leaf.key)
    pair = Pair(client_config(), server).run()
    assert pair.client.connection.peer_certificates == (leaf.der, middle.der)
    assert pair.client.connection.handshake_complete
    without = server_config(certificates=(leaf.der,), key=leaf.key)
    assert isinstance(Pair(client_config(), without).run().client.error, tls.UnknownCa)


def test_octets_that_are_no_certificate_are_bad_certificate() -> None:
    def garbage(request: tls.MessageReady) -> Any:
        return tls.Certificate((b"no certificate",)) if request.message.name == "Certificate" else None

    pair = Pair(client_config(), server_config(intercept=True), server_answers={"MessageReady": garbage}).run()
    assert isinstance(pair.client.error, tls.BadCertificate)


def test_no_certificate_is_a_decode_error() -> None:
    def nothing(request: tls.MessageReady) -> Any:
        return tls.Certificate(()) if request.message.name == "Certificate" else None

    pair = Pair(client_config(), server_config(intercept=True), server_answers={"MessageReady": nothing}).run()
    assert isinstance(pair.client.error, tls.DecodeError)


def test_a_lax_client_takes_any_certificate() -> None:
    leaf = make("ECDSA", "evil.example", stranger())
    pair = Pair(client_config(trust=None, checks=False), server_config(certificates=(leaf.der,), key=leaf.key)).run()
    assert pair.client.connection.handshake_complete


def test_a_client_that_trusts_nobody_must_say_so() -> None:
    with pytest.raises(tls.LocalProtocolError):
        tls.ClientConfig(server_name=NAME, trust=None)
    with pytest.raises(tls.LocalProtocolError):
        tls.ClientConfig(trust=[root().certificate])


@pytest.mark.parametrize("version", [tls.Version.TLS12, tls.Version.TLS13], ids=lambda v: v.title)
@pytest.mark.parametrize("checks", [True, False], ids=["checked", "unchecked"])
def test_a_client_whose_key_may_not_sign_is_refused_by_a_server_that_checks(
    version: tls.Version, *, checks: bool
) -> None:
    shown = make("RSA", "teller.example", root(), client=True, signs=False)
    pair = Pair(
        client_config(versions=(version,), certificates=(shown.der,), key=shown.key),
        server_config(versions=(version,), client_certificate="require", trust=[root().certificate], checks=checks),
    ).run()
    assert isinstance(pair.server.error, tls.UnsupportedCertificate) == checks
    assert pair.server.connection.handshake_complete != checks


def test_a_server_that_asks_for_certificates_needs_roots_to_trust() -> None:
    for wish in ("request", "require"):
        with pytest.raises(tls.LocalProtocolError, match="roots to trust"):
            server_config(client_certificate=wish)
        assert server_config(client_certificate=wish, checks=False).trust is None


@pytest.mark.parametrize("hours", [-12, 0, 14, None])
def test_the_configured_time_counts_in_whatever_zone_it_is_told(hours: int | None) -> None:
    """Half a day is the difference between valid and expired here; a time without a zone is UTC."""
    end = NOW + 6 * HOUR
    identity = make("ECDSA", NAME, root(), end=end)
    zone = dt.UTC if hours is None else dt.timezone(hours * HOUR)
    late, early = ((end + offset).astimezone(zone) for offset in (HOUR, -HOUR))
    if hours is None:
        late, early = late.replace(tzinfo=None), early.replace(tzinfo=None)
    assert isinstance(refused(identity, time=late), tls.CertificateExpired)
    server = server_config(certificates=(identity.der,), key=identity.key)
    assert Pair(client_config(time=early), server).run().client.connection.handshake_complete


def test_a_serial_number_of_1_is_a_serial_number() -> None:
    """RFC 5280 4.1.2.2: positive; 0 and less are refused (test_broken_certificates)."""
    found = load(with_serial(1))
    assert found.serial_number == 1


def with_serial(number: int) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), number, NOW - DAY, NOW + DAY)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("names", "asked", "known"),
    [
        (("bank.example",), "bank.example", True),
        (("BANK.example",), "bank.example", True),
        (("*.example",), "bank.example", True),
        (("*.example",), "www.bank.example", False),
        (("*.bank.example",), "bank.example", False),
        (("shop.example", "bank.example"), "bank.example", True),
        (("ank.example",), "bank.example", False),
    ],
)
def test_a_certificate_is_for_its_names_and_a_star_is_one_label(
    names: tuple[str, ...], asked: str, *, known: bool
) -> None:
    """RFC 9525 6.3, in the words of the refusal: another reason is given where the name is not what is wrong."""
    identity = make("ECDSA", NAME, root(), names=names, client=True)
    error = refused(identity, server_name=asked)
    assert isinstance(error, tls.BadCertificate if known else tls.CertificateUnknown)
