"""What was good and is not any more: Bob's revocation list, and CRLs of certification authorities.

The list is a file in TOML, signed as Bob signs his Reference Values (`publication`); digests in hex, with a reason:

    version = 3
    expires = 2026-12-31T00:00:00Z      # after this moment nothing is accepted by the list: get a newer one
    [aks]
    "9f86d0..." = "signed for Mallory"  # SHA-256 of an AK's SubjectPublicKeyInfo
    [eks]
    "60303a..." = "its TPM has a flaw"  # SHA-256 of an EK's SubjectPublicKeyInfo, as in a policy's ek-keys
    [machines]
    "fd61a0..." = "stolen"              # the same digest, which is what identifies a machine

CRLs (RFC 5280, 5) come from files. Each is used for the certificates of its issuer in an AK's path. One that is too
old, or that the issuer did not sign, refuses: it does not say what is revoked now.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest import tables
from trustlab.attest.errors import ReferenceValuesError, shown
from trustlab.attest.references import MAX_VERSION, Moment
from trustlab.octets import read_file
from trustlab.x509 import facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from trustlab.x509 import LenientCertificate

MAX_CRL = 1 << 24


class _ListFile(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    expires: Moment
    aks: dict[str, str] = {}
    eks: dict[str, str] = {}
    machines: dict[str, str] = {}


class RevocationList(msgspec.Struct, frozen=True):
    """Digests (32 octets) and why they are revoked; see the module."""

    version: int
    expires: dt.datetime
    aks: dict[bytes, str]
    machines: dict[bytes, str]

    @classmethod
    def from_toml(cls, source: str | bytes | Path) -> Self:
        """Read text, octets or a file; ReferenceValuesError names the line or the field that is wrong."""
        file = tables.load(source, _ListFile, ReferenceValuesError)
        if not 0 <= file.version <= MAX_VERSION:
            raise ReferenceValuesError(f"version: {file.version} is not a version (0 to {MAX_VERSION})")
        machines = _digests(file.eks, "eks") | _digests(file.machines, "machines")
        return cls(file.version, file.expires, _digests(file.aks, "aks"), machines)

    def expired(self, time: dt.datetime) -> str:
        """Say that the list is too old; nothing if it is not."""
        if time < self.expires:
            return ""
        return f"The revocation list {self.version} expired at {moment(self.expires)}: get a newer one."


def moment(time: dt.datetime) -> str:
    """Return a moment for people."""
    return f"{time.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _digests(entries: Mapping[str, str], field: str) -> dict[bytes, str]:
    return {tables.digest(text, field, ReferenceValuesError): shown(why, 200) for text, why in entries.items()}


@dataclass(frozen=True)
class Revocations:
    """What a Relying Party was given: a list, CRLs, or both.

    `last` is the version of the last list by which it accepted evidence: an older one may lack what was revoked since.
    """

    listed: RevocationList | None = None
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    last: int = 0

    @property
    def version(self) -> int:
        """The list's version; 0 if there is no list."""
        return 0 if self.listed is None else self.listed.version

    def ak_problem(self, spki_digest: bytes, path: Sequence[LenientCertificate], time: dt.datetime) -> str:
        """Say why an AK counts no more; `path` leads from its certificate to the anchor."""
        if self.listed is not None:
            if self.listed.version < self.last:
                used = f"Version {self.last} of the revocation list was used before"
                return f"{used}, and this is version {self.listed.version}."
            if problem := self.listed.expired(time):
                return problem
            if (why := self.listed.aks.get(spki_digest)) is not None:
                return f"This AK was revoked: {why}."
        for certificate, issuer in pairwise(path):
            if problem := self._certificate_problem(certificate, issuer, time):
                return problem
        return ""

    def machine_problem(self, ek_key: bytes) -> str:
        """Say why a machine counts no more."""
        why = None if self.listed is None else self.listed.machines.get(ek_key)
        return "" if why is None else f"This machine was revoked: {why}."

    def _certificate_problem(
        self, certificate: LenientCertificate, issuer: LenientCertificate, time: dt.datetime
    ) -> str:
        own = [crl for crl in self.crls if _names(crl, issuer)]
        if not own:
            return ""
        whose = f"The CRL of {shown(issuer.called)}"
        sound = [crl for crl in own if _signed_by(crl, issuer)]
        if not sound:
            return f"{whose} is not signed by it."
        crl = max(sound, key=lambda c: c.last_update_utc)
        if crl.next_update_utc is None or not crl.last_update_utc <= time < crl.next_update_utc:
            return f"{whose} does not hold now (next update {_next(crl)}): get a newer one."
        entry = crl.get_revoked_certificate_by_serial_number(_serial(certificate))
        if entry is None:
            return ""
        return f"{shown(certificate.called)} was revoked by its issuer on {moment(entry.revocation_date_utc)}."


NOTHING = Revocations()


def _next(crl: x509.CertificateRevocationList) -> str:
    return "not said" if crl.next_update_utc is None else moment(crl.next_update_utc)


def _names(crl: x509.CertificateRevocationList, issuer: LenientCertificate) -> bool:
    """Whether the CRL names this issuer, as the certificate writes it."""
    return x509.load_der_x509_certificate(issuer.octets).subject == crl.issuer


def _serial(certificate: LenientCertificate) -> int:
    return x509.load_der_x509_certificate(certificate.octets).serial_number


def _signed_by(crl: x509.CertificateRevocationList, issuer: LenientCertificate) -> bool:
    """Whether this issuer, who may sign CRLs (RFC 5280, 6.3.3 f), signed it."""
    usage = facts_of(issuer).usage
    if issuer.key is None or (usage is not None and CRL_SIGN not in usage):
        return False
    try:
        return crl.is_signature_valid(issuer.key)  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


CRL_SIGN = 6
"""The bit of keyUsage (RFC 5280, 4.2.1.3)."""


def read_crls(path: Path) -> tuple[x509.CertificateRevocationList, ...]:
    """Read a CRL in DER, or any number of them in PEM; ReferenceValuesError if it holds none that can be used."""
    try:
        octets = read_file(path)
    except OSError as error:
        why = (error.strerror or "no reason is known").lower()
        raise ReferenceValuesError(f"{path}: the file cannot be read ({why})") from error
    if len(octets) > MAX_CRL:
        raise ReferenceValuesError(f"{path}: more than {MAX_CRL} octets")
    try:
        if b"-----BEGIN" in octets:
            blocks = octets.split(b"-----BEGIN X509 CRL-----")[1:]
            crls = [x509.load_pem_x509_crl(b"-----BEGIN X509 CRL-----" + block) for block in blocks]
        else:
            crls = [x509.load_der_x509_crl(octets)]
        for crl in crls:
            _usable(crl, path)
    except ReferenceValuesError:
        raise
    except Exception as error:  # the parser has many ways to complain, none of them documented
        raise ReferenceValuesError(f"{path}: not a CRL that can be read (DER or PEM)") from error
    if not crls:
        raise ReferenceValuesError(f"{path}: holds no CRL (-----BEGIN X509 CRL-----)")
    return tuple(crls)


def _usable(crl: x509.CertificateRevocationList, path: Path) -> None:
    """Refuse a CRL that does not tell everything by itself (RFC 5280, 5.2): delta, indirect, or by reasons."""
    crl.public_bytes(Encoding.DER)
    _ = crl.last_update_utc, crl.next_update_utc, crl.issuer
    for extension in crl.extensions:
        if extension.critical:
            name = extension.oid.dotted_string
            raise ReferenceValuesError(f"{path}: a partial CRL (critical extension {name}); give a whole one")
