"""Handshake messages of TLS 1.2 after the hellos (RFC 5246 7.4, RFC 4680, RFC 8422)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.tls.alerts import DecodeError, IllegalParameter
from trustlab.tls.messages.base import Context, EmptyMessage, KeyExchange, Message
from trustlab.tls.registry import (
    ClientCertificateType,
    CurveType,
    ExtensionType,
    Group,
    SignatureScheme,
)

if TYPE_CHECKING:
    from trustlab.octets import Writer
    from trustlab.tls.reading import MessageReader


@dataclass(frozen=True, slots=True)
class SupplementalData(Message):
    """Supplemental data, here Evidence (RFC 4680): entries of (type, data)."""

    entries: tuple[tuple[int, bytes], ...] = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        entries = [
            (entry.uint(2, "supp_data_type", ExtensionType), entry.vector(2, "data"))
            for entry in reader.nested(3, "supp_data", 1).items("supp_data_entry")
        ]
        reader.finish(cls.name)
        return cls(tuple(entries))

    def push(self, writer: Writer) -> None:
        with writer.block(3):
            for kind, data in self.entries:
                writer.uint(2, kind)
                writer.vector(2, data)


@dataclass(frozen=True, slots=True)
class Certificate(Message):
    """A chain, leaf first, each certificate in DER (RFC 5246 7.4.2)."""

    certificate_list: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        chain = reader.vectors((3, 3), "certificate_list", "certificate", (0, 1))
        reader.finish(cls.name)
        return cls(chain)

    def push(self, writer: Writer) -> None:
        writer.vectors(3, 3, self.certificate_list)


@dataclass(frozen=True, slots=True)
class ServerKeyExchange(Message):
    """The server's ephemeral ECDH key and its signature (RFC 8422 5.4)."""

    named_curve: int
    public: bytes
    scheme: int
    signature: bytes = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        kind = reader.uint(1, "curve_type", CurveType)
        if kind != CurveType.NAMED_CURVE:
            raise IllegalParameter(
                f"ServerKeyExchange with curve_type {kind}; only named curves are in use", "RFC 8422 5.4"
            )
        curve = reader.uint(2, "namedcurve", Group)
        public = reader.vector(1, "public", 1)
        scheme = reader.uint(2, "signature_algorithm", SignatureScheme)
        signature = reader.vector(2, "signature")
        reader.finish(cls.name)
        return cls(curve, public, scheme, signature)

    def push(self, writer: Writer) -> None:
        writer.octets(self.parameters)
        writer.uint(2, self.scheme)
        writer.vector(2, self.signature)

    @property
    def parameters(self) -> bytes:
        """ServerECDHParams: what is signed, after the two randoms."""
        head = bytes([CurveType.NAMED_CURVE]) + self.named_curve.to_bytes(2, "big")
        return head + bytes([len(self.public)]) + self.public


@dataclass(frozen=True, slots=True)
class CertificateRequest(Message):
    """The server asks for a client certificate (RFC 5246 7.4.4)."""

    certificate_types: tuple[int, ...]
    supported_signature_algorithms: tuple[int, ...]
    certificate_authorities: tuple[bytes, ...]

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        types = reader.uints(1, 1, "certificate_types", 1, ClientCertificateType)
        schemes = reader.uints(2, 2, "supported_signature_algorithms", 2, SignatureScheme)
        authorities = reader.vectors((2, 2), "certificate_authorities", "distinguished_name", (0, 1))
        reader.finish(cls.name)
        return cls(types, schemes, authorities)

    def push(self, writer: Writer) -> None:
        writer.uints(1, 1, self.certificate_types)
        writer.uints(2, 2, self.supported_signature_algorithms)
        writer.vectors(2, 2, self.certificate_authorities)


@dataclass(frozen=True, slots=True)
class ServerHelloDone(EmptyMessage):
    """The server's first flight is complete (RFC 5246 7.4.5)."""


@dataclass(frozen=True, slots=True)
class ClientKeyExchange(Message):
    """The client's half of the secret (RFC 5246 7.4.7, RFC 8422 5.7).

    RSA: `exchange` is the EncryptedPreMasterSecret; ECDHE: the client's public point or u-coordinate.
    """

    exchange: bytes = field(repr=False)
    key_exchange: KeyExchange = KeyExchange.RSA

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:
        if context.key_exchange is KeyExchange.RSA:
            exchange = reader.vector(2, "encrypted_pre_master_secret")
        elif context.key_exchange is KeyExchange.ECDHE:
            exchange = reader.vector(1, "ecdh_Yc", 1)
        else:
            raise DecodeError("ClientKeyExchange does not exist in TLS 1.3")
        reader.finish(cls.name)
        return cls(exchange, context.key_exchange)

    def push(self, writer: Writer) -> None:
        writer.vector(2 if self.key_exchange is KeyExchange.RSA else 1, self.exchange)


@dataclass(frozen=True, slots=True)
class CertificateVerify(Message):
    """A signature over the handshake so far, which proves the certificate's key (RFC 5246 7.4.8, RFC 9846 4.5.2)."""

    scheme: int
    signature: bytes = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        scheme = reader.uint(2, "algorithm", SignatureScheme)
        signature = reader.vector(2, "signature")
        reader.finish(cls.name)
        return cls(scheme, signature)

    def push(self, writer: Writer) -> None:
        writer.uint(2, self.scheme)
        writer.vector(2, self.signature)


@dataclass(frozen=True, slots=True)
class Finished(Message):
    """A MAC over the whole handshake (RFC 5246 7.4.9, RFC 9846 4.5.3)."""

    verify_data: bytes = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        return cls(reader.rest("verify_data"))

    def push(self, writer: Writer) -> None:
        writer.octets(self.verify_data)


@dataclass(frozen=True, slots=True)
class NewSessionTicket(Message):
    """A ticket for resumption (RFC 5077 3.3); this engine never asks for one."""

    lifetime_hint: int
    ticket: bytes = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        hint = reader.uint(4, "ticket_lifetime_hint")
        ticket = reader.vector(2, "ticket")
        reader.finish(cls.name)
        return cls(hint, ticket)

    def push(self, writer: Writer) -> None:
        writer.uint(4, self.lifetime_hint)
        writer.vector(2, self.ticket)
