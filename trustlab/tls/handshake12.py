"""What both roles of TLS 1.2 share: secrets, keys, ChangeCipherSpec and Finished."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from trustlab.tls import attestation, schedule12
from trustlab.tls.alerts import (
    DecodeError,
    DecryptError,
    HandshakeFailure,
    IllegalParameter,
    InsufficientSecurity,
    UnexpectedMessage,
)
from trustlab.tls.config import Session
from trustlab.tls.events import EvidenceWanted
from trustlab.tls.handshake import Handshake, octets_or_alert
from trustlab.tls.messages import ChangeCipherSpec, ClientHello, Context, Finished
from trustlab.tls.protection import protection12
from trustlab.tls.registry import HandshakeType
from trustlab.tls.suites import SUITES, SuiteParameters

if TYPE_CHECKING:
    from trustlab.tls.ports import HandshakeConnection
    from trustlab.tls.registry import CipherSuite
    from trustlab.tls.schedule12 import KeyBlock

VERIFY_DATA_LENGTH = 12


class Handshake12(Handshake):
    """A TLS 1.2 handshake whose cipher suite is chosen."""

    own: str
    peer: str
    suite: CipherSuite
    parameters: SuiteParameters

    def __init__(self, connection: HandshakeConnection, hello: ClientHello) -> None:
        super().__init__(connection)
        self.hello = hello
        self.extended = False
        self.gives_evidence = False
        self.takes_evidence = False
        self._evidence_seen = False
        self.resumed = False
        self.session_id = b""
        self._pms = b""
        self._master = b""
        self._keys: KeyBlock | None = None

    def choose_suite(self) -> None:
        """Set up what depends on the negotiated cipher suite."""
        suite = self.c.cipher_suite
        if suite is None:
            raise LookupError("no cipher suite is chosen yet")
        self.suite = suite
        self.parameters = parameters = SUITES[suite]
        self.c.transcript.choose(parameters.hash_name)
        self.c.context = Context(tls13=False, key_exchange=parameters.key_exchange, suite=self.suite)

    def choose_master_secret(self, *, extended: bool) -> None:
        """Note which kind of master secret was agreed on (RFC 7627 5.1).

        A server that wants more security than the client has says so with an alert of its own (RFC 5246 7.2.2).
        """
        self.extended = self.c.extended_master_secret = extended
        if not self.c.config.require_extended_master_secret or extended:
            return
        if self.own == "server":
            raise InsufficientSecurity("the client does not do the extended master secret", "RFC 7627 5.2")
        raise HandshakeFailure("the server does not do the extended master secret", "RFC 7627 5.2")

    # Secrets

    @property
    def randoms(self) -> tuple[bytes, bytes]:
        """The client's random and the server's."""
        facts = self.c.facts
        if facts.client_random is None or facts.server_random is None:
            raise LookupError("the hellos are not exchanged yet")
        return facts.client_random, facts.server_random

    def set_pre_master_secret(self, value: bytes, *inputs: str) -> None:
        """Take the pre-master secret, however it came to be."""
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
        keys = self._need_keys()
        key, iv, mac = (
            (keys.client_key, keys.client_iv, keys.client_mac)
            if self.own == "client"
            else (keys.server_key, keys.server_iv, keys.server_mac)
        )
        self.c.records.write = protection12(self.suite, key, iv, mac, self.c.config.random)

    def receive_change_cipher_spec(self, _message: ChangeCipherSpec) -> None:
        """Take off the protection of what is read from now on."""
        if not self._master:
            raise UnexpectedMessage("ChangeCipherSpec before there are keys", "RFC 5246 7.1")
        keys = self._need_keys()
        key, iv, mac = (
            (keys.client_key, keys.client_iv, keys.client_mac)
            if self.peer == "client"
            else (keys.server_key, keys.server_iv, keys.server_mac)
        )
        self.c.records.read = protection12(self.suite, key, iv, mac)

    def _need_keys(self) -> KeyBlock:
        if self._keys is None:
            raise LookupError("no keys are derived yet")
        return self._keys

    def verify_data(self, role: str) -> bytes:
        """Return Finished's content for the transcript as it is now."""
        value = schedule12.verify_data(self._master, role, self.c.transcript.digest(), self.suite)
        self.c.secret(f"{role}_verify_data", value, "master_secret", "transcript_hash")
        return value

    def send_finished(self) -> None:
        """Confirm the handshake."""
        self.c.emit(Finished(self.verify_data(self.own)))

    def check_finished(self, message: Finished) -> None:
        """Compare the peer's Finished, in constant time (RFC 5246 7.4.9)."""
        if not hmac.compare_digest(message.verify_data, self.verify_data(self.peer)):
            raise DecryptError("a Finished that does not verify", "RFC 5246 7.4.9")

    def finish(self) -> None:
        """Both Finished are verified."""
        if self.session_id:
            self.c.session = Session(self.session_id, self._master, self.suite, self.extended, self.c.server_name)
        self.c.complete()

    def resume(self, session: Session) -> None:
        """Take the master secret of a session instead of agreeing on one (RFC 5246 F.1.4)."""
        self.resumed = True
        self._master = session.master_secret
        self.c.secret("master_secret", self._master, "the session")

    # Evidence

    def check_expected(self, kind: int, length: int) -> None:
        """As usual; agreed Evidence in the wrong place or twice has an alert of its own."""
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
