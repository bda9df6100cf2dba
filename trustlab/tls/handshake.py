"""What the handshakes of both roles and versions share: how the connection calls them, and their common steps."""

from __future__ import annotations

import copy
import hmac
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from trustlab.tls import keys
from trustlab.tls.alerts import (
    AccessDenied,
    BadCertificate,
    DecryptError,
    IllegalParameter,
    InternalError,
    LocalProtocolError,
    UnexpectedMessage,
)
from trustlab.tls.events import EvidenceReceived, KeyOperationWanted
from trustlab.tls.messages import CertificateVerify, Finished
from trustlab.tls.messages.base import Context
from trustlab.tls.registry import AlertLevel, SignatureScheme, label, snake
from trustlab.tls.states import CONNECTED
from trustlab.tls.suites import SUITES, SuiteParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

    from trustlab.tls.messages import AlertMessage, AnyMessage
    from trustlab.tls.messages.base import Message
    from trustlab.tls.messages.other import ChangeCipherSpec
    from trustlab.tls.ports import HandshakeConnection
    from trustlab.tls.records import Record
    from trustlab.tls.registry import CipherSuite
    from trustlab.tls.states import State, Table
    from trustlab.tls.x509 import PeerCertificate


class Handlers(NamedTuple):
    """The methods of a handshake for one message, named after it."""

    receive: Callable[[Any, AnyMessage], State | None] | None
    sent: Callable[[Any, AnyMessage], State | None] | None
    after: Callable[[Any], None] | None


_HANDLERS: dict[tuple[type, str], Handlers] = {}


def _handlers(handshake: type, message: str) -> Handlers:
    """Return the methods for a message: `ClientHello` -> `receive_client_hello` and so on, None if there is none."""
    found = _HANDLERS.get((handshake, message))
    if found is None:
        found = Handlers(*[getattr(handshake, f"{when}_{snake(message)}", None) for when in Handlers._fields])
        _HANDLERS[handshake, message] = found
    return found


class Handshake:
    """The logic of one role and version: methods named after messages, called by the connection `c`."""

    own: str
    peer: str
    """The roles of the two ends: `client` and `server`."""
    tls13: ClassVar[bool]
    table: ClassVar[Table]
    """The states of this role and version."""
    suite: CipherSuite
    parameters: SuiteParameters

    def __init__(self, connection: HandshakeConnection) -> None:
        self.c = connection
        self.evidence = b""
        """The peer's, until it can be judged."""
        self.gives_evidence = False
        self.takes_evidence = False
        self.peer_certificate: PeerCertificate | None = None
        self._scheme = 0
        """The signature scheme that this side signs with; 0 if it cannot sign."""

    def copy(self, connection: HandshakeConnection) -> Self:
        """Return a copy that belongs to a copied connection; attributes are immutable values or replaced as a whole."""
        other = copy.copy(self)
        other.c = connection
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.c.state}>"

    # Messages

    def sent(self, message: AnyMessage, raw: bytes) -> State | None:  # noqa: ARG002
        """Note what was really written; return the next state if the table leaves a choice."""
        method = _handlers(type(self), message.name).sent
        return method(self, message) if method else None

    def received(self, message: AnyMessage, raw: bytes) -> State | None:
        """Judge a message; it joins the transcript afterwards, so that Finished covers what came before it."""
        method = _handlers(type(self), message.name).receive
        if method is None:
            raise LookupError(f"{type(self).__name__} has no method for a {message.name}")
        result = method(self, message)
        self.add_to_transcript(message, raw)
        return result

    def on_enter(self, message: AnyMessage) -> None:
        """Plan what comes next: the state is entered and the transcript has the message."""
        method = _handlers(type(self), message.name).after
        if method:
            method(self)

    def add_to_transcript(self, message: AnyMessage, raw: bytes) -> None:
        """Add a handshake message to the transcript."""
        if message.content_type == 22:
            self.c.transcript.add(raw)

    def check_expected(self, kind: int, length: int) -> None:  # noqa: ARG002
        """Refuse a handshake message as soon as its header shows that it has no place here."""
        if not self.c.is_expected(kind):
            raise self.c.unexpected_type(kind)

    def handle_out_of_band(self, message: Message | ChangeCipherSpec) -> bool:  # noqa: ARG002
        """Handle a message the state table does not cover; return False if it does."""
        return False

    def choose_suite(self) -> None:
        """Set up what depends on the negotiated cipher suite."""
        suite = self.c.cipher_suite
        if suite is None:
            raise LookupError("no cipher suite is chosen yet")
        self.suite = suite
        self.parameters = SUITES[suite]
        self.c.context = Context(self.tls13, self.parameters.key_exchange, suite)

    # CertificateVerify and Finished

    def check_chain_length(self, chain: Sized) -> None:
        """Refuse a chain of more certificates than this side is willing to look at."""
        if len(chain) > self.c.config.limits.chain:
            raise BadCertificate(f"a chain of {len(chain)} certificates")

    def know_peer(self, certificate: PeerCertificate, chain: tuple[bytes, ...]) -> None:
        """Keep the peer's certificate, which was checked; its key is not proved yet."""
        self.peer_certificate = certificate
        self.c.peer_certificates = chain
        role = "spki_S" if self.peer == "server" else "spki_C"
        self.c.facts = self.c.facts.knowing(**{role: certificate.spki})

    def signed_by(self, side: str) -> bytes:
        """Return what CertificateVerify of that side signs, for the transcript as it is now."""
        raise LookupError(f"{self!r} has no CertificateVerify of the {side}")

    def sign_certificate_verify(self) -> None:
        """Ask for the signature over everything so far."""
        request = KeyOperationWanted("sign", self.c.config.key, self.signed_by(self.own), self._scheme)
        self.c.ask(request, Handshake.certificate_verify_signed)

    def certificate_verify_signed(self, answer: object) -> None:
        """Send the signature."""
        self.c.emit(CertificateVerify(self._scheme, signature_or_alert(answer, f"the {self.own}'s key")))

    def receive_certificate_verify(self, message: CertificateVerify) -> None:
        """Check the peer's signature over everything before it."""
        clause = "RFC 9846 4.5.2" if self.tls13 else "RFC 5246 7.4.8"
        if self.peer_certificate is None:
            raise UnexpectedMessage("CertificateVerify without a certificate", clause)
        if message.scheme not in self.c.config.signature_schemes:
            name = label(SignatureScheme, message.scheme)
            raise IllegalParameter(f"a signature by {name}, which was not offered", clause)
        signed = self.signed_by(self.peer)
        keys.verify(self.peer_certificate.key, message.scheme, message.signature, signed, tls13=self.tls13)

    def verify_data(self, side: str) -> bytes:
        """Return the content of that side's Finished, for the transcript as it is now."""
        raise LookupError(f"{self!r} has no Finished of the {side}")

    def send_finished(self) -> None:
        self.c.emit(Finished(self.verify_data(self.own)))

    def check_finished(self, message: Finished) -> None:
        """Compare the peer's Finished, in constant time."""
        if not hmac.compare_digest(message.verify_data, self.verify_data(self.peer)):
            clause = "RFC 9846 4.5.3" if self.tls13 else "RFC 5246 7.4.9"
            raise DecryptError("a Finished that does not verify", clause)

    # Records

    def check_protected(self, record: Record) -> None:
        """Refuse a record that should have been protected."""

    def ignores_change_cipher_spec(self, record: Record) -> bool:  # noqa: ARG002
        """Whether this ChangeCipherSpec is dropped without effect."""
        return False

    def takes_application_data(self) -> bool:
        """Whether application data may come now."""
        return self.c.handshake_complete

    def application_data_read(self) -> None:
        """Take note that a record of application data was read."""

    def before_application_data(self) -> None:
        """Prepare for application data to be written."""

    def before_alert(self) -> None:
        """Prepare for an alert to be written."""

    def is_fatal(self, message: AlertMessage) -> bool:
        """Whether an alert other than close_notify ends the connection."""
        return message.level == AlertLevel.FATAL

    def export(self, label: bytes, context: bytes | None, length: int) -> bytes:
        """Return exported keying material."""
        raise LocalProtocolError(f"nothing to export: {label!r}, {context!r}, {length}")

    def update_keys(self, *, request_peer: bool) -> None:
        """Move on to the next keys."""
        raise LocalProtocolError(f"TLS 1.2 has no KeyUpdate (request_peer={request_peer})")

    # Evidence

    def judge_evidence(self) -> None:
        """Ask the program what it thinks of the peer's Evidence."""
        if self.evidence:
            self.c.ask(EvidenceReceived(self.evidence, self.c.facts), Handshake.evidence_judged)

    def evidence_judged(self, answer: object) -> None:
        """Go on after the program accepted the peer's Evidence; a refusal has become an alert before."""
        if isinstance(answer, Exception):
            raise AccessDenied(f"the appraisal of the peer's evidence failed: {answer}") from answer
        if answer is not None:
            raise LocalProtocolError(f"EvidenceReceived is answered with None or an Alert, not {type(answer).__name__}")

    @property
    def connected(self) -> bool:
        """Whether the handshake is done and the connection open."""
        return self.c.state == CONNECTED


def octets_or_alert(answer: object, what: str) -> bytes:
    """Return an answer that must be octets: an alert was raised before, anything else is the program's fault."""
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer)
    raise LocalProtocolError(f"{what} is answered with octets, not {type(answer).__name__}")


def signature_or_alert(answer: object, whose: str) -> bytes:
    """Return the answer to a wish to sign; the key's exception becomes an `InternalError`."""
    if isinstance(answer, Exception):
        raise InternalError(f"{whose} could not sign: {answer}") from answer
    return octets_or_alert(answer, "KeyOperationWanted")
