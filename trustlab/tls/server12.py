"""The server of TLS 1.2 from ClientHello on (RFC 5246 7.3)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from trustlab.tls import attestation, groups, keys, x509
from trustlab.tls.alerts import (
    HandshakeFailure,
    IllegalParameter,
    InternalError,
)
from trustlab.tls.events import KeyOperationWanted
from trustlab.tls.extensions import Extension
from trustlab.tls.handshake import signature_or_alert
from trustlab.tls.handshake12 import Handshake12
from trustlab.tls.messages import (
    Certificate,
    CertificateRequest,
    ClientHello,
    ServerHello,
    ServerHelloDone,
    ServerKeyExchange,
    attestation_of,
)
from trustlab.tls.messages.base import KeyExchange
from trustlab.tls.messages.hello import DOWNGRADE_TLS12
from trustlab.tls.registry import (
    CipherSuite,
    ClientCertificateType,
    ExtensionType,
    Group,
    HandshakeType,
    SignatureScheme,
    Version,
)
from trustlab.tls.roles import ServerRole
from trustlab.tls.schedule12 import PMS_LENGTH
from trustlab.tls.states import SERVER12, State
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from trustlab.tls.groups import Share
    from trustlab.tls.messages import ClientKeyExchange, Finished, SupplementalData
    from trustlab.tls.messages.base import Message
    from trustlab.tls.messages.other import ChangeCipherSpec
    from trustlab.tls.ports import ServerConnection, Step

SHA1_SCHEMES = (SignatureScheme.RSA_PKCS1_SHA1, SignatureScheme.ECDSA_SHA1)


class Server12(Handshake12, ServerRole):
    """A TLS 1.2 server that has its ClientHello."""

    c: ServerConnection
    table = SERVER12
    session_id = b""
    """The session id in ServerHello: empty, because this session will not be resumed (RFC 5246 7.4.1.3)."""

    def __init__(self, connection: ServerConnection, hello: ClientHello) -> None:
        super().__init__(connection, hello)
        self.config = connection.config
        self._share: Share | None = None
        self._group = 0
        self._exchange = b""
        self._substitute = b""

    # ClientHello and the choices it leads to

    def handle_out_of_band(self, message: Message | ChangeCipherSpec) -> bool:
        """Refuse renegotiation, which a ClientHello after the handshake asks for (RFC 5746 4.5)."""
        if isinstance(message, ClientHello) and self.c.handshake_complete:
            self.c.warn_no_renegotiation()
            return True
        return False

    def check_expected(self, kind: int, length: int) -> None:
        """Let a connected server receive a ClientHello, in order to refuse it."""
        if not (kind == HandshakeType.CLIENT_HELLO and self.c.handshake_complete):
            super().check_expected(kind, length)

    def receive_client_hello(self, hello: ClientHello) -> None:
        """Choose suite, group, signature scheme and protocol; plan the flight."""
        config = self.config
        self._check_extensions(hello)
        self.c.check_end_of_flight()
        self.agree_on_evidence(hello)
        self.c.cipher_suite = self._choose(hello)
        self.choose_suite()
        offered = hello.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None
        self.choose_master_secret(extended=offered and config.extended_master_secret)
        self.choose_protocol(hello)
        self.plan_flight()

    def plan_flight(self) -> None:
        """Plan what the server says first, from ServerHello to ServerHelloDone."""
        plan: list[Step] = [Server12.send_server_hello]
        plan += [Server12.want_evidence] if self.gives_evidence else []
        plan += [Server12.send_certificate]
        plan += [Server12.sign_server_key_exchange] if self.parameters.key_exchange is KeyExchange.ECDHE else []
        plan += [Server12.send_certificate_request] if self.config.client_certificate != "none" else []
        self.c.plan.extend([*plan, Server12.send_server_hello_done])

    def _check_extensions(self, hello: ClientHello) -> None:
        renegotiation = hello.value(ExtensionType.RENEGOTIATION_INFO)
        if renegotiation:
            raise HandshakeFailure("a first ClientHello with renegotiation_info of another handshake", "RFC 5746 3.6")
        formats = hello.value(ExtensionType.EC_POINT_FORMATS)
        if formats is not None and 0 not in formats:
            raise IllegalParameter("the client does not take uncompressed points", "RFC 8422 5.1.2")

    def _choose(self, hello: ClientHello) -> CipherSuite:
        """Return the first configured suite that the client offers and this side's key can serve (RFC 5246 7.4.1.3)."""
        certificate, key = self.config.certificate, self.config.certified_key
        if certificate is None or key is None:
            raise InternalError("this server has no certificate")
        for number in self.config.cipher_suites:
            suite = SUITES[number]
            if number not in hello.cipher_suites or suite.authentication != key.authentication:
                continue
            rsa = suite.key_exchange is KeyExchange.RSA
            if (rsa and key.kind != "RSA") or not key.suits_groups(hello.value(ExtensionType.SUPPORTED_GROUPS)):
                continue
            if not x509.allows(certificate, "key_encipherment" if rsa else "digital_signature"):
                continue
            if rsa or (self._choose_group(hello) and self._choose_scheme(hello, key.schemes12)):
                return CipherSuite(number)
        raise HandshakeFailure("no cipher suite in common that the server's key can serve", "RFC 5246 7.4.1.3")

    def _choose_group(self, hello: ClientHello) -> bool:
        """Choose the group; a client that names none takes secp256r1 (RFC 8422 4)."""
        named = hello.value(ExtensionType.SUPPORTED_GROUPS)
        offered = (Group.SECP256R1,) if named is None else named
        usable = [g for g in self.config.groups if g in offered and g != Group.X25519MLKEM768]
        self._group = usable[0] if usable else 0
        return bool(usable)

    def _choose_scheme(self, hello: ClientHello, able: tuple[SignatureScheme, ...]) -> bool:
        """Choose the signature scheme; a client without the extension means SHA-1, which is refused (7.4.1.4.1)."""
        offered = hello.value(ExtensionType.SIGNATURE_ALGORITHMS)
        self._scheme = keys.common_scheme(self.config.signature_schemes, able, offered or SHA1_SCHEMES)
        return bool(self._scheme)

    # The server's flight

    def send_server_hello(self) -> None:
        """Tell the client what was chosen."""
        random = self.config.random(32)
        if Version.TLS13 in self.config.versions:
            random = random[:24] + DOWNGRADE_TLS12
        answers = tuple(self.answers(self.hello))
        # RFC 5246 7.4.1.3: an empty block is more than a client without extensions expects
        hello = ServerHello(random, self.session_id, self.suite, answers, has_extensions=bool(answers))
        self.c.emit(hello)

    def answers(self, hello: ClientHello) -> list[Extension]:
        """Return the answers to the client's extensions, and nothing it did not ask for (RFC 5246 7.4.1.4)."""
        found: list[Extension] = []
        scsv = CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in hello.cipher_suites
        if scsv or hello.extension(ExtensionType.RENEGOTIATION_INFO) is not None:
            found.append(Extension(ExtensionType.RENEGOTIATION_INFO, b"\x00"))
        if self.extended:
            found.append(Extension(ExtensionType.EXTENDED_MASTER_SECRET))
        if self.parameters.key_exchange is KeyExchange.ECDHE and hello.extension(ExtensionType.EC_POINT_FORMATS):
            found.append(Extension(ExtensionType.EC_POINT_FORMATS, b"\x01\x00"))
        return found + super().answers(hello)

    def sent_server_hello(self, hello: ServerHello) -> State:
        """Remember what was really sent: the program may have replaced the message."""
        self.c.facts = self.c.facts.knowing(server_random=hello.random, spki_S=self.config.spki)
        answer = attestation_of(hello)
        if answer is not None:
            self.c.facts = self.c.facts.knowing(nonce_S=answer.nonce)
        return State.SEND_SUPPLEMENTAL_DATA if self.gives_evidence else State.SEND_CERTIFICATE

    def send_certificate(self) -> None:
        """Send the server's chain."""
        self.c.emit(Certificate(self.config.certificates))

    def sent_certificate(self, _message: Certificate) -> State:
        """Go on with what the suite and the configuration demand."""
        if self.parameters.key_exchange is KeyExchange.ECDHE:
            return State.SEND_SERVER_KEY_EXCHANGE
        return self._after_key_exchange()

    def _after_key_exchange(self) -> State:
        return (
            State.SEND_CERTIFICATE_REQUEST if self.config.client_certificate != "none" else State.SEND_SERVER_HELLO_DONE
        )

    def sign_server_key_exchange(self) -> None:
        """Draw the ephemeral key and ask for the signature over it (RFC 8422 5.4)."""
        self._share = groups.generate(self._group)
        unsigned = ServerKeyExchange(self._group, self._share.public, self._scheme, b"")
        data = b"".join(self.randoms) + unsigned.parameters
        self.c.ask(KeyOperationWanted("sign", self.config.key, data, self._scheme), Server12.server_key_exchange_signed)

    def server_key_exchange_signed(self, answer: object) -> None:
        """Send the ephemeral key."""
        signature = signature_or_alert(answer, "the server's key")
        public = self._share.public if self._share else b""
        self.c.emit(ServerKeyExchange(self._group, public, self._scheme, signature))

    def sent_server_key_exchange(self, _message: ServerKeyExchange) -> State:
        """Go on with what the configuration demands."""
        return self._after_key_exchange()

    def send_certificate_request(self) -> None:
        """Ask for a client certificate by any root this server trusts (RFC 5246 7.4.4)."""
        types = (ClientCertificateType.RSA_SIGN, ClientCertificateType.ECDSA_SIGN)
        self.c.emit(CertificateRequest(types, self.config.signature_schemes, self.config.authorities))

    def send_server_hello_done(self) -> None:
        """End the flight."""
        self.c.emit(ServerHelloDone())

    def sent_server_hello_done(self, _message: ServerHelloDone) -> State:
        """Wait for what was agreed on."""
        return State.EXPECT_SUPPLEMENTAL_DATA if self.takes_evidence else self._after_evidence()

    def _after_evidence(self) -> State:
        return (
            State.EXPECT_CERTIFICATE if self.config.client_certificate != "none" else State.EXPECT_CLIENT_KEY_EXCHANGE
        )

    # The client's flight

    def receive_supplemental_data(self, message: SupplementalData) -> State:
        """Keep the client's Evidence: it can be judged after Finished only."""
        self.keep_evidence(attestation.evidence_in(message))
        return self._after_evidence()

    def receive_certificate(self, message: Certificate) -> None:
        """Check the client's chain, which may be empty unless it was required (RFC 5246 7.4.6)."""
        chain = message.certificate_list
        if not chain:
            if self.config.client_certificate == "require":
                raise HandshakeFailure("a client without a certificate where one is required", "RFC 5246 7.4.6")
            return
        certificate = self.checked_client(chain)
        if not certificate.key.suits_groups(self.hello.value(ExtensionType.SUPPORTED_GROUPS)):
            curve = certificate.key.key.curve.name
            raise IllegalParameter(f"the client's key is on {curve}, which is not among its groups", "RFC 8422 5.1.1")
        self.know_peer(certificate, chain)

    def receive_client_key_exchange(self, message: ClientKeyExchange) -> State:
        """Take the client's half of the secret."""
        if self.parameters.key_exchange is KeyExchange.RSA:
            self._exchange = message.exchange
            self.c.facts = self.c.facts.knowing(epms=message.exchange)
            self.c.plan.appendleft(Server12.decrypt_secret)
        elif self._share is not None:
            self.set_pre_master_secret(self._share.finish(message.exchange), "ecdhe_private", "client_public")
            self.c.plan.appendleft(Server12.derive_master_secret)
        return State.EXPECT_CERTIFICATE_VERIFY if self.peer_certificate else State.EXPECT_CHANGE_CIPHER_SPEC

    def decrypt_secret(self) -> None:
        """Ask for the decryption; the substitute for a failure is drawn before (RFC 5246 7.4.7.1)."""
        self._substitute = self.config.random(PMS_LENGTH)
        self.c.ask(KeyOperationWanted("rsa-decrypt", self.config.key, self._exchange), Server12.secret_decrypted)

    def secret_decrypted(self, answer: object) -> None:
        """Take the pre-master secret, or random octets if anything is wrong with it: nobody learns which.

        Bleichenbacher's attack needs that difference. The version inside must be that of the ClientHello, not the
        negotiated one.
        """
        found = bytes(answer) if isinstance(answer, bytes | bytearray) else b""
        version = self.hello.legacy_version.to_bytes(2, "big")
        padded = found[:PMS_LENGTH].ljust(PMS_LENGTH, b"\0")
        good = hmac.compare_digest(padded[:2], version) & hmac.compare_digest(
            len(found).to_bytes(4, "big"), PMS_LENGTH.to_bytes(4, "big")
        )
        keep = int.from_bytes(bytes([-int(good) & 0xFF]) * PMS_LENGTH, "big")  # all ones or all zeros
        substitute = int.from_bytes(self._substitute, "big")
        secret = (int.from_bytes(padded, "big") & keep | substitute & ~keep).to_bytes(PMS_LENGTH, "big")
        self._substitute = b""
        self.set_pre_master_secret(secret, "epms", "private key")
        self.derive_master_secret()

    def receive_finished(self, message: Finished) -> State:
        """Check the client's Finished; its Evidence is judged before anything more is said."""
        self.c.check_end_of_flight()
        self.check_finished(message)
        self.c.plan.extend([Server12.judge_evidence, Server12.send_change_cipher_spec, Server12.send_finished])
        return State.SEND_CHANGE_CIPHER_SPEC
