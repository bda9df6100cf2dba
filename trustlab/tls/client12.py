"""The client of TLS 1.2 from ServerHello on (RFC 5246 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls import attestation, groups, keys
from trustlab.tls.alerts import (
    DecodeError,
    HandshakeFailure,
    IllegalParameter,
    UnsupportedCertificate,
    UnsupportedExtension,
)
from trustlab.tls.events import (
    ChosenPreMasterSecret,
    PreMasterSecretReady,
)
from trustlab.tls.handshake import octets_or_alert
from trustlab.tls.handshake12 import Handshake12
from trustlab.tls.messages import Certificate, ClientKeyExchange, HelloRequest
from trustlab.tls.messages.base import KeyExchange
from trustlab.tls.messages.hello import DOWNGRADE_TLS11, DOWNGRADE_TLS12
from trustlab.tls.registry import ClientCertificateType, ExtensionType, Group, HandshakeType, Version
from trustlab.tls.roles import ClientRole
from trustlab.tls.schedule12 import PMS_LENGTH
from trustlab.tls.states import CLIENT12, State

if TYPE_CHECKING:
    from trustlab.tls.messages import (
        CertificateRequest,
        ClientHello,
        Finished,
        ServerHello,
        ServerHelloDone,
        ServerKeyExchange,
        SupplementalData,
    )
    from trustlab.tls.messages.base import Message
    from trustlab.tls.messages.other import ChangeCipherSpec
    from trustlab.tls.ports import ClientConnection, Step
    from trustlab.tls.x509 import PeerCertificate


class Client12(Handshake12, ClientRole):
    """A TLS 1.2 client that has its ServerHello."""

    c: ClientConnection
    table = CLIENT12

    def __init__(self, connection: ClientConnection, hello: ClientHello) -> None:
        super().__init__(connection, hello)
        self.config = connection.config
        self.request: CertificateRequest | None = None
        self._peer_share = (0, b"")
        self._exchange = b""

    # What the server says

    def handle_out_of_band(self, message: Message | ChangeCipherSpec) -> bool:
        """Ignore a HelloRequest during the handshake, refuse it afterwards (RFC 5246 7.4.1.1)."""
        if not isinstance(message, HelloRequest):
            return False
        if self.connected:
            self.c.warn_no_renegotiation()
        return True

    def check_expected(self, kind: int, length: int) -> None:
        """Let a HelloRequest come at any time (RFC 5246 7.4.1.1)."""
        if kind != HandshakeType.HELLO_REQUEST:
            super().check_expected(kind, length)

    def receive_server_hello(self, hello: ServerHello) -> State:
        """Take the server's choice."""
        if hello.session_id and hello.session_id == self.hello.session_id:
            raise IllegalParameter("the server resumes a session that does not exist", "RFC 5246 7.4.1.3")
        self.take_choice(hello)
        self.take_attestation(hello)
        return State.EXPECT_SUPPLEMENTAL_DATA if self.takes_evidence else State.EXPECT_CERTIFICATE

    def take_choice(self, hello: ServerHello) -> None:
        """Take the cipher suite and the answers to the extensions."""
        self.choose_suite()
        if Version.TLS13 in self.config.versions and hello.random[24:] in {DOWNGRADE_TLS12, DOWNGRADE_TLS11}:
            raise IllegalParameter(
                "the server can speak TLS 1.3, but somebody made it fall back to TLS 1.2", "RFC 9846 4.2.3"
            )
        for extension in hello.extensions:
            hello.value(extension.type)
        if hello.value(ExtensionType.RENEGOTIATION_INFO) != b"":
            raise HandshakeFailure("the server does not support secure renegotiation", "RFC 5746 3.4")
        self.choose_master_secret(extended=hello.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None)
        self.take_protocol(hello)
        formats = hello.value(ExtensionType.EC_POINT_FORMATS)
        if formats is not None and 0 not in formats:
            raise IllegalParameter("the server does not take uncompressed points", "RFC 8422 5.2")
        for kind in (ExtensionType.SIGNATURE_ALGORITHMS, ExtensionType.SUPPORTED_VERSIONS, ExtensionType.KEY_SHARE):
            if hello.extension(kind) is not None:
                raise UnsupportedExtension(f"{kind.name.lower()} in a TLS 1.2 ServerHello", "RFC 9846 4.3")

    def receive_supplemental_data(self, message: SupplementalData) -> None:
        """Keep the server's Evidence: the key it names comes later."""
        self.keep_evidence(attestation.evidence_in(message))

    def receive_certificate(self, message: Certificate) -> State:
        """Check chain and name, and that the key fits the cipher suite (RFC 5246 7.4.2)."""
        chain = message.certificate_list
        if not chain:
            raise DecodeError("a server without a certificate", "RFC 5246 7.4.2")
        certificate = self.checked_server(chain)
        key = certificate.key
        rsa = self.parameters.key_exchange is KeyExchange.RSA
        if key.authentication != self.parameters.authentication or (rsa and key.kind != "RSA"):
            raise UnsupportedCertificate(
                f"a certificate with a key for {key.kind} in {self.suite.name}", "RFC 5246 7.4.2"
            )
        if not key.suits_groups(self.hello.value(ExtensionType.SUPPORTED_GROUPS)):
            raise IllegalParameter(
                f"the server's key is on {key.key.curve.name}, which is not among the groups offered", "RFC 8422 5.3"
            )
        self.config.check_usage(certificate, "key_encipherment" if rsa else "digital_signature")
        self.know_peer(certificate, chain)
        return State.EXPECT_REQUEST_OR_DONE if rsa else State.EXPECT_SERVER_KEY_EXCHANGE

    def _certificate(self) -> PeerCertificate:
        if self.peer_certificate is None:
            raise LookupError("no server certificate yet")
        return self.peer_certificate

    def receive_server_key_exchange(self, message: ServerKeyExchange) -> None:
        """Check the signature over the server's ephemeral key (RFC 8422 5.4)."""
        offered = self.hello.value(ExtensionType.SUPPORTED_GROUPS) or ()
        usable = message.named_curve in groups.SUPPORTED and message.named_curve != Group.X25519MLKEM768
        if message.named_curve not in offered or not usable:
            raise IllegalParameter(f"the server chose group 0x{message.named_curve:04x}", "RFC 8422 5.4")
        if message.scheme not in self.config.signature_schemes:
            raise IllegalParameter(f"the server signed with 0x{message.scheme:04x}, not offered", "RFC 5246 7.4.3")
        signed = b"".join(self.randoms) + message.parameters
        keys.verify(self._certificate().key, message.scheme, message.signature, signed, tls13=False)
        self._peer_share = (message.named_curve, message.public)

    def receive_certificate_request(self, message: CertificateRequest) -> None:
        """Note that the server wants a certificate."""
        self.request = message

    def receive_server_hello_done(self, _message: ServerHelloDone) -> State:
        """Begin the client's flight, for the server's is complete."""
        self.c.check_end_of_flight()
        plan: list[Step] = [Client12.judge_evidence, Client12.prepare_secret]
        if self.gives_evidence:
            plan += [Client12.want_evidence]
        if self.request is not None:
            plan += [Client12.send_certificate]
        plan += [Client12.send_client_key_exchange]
        if self.request is not None and self._can_sign(self.request):
            plan += [Client12.sign_certificate_verify]
            certificate = self.config.certificate
            if certificate is not None:
                self.c.facts = self.c.facts.knowing(spki_C=self.config.spki)
        self.c.plan.extend([*plan, Client12.send_change_cipher_spec, Client12.send_finished])
        if self.gives_evidence:
            return State.SEND_SUPPLEMENTAL_DATA
        return State.SEND_CERTIFICATE if self.request is not None else State.SEND_CLIENT_KEY_EXCHANGE

    # What the client answers

    def _can_sign(self, request: CertificateRequest) -> bool:
        """Choose how to sign for the client certificate; False if there is none that the server takes."""
        key = self.config.certified_key
        if key is None or not key.suits_groups(self.hello.value(ExtensionType.SUPPORTED_GROUPS)):
            return False
        rsa = key.authentication == "RSA"
        wanted = ClientCertificateType.RSA_SIGN if rsa else ClientCertificateType.ECDSA_SIGN
        if wanted not in request.certificate_types:
            return False
        offered = request.supported_signature_algorithms
        self._scheme = keys.common_scheme(self.config.signature_schemes, key.schemes12, offered)
        return bool(self._scheme)

    def prepare_secret(self) -> None:
        """Draw the pre-master secret and encrypt it, or run the key agreement."""
        if self.parameters.key_exchange is KeyExchange.ECDHE:
            group, peer = self._peer_share
            self._exchange, shared = groups.respond(None, group, peer)
            self.set_pre_master_secret(shared, "ecdhe_private", "server_public")
            return
        drawn = self.hello.legacy_version.to_bytes(2, "big") + self.config.random(PMS_LENGTH - 2)
        if self.config.intercept:
            self.c.ask(PreMasterSecretReady(drawn), Client12.secret_ready)
            self._pms = drawn
        else:
            self._take_secret(drawn, b"")

    def secret_ready(self, answer: object) -> None:
        """Go on with the secret the program wants."""
        if answer is None:
            self._take_secret(self._pms, b"")
        elif isinstance(answer, ChosenPreMasterSecret):
            self._take_secret(answer.pms, answer.epms)
        else:
            self._take_secret(octets_or_alert(answer, "PreMasterSecretReady"), b"")

    def _take_secret(self, pms: bytes, epms: bytes) -> None:
        self._exchange = epms or keys.encrypt(self._certificate().key, pms)
        self.c.facts = self.c.facts.knowing(epms=self._exchange)
        self.set_pre_master_secret(pms, "client_version", "46 random octets")

    def sent_supplemental_data(self, _message: SupplementalData) -> State:
        """Go on with Certificate if the server asked for it."""
        return State.SEND_CERTIFICATE if self.request is not None else State.SEND_CLIENT_KEY_EXCHANGE

    def send_certificate(self) -> None:
        """Send the client's chain, or an empty one (RFC 5246 7.4.6)."""
        self.c.emit(Certificate(self.config.certificates if self._scheme else ()))

    def send_client_key_exchange(self) -> None:
        """Send the client's half of the secret."""
        self.c.emit(ClientKeyExchange(self._exchange, self.parameters.key_exchange))

    def sent_client_key_exchange(self, message: ClientKeyExchange) -> State:
        """Derive the keys: the transcript now goes through ClientKeyExchange."""
        if self.parameters.key_exchange is KeyExchange.RSA:
            self.c.facts = self.c.facts.knowing(epms=message.exchange)
        self.derive_master_secret()
        return State.SEND_CERTIFICATE_VERIFY if self._scheme else State.SEND_CHANGE_CIPHER_SPEC

    def receive_finished(self, message: Finished) -> State:
        self.c.check_end_of_flight()
        self.check_finished(message)
        return State.CONNECTED
