"""The state machines: one table per role and version. The engine runs on them and the documentation draws them.

An edge is (state, action, message, next state); `action` is `send` or `receive`. A message that has no edge from the
present state is an `UnexpectedMessage`. Where a message has several edges, the handshake's logic picks one; where it
has one, that is taken. From every state a fatal alert or the end of the stream leads to `Closed`.

TLS 1.3 closes each direction by itself (RFC 9846 6.1): `Closing` has sent close_notify and still reads, `PeerClosed`
has received it and may still write. TLS 1.2 answers the peer's close_notify at once (RFC 5246 7.2.1).
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a connection is, named for what must happen next; the text is what traces, errors and pictures say."""

    START = "Start"
    EXPECT_CERTIFICATE = "ExpectCertificate"
    EXPECT_CERTIFICATE_VERIFY = "ExpectCertificateVerify"
    EXPECT_CHANGE_CIPHER_SPEC = "ExpectChangeCipherSpec"
    EXPECT_CLIENT_HELLO = "ExpectClientHello"
    EXPECT_CLIENT_KEY_EXCHANGE = "ExpectClientKeyExchange"
    EXPECT_ENCRYPTED_EXTENSIONS = "ExpectEncryptedExtensions"
    EXPECT_FINISHED = "ExpectFinished"
    EXPECT_REQUEST_OR_CERTIFICATE = "ExpectRequestOrCertificate"
    EXPECT_REQUEST_OR_DONE = "ExpectRequestOrDone"
    EXPECT_SECOND_CLIENT_HELLO = "ExpectSecondClientHello"
    EXPECT_SECOND_SERVER_HELLO = "ExpectSecondServerHello"
    EXPECT_SERVER_HELLO = "ExpectServerHello"
    EXPECT_SERVER_HELLO_DONE = "ExpectServerHelloDone"
    EXPECT_SERVER_KEY_EXCHANGE = "ExpectServerKeyExchange"
    EXPECT_SUPPLEMENTAL_DATA = "ExpectSupplementalData"
    SEND_CERTIFICATE = "SendCertificate"
    SEND_CERTIFICATE_REQUEST = "SendCertificateRequest"
    SEND_CERTIFICATE_VERIFY = "SendCertificateVerify"
    SEND_CHANGE_CIPHER_SPEC = "SendChangeCipherSpec"
    SEND_CLIENT_KEY_EXCHANGE = "SendClientKeyExchange"
    SEND_ENCRYPTED_EXTENSIONS = "SendEncryptedExtensions"
    SEND_FINISHED = "SendFinished"
    SEND_HELLO_RETRY_REQUEST = "SendHelloRetryRequest"
    SEND_SECOND_CLIENT_HELLO = "SendSecondClientHello"
    SEND_SERVER_HELLO = "SendServerHello"
    SEND_SERVER_HELLO_DONE = "SendServerHelloDone"
    SEND_SERVER_KEY_EXCHANGE = "SendServerKeyExchange"
    SEND_SUPPLEMENTAL_DATA = "SendSupplementalData"
    CONNECTED = "Connected"
    CLOSING = "Closing"
    PEER_CLOSED = "PeerClosed"
    CLOSED = "Closed"


CONNECTED, CLOSING, PEER_CLOSED, CLOSED = State.CONNECTED, State.CLOSING, State.PEER_CLOSED, State.CLOSED
"""Used at every step: Python 3.11 looks up an enum's member by a call, and a name without one."""

Edges = list[tuple[State, str, tuple[State, ...]]]


class Edge(NamedTuple):
    """One transition."""

    source: State
    action: str
    message: str
    target: State


class Table:
    """A state machine: its edges, and quick ways to ask for them."""

    def __init__(self, name: str, start: State, edges: Edges) -> None:
        self.name = name
        self.start = start
        self.rows = edges
        self.edges: list[Edge] = []
        self._targets: dict[tuple[State, str, str], tuple[State, ...]] = {}
        self._receivable: dict[State, list[str]] = defaultdict(list)
        for source, what, targets in edges:
            action, message = what.split()
            self._targets[source, action, message] = targets
            self.edges += [Edge(source, action, message, target) for target in targets]
            if action == "receive":
                self._receivable[source].append(message)

    def targets(self, state: State, action: str, message: str) -> tuple[State, ...]:
        """Return the states this message leads to from `state`, none if it has no place there."""
        return self._targets.get((state, action, message), ())

    def expected(self, state: State) -> list[str]:
        """Return the names of the messages that may be received in `state`."""
        return self._receivable.get(state, [])

    def wider(self, name: str, more: Edges) -> Table:
        """Return a table that has these edges too."""
        rows = {(source, what): targets for source, what, targets in self.rows}
        for source, what, targets in more:
            rows[source, what] = (*rows.get((source, what), ()), *targets)
        return Table(name, self.start, [(source, what, targets) for (source, what), targets in rows.items()])

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        lines += [f"    {e.source} --> {e.target}: {e.action} {e.message}" for e in self.edges]
        return "\n".join([*lines, "    Closed --> [*]", ""])

    def __repr__(self) -> str:
        return f"<Table {self.name}, {len(self.edges)} edges>"


CLOSES12: Edges = [
    (State.CONNECTED, "send close_notify", (State.CLOSING,)),
    (State.CLOSING, "receive close_notify", (State.CLOSED,)),
    (State.CONNECTED, "receive close_notify", (State.PEER_CLOSED,)),
    (State.PEER_CLOSED, "send close_notify", (State.CLOSED,)),
]
CLOSES13: Edges = [
    *CLOSES12,
    (State.CLOSING, "receive KeyUpdate", (State.CLOSING,)),
    (State.PEER_CLOSED, "send KeyUpdate", (State.PEER_CLOSED,)),
]
"""How a completed connection ends; the server's tickets may still come after this side's close_notify."""

CLIENT12 = Table(
    "client, TLS 1.2",
    State.START,
    [
        (State.START, "send ClientHello", (State.EXPECT_SERVER_HELLO,)),
        (
            State.EXPECT_SERVER_HELLO,
            "receive ServerHello",
            (State.EXPECT_SUPPLEMENTAL_DATA, State.EXPECT_CERTIFICATE),
        ),
        (State.EXPECT_SUPPLEMENTAL_DATA, "receive SupplementalData", (State.EXPECT_CERTIFICATE,)),
        (
            State.EXPECT_CERTIFICATE,
            "receive Certificate",
            (State.EXPECT_SERVER_KEY_EXCHANGE, State.EXPECT_REQUEST_OR_DONE),
        ),
        (State.EXPECT_SERVER_KEY_EXCHANGE, "receive ServerKeyExchange", (State.EXPECT_REQUEST_OR_DONE,)),
        (State.EXPECT_REQUEST_OR_DONE, "receive CertificateRequest", (State.EXPECT_SERVER_HELLO_DONE,)),
        (
            State.EXPECT_REQUEST_OR_DONE,
            "receive ServerHelloDone",
            (State.SEND_SUPPLEMENTAL_DATA, State.SEND_CLIENT_KEY_EXCHANGE),
        ),
        (
            State.EXPECT_SERVER_HELLO_DONE,
            "receive ServerHelloDone",
            (State.SEND_SUPPLEMENTAL_DATA, State.SEND_CERTIFICATE),
        ),
        (
            State.SEND_SUPPLEMENTAL_DATA,
            "send SupplementalData",
            (State.SEND_CERTIFICATE, State.SEND_CLIENT_KEY_EXCHANGE),
        ),
        (State.SEND_CERTIFICATE, "send Certificate", (State.SEND_CLIENT_KEY_EXCHANGE,)),
        (
            State.SEND_CLIENT_KEY_EXCHANGE,
            "send ClientKeyExchange",
            (State.SEND_CERTIFICATE_VERIFY, State.SEND_CHANGE_CIPHER_SPEC),
        ),
        (State.SEND_CERTIFICATE_VERIFY, "send CertificateVerify", (State.SEND_CHANGE_CIPHER_SPEC,)),
        (State.SEND_CHANGE_CIPHER_SPEC, "send ChangeCipherSpec", (State.SEND_FINISHED,)),
        (State.SEND_FINISHED, "send Finished", (State.EXPECT_CHANGE_CIPHER_SPEC,)),
        (State.EXPECT_CHANGE_CIPHER_SPEC, "receive ChangeCipherSpec", (State.EXPECT_FINISHED,)),
        (State.EXPECT_FINISHED, "receive Finished", (State.CONNECTED,)),
        *CLOSES12,
    ],
)

CLIENT13 = Table(
    "client, TLS 1.3",
    State.START,
    [
        (State.START, "send ClientHello", (State.EXPECT_SERVER_HELLO,)),
        (State.EXPECT_SERVER_HELLO, "receive HelloRetryRequest", (State.SEND_SECOND_CLIENT_HELLO,)),
        (State.EXPECT_SERVER_HELLO, "receive ServerHello", (State.EXPECT_ENCRYPTED_EXTENSIONS,)),
        (State.SEND_SECOND_CLIENT_HELLO, "send ClientHello", (State.EXPECT_SECOND_SERVER_HELLO,)),
        (State.EXPECT_SECOND_SERVER_HELLO, "receive ServerHello", (State.EXPECT_ENCRYPTED_EXTENSIONS,)),
        (State.EXPECT_ENCRYPTED_EXTENSIONS, "receive EncryptedExtensions", (State.EXPECT_REQUEST_OR_CERTIFICATE,)),
        (State.EXPECT_REQUEST_OR_CERTIFICATE, "receive CertificateRequest", (State.EXPECT_CERTIFICATE,)),
        (State.EXPECT_REQUEST_OR_CERTIFICATE, "receive Certificate", (State.EXPECT_CERTIFICATE_VERIFY,)),
        (State.EXPECT_CERTIFICATE, "receive Certificate", (State.EXPECT_CERTIFICATE_VERIFY,)),
        (State.EXPECT_CERTIFICATE_VERIFY, "receive CertificateVerify", (State.EXPECT_FINISHED,)),
        (State.EXPECT_FINISHED, "receive Finished", (State.SEND_CERTIFICATE, State.SEND_FINISHED)),
        (State.SEND_CERTIFICATE, "send Certificate", (State.SEND_CERTIFICATE_VERIFY, State.SEND_FINISHED)),
        (State.SEND_CERTIFICATE_VERIFY, "send CertificateVerify", (State.SEND_FINISHED,)),
        (State.SEND_FINISHED, "send Finished", (State.CONNECTED,)),
        (State.CONNECTED, "receive NewSessionTicket", (State.CONNECTED,)),
        (State.CLOSING, "receive NewSessionTicket", (State.CLOSING,)),
        (State.CONNECTED, "receive KeyUpdate", (State.CONNECTED,)),
        (State.CONNECTED, "send KeyUpdate", (State.CONNECTED,)),
        *CLOSES13,
    ],
)
"""ChangeCipherSpec is not in it: in TLS 1.3 it means nothing and keeps middleboxes quiet (RFC 9846 E.4)."""

SERVER13 = Table(
    "server, TLS 1.3",
    State.EXPECT_CLIENT_HELLO,
    [
        (State.EXPECT_CLIENT_HELLO, "receive ClientHello", (State.SEND_HELLO_RETRY_REQUEST, State.SEND_SERVER_HELLO)),
        (State.SEND_HELLO_RETRY_REQUEST, "send HelloRetryRequest", (State.EXPECT_SECOND_CLIENT_HELLO,)),
        (State.EXPECT_SECOND_CLIENT_HELLO, "receive ClientHello", (State.SEND_SERVER_HELLO,)),
        (State.SEND_SERVER_HELLO, "send ServerHello", (State.SEND_ENCRYPTED_EXTENSIONS,)),
        (
            State.SEND_ENCRYPTED_EXTENSIONS,
            "send EncryptedExtensions",
            (State.SEND_CERTIFICATE_REQUEST, State.SEND_CERTIFICATE),
        ),
        (State.SEND_CERTIFICATE_REQUEST, "send CertificateRequest", (State.SEND_CERTIFICATE,)),
        (State.SEND_CERTIFICATE, "send Certificate", (State.SEND_CERTIFICATE_VERIFY,)),
        (State.SEND_CERTIFICATE_VERIFY, "send CertificateVerify", (State.SEND_FINISHED,)),
        (State.SEND_FINISHED, "send Finished", (State.EXPECT_CERTIFICATE, State.EXPECT_FINISHED)),
        (State.EXPECT_CERTIFICATE, "receive Certificate", (State.EXPECT_CERTIFICATE_VERIFY, State.EXPECT_FINISHED)),
        (State.EXPECT_CERTIFICATE_VERIFY, "receive CertificateVerify", (State.EXPECT_FINISHED,)),
        (State.EXPECT_FINISHED, "receive Finished", (State.CONNECTED,)),
        (State.CONNECTED, "receive KeyUpdate", (State.CONNECTED,)),
        (State.CONNECTED, "send KeyUpdate", (State.CONNECTED,)),
        *CLOSES13,
    ],
)

SERVER12 = Table(
    "server, TLS 1.2",
    State.EXPECT_CLIENT_HELLO,
    [
        (State.EXPECT_CLIENT_HELLO, "receive ClientHello", (State.SEND_SERVER_HELLO,)),
        (State.SEND_SERVER_HELLO, "send ServerHello", (State.SEND_SUPPLEMENTAL_DATA, State.SEND_CERTIFICATE)),
        (State.SEND_SUPPLEMENTAL_DATA, "send SupplementalData", (State.SEND_CERTIFICATE,)),
        (
            State.SEND_CERTIFICATE,
            "send Certificate",
            (State.SEND_SERVER_KEY_EXCHANGE, State.SEND_CERTIFICATE_REQUEST, State.SEND_SERVER_HELLO_DONE),
        ),
        (
            State.SEND_SERVER_KEY_EXCHANGE,
            "send ServerKeyExchange",
            (State.SEND_CERTIFICATE_REQUEST, State.SEND_SERVER_HELLO_DONE),
        ),
        (State.SEND_CERTIFICATE_REQUEST, "send CertificateRequest", (State.SEND_SERVER_HELLO_DONE,)),
        (
            State.SEND_SERVER_HELLO_DONE,
            "send ServerHelloDone",
            (State.EXPECT_SUPPLEMENTAL_DATA, State.EXPECT_CERTIFICATE, State.EXPECT_CLIENT_KEY_EXCHANGE),
        ),
        (
            State.EXPECT_SUPPLEMENTAL_DATA,
            "receive SupplementalData",
            (State.EXPECT_CERTIFICATE, State.EXPECT_CLIENT_KEY_EXCHANGE),
        ),
        (State.EXPECT_CERTIFICATE, "receive Certificate", (State.EXPECT_CLIENT_KEY_EXCHANGE,)),
        (
            State.EXPECT_CLIENT_KEY_EXCHANGE,
            "receive ClientKeyExchange",
            (State.EXPECT_CERTIFICATE_VERIFY, State.EXPECT_CHANGE_CIPHER_SPEC),
        ),
        (State.EXPECT_CERTIFICATE_VERIFY, "receive CertificateVerify", (State.EXPECT_CHANGE_CIPHER_SPEC,)),
        (State.EXPECT_CHANGE_CIPHER_SPEC, "receive ChangeCipherSpec", (State.EXPECT_FINISHED,)),
        (State.EXPECT_FINISHED, "receive Finished", (State.SEND_CHANGE_CIPHER_SPEC,)),
        (State.SEND_CHANGE_CIPHER_SPEC, "send ChangeCipherSpec", (State.SEND_FINISHED,)),
        (State.SEND_FINISHED, "send Finished", (State.CONNECTED,)),
        *CLOSES12,
    ],
)
