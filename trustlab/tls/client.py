"""The client before the version is known: ClientHello out, ServerHello in, then the handshake of that version."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from trustlab.tls import attestation
from trustlab.tls.alerts import HandshakeFailure, IllegalParameter, ProtocolVersion, UnsupportedExtension
from trustlab.tls.client12 import Client12
from trustlab.tls.connection import Connection
from trustlab.tls.extensions import (
    Extension,
    extension_name,
    push_alpn,
    push_attestation,
    push_server_name,
    push_uint16_list,
)
from trustlab.tls.handshake import Handshake
from trustlab.tls.messages import ClientHello, HelloRequest, attestation_of
from trustlab.tls.messages.base import KeyExchange
from trustlab.tls.registry import CipherSuite, ExtensionType, HandshakeType, Version
from trustlab.tls.states import CLIENT12
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from trustlab.tls.config import ClientConfig
    from trustlab.tls.messages import AnyMessage, Message, ServerHello
    from trustlab.tls.messages.other import ChangeCipherSpec


class Client(Connection):
    """The client's end of a TLS connection.

    Feed octets with `receive`, read `next_event` until None, put `data_to_send` on the stream. The first of these
    calls begins the handshake.
    """

    role = "client"
    config: ClientConfig

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(config, CLIENT12)
        self.handshake = ClientStart(self)
        self.records.write_version = Version.TLS10  # RFC 5246 E.1: the first record, for old servers' sake
        self.plan.append("send_client_hello")
        self.server_name = config.server_name or ""


class ClientStart(Handshake):
    """Says hello and hands over to the handshake of the version the server chose."""

    c: Client
    hello: ClientHello

    def suites(self) -> tuple[int, ...]:
        """Return the suites to offer: those that some configured version can run."""
        versions = self.c.config.versions
        return tuple(
            s
            for s in self.c.config.cipher_suites
            if (SUITES[s].key_exchange is KeyExchange.TLS13) == (Version.TLS13 in versions) or len(versions) > 1
        )

    def send_client_hello(self) -> None:
        """Offer what the configuration says."""
        config = self.c.config
        hello = ClientHello(
            random=config.random(32),
            session_id=b"",
            cipher_suites=self.suites(),
            extensions=tuple(self.extensions()),
        )
        self.c.emit(hello)

    def extensions(self) -> list[Extension]:
        """Return the extensions of the ClientHello."""
        config = self.c.config
        found: list[Extension] = []
        if config.server_name and not _is_address(config.server_name):
            host = config.server_name.rstrip(".").encode("ascii", "ignore")
            found.append(Extension(ExtensionType.SERVER_NAME, push_server_name(host)))
        found += self._tls12_extensions()
        schemes = push_uint16_list(config.signature_schemes)
        found.append(Extension(ExtensionType.SIGNATURE_ALGORITHMS, schemes))
        if config.alpn:
            found.append(Extension(ExtensionType.ALPN, push_alpn(p.encode() for p in config.alpn)))
        offer = attestation.client_offer(config)
        if offer is not None:
            found.append(Extension(ExtensionType.ATTESTATION, push_attestation(offer)))
        return found + list(config.extensions)

    def _tls12_extensions(self) -> list[Extension]:
        config = self.c.config
        found = [Extension(ExtensionType.RENEGOTIATION_INFO, b"\x00")]
        if config.extended_master_secret:
            found.append(Extension(ExtensionType.EXTENDED_MASTER_SECRET))
        if any(SUITES[s].key_exchange is not KeyExchange.RSA for s in self.suites()):
            found.append(Extension(ExtensionType.SUPPORTED_GROUPS, push_uint16_list(config.groups)))
            found.append(Extension(ExtensionType.EC_POINT_FORMATS, b"\x01\x00"))
        return found

    def sent_client_hello(self, hello: ClientHello) -> None:
        """Remember what was really offered: the message may have been replaced on its way."""
        self.hello = hello
        facts = self.c.facts
        facts["client_random"] = hello.random
        offer = attestation_of(hello)
        if offer is not None:
            facts["nonce_C"] = offer.nonce
        self.c.records.write_version = Version.TLS12

    def aside(self, message: Message | ChangeCipherSpec) -> bool:
        """Ignore a HelloRequest during the handshake (RFC 5246 7.4.1.1)."""
        return isinstance(message, HelloRequest)

    def check_welcome(self, kind: int, length: int) -> None:
        """As usual, and HelloRequest may come at any time."""
        if kind != HandshakeType.HELLO_REQUEST:
            super().check_welcome(kind, length)

    def receive_server_hello(self, hello: ServerHello) -> str | None:
        """Check what all versions have in common, then hand over."""
        version = self._version(hello)
        self._check_choice(hello, version)
        self.c.version = version
        self.c.records.version = version
        self.c.cipher_suite = CipherSuite(hello.cipher_suite)
        self.c.facts["server_random"] = hello.random
        handshake = Client12(self)
        self.c.handshake = handshake
        return handshake.receive_server_hello(hello)

    def _version(self, hello: ServerHello) -> Version:
        if hello.legacy_version not in self.c.config.versions:
            raise ProtocolVersion(f"the server chose version 0x{hello.legacy_version:04x}", "RFC 5246 7.4.1.3")
        return Version(hello.legacy_version)

    def _check_choice(self, hello: ServerHello, version: Version) -> None:
        suite = SUITES.get(hello.cipher_suite)
        tls13 = version == Version.TLS13
        clause = "RFC 8446 4.1.3" if tls13 else "RFC 5246 7.4.1.3"
        if hello.cipher_suite not in self.hello.cipher_suites or suite is None:
            raise IllegalParameter(f"the server chose suite 0x{hello.cipher_suite:04x}, which was not offered", clause)
        if (suite.key_exchange is KeyExchange.TLS13) != tls13:
            raise IllegalParameter(f"the server chose a suite that {version.title} does not have", clause)
        if hello.compression_method:
            raise IllegalParameter(f"the server chose compression {hello.compression_method}", clause)
        offered = {e.type for e in self.hello.extensions}
        for extension in hello.extensions:
            if extension.type not in offered:
                raise UnsupportedExtension(
                    f"the server answers {extension_name(extension.type)}, which was not offered", "RFC 5246 7.4.1.4"
                )

    def sent(self, message: AnyMessage, raw: bytes) -> str | None:
        """Before the server chose, only ClientHello is sent."""
        if message.name != ClientHello.name:
            raise HandshakeFailure(f"{message.name} before the server chose a version")
        return super().sent(message, raw)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
