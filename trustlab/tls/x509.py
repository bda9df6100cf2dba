"""Certificate chains: path and name checks by `cryptography`, and the alert that fits what is wrong.

The path validation says yes, or no with a sentence. To find the alert that the RFCs want, the chain is looked at again.
"""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from trustlab.octets.der import NotDer, check_certificate
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
from trustlab.tls.limits import Limits
from trustlab.tls.names import address
from trustlab.tls.refused_chains import broken_rule, missing_issuer, names_in
from trustlab.tls.spki import spki_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Contents:
    """What a certificate says besides its key: when it is valid, and for which names and uses, if it says so.

    `cryptography` decodes each part when it is first asked for. Here all are asked for at once, so that a malformed
    part shows in one place and nothing raises afterwards.
    """

    begin: dt.datetime
    end: dt.datetime
    names: x509.SubjectAlternativeName | None
    usage: x509.KeyUsage | None


class PeerCertificate:
    """The peer's leaf, read once: its `key` as certified, and its SubjectPublicKeyInfo (`spki`) as it stands there."""

    def __init__(self, der: bytes) -> None:
        self.certificate = load(der)
        self.key = key_of(self.certificate)
        if not self.key.kind:
            raise UnsupportedCertificate(
                f"a certificate with a key of the type {type(self.key.key).__name__}", "RFC 5246 7.4.2"
            )
        self.spki = spki_of(self.certificate)


@lru_cache(maxsize=64)
def peer_certificate(der: bytes) -> PeerCertificate:
    """Read a peer's leaf; peers come back, so the last ones are kept. Nothing about trust is remembered."""
    return PeerCertificate(der)


@lru_cache(maxsize=64)
def load(der: bytes) -> x509.Certificate:
    """Parse the outer form of one certificate; BadCertificate if it is not one, or not in DER.

    A chain may bring certificates that nobody needs (the root, a second path): what is inside is read by `contents`.
    """
    try:
        with warnings.catch_warnings():  # what it only warns about is judged below, or by the path validation
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            positive = certificate.serial_number > 0
        check_certificate(der)
    except NotDer as error:
        raise BadCertificate(f"a certificate that is not in DER: {error}", "RFC 5280 4.1") from error
    except Exception as error:  # the parser has many ways to complain, few of them documented
        raise BadCertificate("a certificate that cannot be read", "RFC 5280 4.1") from error
    if not positive:
        raise BadCertificate("a certificate whose serial number is not positive", "RFC 5280 4.1.2.2")
    return certificate


@lru_cache(maxsize=64)
def contents(certificate: x509.Certificate) -> Contents:
    """Read all that a certificate says besides its key; BadCertificate if a part is malformed (RFC 5280 4.1.2, 4.2)."""
    what = "names of issuer and subject"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _ = certificate.issuer, certificate.subject
            what = "dates"
            begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            what = "extensions"
            found = {type(extension.value): extension.value for extension in certificate.extensions}
    except x509.DuplicateExtension as error:
        raise BadCertificate(
            f"a certificate with two extensions of the type {error.oid.dotted_string}", "RFC 5280 4.2"
        ) from error
    except Exception as error:
        raise BadCertificate(f"a certificate whose {what} cannot be read", "RFC 5280 4.1.2, 4.2") from error
    names, usage = found.get(x509.SubjectAlternativeName), found.get(x509.KeyUsage)
    return Contents(
        begin,
        end,
        names if isinstance(names, x509.SubjectAlternativeName) else None,
        usage if isinstance(usage, x509.KeyUsage) else None,
    )


def key_of(certificate: x509.Certificate) -> CertifiedKey:
    """Return the key; UnsupportedCertificate for an unknown type, BadCertificate for a malformed one.

    A curve given by its parameters is malformed: a certificate names its curve (RFC 5480 2.1.1).
    """
    try:
        return CertifiedKey.of(certificate)
    except UnsupportedAlgorithm as error:
        raise UnsupportedCertificate("a certificate with a key of an unknown type", "RFC 5246 7.4.2") from error
    except Exception as error:
        raise BadCertificate("a certificate whose key cannot be read", "RFC 5280 4.1.2.7") from error


@lru_cache(maxsize=64)
def allows(certificate: x509.Certificate, usage: str) -> bool:
    """Whether keyUsage is absent or has the bit `usage`; BadCertificate if that cannot be read."""
    found = contents(certificate).usage
    return found is None or bool(getattr(found, usage))


@lru_cache(maxsize=64)
def subject_name(name: str) -> x509.DNSName | x509.IPAddress:
    """Return a server name (`names.normal_name`) in the form the verifier wants."""
    found = address(name)
    return x509.DNSName(name) if found is None else x509.IPAddress(found)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whom this side trusts: `trust` are the roots that a peer's chain must lead to, `time` is when (None: now)."""

    trust: Sequence[x509.Certificate] | None = None
    time: dt.datetime | None = None
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def store(self) -> Store | None:
        """The roots as the path validation wants them; None if there are none."""
        return Store(list(self.trust)) if self.trust else None

    def check_chain(self, leaf: PeerCertificate, chain: Sequence[bytes], server_name: str | None) -> None:
        """Check that a chain leads to a trusted root and is for this server, or (None) a client's.

        Raises the alert of RFC 5246 7.2.2.
        """
        contents(leaf.certificate)
        others = [load(der) for der in chain[1:]]
        if self.store is None:
            raise InternalError("no roots to trust are configured")
        time = self.time or dt.datetime.now(dt.UTC)
        builder = PolicyBuilder().store(self.store).time(time).max_chain_depth(self.limits.chain)
        verifier = (
            builder.build_client_verifier()
            if server_name is None
            else builder.build_server_verifier(subject_name(server_name))
        )
        try:
            verifier.verify(leaf.certificate, others)
        except VerificationError as error:
            raise _diagnose([leaf.certificate, *others], server_name, self.trust or (), time) from error
        except Exception as error:  # it reads the other certificates' parts as it comes to them
            raise BadCertificate("a certificate chain with a part that cannot be read", "RFC 5280 6") from error

    def check_usage(self, leaf: PeerCertificate, usage: str) -> None:
        """Refuse a certificate whose keyUsage lacks `digital_signature` or `key_encipherment` (RFC 5246 7.4.2)."""
        if not allows(leaf.certificate, usage):
            raise UnsupportedCertificate(f"a certificate whose keyUsage lacks {usage}", "RFC 5246 7.4.2")


def _diagnose(
    certificates: Sequence[x509.Certificate],
    server_name: str | None,
    roots: Sequence[x509.Certificate],
    time: dt.datetime,
) -> Alert:
    """Return the alert that says most precisely what the validation disliked; a part that is malformed is raised."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    found = [contents(certificate) for certificate in certificates]
    for certificate in certificates:
        key_of(certificate)
    for each in found:
        if not each.begin <= time <= each.end:
            return CertificateExpired(f"a certificate valid from {each.begin} to {each.end}", "RFC 5280 4.1.2.5")
    if not _known_issuer(certificates, roots):
        why = missing_issuer(certificates, roots)
        return UnknownCa(f"a chain that does not lead to a trusted root: {why}", "RFC 5246 7.2.2")
    if server_name is not None and not _names(found[0], server_name):
        return CertificateUnknown(
            f"a certificate that is not for {server_name}: {names_in(found[0].names)}", "RFC 9525 6"
        )
    why = broken_rule(certificates, server=server_name is not None)
    return BadCertificate(f"a certificate chain that does not verify: {why}", "RFC 5280 6")


def _known_issuer(certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> bool:
    """Whether some certificate of the chain names a trusted root as its issuer and that root's key signed it."""
    for root in roots:
        for certificate in certificates:
            if certificate == root:
                return True
            try:
                certificate.verify_directly_issued_by(root)
            except Exception:  # noqa: BLE001, S112 - any failure means: not issued by this root
                continue
            return True
    return False


def _names(leaf: Contents, server_name: str) -> bool:
    """Whether the subjectAltName has the name, with a wildcard for the first label (RFC 9525 6.3)."""
    if leaf.names is None:
        return False
    wanted = subject_name(server_name)
    if isinstance(wanted, x509.IPAddress):
        return wanted.value in leaf.names.get_values_for_type(x509.IPAddress)
    known = {name.lower() for name in leaf.names.get_values_for_type(x509.DNSName)}
    return server_name in known or f"*.{server_name.partition('.')[2]}" in known
