"""ClientHello, ServerHello, HelloRetryRequest and HelloRequest (RFC 5246 7.4.1, RFC 9846 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from trustlab.tls.alerts import DecodeError
from trustlab.tls.extensions import (
    AttestationExtension,
    Extension,
    extension_name,
    find,
    parse_extension,
    pull_extensions,
    push_attestation,
    push_extensions,
)
from trustlab.tls.messages.base import Context, EmptyMessage, Message
from trustlab.tls.registry import CipherSuite, CompressionMethod, ExtensionType, Version

if TYPE_CHECKING:
    from trustlab.octets import Writer
    from trustlab.tls.reading import MessageReader

HELLO_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""SHA-256 of "HelloRetryRequest": the random that marks a ServerHello as one (RFC 9846 4.2.3)."""
DOWNGRADE_TLS12 = b"DOWNGRD\x01"
"""The last octets of the random of a TLS 1.3 server that speaks TLS 1.2 to this client (RFC 9846 4.2.3)."""
DOWNGRADE_TLS11 = b"DOWNGRD\x00"


class _WithExtensions(Message):
    """A message with a list of extensions."""

    __slots__ = ()
    extensions: tuple[Extension, ...]

    def extension(self, kind: int) -> bytes | None:
        """Return the body of an extension, None if it is absent."""
        return find(self.extensions, kind)

    def value(self, kind: int) -> Any:  # noqa: ANN401 - each extension has its own type
        """Return what an extension says, None if it is absent; DecodeError if its body is malformed."""
        for extension in self.extensions:
            if extension.type == kind:
                return parse_extension(extension, self.name)
        return None


@dataclass(frozen=True, slots=True)
class HelloRequest(EmptyMessage):
    """The server asks for a new handshake (RFC 5246 7.4.1.1); this engine refuses."""


@dataclass(frozen=True, slots=True)
class ClientHello(_WithExtensions):
    """The client's offer (RFC 5246 7.4.1.2, RFC 9846 4.2.2).

    `has_extensions` is False if there is not even a list, as from an old client.
    """

    random: bytes
    session_id: bytes
    cipher_suites: tuple[int, ...]
    extensions: tuple[Extension, ...]
    compression_methods: tuple[int, ...] = (0,)
    legacy_version: int = Version.TLS12
    has_extensions: bool = True

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        version = reader.uint(2, "client_version", Version)
        random = reader.octets(32, "random")
        session_id = reader.vector(1, "session_id", 0, 32)
        suites = reader.uints(2, 2, "cipher_suites", 2, CipherSuite)
        methods = reader.uints(1, 1, "compression_methods", 1, CompressionMethod)
        has_extensions = bool(reader.left)
        extensions = pull_extensions(reader, cls.name) if has_extensions else ()
        reader.finish(cls.name)
        return cls(random, session_id, suites, extensions, methods, version, has_extensions)

    def push(self, writer: Writer) -> None:
        writer.uint(2, self.legacy_version)
        writer.octets(self.random)
        writer.vector(1, self.session_id)
        writer.uints(2, 2, self.cipher_suites)
        writer.uints(1, 1, self.compression_methods)
        if self.has_extensions or self.extensions:
            push_extensions(writer, self.extensions)


@dataclass(frozen=True, slots=True)
class ServerHello(_WithExtensions):
    """The server's choice (RFC 5246 7.4.1.3, RFC 9846 4.2.3)."""

    random: bytes
    session_id: bytes
    cipher_suite: int
    extensions: tuple[Extension, ...]
    compression_method: int = 0
    legacy_version: int = Version.TLS12
    has_extensions: bool = True

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        version = reader.uint(2, "server_version", Version)
        random = reader.octets(32, "random")
        session_id = reader.vector(1, "session_id", 0, 32)
        suite = reader.uint(2, "cipher_suite", CipherSuite)
        method = reader.uint(1, "compression_method", CompressionMethod)
        has_extensions = bool(reader.left)
        extensions = pull_extensions(reader, cls.name) if has_extensions else ()
        reader.finish(cls.name)
        return cls(random, session_id, suite, extensions, method, version, has_extensions)

    def push(self, writer: Writer) -> None:
        writer.uint(2, self.legacy_version)
        writer.octets(self.random)
        writer.vector(1, self.session_id)
        writer.uint(2, self.cipher_suite)
        writer.uint(1, self.compression_method)
        if self.has_extensions or self.extensions:
            push_extensions(writer, self.extensions)


@dataclass(frozen=True, slots=True)
class HelloRetryRequest(ServerHello):
    """A ServerHello with a certain random: try again with another key share (RFC 9846 4.2.4)."""

    name = "HelloRetryRequest"


def pull_server_hello(reader: MessageReader, context: Context) -> ServerHello:
    """Pull a ServerHello or, if its random says so, a HelloRetryRequest."""
    start = reader.position + 2
    retry = reader.data[start : start + 32] == HELLO_RETRY_RANDOM
    return HelloRetryRequest.pull(reader, context) if retry else ServerHello.pull(reader, context)


H = TypeVar("H", "ClientHello", "ServerHello")


def attestation_of(hello: ClientHello | ServerHello) -> AttestationExtension | None:
    """Return the attestation extension of a hello, None if it has none."""
    value = hello.value(ExtensionType.ATTESTATION)
    if value is not None and not isinstance(value, AttestationExtension):
        raise DecodeError(f"{extension_name(ExtensionType.ATTESTATION)} has another form in {hello.name}")
    return value


def with_attestation(hello: H, **changes: Any) -> H:  # noqa: ANN401
    """Return the hello with fields of its attestation extension changed; for attacks that write their own nonces."""
    current = attestation_of(hello)
    if current is None:
        raise DecodeError(f"this {hello.name} has no attestation extension")
    body = push_attestation(replace(current, **changes))
    extensions = tuple(Extension(e.type, body) if e.type == ExtensionType.ATTESTATION else e for e in hello.extensions)
    return replace(hello, extensions=extensions)
