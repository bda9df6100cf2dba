"""What both roles of TLS 1.3 share: traffic keys, CertificateVerify, Finished, KeyUpdate, rules for records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls import attestation, schedule13
from trustlab.tls.alerts import (
    DecodeError,
    IllegalParameter,
    LocalProtocolError,
    MissingExtension,
    UnexpectedMessage,
    UnsupportedExtension,
)
from trustlab.tls.events import EvidenceWanted
from trustlab.tls.extensions import Extension, extension_name, parse_extension
from trustlab.tls.handshake import Handshake, octets_or_alert
from trustlab.tls.messages import Finished, KeyUpdate
from trustlab.tls.messages.other import ChangeCipherSpec
from trustlab.tls.protection import Aead13
from trustlab.tls.registry import (
    AlertDescription,
    ContentType,
    ExtensionType,
    HandshakeType,
    KeyUpdateRequest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.tls.keys import CertifiedKey
    from trustlab.tls.messages import AlertMessage, AnyMessage, Certificate13, ClientHello
    from trustlab.tls.ports import HandshakeConnection
    from trustlab.tls.records import Record


class Handshake13(Handshake):
    """A TLS 1.3 handshake from its hellos on."""

    tls13 = True
    hello: ClientHello | None
    hash_name: str

    def __init__(self, connection: HandshakeConnection) -> None:
        super().__init__(connection)
        self._handshake_secret: schedule13.HandshakeSecret | None = None
        self._main_secret: schedule13.MainSecret | None = None
        self._traffic: dict[str, schedule13.TrafficSecret] = {}
        self._application: dict[str, schedule13.TrafficSecret] = {}
        self._shared = b""
        self._own_evidence = b""
        self._exporter_secret: tuple[schedule13.MainSecret, bytes] | None = None
        self._peer_finished = False
        self._key_updates = 0
        self._read_protected = False
        self._updated_at = 0

    def choose_suite(self) -> None:
        super().choose_suite()
        self.hash_name = self.parameters.hash_name

    # Secrets and keys

    def derive_handshake_secrets(self, shared_secret: bytes) -> None:
        """Go from the key agreement to the handshake keys; the transcript ends with ServerHello (RFC 9846 7.1)."""
        c = self.c
        digest = c.transcript.digest()
        early = schedule13.EarlySecret.start(self.hash_name)
        secret = early.handshake(shared_secret)
        self._handshake_secret = secret
        c.secret("early_secret", early.value, "zeros")
        c.secret("shared_secret", shared_secret, "key_share of both")
        c.secret("handshake_secret", secret.value, "early_secret", "shared_secret")
        self._traffic = {side: secret.traffic(side, digest) for side in ("client", "server")}
        for side, traffic in self._traffic.items():
            c.secret(f"{side}_handshake_traffic_secret", traffic.value, "handshake_secret", "transcript_hash")
        if c.config.attestation is not None:
            c.facts = c.facts.knowing(
                transcript_hash_CH=c.transcript.digest_before_last(),
                transcript_hash_CH_SH=digest,
                tp_attest=secret.attest(digest),
                tp_early_exporter=secret.early_exporter(digest),
                tp_early_exporter_without_hellos=secret.early_exporter(b""),
            )

    def derive_main_secrets(self) -> None:
        """Derive what protects application data; the transcript ends with the server's Finished."""
        if self._handshake_secret is None:
            raise LookupError("no handshake secret yet")
        c = self.c
        digest = c.transcript.digest()
        main = self._handshake_secret.main()
        self._main_secret = main
        c.secret("main_secret", main.value, "handshake_secret")
        self._application = {side: main.traffic(side, digest) for side in ("client", "server")}
        for side, secret in self._application.items():
            c.secret(f"{side}_application_traffic_secret_0", secret.value, "main_secret", "transcript_hash")
        self._exporter_secret = (main, digest)
        if c.config.secrets:
            c.secret("exporter_master_secret", main.exporter(digest), "main_secret", "transcript_hash")

    def finish(self) -> None:
        """Derive the last secret and tell that the handshake is done."""
        if self._main_secret is not None and self.c.config.secrets:
            value = self._main_secret.resumption(self.c.transcript.digest())
            self.c.secret("resumption_master_secret", value, "main_secret", "transcript_hash")
        self._handshake_secret = None
        self._main_secret = None
        self.c.complete()

    def _protection(self, secret: schedule13.TrafficSecret) -> Aead13:
        key, iv = secret.keys(self.parameters.key_length)
        return Aead13(self.parameters.cipher, key, iv, self.c.config.padding)

    def write_with(self, secret: schedule13.TrafficSecret) -> None:
        """Protect what is written from now on."""
        self.c.flush()
        self.c.records.write = self._protection(secret)

    def read_with(self, secret: schedule13.TrafficSecret) -> None:
        """Take off the protection of what is read from now on; no message may straddle the change of keys."""
        if self.c.joiner.buffer:
            raise UnexpectedMessage("a message that straddles a change of keys", "RFC 9846 5.1")
        self.c.records.read = self._protection(secret)
        self._read_protected = False

    def export(self, label_: bytes, context: bytes | None, length: int) -> bytes:
        """Return exported keying material (RFC 9846 7.5)."""
        if self._exporter_secret is None:
            raise LookupError("no exporter secret yet")
        main, digest = self._exporter_secret
        return schedule13.export(main.exporter(digest), label_, context or b"", length, self.hash_name)

    # CertificateVerify and Finished

    def check_chain_form(self, message: Certificate13, solicited: Iterable[int]) -> None:
        """Check what does not depend on trust: context, length, extensions (RFC 9846 4.5.1)."""
        self.check_chain_length(message.certificate_list)
        allowed = set(solicited)
        for entry in message.certificate_list:
            for extension in entry.extensions:
                check_solicited(extension, allowed, message.name)
                parse_extension(extension, message.name)

    def take_evidence(self, message: Certificate13) -> None:
        """Keep the Evidence at the leaf, and refuse it anywhere else; it must be there if it was agreed on."""
        for number, entry in enumerate(message.certificate_list):
            body = entry.extension(ExtensionType.ATTESTATION)
            if body is None:
                continue
            if not self.takes_evidence:
                raise UnsupportedExtension("evidence that nobody asked for", "RFC 9846 4.5.1")
            if number:
                raise IllegalParameter("evidence with a certificate that is not the first", "trustlab protocol")
            self.evidence = parse_extension(Extension(ExtensionType.ATTESTATION, body), message.name)
        if self.takes_evidence and not self.evidence:
            raise MissingExtension(f"the {self.peer} promised evidence and gave none", attestation.CLAUSE)

    def want_evidence(self) -> None:
        """Ask the program for this side's Evidence."""
        self.c.ask(EvidenceWanted(self.c.facts), Handshake13.evidence_given)

    def evidence_given(self, answer: object) -> None:
        """Keep the Evidence for the Certificate."""
        self._own_evidence = octets_or_alert(answer, "EvidenceWanted")

    def signed_by(self, side: str) -> bytes:
        return schedule13.signature_input(side, self.c.transcript.digest())

    def verify_data(self, side: str) -> bytes:
        value = self._traffic[side].verify_data(self.c.transcript.digest())
        self.c.secret(f"{side}_verify_data", value, f"{side}_handshake_traffic_secret", "transcript_hash")
        return value

    def check_finished(self, message: Finished) -> None:
        super().check_finished(message)
        self._peer_finished = True

    # KeyUpdate

    def update_keys(self, *, request_peer: bool) -> None:
        """Move on to this side's next keys, and ask the peer to do so (RFC 9846 4.7.3)."""
        wish = KeyUpdateRequest.UPDATE_REQUESTED if request_peer else KeyUpdateRequest.UPDATE_NOT_REQUESTED
        self.c.emit(KeyUpdate(wish))

    def answer_key_update(self) -> None:
        """Do as the peer asked."""
        self.update_keys(request_peer=False)

    def _next_secret(self, side: str) -> schedule13.TrafficSecret:
        secret = self._application[side].next()
        self._application = self._application | {side: secret}
        self.c.secret(f"{side}_application_traffic_secret", secret.value, "the secret before")
        return secret

    def sent_key_update(self, _message: KeyUpdate) -> None:
        """Use the next keys from the next record on."""
        self.write_with(self._next_secret(self.own))
        self._updated_at = self.c.records.write_offset

    def receive_key_update(self, message: KeyUpdate) -> None:
        """Follow the peer to its next keys.

        One KeyUpdate answers all requests that arrive before it is sent (RFC 9846 4.7.3); after close_notify none can.
        """
        self._key_updates += 1
        if self._key_updates > self.c.config.limits.key_updates:
            most = self.c.config.limits.key_updates
            raise UnexpectedMessage(f"more than {most} KeyUpdates without application data", "RFC 9846 4.7.3")
        self.read_with(self._next_secret(self.peer))
        asked = message.request_update == KeyUpdateRequest.UPDATE_REQUESTED
        if asked and not self.c.closed and not self.c.records.is_unsent(self._updated_at):
            self.c.plan.append(Handshake13.answer_key_update)

    def application_data_read(self) -> None:
        """Count KeyUpdates from here again."""
        self._key_updates = 0

    def before_application_data(self) -> None:
        """Change keys before the cipher has seen too many records (RFC 9846 5.5)."""
        write = self.c.records.write
        if write is not None and write.sequence >= self.c.config.limits.records_per_key:
            self.update_keys(request_peer=False)

    def add_to_transcript(self, message: AnyMessage, raw: bytes) -> None:
        """Add what belongs to the handshake; messages after it do not (RFC 9846 4.1)."""
        if message.content_type == ContentType.HANDSHAKE and not self.c.handshake_complete:
            self.c.transcript.add(raw)

    # Records

    def check_protected(self, record: Record) -> None:
        """Refuse plaintext once there are keys, except an alert that the peer may have sent before it had them."""
        if record.encrypted:
            self._read_protected = True
            return
        if self.c.records.read is None:
            return
        if record.content_type == ContentType.ALERT and not self._read_protected and not self._peer_finished:
            return
        raise UnexpectedMessage("an unprotected record after keys were agreed on", "RFC 9846 5")

    def ignores_change_cipher_spec(self, record: Record) -> bool:
        """Drop the ChangeCipherSpec for middleboxes, before the peer's Finished only (RFC 9846 5)."""
        if record.encrypted or record.content != b"\x01" or self._peer_finished:
            raise UnexpectedMessage("a ChangeCipherSpec that is not the one for middleboxes", "RFC 9846 5")
        self.c.count_compatibility_ccs()
        return True

    def send_compatibility_ccs(self) -> None:
        """Send the ChangeCipherSpec for middleboxes (RFC 9846 E.4)."""
        self.c.flush()
        self.c.compatibility_ccs_sent = True
        message = ChangeCipherSpec()
        self.c.put(message, message.encode(), plain=True)

    @property
    def compatibility_ccs_due(self) -> bool:
        """Whether the client asked for the ChangeCipherSpec for middleboxes, and none was sent yet."""
        return bool(self.hello and self.hello.session_id) and not self.c.compatibility_ccs_sent

    def before_alert(self) -> None:
        """Protect an alert as soon as there are keys: nobody else may read how the handshake ended.

        The peer expects the handshake keys from ServerHello on (RFC 9846 A.1, A.2), and before them the
        ChangeCipherSpec for middleboxes.
        """
        if self._traffic and self.c.records.write is None:
            if self.compatibility_ccs_due:
                self.send_compatibility_ccs()
            self.write_with(self._traffic[self.own])

    def is_fatal(self, message: AlertMessage) -> bool:
        """Treat every alert but user_canceled as fatal, whatever its level says (RFC 9846 6)."""
        return message.description != AlertDescription.USER_CANCELED

    def check_expected(self, kind: int, length: int) -> None:
        """Refuse a message of a fixed length as soon as it claims another."""
        super().check_expected(kind, length)
        if kind == HandshakeType.FINISHED and length != self.parameters.hash_length:
            raise DecodeError(f"a Finished of {length} octets", "RFC 9846 4.5.3")
        if kind == HandshakeType.KEY_UPDATE and length != 1:
            raise DecodeError(f"a KeyUpdate of {length} octets", "RFC 9846 4.7.3")

    def require_key(self) -> CertifiedKey:
        """Return the public key of this side's certificate."""
        if self.c.config.certified_key is None:
            raise LocalProtocolError("there is no certificate to sign for")
        return self.c.config.certified_key


def check_solicited(extension: Extension, solicited: Iterable[int], message: str) -> None:
    """Refuse an answer to a question that was not asked (RFC 9846 4.3)."""
    if extension.type not in solicited:
        raise UnsupportedExtension(
            f"{message} has {extension_name(extension.type)}, which was not asked for", "RFC 9846 4.3"
        )
