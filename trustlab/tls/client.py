"""The client before the version is known: ClientHello out, ServerHello in, then the handshake of that version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls import attestation
from trustlab.tls.alerts import HandshakeFailure, IllegalParameter, ProtocolVersion, UnsupportedExtension
from trustlab.tls.client12 import Client12
from trustlab.tls.client13 import Client13
from trustlab.tls.connection import Connection
from trustlab.tls.extensions import (
    Extension,
    KeyShareEntry,
    extension_name,
    push_attestation,
    push_shares,
)
from trustlab.tls.handshake import Handshake
from trustlab.tls.messages import ClientHello, HelloRequest, attestation_of
from trustlab.tls.messages.base import KeyExchange
from trustlab.tls.registry import CipherSuite, ExtensionType, Group, HandshakeType, Version
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from trustlab.tls.config import ClientConfig
    from trustlab.tls.groups import Share
    from trustlab.tls.messages import AnyMessage, HelloRetryRequest, ServerHello
    from trustlab.tls.messages.base import Message
    from trustlab.tls.messages.other import ChangeCipherSpec
    from trustlab.tls.records import Record
    from trustlab.tls.states import State


class Client(Connection):
    """The client's end of a TLS connection.

    Feed octets with `receive`, read `next_event` until None, put `data_to_send` on the stream. The first of these
    calls begins the handshake.
    """

    role = "client"
    config: ClientConfig
    client12: type[Client12] = Client12
    client13: type[Client13] = Client13
    """The handshakes after the server's choice of a version."""

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(config, (self.client13 if Version.TLS13 in config.versions else self.client12).table)
        self.handshake = ClientStart(self)
        self.records.write_version = Version.TLS10  # of the first record, for the sake of old servers (RFC 5246 E.1)
        self.plan.append(ClientStart.send_client_hello)
        self.server_name = config.server_name or ""

    def first_session_id(self) -> bytes:
        """Return what the first ClientHello has as its session id: noise for middleboxes (RFC 9846 E.4), or nothing."""
        noisy = Version.TLS13 in self.config.versions and self.config.middlebox_compatibility
        return self.config.random(32) if noisy else b""


class ClientStart(Handshake):
    """Says hello and hands over to the handshake of the version the server chose."""

    c: Client
    hello: ClientHello

    def __init__(self, connection: Client) -> None:
        super().__init__(connection)
        self.shares: dict[int, Share] = {}

    @property
    def offers_tls13(self) -> bool:
        return Version.TLS13 in self.c.config.versions

    def send_client_hello(self) -> None:
        """Offer what the configuration says."""
        config = self.c.config
        hello = ClientHello(
            random=config.random(32),
            session_id=self.c.first_session_id(),
            cipher_suites=self.c.config.offered_suites,
            extensions=tuple(self.extensions()),
        )
        self.c.emit(hello)

    def extensions(self) -> list[Extension]:
        """Return the extensions of the ClientHello."""
        config = self.c.config
        found = list(config.standing_extensions)
        if self.offers_tls13:
            self.shares = {group: config.new_share(group) for group in self._share_groups()}
            body = push_shares(KeyShareEntry(group, share.public) for group, share in self.shares.items())
            found.append(Extension(ExtensionType.KEY_SHARE, body))
        offer = attestation.client_offer(config)
        if offer is not None:
            found.append(Extension(ExtensionType.ATTESTATION, push_attestation(offer)))
        found += config.extensions
        return found

    def _share_groups(self) -> tuple[int, ...]:
        """Return the groups to send key shares for."""
        config = self.c.config
        if config.key_shares is not None:
            return config.key_shares
        first = config.groups[:1]
        if first == (Group.X25519MLKEM768,) and Group.X25519 in config.groups:
            return (*first, Group.X25519)
        return first

    def sent_client_hello(self, hello: ClientHello) -> None:
        """Remember what was really offered: the program may have replaced the message."""
        self.hello = hello
        self.c.facts = self.c.facts.knowing(client_random=hello.random)
        offer = attestation_of(hello)
        if offer is not None:
            self.c.facts = self.c.facts.knowing(nonce_C=offer.nonce)
        self.c.flush()
        self.c.records.write_version = Version.TLS12

    def handle_out_of_band(self, message: Message | ChangeCipherSpec) -> bool:
        """Ignore a HelloRequest during the handshake (RFC 5246 7.4.1.1)."""
        return isinstance(message, HelloRequest)

    def check_expected(self, kind: int, length: int) -> None:
        """Let a HelloRequest come at any time (RFC 5246 7.4.1.1)."""
        if kind != HandshakeType.HELLO_REQUEST:
            super().check_expected(kind, length)

    def check_protected(self, record: Record) -> None:
        """Nothing is protected yet."""

    def ignores_change_cipher_spec(self, record: Record) -> bool:
        """Drop the ChangeCipherSpec with which a TLS 1.3 server quiets middleboxes (RFC 9846 5)."""
        if not self.offers_tls13 or record.content != b"\x01":
            return False
        self.c.count_compatibility_ccs()
        return True

    def receive_hello_retry_request(self, retry: HelloRetryRequest) -> None:
        """Hand over to TLS 1.3: no other version has this message."""
        if self._version(retry) != Version.TLS13:
            raise IllegalParameter("a HelloRetryRequest that is not TLS 1.3", "RFC 9846 4.2.4")
        self._start(retry, Version.TLS13)
        handshake = self.c.client13(self.c, self.hello, self.shares)
        self.c.handshake = handshake
        handshake.receive_hello_retry_request(retry)

    def receive_server_hello(self, hello: ServerHello) -> State | None:
        """Check what all versions have in common, then hand over."""
        version = self._version(hello)
        self._start(hello, version)
        if version == Version.TLS13:
            modern = self.c.client13(self.c, self.hello, self.shares)
            self.c.handshake = modern
            modern.receive_server_hello(hello)
            return None
        handshake = self.c.client12(self.c, self.hello)
        self.c.handshake = handshake
        self.c.table = handshake.table
        return handshake.receive_server_hello(hello)

    def _start(self, hello: ServerHello, version: Version) -> None:
        self._check_choice(hello, version)
        self.c.version = version
        self.c.records.version = version
        self.c.cipher_suite = CipherSuite(hello.cipher_suite)
        self.c.facts = self.c.facts.knowing(server_random=hello.random)

    def _version(self, hello: ServerHello) -> Version:
        selected = hello.value(ExtensionType.SUPPORTED_VERSIONS) if self.offers_tls13 else None
        if selected is not None:
            if selected != (Version.TLS13,) or hello.legacy_version != Version.TLS12:
                raise IllegalParameter(f"the server chose version 0x{selected[0]:04x}", "RFC 9846 4.3.1")
            return Version.TLS13
        if hello.legacy_version != Version.TLS12 or Version.TLS12 not in self.c.config.versions:
            raise ProtocolVersion(f"the server chose version 0x{hello.legacy_version:04x}", "RFC 5246 7.4.1.3")
        return Version(hello.legacy_version)

    def _check_choice(self, hello: ServerHello, version: Version) -> None:
        suite = SUITES.get(hello.cipher_suite)
        tls13 = version == Version.TLS13
        clause = "RFC 9846 4.2.3" if tls13 else "RFC 5246 7.4.1.3"
        if hello.cipher_suite not in self.hello.cipher_suites or suite is None:
            raise IllegalParameter(f"the server chose suite 0x{hello.cipher_suite:04x}, which was not offered", clause)
        if (suite.key_exchange is KeyExchange.TLS13) != tls13:
            raise IllegalParameter(f"the server chose a suite that {version.title} does not have", clause)
        if hello.compression_method:
            raise IllegalParameter(f"the server chose compression {hello.compression_method}", clause)
        if tls13:
            return
        offered = {e.type for e in self.hello.extensions}
        for extension in hello.extensions:
            if extension.type not in offered:
                raise UnsupportedExtension(
                    f"the server answers {extension_name(extension.type)}, which was not offered", "RFC 5246 7.4.1.4"
                )

    def sent(self, message: AnyMessage, raw: bytes) -> State | None:
        """Before the server chose, only ClientHello is sent."""
        if message.name != ClientHello.name:
            raise HandshakeFailure(f"{message.name} before the server chose a version")
        return super().sent(message, raw)
