"""What both roles of TLS 1.2 share: secrets, keys, ChangeCipherSpec and Finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls import attestation, schedule12
from trustlab.tls.alerts import (
    DecodeError,
    HandshakeFailure,
    IllegalParameter,
    InsufficientSecurity,
    UnexpectedMessage,
)
from trustlab.tls.events import EvidenceWanted
from trustlab.tls.handshake import Handshake, octets_or_alert
from trustlab.tls.messages import ChangeCipherSpec, ClientHello
from trustlab.tls.protection import Protection, protection12
from trustlab.tls.registry import HandshakeType

if TYPE_CHECKING:
    from trustlab.tls.ports import HandshakeConnection
    from trustlab.tls.schedule12 import KeyBlock

VERIFY_DATA_LENGTH = 12


class Handshake12(Handshake):
    """A TLS 1.2 handshake whose cipher suite is chosen."""

    tls13 = False

    def __init__(self, connection: HandshakeConnection, hello: ClientHello) -> None:
        super().__init__(connection)
        self.hello = hello
        self.extended = False
        self._evidence_seen = False
        self._pms = b""
        self._master = b""
        self._keys: KeyBlock | None = None

    def choose_suite(self) -> None:
        super().choose_suite()
        self.c.transcript.choose(self.parameters.hash_name)

    def choose_master_secret(self, *, extended: bool) -> None:
        """Note which kind of master secret was agreed on (RFC 7627 5.1).

        A server that wants more security than the client offers has an alert for that (RFC 5246 7.2.2).
        """
        self.extended = self.c.extended_master_secret = extended
        if not self.c.config.require_extended_master_secret or extended:
            return
        if self.own == "server":
            raise InsufficientSecurity("the client does not support the extended master secret", "RFC 7627 5.2")
        raise HandshakeFailure("the server does not support the extended master secret", "RFC 7627 5.2")

    # Secrets

    @property
    def randoms(self) -> tuple[bytes, bytes]:
        """The client's random and the server's."""
        facts = self.c.facts
        if facts.client_random is None or facts.server_random is None:
            raise LookupError("the hellos are not exchanged yet")
        return facts.client_random, facts.server_random

    def set_pre_master_secret(self, value: bytes, *inputs: str) -> None:
        """Take the pre-master secret of either key exchange."""
        self._pms = value
        if self.c.config.attestation is not None:
            commitment = schedule12.pms_commitment(value, *self.randoms)
            self.c.facts = self.c.facts.knowing(pms_commitment=commitment)
        self.c.secret("pre_master_secret", value, *inputs)

    def derive_master_secret(self) -> None:
        """Derive the master secret; ClientKeyExchange is in the transcript (RFC 5246 8.1, RFC 7627 4)."""
        session_hash = self.c.transcript.digest()
        self.c.facts = self.c.facts.knowing(session_hash=session_hash)
        if self.extended:
            self._master = schedule12.extended_master_secret(self._pms, session_hash, self.suite)
            inputs: tuple[str, ...] = ("pre_master_secret", "session_hash")
        else:
            self._master = schedule12.master_secret(self._pms, *self.randoms, self.suite)
            inputs = ("pre_master_secret", "client_random", "server_random")
        self._pms = b""
        self.c.secret("master_secret", self._master, *inputs)
        self.derive_keys()

    def derive_keys(self) -> None:
        """Cut the key block (RFC 5246 6.3)."""
        self._keys = schedule12.key_block(self._master, *self.randoms, self.suite)
        self.c.secret("key_block", self._keys.octets, "master_secret", "server_random", "client_random")

    def export(self, label: bytes, context: bytes | None, length: int) -> bytes:
        """Return exported keying material (RFC 5705 4)."""
        return schedule12.export(self._master, *self.randoms, self.suite, label, context, length)

    # ChangeCipherSpec and Finished

    def send_change_cipher_spec(self) -> None:
        """Announce that the next record is protected."""
        self.c.emit(ChangeCipherSpec())

    def sent_change_cipher_spec(self, _message: ChangeCipherSpec) -> None:
        """Protect what is written from now on."""
        self.c.records.write = self._protection(self.own)

    def receive_change_cipher_spec(self, _message: ChangeCipherSpec) -> None:
        """Take off the protection of what is read from now on."""
        if not self._master:
            raise UnexpectedMessage("ChangeCipherSpec before there are keys", "RFC 5246 7.1")
        self.c.records.read = self._protection(self.peer)

    def _protection(self, side: str) -> Protection:
        if self._keys is None:
            raise LookupError("no keys are derived yet")
        return protection12(self.suite, *self._keys.of(side), self.c.config.random)

    def signed_by(self, side: str) -> bytes:  # noqa: ARG002 - only the client has a CertificateVerify
        return self.c.transcript.octets()

    def verify_data(self, side: str) -> bytes:
        value = schedule12.verify_data(self._master, side, self.c.transcript.digest(), self.suite)
        self.c.secret(f"{side}_verify_data", value, "master_secret", "transcript_hash")
        return value

    def after_finished(self) -> None:
        """End the handshake with the second Finished."""
        if self.connected:
            self.finish()

    def finish(self) -> None:
        """Both Finished are verified."""
        self.c.complete()

    # Evidence

    def check_expected(self, kind: int, length: int) -> None:
        """Refuse agreed Evidence in the wrong place, or twice, with an alert of its own."""
        if kind == HandshakeType.SUPPLEMENTAL_DATA and self.takes_evidence and not self.c.is_expected(kind):
            what = "a second time" if self._evidence_seen else "in the wrong place"
            raise IllegalParameter(f"SupplementalData {what}", "RFC 4680 2")
        super().check_expected(kind, length)
        if kind == HandshakeType.FINISHED and length != VERIFY_DATA_LENGTH:
            raise DecodeError(f"a Finished of {length} octets", "RFC 5246 7.4.9")

    def keep_evidence(self, evidence: bytes) -> None:
        """Hold the peer's Evidence until it can be judged."""
        self.evidence = evidence
        self._evidence_seen = True

    def want_evidence(self) -> None:
        """Ask the program for this side's Evidence."""
        self.c.ask(EvidenceWanted(self.c.facts), Handshake12.evidence_given)

    def evidence_given(self, answer: object) -> None:
        """Send the Evidence."""
        self.c.emit(attestation.supplemental_data(octets_or_alert(answer, "EvidenceWanted")))
