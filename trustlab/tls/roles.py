"""What a client does alike in both versions, and what a server does: protocol, Evidence, the peer's certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls import attestation, x509
from trustlab.tls.alerts import IllegalParameter, NoApplicationProtocol
from trustlab.tls.extensions import ROLE_C, ROLE_S, AttestationExtension, Extension, push_alpn, push_attestation
from trustlab.tls.handshake import Handshake
from trustlab.tls.messages import attestation_of
from trustlab.tls.registry import ExtensionType

if TYPE_CHECKING:
    from trustlab.tls.messages import ClientHello, EncryptedExtensions, ServerHello
    from trustlab.tls.ports import ClientConnection, ServerConnection
    from trustlab.tls.x509 import PeerCertificate


class ClientRole(Handshake):
    """A client whose server has answered: it takes the answers to its `hello`."""

    c: ClientConnection
    hello: ClientHello
    own = "client"
    peer = "server"

    def take_protocol(self, message: ServerHello | EncryptedExtensions) -> None:
        """Take the application protocol that the server chose."""
        chosen = message.value(ExtensionType.ALPN)
        if chosen is None:
            return
        if len(chosen) != 1 or chosen[0] not in self.hello.value(ExtensionType.ALPN):
            raise IllegalParameter("the server chose an application protocol that was not offered", "RFC 7301 3.2")
        self.c.alpn = chosen[0].decode("utf-8", "replace")

    def check_demand(self, asked: AttestationExtension, answer: AttestationExtension | None) -> None:
        """Refuse a server that does not offer the Evidence that this client demands."""
        attestation.check_demand(asked, answer, tls13=self.tls13)

    def take_attestation(self, message: ServerHello | EncryptedExtensions) -> None:
        """Take what the server answers about Evidence: whose it will give, and whose it wants."""
        asked = attestation_of(self.hello)
        if asked is None:
            return
        answer: AttestationExtension | None = message.value(ExtensionType.ATTESTATION)
        self.check_demand(asked, answer)
        if answer is not None:
            attestation.check_answer(asked, answer)
            self.c.facts = self.c.facts.knowing(nonce_S=answer.nonce)
            self.takes_evidence = bool(answer.offered & ROLE_S)
            self.gives_evidence = bool(answer.demanded & ROLE_C)

    def checked_server(self, chain: tuple[bytes, ...]) -> PeerCertificate:
        """Return the server's leaf; its chain leads to a trusted root and its name is the one asked for."""
        self.check_chain_length(chain)
        certificate = x509.peer_certificate(chain[0])
        self.c.config.check_chain(certificate, chain, self.c.config.server_name or "")
        return certificate


class ServerRole(Handshake):
    """A server that answers a ClientHello."""

    c: ServerConnection
    own = "server"
    peer = "client"
    answer: AttestationExtension | None = None
    """What this server answers about Evidence."""

    def choose_protocol(self, hello: ClientHello) -> None:
        """Choose the first configured application protocol that the client offers, if both name any."""
        offered, own = hello.value(ExtensionType.ALPN), self.c.config.alpn
        if offered is None or not own:
            return
        self.c.alpn = next((protocol for protocol in own if protocol.encode() in offered), "")
        if not self.c.alpn:
            raise NoApplicationProtocol("no application protocol in common", "RFC 7301 3.2")

    def agree_on_evidence(self, hello: ClientHello) -> None:
        """Decide whose Evidence is given and whose is wanted."""
        asked = attestation.asked(self.c.config, hello)
        self.answer = attestation.server_answer(self.c.config, asked, tls13=self.tls13)
        if asked is not None:
            self.c.facts = self.c.facts.knowing(nonce_C=asked.nonce)
        if self.answer is not None:
            self.gives_evidence = bool(self.answer.offered & ROLE_S)
            self.takes_evidence = bool(self.answer.demanded & ROLE_C)

    def answers(self, hello: ClientHello) -> list[Extension]:
        """Return the answers that both versions have, and none that the client did not ask for."""
        found: list[Extension] = []
        if self.c.server_name and self.c.config.acknowledge_server_name:
            found.append(Extension(ExtensionType.SERVER_NAME))
        if self.c.alpn:
            found.append(Extension(ExtensionType.ALPN, push_alpn([self.c.alpn.encode()])))
        if self.answer is not None:
            found.append(Extension(ExtensionType.ATTESTATION, push_attestation(self.answer)))
        return found + [e for e in self.c.config.extensions if hello.extension(e.type) is not None]

    def checked_client(self, chain: tuple[bytes, ...]) -> PeerCertificate:
        """Return the client's leaf; its chain leads to a trusted root and its key may sign."""
        self.check_chain_length(chain)
        certificate = x509.peer_certificate(chain[0])
        self.c.config.check_chain(certificate, chain, None)
        self.c.config.check_usage(certificate, "digital_signature")
        return certificate
