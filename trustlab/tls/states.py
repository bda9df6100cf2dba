"""The state machines: one table per role and version. The engine runs on them and the documentation draws them.

An edge is (state, action, message, next state); `action` is `send` or `receive`. A message that has no edge from the
present state is an `UnexpectedMessage`. Where a message has several edges, the handshake's logic picks one; where it
has one, that is taken. From every state a fatal alert or the end of the stream leads to `Closed`.

TLS 1.3 closes each direction by itself (RFC 8446 6.1): `Closing` has said close_notify and still reads, `PeerClosed`
has heard it and may still write. TLS 1.2 answers the peer's close_notify at once (RFC 5246 7.2.1).
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

Edges = list[tuple[str, str, tuple[str, ...]]]


class Edge(NamedTuple):
    """One transition."""

    source: str
    action: str
    message: str
    target: str


class Table:
    """A state machine: its edges, and quick ways to ask for them."""

    def __init__(self, name: str, start: str, edges: Edges) -> None:
        self.name = name
        self.start = start
        self.edges: list[Edge] = []
        self._targets: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._receivable: dict[str, list[str]] = defaultdict(list)
        for source, deed, targets in edges:
            action, message = deed.split()
            self._targets[source, action, message] = targets
            self.edges += [Edge(source, action, message, target) for target in targets]
            if action == "receive":
                self._receivable[source].append(message)

    def targets(self, state: str, action: str, message: str) -> tuple[str, ...]:
        """Return the states this message leads to from `state`, none if it has no place there."""
        return self._targets.get((state, action, message), ())

    def expected(self, state: str) -> list[str]:
        """Return the names of the messages that may be received in `state`."""
        return self._receivable.get(state, [])

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        lines += [f"    {e.source} --> {e.target}: {e.action} {e.message}" for e in self.edges]
        return "\n".join([*lines, "    Closed --> [*]", ""])

    def __repr__(self) -> str:
        return f"<Table {self.name}, {len(self.edges)} edges>"


CLOSES12: Edges = [
    ("Connected", "send close_notify", ("Closing",)),
    ("Closing", "receive close_notify", ("Closed",)),
    ("Connected", "receive close_notify", ("PeerClosed",)),
    ("PeerClosed", "send close_notify", ("Closed",)),
]
CLOSES13: Edges = [
    *CLOSES12,
    ("Closing", "receive KeyUpdate", ("Closing",)),
    ("PeerClosed", "send KeyUpdate", ("PeerClosed",)),
]
"""How a connection ends that was made; the server's tickets may still come after this side's close_notify."""

CLIENT12 = Table(
    "client, TLS 1.2",
    "Start",
    [
        ("Start", "send ClientHello", ("ExpectServerHello",)),
        (
            "ExpectServerHello",
            "receive ServerHello",
            ("ExpectSupplementalData", "ExpectCertificate", "ExpectChangeCipherSpec"),
        ),
        ("ExpectSupplementalData", "receive SupplementalData", ("ExpectCertificate",)),
        ("ExpectCertificate", "receive Certificate", ("ExpectServerKeyExchange", "ExpectRequestOrDone")),
        ("ExpectServerKeyExchange", "receive ServerKeyExchange", ("ExpectRequestOrDone",)),
        ("ExpectRequestOrDone", "receive CertificateRequest", ("ExpectServerHelloDone",)),
        (
            "ExpectRequestOrDone",
            "receive ServerHelloDone",
            ("SendSupplementalData", "SendClientKeyExchange"),
        ),
        (
            "ExpectServerHelloDone",
            "receive ServerHelloDone",
            ("SendSupplementalData", "SendCertificate"),
        ),
        ("SendSupplementalData", "send SupplementalData", ("SendCertificate", "SendClientKeyExchange")),
        ("SendCertificate", "send Certificate", ("SendClientKeyExchange",)),
        ("SendClientKeyExchange", "send ClientKeyExchange", ("SendCertificateVerify", "SendChangeCipherSpec")),
        ("SendCertificateVerify", "send CertificateVerify", ("SendChangeCipherSpec",)),
        ("SendChangeCipherSpec", "send ChangeCipherSpec", ("SendFinished",)),
        ("SendFinished", "send Finished", ("ExpectChangeCipherSpec", "Connected")),
        ("ExpectChangeCipherSpec", "receive ChangeCipherSpec", ("ExpectFinished",)),
        ("ExpectFinished", "receive Finished", ("Connected", "SendChangeCipherSpec")),
        *CLOSES12,
    ],
)
"""Resumption (a lab switch) takes ServerHello, ChangeCipherSpec, Finished and only then sends its own."""

CLIENT13 = Table(
    "client, TLS 1.3",
    "Start",
    [
        ("Start", "send ClientHello", ("ExpectServerHello",)),
        ("ExpectServerHello", "receive HelloRetryRequest", ("SendSecondClientHello",)),
        ("ExpectServerHello", "receive ServerHello", ("ExpectEncryptedExtensions",)),
        ("SendSecondClientHello", "send ClientHello", ("ExpectSecondServerHello",)),
        ("ExpectSecondServerHello", "receive ServerHello", ("ExpectEncryptedExtensions",)),
        ("ExpectEncryptedExtensions", "receive EncryptedExtensions", ("ExpectRequestOrCertificate",)),
        ("ExpectRequestOrCertificate", "receive CertificateRequest", ("ExpectCertificate",)),
        ("ExpectRequestOrCertificate", "receive Certificate", ("ExpectCertificateVerify",)),
        ("ExpectCertificate", "receive Certificate", ("ExpectCertificateVerify",)),
        ("ExpectCertificateVerify", "receive CertificateVerify", ("ExpectFinished",)),
        ("ExpectFinished", "receive Finished", ("SendCertificate", "SendFinished")),
        ("SendCertificate", "send Certificate", ("SendCertificateVerify", "SendFinished")),
        ("SendCertificateVerify", "send CertificateVerify", ("SendFinished",)),
        ("SendFinished", "send Finished", ("Connected",)),
        ("Connected", "receive NewSessionTicket", ("Connected",)),
        ("Closing", "receive NewSessionTicket", ("Closing",)),
        ("Connected", "receive KeyUpdate", ("Connected",)),
        ("Connected", "send KeyUpdate", ("Connected",)),
        *CLOSES13,
    ],
)
"""ChangeCipherSpec is not in it: in TLS 1.3 it is a disguise without meaning (RFC 8446 D.4)."""

SERVER13 = Table(
    "server, TLS 1.3",
    "ExpectClientHello",
    [
        ("ExpectClientHello", "receive ClientHello", ("SendHelloRetryRequest", "SendServerHello")),
        ("SendHelloRetryRequest", "send HelloRetryRequest", ("ExpectSecondClientHello",)),
        ("ExpectSecondClientHello", "receive ClientHello", ("SendServerHello",)),
        ("SendServerHello", "send ServerHello", ("SendEncryptedExtensions",)),
        ("SendEncryptedExtensions", "send EncryptedExtensions", ("SendCertificateRequest", "SendCertificate")),
        ("SendCertificateRequest", "send CertificateRequest", ("SendCertificate",)),
        ("SendCertificate", "send Certificate", ("SendCertificateVerify",)),
        ("SendCertificateVerify", "send CertificateVerify", ("SendFinished",)),
        ("SendFinished", "send Finished", ("ExpectCertificate", "ExpectFinished")),
        ("ExpectCertificate", "receive Certificate", ("ExpectCertificateVerify", "ExpectFinished")),
        ("ExpectCertificateVerify", "receive CertificateVerify", ("ExpectFinished",)),
        ("ExpectFinished", "receive Finished", ("Connected",)),
        ("Connected", "receive KeyUpdate", ("Connected",)),
        ("Connected", "send KeyUpdate", ("Connected",)),
        *CLOSES13,
    ],
)

SERVER12 = Table(
    "server, TLS 1.2",
    "ExpectClientHello",
    [
        ("ExpectClientHello", "receive ClientHello", ("SendServerHello",)),
        (
            "SendServerHello",
            "send ServerHello",
            ("SendSupplementalData", "SendCertificate", "SendChangeCipherSpec"),
        ),
        ("SendSupplementalData", "send SupplementalData", ("SendCertificate",)),
        (
            "SendCertificate",
            "send Certificate",
            ("SendServerKeyExchange", "SendCertificateRequest", "SendServerHelloDone"),
        ),
        ("SendServerKeyExchange", "send ServerKeyExchange", ("SendCertificateRequest", "SendServerHelloDone")),
        ("SendCertificateRequest", "send CertificateRequest", ("SendServerHelloDone",)),
        (
            "SendServerHelloDone",
            "send ServerHelloDone",
            ("ExpectSupplementalData", "ExpectCertificate", "ExpectClientKeyExchange"),
        ),
        ("ExpectSupplementalData", "receive SupplementalData", ("ExpectCertificate", "ExpectClientKeyExchange")),
        ("ExpectCertificate", "receive Certificate", ("ExpectClientKeyExchange",)),
        (
            "ExpectClientKeyExchange",
            "receive ClientKeyExchange",
            ("ExpectCertificateVerify", "ExpectChangeCipherSpec"),
        ),
        ("ExpectCertificateVerify", "receive CertificateVerify", ("ExpectChangeCipherSpec",)),
        ("ExpectChangeCipherSpec", "receive ChangeCipherSpec", ("ExpectFinished",)),
        ("ExpectFinished", "receive Finished", ("SendChangeCipherSpec", "Connected")),
        ("SendChangeCipherSpec", "send ChangeCipherSpec", ("SendFinished",)),
        ("SendFinished", "send Finished", ("Connected", "ExpectChangeCipherSpec")),
        *CLOSES12,
    ],
)
