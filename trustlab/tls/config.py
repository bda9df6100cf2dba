"""What a connection is told before it begins."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from trustlab.tls.alerts import LocalProtocolError
from trustlab.tls.extensions import (
    Extension,
    push_alpn,
    push_server_name,
    push_supported_versions,
    push_uint16_list,
)
from trustlab.tls.groups import SUPPORTED, generate
from trustlab.tls.keys import SCHEMES, CertifiedKey
from trustlab.tls.messages.base import KeyExchange
from trustlab.tls.names import address, normal_name
from trustlab.tls.registry import CipherSuite, ExtensionType, Group, SignatureScheme, Version, label
from trustlab.tls.spki import spki_of
from trustlab.tls.suites import DEFAULT_SUITES, SUITES
from trustlab.tls.x509 import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from enum import IntEnum

    from trustlab.tls.groups import Share

LONGEST_AUTHORITIES = 2**16 - 3  # octets of certificate_authorities in an extension (RFC 9846 4.3.4)
LONGEST_PROTOCOL = 255  # octets of an application protocol's name (RFC 7301 3.1)
DEFAULT_VERSIONS = (Version.TLS13, Version.TLS12)
DEFAULT_GROUPS = (Group.X25519MLKEM768, Group.X25519, Group.SECP256R1, Group.SECP384R1, Group.SECP521R1)
DEFAULT_SCHEMES = (
    SignatureScheme.ECDSA_SECP256R1_SHA256,
    SignatureScheme.RSA_PSS_RSAE_SHA256,
    SignatureScheme.RSA_PKCS1_SHA256,
    SignatureScheme.ECDSA_SECP384R1_SHA384,
    SignatureScheme.RSA_PSS_RSAE_SHA384,
    SignatureScheme.RSA_PKCS1_SHA384,
    SignatureScheme.RSA_PSS_RSAE_SHA512,
    SignatureScheme.RSA_PKCS1_SHA512,
    SignatureScheme.ECDSA_SECP521R1_SHA512,
    SignatureScheme.ED25519,
    SignatureScheme.RSA_PSS_PSS_SHA256,
    SignatureScheme.RSA_PSS_PSS_SHA384,
    SignatureScheme.RSA_PSS_PSS_SHA512,
)


@dataclass(frozen=True, slots=True)
class AttestationOffer:
    """Which Evidence this side is willing to give and which it demands: role bits `ROLE_S`, `ROLE_C`.

    A client may offer C and demand S, a server the other way round. `nonce` None lets the engine draw a fresh one;
    `formats` in order of preference.
    """

    offered: int = 0
    demanded: int = 0
    formats: tuple[int, ...] = (1,)
    nonce: bytes | None = None


def _check_known(what: str, chosen: Sequence[object], known: Sequence[int], registry: type[IntEnum]) -> None:
    """Raise LocalProtocolError for a number that this engine cannot run: a handshake that agreed on it would fail."""
    for number in chosen:
        if number not in known:
            wrong = label(registry, number) if isinstance(number, int) else repr(number)
            names = ", ".join(label(registry, each) for each in known)
            raise LocalProtocolError(f"this engine has no {what} {wrong}, only {names}")


@dataclass(frozen=True, kw_only=True)
class Config(Trust):
    """What both roles have in common.

    `key` is a `cryptography` private key or any object of the program's own: the engine only hands it back in
    `KeyOperationWanted`. `random(n)` returns n octets. `extensions` are sent as they are in this
    side's hello (a server's: in ServerHello or EncryptedExtensions, if the client sent the same type).
    `require_extended_master_secret` refuses a TLS 1.2 peer without it (RFC 7627 5.2, 5.3). `secrets=False` leaves
    `SecretDerived` out. `key_shares` are the groups a client sends shares for (None: the first group, and x25519
    with a hybrid one). `coalesce` puts handshake messages together into records. `padding(n)` says how many zeros to
    add to a TLS 1.3 record of n octets. `ephemeral(group)` makes key shares, for tests and attacks.
    """

    versions: tuple[Version, ...] = DEFAULT_VERSIONS
    cipher_suites: tuple[int, ...] = DEFAULT_SUITES
    groups: tuple[int, ...] = DEFAULT_GROUPS
    signature_schemes: tuple[int, ...] = DEFAULT_SCHEMES
    certificates: tuple[bytes, ...] = ()
    key: Any = field(default=None, repr=False)
    alpn: tuple[str, ...] = ()
    extended_master_secret: bool = True
    require_extended_master_secret: bool = False
    attestation: AttestationOffer | None = None
    extensions: tuple[Extension, ...] = ()
    key_shares: tuple[int, ...] | None = None
    middlebox_compatibility: bool = True
    coalesce: bool = False
    intercept: bool = False
    secrets: bool = True
    random: Callable[[int], bytes] = field(default=os.urandom, repr=False)
    padding: Callable[[int], int] | None = field(default=None, repr=False)
    ephemeral: Callable[[int], Share] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for protocol in self.alpn:
            if not 0 < len(protocol.encode()) <= LONGEST_PROTOCOL:
                text = f"an application protocol has 1 to {LONGEST_PROTOCOL} octets: {protocol[:20]!r}"
                raise LocalProtocolError(text)
        _check_known("version", self.versions, DEFAULT_VERSIONS, Version)
        _check_known("cipher suite", self.cipher_suites, tuple(SUITES), CipherSuite)
        _check_known("group", (*self.groups, *(self.key_shares or ())), SUPPORTED, Group)
        _check_known("signature scheme", self.signature_schemes, SCHEMES, SignatureScheme)
        if not self.offered_suites:
            raise LocalProtocolError("a configuration needs a version, and a cipher suite that this version has")

    def require_trust(self, who: str) -> None:
        """Refuse a configuration that could not check its peer."""
        if not self.trust:
            raise LocalProtocolError(f"{who} needs roots to trust: give at least one certificate as trust")

    def new_share(self, group: int) -> Share:
        """Draw a key pair for key agreement in a group."""
        return self.ephemeral(group) if self.ephemeral else generate(group)

    @cached_property
    def offered_suites(self) -> tuple[int, ...]:
        """The cipher suites that some configured version can run."""
        return tuple(
            suite
            for suite in self.cipher_suites
            if (Version.TLS13 if SUITES[suite].key_exchange is KeyExchange.TLS13 else Version.TLS12) in self.versions
        )

    @cached_property
    def certificate(self) -> x509.Certificate | None:
        """This side's own leaf; LocalProtocolError if it is not a certificate."""
        if not self.certificates:
            return None
        try:
            return x509.load_der_x509_certificate(self.certificates[0])
        except Exception as error:  # the parser has many ways to complain, few of them documented
            raise LocalProtocolError("the first of the configured certificates cannot be read") from error

    @cached_property
    def certified_key(self) -> CertifiedKey | None:
        """The public key of this side's own leaf; LocalProtocolError if it has none that can be read.

        It also says what the private key may do, which a private key itself does not say.
        """
        try:
            return CertifiedKey.of(self.certificate) if self.certificate else None
        except (ValueError, UnsupportedAlgorithm) as error:
            raise LocalProtocolError("the key in the first of the configured certificates cannot be read") from error

    @cached_property
    def spki(self) -> bytes:
        """DER SubjectPublicKeyInfo of this side's own leaf, empty without one."""
        return spki_of(self.certificate) if self.certificate else b""

    @cached_property
    def authorities(self) -> tuple[bytes, ...]:
        """The names of the trusted roots, to ask for a certificate by one of them; none if they do not fit."""
        names = tuple(dict.fromkeys(root.subject.public_bytes() for root in self.trust or ()))
        return names if sum(2 + len(name) for name in names) <= LONGEST_AUTHORITIES else ()


@dataclass(frozen=True, kw_only=True)
class ClientConfig(Config):
    """A client's configuration: `server_name` is a DNS name or an IP address, checked against the certificate.

    It is kept in its normal form (`names.normal_name`): ASCII, lower case, no dot at its end. LocalProtocolError if it
    is neither.
    """

    server_name: str | None = None

    @cached_property
    def standing_extensions(self) -> tuple[Extension, ...]:
        """What every ClientHello of this configuration has in common; key shares and nonces are fresh each time."""
        found = [Extension(ExtensionType.SERVER_NAME, push_server_name(self._host))] if self._host else []
        exchanges = {SUITES[suite].key_exchange for suite in self.offered_suites}
        if Version.TLS12 in self.versions:
            found.append(Extension(ExtensionType.RENEGOTIATION_INFO, b"\x00"))
            if self.extended_master_secret:
                found.append(Extension(ExtensionType.EXTENDED_MASTER_SECRET))
            if KeyExchange.ECDHE in exchanges:
                found.append(Extension(ExtensionType.EC_POINT_FORMATS, b"\x01\x00"))
        if exchanges - {KeyExchange.RSA}:
            modern = Version.TLS13 in self.versions
            usable = tuple(group for group in self.groups if modern or group != Group.X25519MLKEM768)
            found.append(Extension(ExtensionType.SUPPORTED_GROUPS, push_uint16_list(usable)))
        if Version.TLS13 in self.versions:
            versions = sorted(self.versions, reverse=True)
            found.append(Extension(ExtensionType.SUPPORTED_VERSIONS, push_supported_versions(versions)))
        found.append(Extension(ExtensionType.SIGNATURE_ALGORITHMS, push_uint16_list(self.signature_schemes)))
        if self.alpn:
            found.append(Extension(ExtensionType.ALPN, push_alpn(p.encode() for p in self.alpn)))
        return tuple(found)

    @property
    def _host(self) -> bytes:
        """The name for server_name: a host, never an address (RFC 6066 3)."""
        name = self.server_name or ""
        return b"" if address(name) else name.encode("ascii")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.server_name:
            object.__setattr__(self, "server_name", normal_name(self.server_name))
        self.require_trust("a client")

    def require_trust(self, who: str) -> None:
        super().require_trust(who)
        if not self.server_name:
            raise LocalProtocolError(f"{who} needs the server_name that it wants to reach")


@dataclass(frozen=True, kw_only=True)
class ServerConfig(Config):
    """A server's configuration: `client_certificate` is `none`, `request` or `require`.

    `names` are the hosts served; a client that names another is refused (empty: any name will do). They are kept in
    their normal form, as a client's `server_name` is. Without `acknowledge_server_name` the client is not told that its
    server_name was used (RFC 6066 3).
    """

    client_certificate: str = "none"
    names: tuple[str, ...] = ()
    acknowledge_server_name: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "names", tuple(map(normal_name, self.names)))
        if not self.certificates or self.key is None:
            raise LocalProtocolError("a server needs certificates and their key")
        if self.client_certificate not in {"none", "request", "require"}:
            raise LocalProtocolError(f"client_certificate is none, request or require, not {self.client_certificate!r}")
        if self.client_certificate != "none":
            self.require_trust("a server that asks for client certificates")
