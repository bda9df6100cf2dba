"""The client of TLS 1.3 from ServerHello or HelloRetryRequest on (RFC 9846 A.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.octets import Writer
from trustlab.tls import keys
from trustlab.tls.alerts import (
    DecodeError,
    IllegalParameter,
    LocalProtocolError,
    MissingExtension,
    UnsupportedExtension,
)
from trustlab.tls.extensions import (
    Extension,
    KeyShareEntry,
    extension_name,
    push_shares,
)
from trustlab.tls.handshake13 import Handshake13, check_solicited
from trustlab.tls.messages import Certificate13, CertificateEntry
from trustlab.tls.registry import ExtensionType, Group, Version, label
from trustlab.tls.roles import ClientRole
from trustlab.tls.states import CLIENT13, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.tls.groups import Share
    from trustlab.tls.messages import (
        CertificateRequest13,
        ClientHello,
        EncryptedExtensions,
        Finished,
        HelloRetryRequest,
        NewSessionTicket13,
        ServerHello,
    )
    from trustlab.tls.ports import ClientConnection, Step

MAX_EVIDENCE = 2**16 - 1 - 6
"""Octets of Evidence that fit into a list of extensions with one header and one length."""
IN_SERVER_HELLO = {ExtensionType.SUPPORTED_VERSIONS, ExtensionType.KEY_SHARE}
IN_RETRY = IN_SERVER_HELLO | {ExtensionType.COOKIE}
NOT_IN_ENCRYPTED_EXTENSIONS = {
    ExtensionType.SUPPORTED_VERSIONS,
    ExtensionType.KEY_SHARE,
    ExtensionType.SIGNATURE_ALGORITHMS,
    ExtensionType.COOKIE,
    ExtensionType.PADDING,
    ExtensionType.EC_POINT_FORMATS,
    ExtensionType.EXTENDED_MASTER_SECRET,
    ExtensionType.RENEGOTIATION_INFO,
    ExtensionType.SESSION_TICKET,
    ExtensionType.STATUS_REQUEST,
    ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP,
}


class Client13(Handshake13, ClientRole):
    """A TLS 1.3 client whose server has answered."""

    c: ClientConnection
    hello: ClientHello
    table = CLIENT13

    def __init__(self, connection: ClientConnection, hello: ClientHello, shares: Mapping[int, Share]) -> None:
        super().__init__(connection)
        self.config = connection.config
        self.hello = hello
        self.shares = shares
        self.request: CertificateRequest13 | None = None
        self._retried_group: int | None = None
        self._retried = False
        self._second = hello

    # The hellos

    def receive_hello_retry_request(self, retry: HelloRetryRequest) -> None:
        """Check what the server wants; say hello again (RFC 9846 4.2.4)."""
        self.c.check_end_of_flight()
        self.choose_suite()
        self._check_hello(retry, IN_RETRY)
        share = retry.value(ExtensionType.KEY_SHARE)
        cookie = retry.extension(ExtensionType.COOKIE)
        retry.value(ExtensionType.COOKIE)
        extensions = [e for e in self.hello.extensions if e.type != ExtensionType.EARLY_DATA]
        if share is not None:
            extensions = self._new_share(share[0].group, extensions)
        elif cookie is None:
            raise IllegalParameter("a HelloRetryRequest that changes nothing", "RFC 9846 4.2.4")
        if cookie is not None:
            extensions.append(Extension(ExtensionType.COOKIE, cookie))
        self._retried = True
        self._second = replace(self.hello, extensions=tuple(extensions))
        self.c.transcript.restart(self.hash_name)
        if self.compatibility_ccs_due:
            self.c.plan.append(Client13.send_compatibility_ccs)
        self.c.plan.append(Client13.send_client_hello)

    def _new_share(self, group: int, extensions: list[Extension]) -> list[Extension]:
        offered = self.hello.value(ExtensionType.SUPPORTED_GROUPS) or ()
        shared = {entry.group for entry in self.hello.value(ExtensionType.KEY_SHARE) or ()}
        if group not in offered or group in shared:
            raise IllegalParameter(f"the server wants a key share in {label(Group, group)}", "RFC 9846 4.3.8")
        self._retried_group = group
        share = self.config.new_share(group)
        self.shares = {group: share}
        body = push_shares([KeyShareEntry(group, share.public)])
        return [Extension(e.type, body) if e.type == ExtensionType.KEY_SHARE else e for e in extensions]

    def send_client_hello(self) -> None:
        """Say hello again."""
        self.c.emit(self._second)

    def sent_client_hello(self, hello: ClientHello) -> None:
        """Remember what was really offered."""
        self.hello = hello

    def _check_hello(self, hello: ServerHello, allowed: set[ExtensionType]) -> None:
        if hello.session_id != self.hello.session_id:
            raise IllegalParameter("the server does not echo the session id", "RFC 9846 4.2.3")
        offered = {e.type for e in self.hello.extensions}
        for extension in hello.extensions:
            if extension.type in allowed:
                continue
            if extension.type in offered:
                raise IllegalParameter(
                    f"{extension_name(extension.type)} does not belong in {hello.name}", "RFC 9846 4.3"
                )
            raise UnsupportedExtension(f"{extension_name(extension.type)} was not offered", "RFC 9846 4.3")

    def receive_server_hello(self, hello: ServerHello) -> None:
        """Finish the key agreement."""
        if self._retried:
            self._check_second(hello)
        self.choose_suite()
        self._check_hello(hello, IN_SERVER_HELLO)
        share = hello.value(ExtensionType.KEY_SHARE)
        if share is None:
            raise MissingExtension("a ServerHello without a key share", "RFC 9846 4.2.3")
        group = share[0].group
        if group not in self.shares or (self._retried_group is not None and group != self._retried_group):
            raise IllegalParameter(f"the server chose {label(Group, group)}, which has no share", "RFC 9846 4.3.8")
        self._shared = self.shares[group].finish(share[0].key_exchange)
        self.shares = {}
        self.c.transcript.choose(self.hash_name)

    def _check_second(self, hello: ServerHello) -> None:
        """Check that the server does not change what its HelloRetryRequest said (RFC 9846 4.2.4)."""
        versions = hello.value(ExtensionType.SUPPORTED_VERSIONS)
        if hello.legacy_version != Version.TLS12:
            raise IllegalParameter(f"a ServerHello of legacy_version 0x{hello.legacy_version:04x}", "RFC 9846 4.2.3")
        if versions != (Version.TLS13,) or hello.cipher_suite != self.suite or hello.compression_method:
            raise IllegalParameter("a ServerHello that differs from its HelloRetryRequest", "RFC 9846 4.2.4")
        self.c.facts = self.c.facts.knowing(server_random=hello.random)

    def after_server_hello(self) -> None:
        """Derive the handshake keys now that the transcript has ServerHello."""
        self.derive_handshake_secrets(self._shared)
        self._shared = b""
        self.read_with(self._traffic["server"])

    # The server's flight

    def receive_encrypted_extensions(self, message: EncryptedExtensions) -> None:
        """Take the server's answers (RFC 9846 4.4.1)."""
        offered = {e.type for e in self.hello.extensions}
        for extension in message.extensions:
            if extension.type in NOT_IN_ENCRYPTED_EXTENSIONS:
                raise IllegalParameter(
                    f"{extension_name(extension.type)} does not belong in EncryptedExtensions", "RFC 9846 4.4.1"
                )
            check_solicited(extension, offered, message.name)
            message.value(extension.type)
        self.take_protocol(message)
        self.take_attestation(message)

    def receive_certificate_request(self, message: CertificateRequest13) -> None:
        """Note that the server wants a certificate (RFC 9846 4.4.2)."""
        if message.certificate_request_context:
            raise IllegalParameter("a CertificateRequest with a context during the handshake", "RFC 9846 4.4.2")
        schemes = message.value(ExtensionType.SIGNATURE_ALGORITHMS)
        if schemes is None:
            raise MissingExtension("a CertificateRequest without signature_algorithms", "RFC 9846 4.4.2")
        for extension in message.extensions:
            message.value(extension.type)
        if message.value(ExtensionType.ATTESTATION) == b"":
            raise DecodeError("an empty attestation extension during the handshake", "trustlab protocol, carriage")
        if self.config.certificate is not None:
            self._scheme = keys.common_scheme(self.config.signature_schemes, self.require_key().schemes13, schemes)
            if self._scheme:
                self.c.facts = self.c.facts.knowing(spki_C=self.config.spki)
        self.request = message

    def receive_certificate(self, message: Certificate13) -> None:
        """Check chain and name (RFC 9846 4.5.1)."""
        if message.certificate_request_context:
            raise IllegalParameter("a server's Certificate with a context", "RFC 9846 4.5.1")
        if not message.certificate_list:
            raise DecodeError("a server without a certificate", "RFC 9846 4.5.1.4")
        self.check_chain_form(message, {e.type for e in self.hello.extensions})
        chain = tuple(entry.cert_data for entry in message.certificate_list)
        certificate = self.checked_server(chain)
        self.config.check_usage(certificate, "digital_signature")
        self.know_peer(certificate, chain)
        self.take_evidence(message)

    def receive_finished(self, message: Finished) -> State:
        """Check the server's Finished; the server is known now."""
        self.check_finished(message)
        return State.SEND_CERTIFICATE if self.request is not None else State.SEND_FINISHED

    def after_finished(self) -> None:
        """Begin the client's flight, or end the handshake with its own Finished."""
        if self.connected:
            self.write_with(self._application["client"])
            self.finish()
            return
        self.derive_main_secrets()
        self.read_with(self._application["server"])
        plan: list[Step] = [Client13.judge_evidence]
        if self.compatibility_ccs_due:
            plan += [Client13.send_compatibility_ccs]
        plan += [Client13.protect]
        if self.request is not None:
            plan += [Client13.want_evidence] if self.gives_evidence and self._scheme else []
            plan += [Client13.send_certificate]
            plan += [Client13.sign_certificate_verify] if self._scheme else []
        self.c.plan.extend([*plan, Client13.send_finished])

    # The client's flight

    def protect(self) -> None:
        """Use the handshake keys for what is written."""
        self.write_with(self._traffic["client"])

    def send_certificate(self) -> None:
        """Send the client's chain, or an empty one (RFC 9846 4.5.1)."""
        context = self.request.certificate_request_context if self.request else b""
        chain = self.config.certificates if self._scheme else ()
        self.c.emit(Certificate13(context, entries(chain, self._own_evidence)))

    def sent_certificate(self, _message: Certificate13) -> State:
        """Go on with the proof that the key is ours."""
        return State.SEND_CERTIFICATE_VERIFY if self._scheme else State.SEND_FINISHED

    # After the handshake

    def receive_new_session_ticket(self, message: NewSessionTicket13) -> None:
        """Accept a ticket and forget it: this engine does not resume."""
        for extension in message.extensions:
            if extension.type in IN_SERVER_HELLO:
                raise IllegalParameter("an extension that does not belong in NewSessionTicket", "RFC 9846 4.3")


def entries(chain: tuple[bytes, ...], evidence: bytes) -> tuple[CertificateEntry, ...]:
    """Return a chain as certificate entries, with Evidence at the leaf."""
    extensions: tuple[Extension, ...] = ()
    if len(evidence) > MAX_EVIDENCE:
        raise LocalProtocolError(f"evidence has 1 to {MAX_EVIDENCE} octets, not {len(evidence)}")
    if evidence:
        writer = Writer()
        writer.vector(2, evidence)
        extensions = (Extension(ExtensionType.ATTESTATION, writer.result()),)
    return tuple(CertificateEntry(der, () if n else extensions) for n, der in enumerate(chain))
