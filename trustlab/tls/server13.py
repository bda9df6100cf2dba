"""The server of TLS 1.3 from ClientHello on (RFC 9846 A.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls import groups, keys
from trustlab.tls.alerts import (
    CertificateRequired,
    HandshakeFailure,
    IllegalParameter,
    InsufficientSecurity,
    MissingExtension,
)
from trustlab.tls.client13 import entries
from trustlab.tls.extensions import (
    AttestationExtension,
    Extension,
    KeyShareEntry,
    push_attestation,
    push_authorities,
    push_share,
    push_uint16_list,
)
from trustlab.tls.handshake13 import Handshake13
from trustlab.tls.messages import (
    Certificate13,
    CertificateRequest13,
    EncryptedExtensions,
    HelloRetryRequest,
    ServerHello,
)
from trustlab.tls.messages.hello import HELLO_RETRY_RANDOM
from trustlab.tls.registry import CipherSuite, ExtensionType, Group
from trustlab.tls.roles import ServerRole
from trustlab.tls.second_hello import check_second
from trustlab.tls.states import SERVER13, State
from trustlab.tls.suites import TLS13_SUITES

if TYPE_CHECKING:
    from trustlab.tls.messages import ClientHello, Finished
    from trustlab.tls.ports import ServerConnection, Step

REQUIRED = (
    ExtensionType.SUPPORTED_VERSIONS,
    ExtensionType.SIGNATURE_ALGORITHMS,
    ExtensionType.SUPPORTED_GROUPS,
    ExtensionType.KEY_SHARE,
)
"""What every ClientHello of TLS 1.3 without a pre-shared key has, the second too (RFC 9846 9.2)."""


class Server13(Handshake13, ServerRole):
    """A TLS 1.3 server that has a ClientHello."""

    c: ServerConnection
    table = SERVER13

    def __init__(self, connection: ServerConnection) -> None:
        super().__init__(connection)
        self.config = connection.config
        self.hello: ClientHello | None = None
        self._group = 0
        self._cookie: bytes | None = None
        self._share: KeyShareEntry | None = None

    @property
    def requests_certificate(self) -> bool:
        """Whether the client is asked for a certificate; its Evidence has no other place."""
        return self.config.client_certificate != "none" or self.takes_evidence

    # The hellos

    def receive_client_hello(self, hello: ClientHello) -> State:
        """Choose suite and group; ask again if there is no key share for it."""
        first = self.hello
        self.c.check_end_of_flight()
        self._check_form(hello)
        if first is not None:
            check_second(first, hello, self._cookie)
        self.hello = hello
        if first is None:
            self.c.cipher_suite = self._choose_suite(hello)
            self.choose_suite()
        shares: tuple[KeyShareEntry, ...] = hello.value(ExtensionType.KEY_SHARE)
        self._choose_group(hello, shares)
        early = hello.extension(ExtensionType.EARLY_DATA) is not None
        self.c.records.skip_early_data = self.config.limits.early_data if early else 0
        if self._share is None:
            if first is not None:
                raise IllegalParameter("a second ClientHello without the key share asked for", "RFC 9846 4.3.8")
            self.c.plan.append(Server13.send_hello_retry_request)
            return State.SEND_HELLO_RETRY_REQUEST
        if first is not None and len(shares) != 1:
            raise IllegalParameter("a second ClientHello with more than the key share asked for", "RFC 9846 4.3.8")
        self._agree(hello)
        self.c.transcript.choose(self.hash_name)
        self.c.plan.append(Server13.send_server_hello)
        return State.SEND_SERVER_HELLO

    def _check_form(self, hello: ClientHello) -> None:
        """Check what RFC 9846 4.2.2, 4.3 and 9.2 demand of every ClientHello."""
        if hello.compression_methods != (0,):
            raise IllegalParameter("a TLS 1.3 ClientHello with compression", "RFC 9846 4.2.2")
        kinds = [extension.type for extension in hello.extensions]
        if ExtensionType.PRE_SHARED_KEY in kinds:
            if kinds[-1] != ExtensionType.PRE_SHARED_KEY:
                raise IllegalParameter("pre_shared_key is not the last extension", "RFC 9846 4.3.11")
            if ExtensionType.PSK_KEY_EXCHANGE_MODES not in kinds:
                raise MissingExtension("pre_shared_key without psk_key_exchange_modes", "RFC 9846 4.3.9")
        for kind in REQUIRED:
            if kind not in kinds:
                raise MissingExtension(f"a TLS 1.3 ClientHello without {kind.name.lower()}", "RFC 9846 9.2")
            hello.value(kind)  # a malformed one is a decode_error, whatever else is wrong
        named = hello.value(ExtensionType.SUPPORTED_GROUPS)
        shared = [entry.group for entry in hello.value(ExtensionType.KEY_SHARE)]
        if shared != [group for group in dict.fromkeys(named) if group in shared]:
            raise IllegalParameter("key shares twice, in another order or for groups not offered", "RFC 9846 4.3.8")

    def _choose_suite(self, hello: ClientHello) -> CipherSuite:
        for suite in self.config.cipher_suites:
            if suite in TLS13_SUITES and suite in hello.cipher_suites:
                return CipherSuite(suite)
        raise HandshakeFailure("no TLS 1.3 cipher suite in common", "RFC 9846 4.2.1")

    def _choose_group(self, hello: ClientHello, shares: tuple[KeyShareEntry, ...]) -> None:
        """Choose a group with a share, unless a better one is worth the round trip of asking for it.

        A post-quantum group that the configuration prefers is; among the others none is much better than the next.
        """
        by_group = {entry.group: entry for entry in shares}
        if self._group:
            self._share = by_group.get(self._group)
            return
        offered = hello.value(ExtensionType.SUPPORTED_GROUPS)
        usable = [g for g in self.config.groups if g in offered and g in groups.SUPPORTED]
        if not usable and set(self.config.groups) == {Group.X25519MLKEM768}:
            raise InsufficientSecurity("the client has no post-quantum key agreement", "RFC 9846 4.2.1")
        if not usable:
            raise HandshakeFailure("no group in common", "RFC 9846 4.2.1")
        shared = next((g for g in usable if g in by_group), usable[0])
        self._group = usable[0] if usable[0] in groups.POST_QUANTUM else shared
        self._share = by_group.get(self._group)

    def _agree(self, hello: ClientHello) -> None:
        """Choose the signature scheme, the protocol and the Evidence."""
        offered = hello.value(ExtensionType.SIGNATURE_ALGORITHMS)
        self._scheme = keys.common_scheme(self.config.signature_schemes, self.require_key().schemes13, offered)
        if not self._scheme:
            raise HandshakeFailure("no signature scheme in common that the server's key can serve", "RFC 9846 4.5.1.2")
        self.agree_on_evidence(hello)
        self.choose_protocol(hello)

    def _hello(self) -> ClientHello:
        if self.hello is None:
            raise LookupError("no ClientHello yet")
        return self.hello

    def send_hello_retry_request(self) -> None:
        """Ask for a key share in the chosen group (RFC 9846 4.2.4)."""
        self.c.transcript.restart(self.hash_name)
        versions = Extension(ExtensionType.SUPPORTED_VERSIONS, b"\x03\x04")
        group = Extension(ExtensionType.KEY_SHARE, self._group.to_bytes(2, "big"))
        message = HelloRetryRequest(HELLO_RETRY_RANDOM, self._hello().session_id, self.suite, (versions, group))
        self.c.emit(message)

    def sent_hello_retry_request(self, message: HelloRetryRequest) -> None:
        """Remember what was really sent; send a ChangeCipherSpec for middleboxes if the client wants one."""
        self._cookie = message.extension(ExtensionType.COOKIE)
        if self.compatibility_ccs_due:
            self.c.plan.append(Server13.send_compatibility_ccs)

    def send_server_hello(self) -> None:
        """Answer the key share (RFC 9846 4.2.3)."""
        if self._share is None:
            raise LookupError("no key share to answer")
        own = self.config.ephemeral(self._group) if self.config.ephemeral else None
        public, self._shared = groups.respond(own, self._group, self._share.key_exchange)
        share = Extension(ExtensionType.KEY_SHARE, push_share(KeyShareEntry(self._group, public)))
        versions = Extension(ExtensionType.SUPPORTED_VERSIONS, b"\x03\x04")
        message = ServerHello(self.config.random(32), self._hello().session_id, self.suite, (share, versions))
        self.c.emit(message)

    def sent_server_hello(self, hello: ServerHello) -> None:
        """Remember what was really sent."""
        self.c.facts = self.c.facts.knowing(server_random=hello.random, spki_S=self.config.spki)

    def after_server_hello(self) -> None:
        """Derive the handshake keys and plan the rest of the flight."""
        if self.answer is not None:
            self.c.facts = self.c.facts.knowing(nonce_S=self.answer.nonce)
        self.derive_handshake_secrets(self._shared)
        self._shared = b""
        plan: list[Step] = [Server13.send_compatibility_ccs] if self.compatibility_ccs_due else []
        plan += [Server13.protect, Server13.send_encrypted_extensions]
        if self.requests_certificate:
            plan += [Server13.send_certificate_request]
        if self.gives_evidence:
            plan += [Server13.want_evidence]
        self.c.plan.extend([*plan, Server13.send_certificate, Server13.sign_certificate_verify, Server13.send_finished])

    # The rest of the flight

    def protect(self) -> None:
        """Use the handshake keys in both directions."""
        self.write_with(self._traffic["server"])
        self.read_with(self._traffic["client"])

    def send_encrypted_extensions(self) -> None:
        """Send the answers that the key agreement does not need (RFC 9846 4.4.1)."""
        self.c.emit(EncryptedExtensions(tuple(self.answers(self._hello()))))

    def sent_encrypted_extensions(self, message: EncryptedExtensions) -> State:
        """Remember the nonce that was really sent."""
        answer = message.value(ExtensionType.ATTESTATION)
        if isinstance(answer, AttestationExtension):
            self.c.facts = self.c.facts.knowing(nonce_S=answer.nonce)
        return State.SEND_CERTIFICATE_REQUEST if self.requests_certificate else State.SEND_CERTIFICATE

    def send_certificate_request(self) -> None:
        """Ask for a client certificate, and for Evidence with it (RFC 9846 4.4.2)."""
        schemes = Extension(ExtensionType.SIGNATURE_ALGORITHMS, push_uint16_list(self.config.signature_schemes))
        found = [schemes]
        if self.config.authorities:
            authorities = push_authorities(self.config.authorities)
            found.append(Extension(ExtensionType.CERTIFICATE_AUTHORITIES, authorities))
        if self.takes_evidence and self.answer is not None:
            found.append(Extension(ExtensionType.ATTESTATION, push_attestation(self.answer)))
        self.c.emit(CertificateRequest13(b"", tuple(found)))

    def send_certificate(self) -> None:
        """Send the server's chain, with Evidence at the leaf."""
        self.c.emit(Certificate13(b"", entries(self.config.certificates, self._own_evidence)))

    def sent_finished(self, _message: Finished) -> State:
        """Wait for the client."""
        return State.EXPECT_CERTIFICATE if self.requests_certificate else State.EXPECT_FINISHED

    # The client's flight

    def receive_certificate(self, message: Certificate13) -> State:
        """Check the client's chain, which may be empty unless it was required (RFC 9846 4.5.1.4)."""
        if message.certificate_request_context:
            raise IllegalParameter("a client's Certificate with another context", "RFC 9846 4.5.1")
        solicited = {ExtensionType.ATTESTATION} if self.takes_evidence else set()
        self.check_chain_form(message, solicited)
        if not message.certificate_list:
            if self.config.client_certificate == "require":
                raise CertificateRequired("a client without a certificate where one is required", "RFC 9846 4.5.1.4")
            self.take_evidence(message)
            return State.EXPECT_FINISHED
        chain = tuple(entry.cert_data for entry in message.certificate_list)
        self.know_peer(self.checked_client(chain), chain)
        self.take_evidence(message)
        return State.EXPECT_CERTIFICATE_VERIFY

    def receive_finished(self, message: Finished) -> None:
        self.check_finished(message)

    def after_finished(self) -> None:
        """Switch keys after either Finished; after the client's, judge its Evidence and be done."""
        if not self._peer_finished:
            self.derive_main_secrets()
            self.write_with(self._application["server"])
            return
        self.read_with(self._application["client"])
        self.c.plan.extend([Server13.judge_evidence, Server13.finish])
