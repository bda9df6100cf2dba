"""Certificate chains: path and name checks by `cryptography`, and the alert that fits what is wrong.

The path validation says no more than yes or no with a sentence; which alert the RFCs want is found by looking again.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import warnings
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.verification import PolicyBuilder, VerificationError

from trustlab.tls.alerts import (
    Alert,
    BadCertificate,
    CertificateExpired,
    CertificateUnknown,
    InternalError,
    UnknownCa,
    UnsupportedCertificate,
)
from trustlab.tls.keys import CertifiedKey
from trustlab.tls.spki import spki_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.tls.config import Config

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""Everything `cryptography` raises on octets that are no proper certificate."""


class PeerCertificate:
    """The peer's leaf, read once: its `key` as certified, and its SubjectPublicKeyInfo."""

    def __init__(self, der: bytes) -> None:
        self.certificate = load(der)
        self._usages: dict[str, bool] = {}
        try:
            self.key = CertifiedKey.of(self.certificate)
        except UNREADABLE as error:
            raise UnsupportedCertificate(f"a certificate with an unusable key: {error}", "RFC 5246 7.4.2") from error
        if not self.key.kind:
            raise UnsupportedCertificate(
                f"a certificate with a key of the type {type(self.key.key).__name__}", "RFC 5246 7.4.2"
            )

    @cached_property
    def spki(self) -> bytes:
        """DER SubjectPublicKeyInfo, as it stands in the certificate."""
        return spki_of(self.certificate)

    def require_usage(self, usage: str) -> None:
        """Refuse a certificate whose keyUsage lacks `digital_signature` or `key_encipherment` (RFC 5246 7.4.2)."""
        if usage not in self._usages:
            self._usages[usage] = allows(self.certificate, usage)
        if not self._usages[usage]:
            raise UnsupportedCertificate(f"a certificate whose keyUsage lacks {usage}", "RFC 5246 7.4.2")


@lru_cache(maxsize=64)
def peer_certificate(der: bytes) -> PeerCertificate:
    """Read a peer's leaf; peers come back, so the last ones are kept. Nothing about trust is remembered."""
    return PeerCertificate(der)


@lru_cache(maxsize=64)
def load(der: bytes) -> x509.Certificate:
    """Parse one certificate; BadCertificate if it is none."""
    try:
        with warnings.catch_warnings():  # what it only warns of is judged below, or by the path validation
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            positive = certificate.serial_number > 0
    except UNREADABLE as error:
        raise BadCertificate(f"a certificate that cannot be read: {error}", "RFC 5280 4.1") from error
    if not positive:
        raise BadCertificate("a certificate whose serial number is not positive", "RFC 5280 4.1.2.2")
    return certificate


@lru_cache(maxsize=64)
def allows(certificate: x509.Certificate, usage: str) -> bool:
    """Whether keyUsage is absent or has the bit `usage`."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE as error:
        raise BadCertificate(f"a certificate whose extensions cannot be read: {error}", "RFC 5280 4.2") from error
    return bool(getattr(extension.value, usage))


@lru_cache(maxsize=64)
def subject_name(name: str) -> x509.DNSName | x509.IPAddress:
    """Return a server name in the form the verifier wants."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def verify_server(leaf: PeerCertificate, chain: Sequence[bytes], server_name: str, config: Config) -> None:
    """Check a server's chain against `config.store` and its name; raises the alert of RFC 5246 7.2.2."""
    _verify(leaf, chain, server_name, config)


def verify_client(leaf: PeerCertificate, chain: Sequence[bytes], config: Config) -> None:
    """Check a client's chain against `config.store`; raises the alert of RFC 5246 7.2.2."""
    _verify(leaf, chain, None, config)


def _verify(leaf: PeerCertificate, chain: Sequence[bytes], server_name: str | None, config: Config) -> None:
    certificates = [leaf.certificate, *[load(der) for der in chain[1:]]]
    if config.store is None:
        raise InternalError("no roots to trust are configured")
    time = config.time or dt.datetime.now(dt.UTC)
    builder = PolicyBuilder().store(config.store).time(time).max_chain_depth(config.limits.chain)
    try:
        if server_name is None:
            builder.build_client_verifier().verify(certificates[0], certificates[1:])
        else:
            builder.build_server_verifier(subject_name(server_name)).verify(certificates[0], certificates[1:])
    except VerificationError as error:
        raise _diagnose(certificates, server_name, config, time, str(error)) from error
    except UNREADABLE as error:
        raise BadCertificate(f"a certificate chain that cannot be checked: {error}", "RFC 5280 6") from error


def _diagnose(
    certificates: Sequence[x509.Certificate],
    server_name: str | None,
    config: Config,
    time: dt.datetime,
    said: str,
) -> Alert:
    """Return the alert that says most precisely what the validation disliked."""
    leaf = certificates[0]
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    for certificate in certificates:
        if not certificate.not_valid_before_utc <= time <= certificate.not_valid_after_utc:
            return CertificateExpired(
                f"a certificate valid from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}",
                "RFC 5280 4.1.2.5",
            )
    if not _known_issuer(certificates, config):
        return UnknownCa(f"a chain that leads to no trusted root: {said}", "RFC 5246 7.2.2")
    if server_name is not None and not _names(leaf, server_name):
        return CertificateUnknown(f"a certificate that is not for {server_name}: {said}", "RFC 9525 6")
    return BadCertificate(f"a certificate chain that does not verify: {said}", "RFC 5280 6")


def _known_issuer(certificates: Sequence[x509.Certificate], config: Config) -> bool:
    """Whether some certificate of the chain names a trusted root as its issuer and that root's key signed it."""
    for root in config.trust or ():
        for certificate in certificates:
            if certificate == root:
                return True
            try:
                certificate.verify_directly_issued_by(root)
            except Exception:  # noqa: BLE001, S112 - any failure means: not issued by this root
                continue
            return True
    return False


def _names(leaf: x509.Certificate, server_name: str) -> bool:
    """Whether the subjectAltName has the name, with a wildcard for the first label (RFC 9525 6.3)."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wanted = subject_name(server_name)
    if isinstance(wanted, x509.IPAddress):
        return wanted.value in names.get_values_for_type(x509.IPAddress)
    host = server_name.lower()
    known = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    return host in known or f"*.{host.partition('.')[2]}" in known
