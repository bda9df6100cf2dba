"""What the handshakes of both roles and versions share: how the connection calls them, and what usually happens."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from trustlab.tls.alerts import AccessDenied, InternalError, LocalProtocolError
from trustlab.tls.events import EvidenceReceived
from trustlab.tls.registry import AlertLevel
from trustlab.tls.states import CONNECTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.tls.messages import AlertMessage, AnyMessage, Message
    from trustlab.tls.messages.other import ChangeCipherSpec
    from trustlab.tls.ports import HandshakeConnection
    from trustlab.tls.records import Record
    from trustlab.tls.states import State


class Handlers(NamedTuple):
    """The methods of a handshake for one message, named after it."""

    receive: Callable[[Any, AnyMessage], State | None] | None
    sent: Callable[[Any, AnyMessage], State | None] | None
    after: Callable[[Any], None] | None


_HANDLERS: dict[tuple[type, str], Handlers] = {}


def _handlers(handshake: type, message: str) -> Handlers:
    """Return the methods for a message: `ClientHello` -> `receive_client_hello` and so on, None where there is none."""
    found = _HANDLERS.get((handshake, message))
    if found is None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", message).lower()
        found = Handlers(*[getattr(handshake, f"{when}_{name}", None) for when in Handlers._fields])
        _HANDLERS[handshake, message] = found
    return found


class Handshake:
    """The logic of one role and version: methods named after messages, called by the connection `c`."""

    def __init__(self, connection: HandshakeConnection) -> None:
        self.c = connection
        self.evidence = b""
        """The peer's, until it can be judged."""

    def copy(self, connection: HandshakeConnection) -> Self:
        """Return a copy that belongs to a copied connection; attributes are immutable values or replaced as a whole."""
        other = copy.copy(self)
        other.c = connection
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.c.state}>"

    # Messages

    def sent(self, message: AnyMessage, raw: bytes) -> State | None:  # noqa: ARG002
        """Note what a written message really said; return the next state where the table leaves a choice."""
        method = _handlers(type(self), message.name).sent
        return method(self, message) if method else None

    def received(self, message: AnyMessage, raw: bytes) -> State | None:
        """Judge a message; it joins the transcript afterwards, so that Finished covers what came before it."""
        method = _handlers(type(self), message.name).receive
        if method is None:
            raise LookupError(f"{type(self).__name__} has nothing to do with a {message.name}")
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
        """Refuse a handshake message as soon as its header tells that it has no place here."""
        if not self.c.is_expected(kind):
            raise self.c.unexpected_type(kind)

    def handle_out_of_band(self, message: Message | ChangeCipherSpec) -> bool:  # noqa: ARG002
        """Handle a message the state table does not cover; return False if it does."""
        return False

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
