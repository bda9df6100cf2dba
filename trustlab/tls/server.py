"""The server before the version is known: ClientHello in, then the handshake of the version both speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls.alerts import IllegalParameter, InappropriateFallback, ProtocolVersion, UnrecognizedName
from trustlab.tls.connection import Connection
from trustlab.tls.extensions import parse_extension
from trustlab.tls.handshake import Handshake
from trustlab.tls.registry import CipherSuite, ExtensionType, Version
from trustlab.tls.second_hello import refuse_ssl30
from trustlab.tls.server12 import Server12
from trustlab.tls.server13 import Server13

if TYPE_CHECKING:
    from trustlab.tls.config import ServerConfig
    from trustlab.tls.messages import ClientHello
    from trustlab.tls.states import State

ONLY_TLS12 = {
    ExtensionType.EC_POINT_FORMATS,
    ExtensionType.ENCRYPT_THEN_MAC,
    ExtensionType.EXTENDED_MASTER_SECRET,
    ExtensionType.RENEGOTIATION_INFO,
}
ONLY_TLS13 = {
    ExtensionType.COOKIE,
    ExtensionType.PSK_KEY_EXCHANGE_MODES,
    ExtensionType.CERTIFICATE_AUTHORITIES,
    ExtensionType.POST_HANDSHAKE_AUTH,
    ExtensionType.KEY_SHARE,
}
"""Extensions that mean nothing in the chosen version are ignored unread, like unknown ones (RFC 9846 4.2.2)."""


class Server(Connection):
    """The server's end of a TLS connection; used like `Client`."""

    role = "server"
    config: ServerConfig

    server12: type[Server12] = Server12
    server13: type[Server13] = Server13
    """The handshakes after the choice of a version."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config, (self.server13 if Version.TLS13 in config.versions else self.server12).table)
        self.handshake = ServerStart(self)


class ServerStart(Handshake):
    """Takes the ClientHello and hands over to the handshake of the version that both speak."""

    c: Server

    def receive_client_hello(self, hello: ClientHello) -> State | None:
        """Check what all versions have in common, choose the version, hand over."""
        version = self._version(hello)
        if CipherSuite.TLS_FALLBACK_SCSV in hello.cipher_suites and version < max(self.c.config.versions):
            raise InappropriateFallback("the client fell back to a lower version than both speak", "RFC 7507 3")
        self._read_extensions(hello, version)
        self.c.version = version
        self.c.records.version = version
        self.c.facts = self.c.facts.knowing(client_random=hello.random)
        name = hello.value(ExtensionType.SERVER_NAME)
        self.c.server_name = name.decode("ascii", "replace") if name else ""
        names = self.c.config.names
        if names and name and self.c.server_name.lower() not in names:
            raise UnrecognizedName(f"the client wants {self.c.server_name}, which is not served here", "RFC 6066 3")
        if version == Version.TLS13:
            modern = self.c.server13(self.c)
            self.c.handshake = modern
            return modern.receive_client_hello(hello)
        handshake = self.c.server12(self.c, hello)
        self.c.handshake = handshake
        self.c.table = handshake.table
        handshake.receive_client_hello(hello)
        return None

    def _version(self, hello: ClientHello) -> Version:
        """Choose the version (RFC 9846 4.3.1, RFC 5246 E.1)."""
        refuse_ssl30(hello)
        offered = hello.value(ExtensionType.SUPPORTED_VERSIONS)
        if offered is not None:
            common = [v for v in self.c.config.versions if v in offered]
            if not common:
                raise ProtocolVersion("the client offers no version this side speaks", "RFC 9846 4.3.1")
            return self._checked(hello, max(common))
        if hello.legacy_version < Version.TLS12 or Version.TLS12 not in self.c.config.versions:
            raise ProtocolVersion(f"the client offers version 0x{hello.legacy_version:04x} at most", "RFC 5246 E.1")
        return self._checked(hello, Version.TLS12)

    def _checked(self, hello: ClientHello, version: Version) -> Version:
        if 0 not in hello.compression_methods:
            raise IllegalParameter("a ClientHello without the null compression method", "RFC 5246 7.4.1.2")
        return version

    def _read_extensions(self, hello: ClientHello, version: Version) -> None:
        """Read every extension that this server knows, used or not, so that a malformed one is refused."""
        unread = ONLY_TLS12 if version == Version.TLS13 else ONLY_TLS13
        attests = self.c.config.attestation is not None
        for extension in hello.extensions:
            if extension.type not in unread and (attests or extension.type != ExtensionType.ATTESTATION):
                parse_extension(extension, hello.name)
