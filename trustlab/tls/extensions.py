"""Extensions: their list, and a pull/push pair for the body of each one this engine understands.

The form of a body depends on the message that it is in, so each pull function gets that message's name. Bodies of
unknown extensions stay opaque.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from struct import unpack_from
from typing import TYPE_CHECKING, Any, NamedTuple

from trustlab.octets import Writer, sized, u8, u16
from trustlab.tls.alerts import Alert, DecodeError, IllegalParameter
from trustlab.tls.reading import MessageReader, MessageSpanReader
from trustlab.tls.registry import (
    EvidenceFormat,
    ExtensionType,
    Group,
    NameType,
    PointFormat,
    SignatureScheme,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustlab.trace import Span

ROLE_S = 1
"""Role bit of the server in the attestation extension."""
ROLE_C = 2
"""Role bit of the client in the attestation extension."""
ATTESTATION_VERSION = 1
_HOST = re.compile(rb"[A-Za-z0-9._-]+")
NONCE_LENGTH = 32
REMEMBERED = 256  # octets of an extension whose parsed form may be kept
FRONT = 1024  # octets at the front of a message in which the names of an extension's octets may be kept


class Extension(NamedTuple):
    """One extension as on the wire: `type` and the octets of its body."""

    type: int
    data: bytes = b""

    def __repr__(self) -> str:
        return f"Extension({extension_name(self.type)}, {len(self.data)} octets)"


@dataclass(frozen=True, slots=True)
class KeyShareEntry:
    """A group and a public value of it (RFC 9846 4.3.8)."""

    group: int
    key_exchange: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AttestationExtension:
    """The lab's own `attestation` extension: a nonce, and who gives and who wants Evidence in which formats."""

    nonce: bytes
    offered: int
    demanded: int
    formats: tuple[int, ...]
    version: int = ATTESTATION_VERSION


def extension_name(kind: int) -> str:
    """Return the registry's name of an extension type, or its number."""
    try:
        return ExtensionType(kind).name.lower()
    except ValueError:
        return f"unknown_0x{kind:04x}"


def _text(value: bytes) -> str:
    return value.decode("ascii", "backslashreplace")


def pull_server_name(reader: MessageReader, message: str) -> bytes:
    """Pull server_name (RFC 6066 3); the host name, or empty if the server only acknowledges it."""
    if message != "ClientHello":
        return b""
    host = b""
    seen: set[int] = set()
    for entry in reader.nested(2, "server_name_list", 1).items("server_name"):
        kind = entry.uint(1, "name_type", NameType)
        if kind in seen:
            raise IllegalParameter(f"server_name has two names of the type {kind}", "RFC 6066 3")
        seen.add(kind)
        name = entry.vector(2, "host_name", 1, show=_text)
        if kind == NameType.HOST_NAME:
            host = name
            if not _HOST.fullmatch(name):
                raise IllegalParameter("server_name with octets that no host name has", "RFC 6066 3")
    return host


def push_server_name(host: bytes) -> bytes:
    """Return the body of server_name for one host."""
    return sized(u8(NameType.HOST_NAME) + sized(host))


def pull_supported_groups(reader: MessageReader, _message: str) -> tuple[int, ...]:
    """Pull supported_groups (RFC 9846 4.3.7)."""
    return reader.uints(2, 2, "named_group_list", 2, Group)


def pull_signature_algorithms(reader: MessageReader, _message: str) -> tuple[int, ...]:
    """Pull signature_algorithms or signature_algorithms_cert (RFC 9846 4.3.3)."""
    return reader.uints(2, 2, "supported_signature_algorithms", 2, SignatureScheme)


@lru_cache(maxsize=64)
def push_uint16_list(values: tuple[int, ...]) -> bytes:
    """Return the body of supported_groups or signature_algorithms."""
    w = Writer()
    w.uints(2, 2, values)
    return w.result()


def pull_alpn(reader: MessageReader, _message: str) -> tuple[bytes, ...]:
    """Pull application_layer_protocol_negotiation (RFC 7301 3.1)."""
    return reader.vectors((2, 1), "protocol_name_list", "protocol_name", (2, 1), _text)


def push_alpn(protocols: Iterable[bytes]) -> bytes:
    """Return the body of application_layer_protocol_negotiation."""
    w = Writer()
    w.vectors(2, 1, protocols)
    return w.result()


def pull_supported_versions(reader: MessageReader, message: str) -> tuple[int, ...]:
    """Pull supported_versions (RFC 9846 4.3.1): the client's list or the server's choice."""
    if message == "ClientHello":
        return reader.uints(1, 2, "versions", 2, Version)
    return (reader.uint(2, "selected_version", Version),)


def push_supported_versions(versions: Iterable[int]) -> bytes:
    """Return the client's body of supported_versions."""
    w = Writer()
    w.uints(1, 2, tuple(versions))
    return w.result()


def _pull_share(reader: MessageReader) -> KeyShareEntry:
    group = reader.uint(2, "group", Group)
    return KeyShareEntry(group, reader.vector(2, "key_exchange", 1))


def pull_key_share(reader: MessageReader, message: str) -> tuple[KeyShareEntry, ...]:
    """Pull key_share (RFC 9846 4.3.8); a HelloRetryRequest's has a group only."""
    if message == "HelloRetryRequest":
        return (KeyShareEntry(reader.uint(2, "selected_group", Group), b""),)
    if message == "ServerHello":
        return (_pull_share(reader),)
    return tuple(_pull_share(entry) for entry in reader.nested(2, "client_shares").items("key_share_entry"))


def push_share(entry: KeyShareEntry) -> bytes:
    """Return the server's body of key_share."""
    return u16(entry.group) + sized(entry.key_exchange)


def push_shares(entries: Iterable[KeyShareEntry]) -> bytes:
    """Return the client's body of key_share."""
    return sized(b"".join(push_share(entry) for entry in entries))


def pull_authorities(reader: MessageReader, _message: str) -> tuple[bytes, ...]:
    """Pull certificate_authorities (RFC 9846 4.3.4)."""
    return reader.vectors((2, 2), "authorities", "distinguished_name", (3, 1))


def push_authorities(names: Iterable[bytes]) -> bytes:
    """Return the body of certificate_authorities: distinguished names in DER."""
    return sized(b"".join(map(sized, names)))


def pull_attestation(reader: MessageReader, message: str) -> AttestationExtension | bytes:
    """Pull the attestation extension; in a CertificateEntry its body is the Evidence itself.

    In a request for an authenticator it may be empty, as draft-fossati-seat-expat has it.
    """
    if message == "Certificate":
        return reader.vector(2, "evidence", 1)
    if message in {"CertificateRequest", "ClientCertificateRequest"} and not reader.left:
        return b""
    version = reader.uint(1, "version")
    if version != ATTESTATION_VERSION:
        raise IllegalParameter(f"attestation extension of version {version}", "trustlab protocol, carriage")
    nonce = reader.octets(NONCE_LENGTH, "nonce")
    offered = reader.uint(1, "offered")
    demanded = reader.uint(1, "demanded")
    formats = reader.uints(2, 2, "formats", 2, EvidenceFormat)
    return AttestationExtension(nonce, offered, demanded, formats, version)


def push_attestation(value: AttestationExtension) -> bytes:
    """Return the body of the attestation extension in a hello, CertificateRequest or EncryptedExtensions."""
    w = Writer()
    w.uint(1, value.version)
    w.octets(value.nonce)
    w.uint(1, value.offered)
    w.uint(1, value.demanded)
    w.uints(2, 2, value.formats)
    return w.result()


_PULL: dict[int, Callable[[MessageReader, str], Any]] = {
    ExtensionType.SERVER_NAME: pull_server_name,
    ExtensionType.SUPPORTED_GROUPS: pull_supported_groups,
    ExtensionType.EC_POINT_FORMATS: lambda r, _: r.uints(1, 1, "ec_point_format_list", 1, PointFormat),
    ExtensionType.SIGNATURE_ALGORITHMS: pull_signature_algorithms,
    ExtensionType.SIGNATURE_ALGORITHMS_CERT: pull_signature_algorithms,
    ExtensionType.ALPN: pull_alpn,
    ExtensionType.ENCRYPT_THEN_MAC: lambda _r, _: True,
    ExtensionType.EXTENDED_MASTER_SECRET: lambda _r, _: True,
    ExtensionType.POST_HANDSHAKE_AUTH: lambda _r, _: True,
    ExtensionType.RENEGOTIATION_INFO: lambda r, _: r.vector(1, "renegotiated_connection"),
    ExtensionType.SUPPORTED_VERSIONS: pull_supported_versions,
    ExtensionType.KEY_SHARE: pull_key_share,
    ExtensionType.COOKIE: lambda r, _: r.vector(2, "cookie", 1),
    ExtensionType.PSK_KEY_EXCHANGE_MODES: lambda r, _: r.uints(1, 1, "ke_modes", 1),
    ExtensionType.CERTIFICATE_AUTHORITIES: pull_authorities,
    ExtensionType.ATTESTATION: pull_attestation,
}
"""How each body is read, given the message's name; the short ones: RFC 8422 5.1.2, RFC 5746 3.2, RFC 9846 4.3."""


def pull_extensions(reader: MessageReader, message: str) -> tuple[Extension, ...]:
    """Pull `Extension extensions<0..2^16-1>` (RFC 9846 4.3); the same type twice is an `IllegalParameter`."""
    found: dict[int, Extension] = {}
    inside = reader.nested(2, "extensions")
    while inside.position < inside.end:
        extension = _dissect(inside, message) if isinstance(inside, MessageSpanReader) else _cut(inside)
        if extension.type in found:
            raise IllegalParameter(
                f"{message} has the extension {extension_name(extension.type)} twice", "RFC 9846 4.3"
            )
        found[extension.type] = extension
    return tuple(found.values())


def _cut(inside: MessageReader) -> Extension:
    """Pull one extension and leave its body as it is."""
    data, start = inside.data, inside.position + 4
    if start > inside.end:
        raise DecodeError(f"an extension needs 4 octets, {inside.left} are left")
    kind, size = unpack_from(">HH", data, start - 4)
    end = start + size
    if end > inside.end:
        raise DecodeError(f"an extension needs {4 + size} octets, {inside.left} are left")
    inside.position = end
    return Extension(kind, data[start:end])


def _dissect(inside: MessageSpanReader, message: str) -> Extension:
    """Pull one extension with names for everything in it."""
    start = inside.position
    extension = _cut(inside)
    end = inside.position
    if end <= FRONT:
        with suppress(Alert):  # one that breaks off halfway is named below, as far as it goes
            inside.spans += _names(inside.data[start:end], start, inside.prefix, message)
            return extension
    inside.position = start
    _name(inside, message)
    return extension


@lru_cache(maxsize=256)
def _names(octets: bytes, start: int, prefix: str, message: str) -> tuple[Span, ...]:
    """Name the octets of an extension that stands at `start`: most are the same in every handshake."""
    reader = MessageSpanReader(bytes(start) + octets, start, prefix=prefix)
    _name(reader, message)
    return tuple(reader.spans)


def _name(inside: MessageSpanReader, message: str) -> None:
    kind, size = unpack_from(">HH", inside.data, inside.position)
    whole = inside.inner(4 + size, extension_name(kind))
    whole.uint(2, "extension_type", ExtensionType)
    whole.length(2, "extension_data")
    pull = _PULL.get(kind)
    if pull is not None:
        pull(whole, message)
        whole.finish(extension_name(kind))
    else:
        whole.rest("extension_data")


def parse_extension(extension: Extension, message: str) -> Any:  # noqa: ANN401 - each extension has its own type
    """Return what the body of a known extension says, or its octets; DecodeError on anything left over."""
    if len(extension.data) <= REMEMBERED:
        return _remembered(extension.type, extension.data, message)
    return _parse(extension.type, extension.data, message)


def _parse(kind: int, data: bytes, message: str) -> Any:  # noqa: ANN401 - each extension has its own type
    pull = _PULL.get(kind)
    if pull is None:
        return data
    reader = MessageReader(data)
    value = pull(reader, message)
    if reader.left:
        reader.finish(f"the extension {extension_name(kind)}")
    return value


_remembered = lru_cache(maxsize=512)(_parse)
"""Most extensions are the same in every handshake, and each is asked for more than once."""


def push_extensions(writer: Writer, extensions: Iterable[Extension]) -> None:
    """Push the list of extensions with its length."""
    writer.vector(
        2, b"".join([kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data for kind, data in extensions])
    )


def find(extensions: Iterable[Extension], kind: int) -> bytes | None:
    """Return the body of the extension of this type, None if it is absent."""
    for extension in extensions:
        if extension.type == kind:
            return extension.data
    return None
