"""Extensions: their list, and a pull/push pair for the body of each one this engine understands.

The body of an extension depends on the message it stands in, so each pull function gets that message's name. Bodies of
unknown extensions stay opaque.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from struct import unpack_from
from typing import TYPE_CHECKING, Any, NamedTuple

from trustlab.octets import Writer
from trustlab.tls.alerts import Alert, DecodeError, IllegalParameter
from trustlab.tls.reading import Reader, SpanReader
from trustlab.tls.registry import (
    EvidenceFormat,
    ExtensionType,
    Group,
    NameType,
    PointFormat,
    SignatureScheme,
    Version,
    label,
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
    """This laboratory's `attestation` extension: a nonce, and who gives and who wants Evidence in which formats."""

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


def pull_server_name(reader: Reader, message: str) -> bytes:
    """Pull server_name (RFC 6066 3); the host name, or empty where the server only acknowledges."""
    if message != "ClientHello":
        return b""
    names = reader.nested(2, "server_name_list", 1)
    host = b""
    number = 0
    seen: set[int] = set()
    while names.left:
        entry = names.item("server_name", number)
        kind = entry.uint(1, "name_type", NameType)
        if kind in seen:
            raise IllegalParameter(f"server_name has two names of the type {kind}", "RFC 6066 3")
        seen.add(kind)
        name = entry.vector(2, "host_name", 1, show=_text)
        if kind == NameType.HOST_NAME:
            host = name
            if not _HOST.fullmatch(name):
                raise IllegalParameter("server_name with octets that no host name has", "RFC 6066 3")
        names.close(entry)
        number += 1
    return host


def push_server_name(host: bytes) -> bytes:
    """Return the body of server_name for one host."""
    w = Writer()
    with w.block(2):
        w.uint(1, NameType.HOST_NAME)
        w.vector(2, host)
    return w.result()


def pull_supported_groups(reader: Reader, _message: str) -> tuple[int, ...]:
    """Pull supported_groups (RFC 9846 4.3.7)."""
    return reader.uints(2, 2, "named_group_list", 2, Group)


def pull_ec_point_formats(reader: Reader, _message: str) -> tuple[int, ...]:
    """Pull ec_point_formats (RFC 8422 5.1.2)."""
    return reader.uints(1, 1, "ec_point_format_list", 1, PointFormat)


def pull_signature_algorithms(reader: Reader, _message: str) -> tuple[int, ...]:
    """Pull signature_algorithms or signature_algorithms_cert (RFC 9846 4.3.3)."""
    return reader.uints(2, 2, "supported_signature_algorithms", 2, SignatureScheme)


@lru_cache(maxsize=64)
def push_uint16_list(values: tuple[int, ...]) -> bytes:
    """Return the body of supported_groups or signature_algorithms."""
    w = Writer()
    w.uints(2, 2, values)
    return w.result()


def pull_alpn(reader: Reader, _message: str) -> tuple[bytes, ...]:
    """Pull application_layer_protocol_negotiation (RFC 7301 3.1)."""
    names = reader.nested(2, "protocol_name_list", 2)
    protocols: list[bytes] = []
    while names.left:
        protocols.append(names.vector(1, f"protocol_name[{len(protocols)}]", 1, show=_text))
    return tuple(protocols)


def push_alpn(protocols: Iterable[bytes]) -> bytes:
    """Return the body of application_layer_protocol_negotiation."""
    w = Writer()
    with w.block(2):
        for protocol in protocols:
            w.vector(1, protocol)
    return w.result()


def pull_empty(_reader: Reader, _message: str) -> bool:
    """Pull an extension that has no body; its presence is the message."""
    return True


def pull_renegotiation_info(reader: Reader, _message: str) -> bytes:
    """Pull renegotiation_info (RFC 5746 3.2): the verify_data of the handshake before, empty in a first one."""
    return reader.vector(1, "renegotiated_connection")


def pull_supported_versions(reader: Reader, message: str) -> tuple[int, ...]:
    """Pull supported_versions (RFC 9846 4.3.1): the client's list or the server's choice."""
    if message == "ClientHello":
        return reader.uints(1, 2, "versions", 2, Version)
    return (reader.uint(2, "selected_version", Version),)


def push_supported_versions(versions: Iterable[int]) -> bytes:
    """Return the client's body of supported_versions."""
    w = Writer()
    w.uints(1, 2, tuple(versions))
    return w.result()


def _pull_share(reader: Reader) -> KeyShareEntry:
    group = reader.uint(2, "group", Group)
    return KeyShareEntry(group, reader.vector(2, "key_exchange", 1))


def pull_key_share(reader: Reader, message: str) -> tuple[KeyShareEntry, ...]:
    """Pull key_share (RFC 9846 4.3.8); a HelloRetryRequest's has a group only."""
    if message == "HelloRetryRequest":
        return (KeyShareEntry(reader.uint(2, "selected_group", Group), b""),)
    if message == "ServerHello":
        return (_pull_share(reader),)
    shares = reader.nested(2, "client_shares")
    entries: list[KeyShareEntry] = []
    while shares.left:
        entry = shares.item("key_share_entry", len(entries))
        entries.append(_pull_share(entry))
        shares.close(entry)
    return tuple(entries)


def push_share(entry: KeyShareEntry) -> bytes:
    """Return the server's body of key_share."""
    w = Writer()
    w.uint(2, entry.group)
    w.vector(2, entry.key_exchange)
    return w.result()


def push_shares(entries: Iterable[KeyShareEntry]) -> bytes:
    """Return the client's body of key_share."""
    w = Writer()
    w.vector(2, b"".join(push_share(entry) for entry in entries))
    return w.result()


def pull_cookie(reader: Reader, _message: str) -> bytes:
    """Pull cookie (RFC 9846 4.3.2)."""
    return reader.vector(2, "cookie", 1)


def push_cookie(cookie: bytes) -> bytes:
    """Return the body of cookie."""
    w = Writer()
    w.vector(2, cookie)
    return w.result()


def pull_psk_modes(reader: Reader, _message: str) -> tuple[int, ...]:
    """Pull psk_key_exchange_modes (RFC 9846 4.3.9)."""
    return reader.uints(1, 1, "ke_modes", 1)


def pull_authorities(reader: Reader, _message: str) -> tuple[bytes, ...]:
    """Pull certificate_authorities (RFC 9846 4.3.4)."""
    names = reader.nested(2, "authorities", 3)
    found: list[bytes] = []
    while names.left:
        found.append(names.vector(2, f"distinguished_name[{len(found)}]", 1))
    return tuple(found)


def push_authorities(names: Iterable[bytes]) -> bytes:
    """Return the body of certificate_authorities: distinguished names in DER."""
    w = Writer()
    with w.block(2):
        for name in names:
            w.vector(2, name)
    return w.result()


def pull_attestation(reader: Reader, message: str) -> AttestationExtension | bytes:
    """Pull the attestation extension; in a CertificateEntry its body is the Evidence itself."""
    if message == "Certificate":
        return reader.vector(2, "evidence", 1)
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


_PULL: dict[int, Callable[[Reader, str], Any]] = {
    ExtensionType.SERVER_NAME: pull_server_name,
    ExtensionType.SUPPORTED_GROUPS: pull_supported_groups,
    ExtensionType.EC_POINT_FORMATS: pull_ec_point_formats,
    ExtensionType.SIGNATURE_ALGORITHMS: pull_signature_algorithms,
    ExtensionType.SIGNATURE_ALGORITHMS_CERT: pull_signature_algorithms,
    ExtensionType.ALPN: pull_alpn,
    ExtensionType.ENCRYPT_THEN_MAC: pull_empty,
    ExtensionType.EXTENDED_MASTER_SECRET: pull_empty,
    ExtensionType.POST_HANDSHAKE_AUTH: pull_empty,
    ExtensionType.RENEGOTIATION_INFO: pull_renegotiation_info,
    ExtensionType.SUPPORTED_VERSIONS: pull_supported_versions,
    ExtensionType.KEY_SHARE: pull_key_share,
    ExtensionType.COOKIE: pull_cookie,
    ExtensionType.PSK_KEY_EXCHANGE_MODES: pull_psk_modes,
    ExtensionType.CERTIFICATE_AUTHORITIES: pull_authorities,
    ExtensionType.ATTESTATION: pull_attestation,
}


def pull_extensions(reader: Reader, message: str) -> tuple[Extension, ...]:
    """Pull `Extension extensions<0..2^16-1>` (RFC 9846 4.3); the same type twice is an `IllegalParameter`."""
    found: dict[int, Extension] = {}
    inside = reader.nested(2, "extensions")
    while inside.position < inside.end:
        extension = _dissect(inside, message) if isinstance(inside, SpanReader) else _cut(inside)
        if extension.type in found:
            raise IllegalParameter(
                f"{message} has the extension {extension_name(extension.type)} twice", "RFC 9846 4.3"
            )
        found[extension.type] = extension
    return tuple(found.values())


def _cut(inside: Reader) -> Extension:
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


def _dissect(inside: SpanReader, message: str) -> Extension:
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
    reader = SpanReader(bytes(start) + octets, start, prefix=prefix)
    _name(reader, message)
    return tuple(reader.spans)


def _name(inside: SpanReader, message: str) -> None:
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
    reader = Reader(data)
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
    """Return the body of the extension of this type, None where it is absent."""
    for extension in extensions:
        if extension.type == kind:
            return extension.data
    return None


def describe_type(kind: int) -> str:
    """Render an extension type for a sentence."""
    return label(ExtensionType, kind)
