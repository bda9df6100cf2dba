"""Message dataclasses with their codecs, and how to find the right one for a handshake type."""

from __future__ import annotations

from collections.abc import Callable

from trustlab.tls.alerts import DecodeError, UnexpectedMessage
from trustlab.tls.messages.base import Context, KeyExchange, Message
from trustlab.tls.messages.certificates import CertificateStatus, CertificateURL, CompressedCertificate
from trustlab.tls.messages.foreign import ForeignMessage, foreign_codec
from trustlab.tls.messages.hello import (
    ClientHello,
    HelloRequest,
    HelloRetryRequest,
    ServerHello,
    attestation_of,
    pull_server_hello,
    with_attestation,
)
from trustlab.tls.messages.other import AlertMessage, ChangeCipherSpec
from trustlab.tls.messages.tls12 import (
    Certificate,
    CertificateRequest,
    CertificateVerify,
    ClientKeyExchange,
    Finished,
    NewSessionTicket,
    ServerHelloDone,
    ServerKeyExchange,
    SupplementalData,
)
from trustlab.tls.messages.tls13 import (
    Certificate13,
    CertificateEntry,
    CertificateRequest13,
    ClientCertificateRequest,
    EncryptedExtensions,
    EndOfEarlyData,
    KeyUpdate,
    NewSessionTicket13,
)
from trustlab.tls.reading import MessageReader
from trustlab.tls.registry import ContentType, HandshakeType, label

AnyMessage = Message | ChangeCipherSpec | AlertMessage
HEADER_LENGTH = 4  # msg_type and length (RFC 5246 7.4)

Codecs = dict[int, Callable[[MessageReader, Context], Message]]


def _codecs(*kinds: type[Message]) -> Codecs:
    return {kind.type: kind.pull for kind in kinds}


_COMMON: Codecs = {HandshakeType.SERVER_HELLO: pull_server_hello} | _codecs(ClientHello, CertificateVerify, Finished)
_TLS12 = _COMMON | _codecs(
    HelloRequest,
    NewSessionTicket,
    Certificate,
    ServerKeyExchange,
    CertificateRequest,
    ServerHelloDone,
    ClientKeyExchange,
    SupplementalData,
    CertificateURL,
    CertificateStatus,
)
_TLS13 = _COMMON | _codecs(
    NewSessionTicket13,
    EndOfEarlyData,
    EncryptedExtensions,
    Certificate13,
    CertificateRequest13,
    ClientCertificateRequest,
    KeyUpdate,
    CompressedCertificate,
)


def pull_message(reader: MessageReader, context: Context) -> Message:
    """Pull one handshake message with its header; the reader must end where the message does."""
    kind = reader.uint(1, "msg_type", HandshakeType)
    length = reader.uint(3, "length")
    if length != reader.end - reader.position:
        raise DecodeError(f"a handshake message claims {length} octets and has {reader.left}", "RFC 5246 7.4")
    return _codec(kind, context)(reader, context)


def parse_message(raw: bytes, context: Context) -> Message:
    """Parse a handshake message that was joined by the length in its header."""
    return _codec(raw[0], context)(MessageReader(raw, HEADER_LENGTH), context)


def _codec(kind: int, context: Context) -> Callable[[MessageReader, Context], Message]:
    pull = foreign_codec(kind, context) or (_TLS13 if context.tls13 else _TLS12).get(kind)
    if pull is None:
        raise UnexpectedMessage(f"a handshake message of the type {label(HandshakeType, kind, 1)}", "RFC 5246 7.4")
    return pull


def pull_any(content_type: int, reader: MessageReader, context: Context) -> AnyMessage:
    """Pull a handshake message with its header, a ChangeCipherSpec or an alert."""
    match content_type:
        case ContentType.HANDSHAKE:
            return pull_message(reader, context)
        case ContentType.CHANGE_CIPHER_SPEC:
            return ChangeCipherSpec.pull(reader, context)
        case ContentType.ALERT:
            return AlertMessage.pull(reader, context)
        case _:
            raise DecodeError(f"records of content type {content_type} carry no message")


__all__ = [
    "AlertMessage",
    "Certificate",
    "Certificate13",
    "CertificateEntry",
    "CertificateRequest",
    "CertificateRequest13",
    "CertificateStatus",
    "CertificateURL",
    "CertificateVerify",
    "ChangeCipherSpec",
    "ClientCertificateRequest",
    "ClientHello",
    "ClientKeyExchange",
    "CompressedCertificate",
    "EncryptedExtensions",
    "EndOfEarlyData",
    "Finished",
    "ForeignMessage",
    "HelloRequest",
    "HelloRetryRequest",
    "KeyExchange",
    "KeyUpdate",
    "NewSessionTicket",
    "NewSessionTicket13",
    "ServerHello",
    "ServerHelloDone",
    "ServerKeyExchange",
    "SupplementalData",
    "attestation_of",
    "with_attestation",
]
