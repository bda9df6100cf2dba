"""Exported authenticators (RFC 9261): a certificate, proved and bound to an existing connection, as plain octets.

The requester makes a request with `request` and sends it as application data, by whatever protocol runs there. The
authenticating side checks it with `read_request`, calls `prepare`, has `Unsigned.data` signed by its key (which may
live in a TPM) and gets the authenticator from `Unsigned.finish`. The requester checks that with `validate`. Evidence
goes into an extension of the first certificate. Everything depends on the connection's exporter, so an authenticator
is worthless on another connection.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.tls import keys, x509
from trustlab.tls.alerts import (
    Alert,
    BadCertificate,
    DecodeError,
    DecryptError,
    IllegalParameter,
    LocalProtocolError,
    MissingExtension,
    UnexpectedMessage,
    UnsupportedExtension,
)
from trustlab.tls.extensions import Extension, extension_name, parse_extension, push_uint16_list
from trustlab.tls.messages import (
    Certificate13,
    CertificateEntry,
    CertificateRequest13,
    CertificateVerify,
    ClientCertificateRequest,
    Finished,
    KeyExchange,
    pull_message,
)
from trustlab.tls.messages.base import Context
from trustlab.tls.reading import MessageReader
from trustlab.tls.registry import ExtensionType, SignatureScheme, Version, label
from trustlab.tls.suites import SUITES
from trustlab.trace import other_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.tls.connection import Connection
    from trustlab.tls.messages.base import Message

CONTEXT_LENGTH = 32
SIGNATURE_CONTEXT = b" " * 64 + b"Exported Authenticator" + b"\0"
_TLS13 = Context(tls13=True, key_exchange=KeyExchange.TLS13)


def request(connection: Connection, extensions: Sequence[Extension] = (), context: bytes | None = None) -> bytes:
    """Return a request for the peer's authenticator (RFC 9261 4): 32 fresh octets of context unless given."""
    if context is None:
        context = connection.config.random(CONTEXT_LENGTH)
    schemes = push_uint16_list(connection.config.signature_schemes)
    listed = (Extension(ExtensionType.SIGNATURE_ALGORITHMS, schemes), *extensions)
    kind = ClientCertificateRequest if connection.role == "client" else CertificateRequest13
    return kind(context, listed).encode()


def read_request(connection: Connection, octets: bytes) -> CertificateRequest13:
    """Parse the peer's request; raises an alert if it is malformed or of the wrong kind."""
    message = pull_message(MessageReader(octets), _TLS13)
    wanted = CertificateRequest13 if connection.role == "client" else ClientCertificateRequest
    if type(message) is not wanted:
        raise UnexpectedMessage(f"{message.name} is not for a {connection.role} to answer", "RFC 9261 4")
    if message.value(ExtensionType.SIGNATURE_ALGORITHMS) is None:
        raise MissingExtension("an authenticator request without signature_algorithms", "RFC 9261 4")
    for extension in message.extensions:
        message.value(extension.type)
    return message


def _secrets(connection: Connection, side: str) -> tuple[bytes, bytes, str]:
    """Return handshake context, finished key and hash for authenticators that `side` makes (RFC 9261 5.1)."""
    if connection.version == Version.TLS12 and not connection.extended_master_secret:
        raise LocalProtocolError("authenticators in TLS 1.2 need the extended master secret")
    suite = connection.cipher_suite
    if suite is None:
        raise LocalProtocolError("authenticators need a finished handshake")
    hash_name = SUITES[suite].hash_name
    size = SUITES[suite].hash_length
    context = connection.export(f"EXPORTER-{side} authenticator handshake context", b"", size)
    key = connection.export(f"EXPORTER-{side} authenticator finished key", b"", size)
    return context, key, hash_name


def _digest(hash_name: str, *parts: bytes) -> bytes:
    return hashlib.new(hash_name, b"".join(parts)).digest()


def _finished(key: bytes, hash_name: str, *parts: bytes) -> Finished:
    return Finished(hmac.digest(key, _digest(hash_name, *parts), hash_name))


class NothingInCommonError(LocalProtocolError):
    """A request that this side's certificate does not fit. Nobody has broken the protocol (RFC 9261 5.2.3)."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """An authenticator that lacks its signature: `data` is what the certificate's key must sign with `scheme`."""

    data: bytes
    scheme: int
    _before: bytes = field(repr=False)
    _certificate: bytes = field(repr=False)
    _key: bytes = field(repr=False)
    _hash: str = field(repr=False)

    def finish(self, signature: bytes) -> bytes:
        """Return the authenticator: Certificate, CertificateVerify, Finished."""
        verify = CertificateVerify(self.scheme, signature).encode()
        finished = _finished(self._key, self._hash, self._before, self._certificate, verify)
        return self._certificate + verify + finished.encode()


def prepare(
    connection: Connection,
    asked: bytes,
    chain: Sequence[bytes],
    extensions: Sequence[Extension] = (),
) -> Unsigned:
    """Begin an authenticator for a request: the chain in DER, and extensions for the leaf (RFC 9261 5.2).

    NothingInCommonError where the request allows no signature that the leaf's key can make: `refuse` answers that.
    LocalProtocolError for a chain without a leaf that this engine can use.
    """
    message = read_request(connection, asked)
    offered = message.value(ExtensionType.SIGNATURE_ALGORITHMS)
    able = _own(chain).key.schemes13
    scheme = next((s for s in connection.config.signature_schemes if s in able and s in offered), None)
    if scheme is None:
        raise NothingInCommonError("no signature scheme in common for this certificate's key")
    context, key, hash_name = _secrets(connection, connection.role)
    entries = tuple(CertificateEntry(der, () if n else tuple(extensions)) for n, der in enumerate(chain))
    certificate = Certificate13(message.certificate_request_context, entries).encode()
    before = context + asked
    data = SIGNATURE_CONTEXT + _digest(hash_name, before, certificate)
    return Unsigned(data, scheme, before, certificate, key, hash_name)


def _own(chain: Sequence[bytes]) -> x509.PeerCertificate:
    """Read this side's own leaf; what is wrong with it is not the peer's fault."""
    if not chain:
        raise LocalProtocolError("an authenticator needs a certificate; `refuse` says that there is none")
    try:
        return x509.peer_certificate(chain[0])
    except Alert as error:
        raise LocalProtocolError(f"this side's certificate cannot be used: {error.sentence}") from error


def refuse(connection: Connection, asked: bytes) -> bytes:
    """Return the empty authenticator: this side has no certificate to show (RFC 9261 5.2.3)."""
    message = read_request(connection, asked)
    context, key, hash_name = _secrets(connection, connection.role)
    empty = Certificate13(message.certificate_request_context, ()).encode()
    return _finished(key, hash_name, context, asked, empty).encode()


@dataclass(frozen=True, slots=True)
class Authenticated:
    """What a valid authenticator proves: the chain, leaf first, with its extensions; empty for a refusal."""

    entries: tuple[CertificateEntry, ...]

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates in DER."""
        return tuple(entry.cert_data for entry in self.entries)

    @property
    def evidence(self) -> bytes | None:
        """The Evidence with the leaf, None if there is none."""
        body = self.entries[0].extension(ExtensionType.ATTESTATION) if self.entries else None
        if body is None:
            return None
        found: bytes = parse_extension(Extension(ExtensionType.ATTESTATION, body), Certificate13.name)
        return found


def _split(octets: bytes) -> list[tuple[Message, bytes]]:
    """Cut an authenticator into its messages."""
    found: list[tuple[Message, bytes]] = []
    start = 0
    while start < len(octets):
        end = start + 4 + int.from_bytes(octets[start + 1 : start + 4], "big")
        raw = octets[start:end]
        found.append((pull_message(MessageReader(raw), _TLS13), raw))
        start = end
    return found


def validate(connection: Connection, asked: bytes, authenticator: bytes) -> Authenticated:
    """Check the peer's authenticator for our request `asked`; raises an alert if it is not valid (RFC 9261 6).

    The chain must lead to a trusted root. The caller has to judge whose certificate it is.
    """
    context, key, hash_name = _secrets(connection, other_role(connection.role))
    messages = _split(authenticator)
    names = [message.name for message, _ in messages]
    if names == ["Finished"]:
        sent = pull_message(MessageReader(asked), _TLS13)
        empty = Certificate13(getattr(sent, "certificate_request_context", b""), ()).encode()
        _check_finished(messages[0][0], _finished(key, hash_name, context, asked, empty))
        return Authenticated(())
    if names != ["Certificate", "CertificateVerify", "Finished"]:
        raise DecodeError(f"an authenticator of {', '.join(names) or 'nothing'}", "RFC 9261 5.2")
    (certificate, raw_certificate), (verify, raw_verify), (finished, _) = messages
    expected = _finished(key, hash_name, context, asked, raw_certificate, raw_verify)
    _check_finished(finished, expected)
    if not isinstance(certificate, Certificate13) or not isinstance(verify, CertificateVerify):
        raise DecodeError("an authenticator of other messages", "RFC 9261 5.2")
    _check_certificate(connection, asked, certificate)
    data = SIGNATURE_CONTEXT + _digest(hash_name, context, asked, raw_certificate)
    _check_signature(connection, certificate, verify, data)
    return Authenticated(certificate.certificate_list)


def _check_finished(message: Message, expected: Finished) -> None:
    if not isinstance(message, Finished) or not hmac.compare_digest(message.verify_data, expected.verify_data):
        raise DecryptError("an authenticator whose Finished does not verify on this connection", "RFC 9261 5.2.4")


def _check_certificate(connection: Connection, asked: bytes, certificate: Certificate13) -> None:
    sent = pull_message(MessageReader(asked), _TLS13)
    if not isinstance(sent, CertificateRequest13):
        raise LocalProtocolError("this is not a request of ours")
    if certificate.certificate_request_context != sent.certificate_request_context:
        raise IllegalParameter("an authenticator for another request", "RFC 9261 5.2.1")
    if not certificate.certificate_list:
        raise DecodeError("an authenticator with an empty chain and a signature", "RFC 9261 5.2.1")
    if len(certificate.certificate_list) > connection.config.limits.chain:
        raise BadCertificate(f"a chain of {len(certificate.certificate_list)} certificates")
    solicited = {e.type for e in sent.extensions}
    for entry in certificate.certificate_list:
        for extension in entry.extensions:
            if extension.type not in solicited:
                raise UnsupportedExtension(f"{extension_name(extension.type)} was not asked for", "RFC 9261 5.2.1")


def _check_signature(
    connection: Connection, certificate: Certificate13, verify: CertificateVerify, data: bytes
) -> None:
    chain = [entry.cert_data for entry in certificate.certificate_list]
    peer = x509.peer_certificate(chain[0])
    config = connection.config
    config.check_chain(peer, chain, connection.server_name if connection.role == "client" else None)
    if verify.scheme not in config.signature_schemes:
        raise IllegalParameter(f"a signature by {label(SignatureScheme, verify.scheme)}", "RFC 9261 5.2.2")
    keys.verify(peer.key, verify.scheme, verify.signature, data, tls13=True)
