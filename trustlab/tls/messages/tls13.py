"""Handshake messages of TLS 1.3 that TLS 1.2 does not have, or has in another form (RFC 9846 4.4 to 4.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.tls.alerts import IllegalParameter
from trustlab.tls.extensions import Extension, find, pull_extensions, push_extensions
from trustlab.tls.messages.base import Context, EmptyMessage, Message
from trustlab.tls.messages.hello import _WithExtensions
from trustlab.tls.registry import KeyUpdateRequest

if TYPE_CHECKING:
    from trustlab.octets import Writer
    from trustlab.tls.reading import MessageReader


@dataclass(frozen=True, slots=True)
class EncryptedExtensions(_WithExtensions):
    """The server's answers that the key agreement does not need, and that are encrypted therefore (RFC 9846 4.4.1)."""

    extensions: tuple[Extension, ...]

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        extensions = pull_extensions(reader, cls.name)
        reader.finish(cls.name)
        return cls(extensions)

    def push(self, writer: Writer) -> None:
        push_extensions(writer, self.extensions)


@dataclass(frozen=True, slots=True)
class EndOfEarlyData(EmptyMessage):
    """A client's early data, which the server accepted, ends here (RFC 9846 4.6); this engine sends none."""


@dataclass(frozen=True, slots=True)
class CertificateRequest13(_WithExtensions):
    """The server asks for a client certificate (RFC 9846 4.4.2), or for an exported authenticator (RFC 9261 4)."""

    certificate_request_context: bytes
    extensions: tuple[Extension, ...]

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        request_context = reader.vector(1, "certificate_request_context")
        extensions = pull_extensions(reader, cls.name)
        reader.finish(cls.name)
        return cls(request_context, extensions)

    def push(self, writer: Writer) -> None:
        writer.vector(1, self.certificate_request_context)
        push_extensions(writer, self.extensions)


@dataclass(frozen=True, slots=True)
class ClientCertificateRequest(CertificateRequest13):
    """A client asks the server for an exported authenticator (RFC 9261 4)."""


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One certificate in DER and what belongs to it (RFC 9846 4.5.1)."""

    cert_data: bytes = field(repr=False)
    extensions: tuple[Extension, ...] = ()

    def extension(self, kind: int) -> bytes | None:
        """Return the body of an extension, None if it is absent."""
        return find(self.extensions, kind)


@dataclass(frozen=True, slots=True)
class Certificate13(Message):
    """A chain, leaf first, with extensions to each certificate (RFC 9846 4.5.1)."""

    certificate_request_context: bytes
    certificate_list: tuple[CertificateEntry, ...]

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        request_context = reader.vector(1, "certificate_request_context")
        chain = [
            CertificateEntry(entry.vector(3, "cert_data", 1), pull_extensions(entry, cls.name))
            for entry in reader.nested(3, "certificate_list").items("certificate_entry")
        ]
        reader.finish(cls.name)
        return cls(request_context, tuple(chain))

    def push(self, writer: Writer) -> None:
        writer.vector(1, self.certificate_request_context)
        with writer.block(3):
            for entry in self.certificate_list:
                writer.vector(3, entry.cert_data)
                push_extensions(writer, entry.extensions)


@dataclass(frozen=True, slots=True)
class NewSessionTicket13(_WithExtensions):
    """A ticket for resumption (RFC 9846 4.7.1); this engine accepts and ignores it."""

    ticket_lifetime: int
    ticket_age_add: int
    ticket_nonce: bytes
    ticket: bytes = field(repr=False)
    extensions: tuple[Extension, ...]

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        lifetime = reader.uint(4, "ticket_lifetime")
        age_add = reader.uint(4, "ticket_age_add")
        nonce = reader.vector(1, "ticket_nonce")
        ticket = reader.vector(2, "ticket", 1)
        extensions = pull_extensions(reader, cls.name)
        reader.finish(cls.name)
        return cls(lifetime, age_add, nonce, ticket, extensions)

    def push(self, writer: Writer) -> None:
        writer.uint(4, self.ticket_lifetime)
        writer.uint(4, self.ticket_age_add)
        writer.vector(1, self.ticket_nonce)
        writer.vector(2, self.ticket)
        push_extensions(writer, self.extensions)


@dataclass(frozen=True, slots=True)
class KeyUpdate(Message):
    """The sender's next keys are in use from its next record (RFC 9846 4.7.3)."""

    request_update: int = KeyUpdateRequest.UPDATE_NOT_REQUESTED

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        request = reader.uint(1, "request_update", KeyUpdateRequest)
        reader.finish(cls.name)
        if request not in {KeyUpdateRequest.UPDATE_NOT_REQUESTED, KeyUpdateRequest.UPDATE_REQUESTED}:
            raise IllegalParameter(f"KeyUpdate with request_update {request}", "RFC 9846 4.7.3")
        return cls(request)

    def push(self, writer: Writer) -> None:
        writer.uint(1, self.request_update)
