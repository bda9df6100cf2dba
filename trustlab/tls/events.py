"""What a connection tells its program, the same for both roles: what one side sends, the other receives.

Events that are also a `Request` stop the engine until `Connection.answer` is called with their answer. Key material and
application data stay out of every `repr`.

Nobody changes an event. The frequent ones are still not declared frozen, because a frozen dataclass takes five times as
long to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustlab.tls.alerts import Alert, TlsError
    from trustlab.tls.facts import HandshakeFacts
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.registry import CipherSuite, Version
    from trustlab.tls.states import State

__all__ = [
    "AlertReceived",
    "AlertSent",
    "ApplicationData",
    "ApplicationDataSent",
    "ChosenPreMasterSecret",
    "ConnectionClosed",
    "Event",
    "EvidenceReceived",
    "EvidenceWanted",
    "HandshakeCompleted",
    "KeyOperationWanted",
    "MessageReady",
    "MessageReceived",
    "MessageSent",
    "PreMasterSecretReady",
    "Request",
    "SecretDerived",
    "StateChanged",
]


class Event:
    """Anything `Connection.next_event` returns."""

    __slots__ = ()


class Request(Event):
    """Work for the outside world; the engine waits for `Connection.answer(request, answer)`."""

    __slots__ = ()


@dataclass(slots=True)
class _MessageEvent(Event):
    """A message as one side wrote or read it.

    `raw` is the plaintext with the 4-octet handshake header; `offset` is the stream position of the first record
    that carries it, `records` the `[start, end]` ranges of all of them.
    """

    message: AnyMessage
    raw: bytes = field(repr=False)
    content_type: int
    offset: int
    records: tuple[tuple[int, int], ...]
    encrypted: bool
    name: str
    version: Version
    suite: CipherSuite | None = None


@dataclass(slots=True)
class MessageSent(_MessageEvent):
    """This side wrote a handshake message, ChangeCipherSpec or alert."""


@dataclass(slots=True)
class MessageReceived(_MessageEvent):
    """This side read a handshake message, ChangeCipherSpec or alert."""


@dataclass(slots=True)
class _Data(Event):
    """One record of application data: `data` its plaintext, `raw` the protected record with its 5-octet header."""

    data: bytes = field(repr=False)
    raw: bytes = field(repr=False)
    offset: int
    records: tuple[tuple[int, int], ...]
    version: Version
    suite: CipherSuite | None = None


@dataclass(slots=True)
class ApplicationData(_Data):
    """Application data arrived."""


@dataclass(slots=True)
class ApplicationDataSent(_Data):
    """Application data went out."""


@dataclass(slots=True)
class SecretDerived(Event):
    """A secret was derived; `inputs` names what it was made from, `client_random` is for a key log."""

    label: str
    value: bytes = field(repr=False)
    inputs: tuple[str, ...]
    client_random: bytes


@dataclass(slots=True)
class StateChanged(Event):
    """The state machine took an edge of its table."""

    old: State
    new: State


@dataclass(frozen=True, slots=True)
class HandshakeCompleted(Event):
    """Both Finished are verified: application data may flow."""

    version: Version
    cipher_suite: CipherSuite
    peer_certificates: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AlertSent(Event):
    """This side sent an alert."""

    alert: Alert
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class AlertReceived(Event):
    """The peer sent an alert."""

    alert: Alert
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionClosed(Event):
    """Nothing more will come; `error` is None after an orderly close_notify."""

    error: TlsError | None


@dataclass(frozen=True, slots=True)
class MessageReady(Request):
    """A message is about to be encoded (`intercept=True` only); answer None to keep it, or another message."""

    message: AnyMessage


@dataclass(frozen=True, slots=True)
class PreMasterSecretReady(Request):
    """The client drew its pre-master secret for RSA key exchange (`intercept=True` only).

    Answer None to keep it, 48 octets to replace it, or a `ChosenPreMasterSecret`.
    """

    pms: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChosenPreMasterSecret:
    """A pre-master secret together with the ciphertext to send for it."""

    pms: bytes = field(repr=False)
    epms: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EvidenceWanted(Request):
    """This side has to give Evidence bound to `facts`; answer with its octets, or with an `Alert` to give up."""

    facts: HandshakeFacts


@dataclass(frozen=True, slots=True)
class EvidenceReceived(Request):
    """The peer gave Evidence; answer None to accept it, or the `Alert` that refuses it."""

    evidence: bytes = field(repr=False)
    facts: HandshakeFacts


@dataclass(frozen=True, slots=True)
class KeyOperationWanted(Request):
    """This side's private key is needed; answer with the resulting octets, or with an exception.

    `rsa-decrypt`: `data` is the ciphertext, the answer what is inside the PKCS#1 v1.5 padding; the peer does
    not learn that a decryption failed (RFC 5246 7.4.7.1). `sign`: `data` is the whole message, `scheme` how to sign it.
    """

    operation: str
    key: Any = field(repr=False)
    data: bytes = field(repr=False)
    scheme: int | None = None
