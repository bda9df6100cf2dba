"""Naming every octet of a message for trace and inspector, and saying in a sentence what it is for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab.tls.alerts import Alert
from trustlab.tls.messages import (
    AlertMessage,
    ChangeCipherSpec,
    Context,
    ForeignMessage,
    KeyExchange,
    attestation_of,
    pull_message,
)
from trustlab.tls.messages.base import Message
from trustlab.tls.messages.hello import ClientHello, ServerHello
from trustlab.tls.protection import TAG_LENGTH
from trustlab.tls.reading import SpanReader, shown
from trustlab.tls.registry import AlertDescription, CipherSuite, ContentType, HandshakeType, Version, label
from trustlab.tls.suitenames import exchange_of
from trustlab.tls.suites import SUITES, Cipher

if TYPE_CHECKING:
    from trustlab.tls.messages import AnyMessage
    from trustlab.trace import Span

_HELLOS = {bytes([HandshakeType.CLIENT_HELLO]), bytes([HandshakeType.SERVER_HELLO])}
REMEMBERED = 2**14  # octets of a message whose description may be kept
_NAMES: dict[int, str] = {kind: kind.title for kind in HandshakeType}


def context_for(suite: int | None, version: Version) -> Context:
    """Return what a codec must know of a connection with this suite and version."""
    tls13 = version == Version.TLS13
    parameters = SUITES.get(suite) if suite is not None else None
    exchange = parameters.key_exchange if parameters else KeyExchange.TLS13 if tls13 else KeyExchange.RSA
    if tls13 or suite is None or (parameters and version == Version.TLS12):
        return Context(tls13=tls13, key_exchange=exchange, suite=CipherSuite(suite) if parameters and suite else None)
    foreign = version.title if version != Version.TLS12 else label(CipherSuite, suite)
    return Context(version=version, exchange=exchange_of(suite), foreign=foreign)


def describe(
    raw: bytes,
    content_type: int = ContentType.HANDSHAKE,
    suite: int | None = None,
    version: Version = Version.TLS12,
) -> tuple[Span, ...]:
    """Return spans that name every octet of a message; for application data `raw` is the whole record.

    Never raises: what cannot be read is named `unreadable`, with the reason as its value.
    """
    if content_type == ContentType.APPLICATION_DATA:
        known = suite if version in {Version.TLS12, Version.TLS13} else None  # IV and MAC had other places before
        return describe_record(raw, suite=known, protected=True)
    if content_type == ContentType.HANDSHAKE and raw[:1] in _HELLOS:
        suite, version = None, Version.TLS12  # hellos are read without knowing: so writer and reader ask alike
    if len(raw) <= REMEMBERED:
        return _remembered(raw, content_type, suite, version)
    return _describe(raw, content_type, suite, version)


def _describe(raw: bytes, content_type: int, suite: int | None, version: Version) -> tuple[Span, ...]:
    if content_type == ContentType.HANDSHAKE:
        reader = SpanReader(raw, prefix=_NAMES.get(raw[0], "?") if raw else "?")
    else:
        reader = SpanReader(
            raw, prefix=AlertMessage.name if content_type == ContentType.ALERT else ChangeCipherSpec.name
        )
    context = context_for(suite, version)
    try:
        if content_type == ContentType.HANDSHAKE:
            pull_message(reader, context)
        elif content_type == ContentType.ALERT:
            AlertMessage.pull(reader, context)
        else:
            ChangeCipherSpec.pull(reader, context)
    except Alert as alert:
        _rest(reader, len(raw), str(alert))
    return tuple(reader.spans)


_remembered = lru_cache(maxsize=128)(_describe)
"""Writer and reader of one laboratory describe the same octets, one after the other."""


def _rest(reader: SpanReader, end: int, why: str) -> None:
    """Name what no field covers after the reading broke off."""
    parents = {s.name for s in reader.spans}
    leaves = [s for s in reader.spans if not any(n.startswith(f"{s.name}.") for n in parents)]
    done = max((s.end for s in leaves), default=0)
    if done < end:
        reader.record("unreadable", done, end, why)


def describe_record(raw: bytes, *, suite: int | None = None, protected: bool = False) -> tuple[Span, ...]:
    """Return spans for a record with its header."""
    reader = SpanReader(raw, prefix="record")
    try:
        reader.uint(1, "type", ContentType)
        reader.uint(2, "version", Version)
        reader.uint(2, "length")
        if not protected:
            reader.rest("fragment")
        else:
            _protected(reader, suite)
    except Alert as alert:
        _rest(reader, len(raw), str(alert))
    return tuple(reader.spans)


def _protected(reader: SpanReader, suite: int | None) -> None:
    parameters = SUITES.get(suite) if suite is not None else None
    if parameters is None:
        reader.rest("encrypted")
        return
    if parameters.cipher is Cipher.AES_CBC:
        reader.octets(min(16, reader.left), "iv")
        reader.rest("encrypted")
        return
    if parameters.cipher is Cipher.AES_GCM and parameters.key_exchange is not KeyExchange.TLS13:
        reader.octets(min(8, reader.left), "explicit_nonce")
    reader.octets(max(0, reader.left - TAG_LENGTH), "encrypted")
    reader.rest("tag")


_SENTENCES = {
    "HelloRequest": "The server asks for a new handshake.",
    "ServerHelloDone": "The server has said everything; the client's turn.",
    "SupplementalData": "Evidence: what this machine says about itself, signed by its TPM.",
    "ServerKeyExchange": "The server's ephemeral public key, signed with its certificate's key.",
    "CertificateRequest": "The server wants to know the client by a certificate.",
    "CertificateVerify": "A signature over the handshake so far proves the certificate's key.",
    "Finished": "A MAC over all messages so far: both sides saw the same handshake.",
    "NewSessionTicket": "A ticket to resume this session with, which this engine ignores.",
    "ChangeCipherSpec": "What follows in this direction is protected with the new keys.",
    "EncryptedExtensions": "The server's remaining answers, already encrypted.",
    "KeyUpdate": "The sender moves on to its next keys.",
    "HelloRetryRequest": "The server asks for a key share in another group.",
    "ClientCertificateRequest": "The client asks the server for an authenticator.",
    "CertificateStatus": "What an authority says about the server's certificate: whether it is revoked.",
    "CertificateURL": "Where the client's certificates can be fetched.",
    "CompressedCertificate": "A chain of certificates, compressed; this lab does not decompress it.",
    "EndOfEarlyData": "The client's early data ends; its handshake keys follow.",
}


def sentence(message: AnyMessage) -> str:
    """Say in a plain sentence what a message is for."""
    if isinstance(message, ForeignMessage):
        return f"{message.name} in the form of {message.form}, which this lab names but does not speak."
    return _SENTENCES.get(message.name) or _told(message)


def _told(message: AnyMessage) -> str:
    """Say what a message is for whose sentence depends on what is in it."""
    if isinstance(message, AlertMessage):
        return f"The sender says: {label(AlertDescription, message.description, 1)}."
    if isinstance(message, ClientHello):
        return f"The client offers {len(message.cipher_suites)} cipher suites and its random{_nonce(message)}."
    if isinstance(message, ServerHello):
        return f"The server chooses {label(CipherSuite, message.cipher_suite)}, adds its random{_nonce(message)}."
    if message.name == "Certificate":
        count = len(getattr(message, "certificate_list", ()))
        return f"A chain of {count} certificates, the sender's own first." if count else "No certificate to show."
    return _key_exchange(message) if message.name == "ClientKeyExchange" else f"{message.name}."


def _nonce(hello: ClientHello | ServerHello) -> str:
    try:
        attested = attestation_of(hello)
    except Alert:
        return ""
    return f", and a nonce for Evidence ({shown(attested.nonce[:4])}...)" if attested else ""


def _key_exchange(message: AnyMessage) -> str:
    rsa = isinstance(message, Message) and getattr(message, "key_exchange", None) is KeyExchange.RSA
    if rsa:
        return "The client's secret, encrypted to the server's RSA key."
    return "The client's ephemeral public key."
