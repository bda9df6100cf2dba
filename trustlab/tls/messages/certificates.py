"""Messages about certificates that only a listener meets, for this engine never asks (RFC 6066, RFC 6961, RFC 8879)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.tls.alerts import IllegalParameter
from trustlab.tls.messages.base import Context, Message
from trustlab.tls.registry import (
    CertChainType,
    CertificateCompressionAlgorithm,
    CertificateStatusType,
)

if TYPE_CHECKING:
    from trustlab.octets import Writer
    from trustlab.tls.reading import MessageReader


@dataclass(frozen=True, slots=True)
class CertificateStatus(Message):
    """What an authority says about the server's certificates (RFC 6066 8, RFC 6961 2.2); TLS 1.2 and older.

    `responses` are OCSPResponses in DER: one for `ocsp`, one per certificate (perhaps empty) for `ocsp_multi`; for
    another status type the whole body. TLS 1.3 has the same structure in an extension of CertificateEntry.
    """

    status_type: int
    responses: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        kind = reader.uint(1, "status_type", CertificateStatusType)
        responses: tuple[bytes, ...]
        if kind == CertificateStatusType.OCSP:
            responses = (reader.vector(3, "response", 1),)
        elif kind == CertificateStatusType.OCSP_MULTI:
            responses = reader.vectors((3, 3), "ocsp_response_list", "response", (1, 0))
        else:
            responses = (reader.rest("response"),)
        reader.finish(cls.name)
        return cls(kind, responses)

    def push(self, writer: Writer) -> None:
        writer.uint(1, self.status_type)
        if self.status_type == CertificateStatusType.OCSP:
            writer.vector(3, self.responses[0])
        elif self.status_type == CertificateStatusType.OCSP_MULTI:
            writer.vectors(3, 3, self.responses)
        else:
            writer.octets(self.responses[0])


@dataclass(frozen=True, slots=True)
class CertificateURL(Message):
    """Where a client's certificates can be fetched (RFC 6066 5): entries of (URL, SHA-1 of what is there)."""

    chain_type: int
    entries: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        kind = reader.uint(1, "chain_type", CertChainType)
        entries: list[tuple[bytes, bytes]] = []
        for entry in reader.nested(2, "url_and_hash_list", 1).items("url_and_hash"):
            url = entry.vector(2, "url", 1)
            if entry.uint(1, "padding") != 1:
                raise IllegalParameter("a CertificateURL whose padding is not 1", "RFC 6066 5")
            entries.append((url, entry.octets(20, "sha1_hash")))
        reader.finish(cls.name)
        return cls(kind, tuple(entries))

    def push(self, writer: Writer) -> None:
        writer.uint(1, self.chain_type)
        with writer.block(2):
            for url, digest in self.entries:
                writer.vector(2, url)
                writer.uint(1, 1)  # once said whether a digest follows (RFC 6066 5)
                writer.octets(digest)


@dataclass(frozen=True, slots=True)
class CompressedCertificate(Message):
    """A Certificate message, compressed (RFC 8879 4); it stays so, since this engine offers no algorithm for it."""

    algorithm: int
    uncompressed_length: int
    compressed_certificate_message: bytes = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        algorithm = reader.uint(2, "algorithm", CertificateCompressionAlgorithm)
        length = reader.uint(3, "uncompressed_length")
        compressed = reader.vector(3, "compressed_certificate_message", 1)
        reader.finish(cls.name)
        return cls(algorithm, length, compressed)

    def push(self, writer: Writer) -> None:
        writer.uint(2, self.algorithm)
        writer.uint(3, self.uncompressed_length)
        writer.vector(3, self.compressed_certificate_message)
