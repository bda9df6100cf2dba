"""What is fuzzed: one end of a connection, fed with any octets as its peer's stream.

To let mutated input come past the cryptography, a target is *open*: its records carry plaintext where the protocol
protects them, and every signature and Finished counts as right. Everything else is the engine as it is. `sealed`
targets leave the cryptography in place. Randomness is fixed, so that an input does the same every time.
"""

from __future__ import annotations

import hmac
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from tls_identities import NAME, client_identity, root, server_identity

from trustlab import tls
from trustlab.tls import keys
from trustlab.tls.groups import HybridShare, NistShare, X25519Share
from trustlab.tls.records import RecordLayer
from trustlab.tls.registry import Version
from trustlab.tls.suites import SUITES
from trustlab.tls.unchecked import UncheckedClientConfig, UncheckedServerConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = tls.Limits(message=2**15, buffered=2**17, chain=4)
SECONDS = 2.0
"""No input of this size may keep an end busy for longer."""


class Open12:
    """No protection, in the shape of TLS 1.2's."""

    hides_type = False
    sequence = 0

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        return plaintext

    def unprotect(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        return content_type, fragment

    def copy(self) -> Open12:
        return self


class Open13(Open12):
    """No protection, in the shape of TLS 1.3's: the content type stands at the end."""

    hides_type = True

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        return plaintext + bytes([content_type])

    def unprotect(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        content = fragment.rstrip(b"\0")
        if not content:
            raise tls.UnexpectedMessage("a record of padding only")
        return content[-1], content[:-1]


class OpenRecords(RecordLayer):
    """A record layer that replaces every protection set on it by none."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in {"read", "write"} and value is not None:
            value = Open13() if value.hides_type else Open12()
        super().__setattr__(name, value)


@contextmanager
def no_cryptography() -> Iterator[None]:
    """Take every signature and every Finished for right."""
    real = hmac.compare_digest, keys.verify
    hmac.compare_digest = lambda a, b: True
    keys.verify = lambda *a, **k: None
    try:
        yield
    finally:
        hmac.compare_digest, keys.verify = real


def share(group: int) -> Any:
    """Return key shares that are the same every time."""
    if group == tls.Group.X25519:
        return X25519Share(x25519.X25519PrivateKey.from_private_bytes(b"\x11" * 32))
    if group == tls.Group.SECP256R1:
        return NistShare(ec.derive_private_key(0x1234567, ec.SECP256R1()))
    return HybridShare()


@dataclass(frozen=True)
class Target:
    """One role with one set of choices."""

    name: str
    role: str
    versions: tuple[tls.Version, ...]
    kind: str = "ECDSA"
    suites: tuple[tls.CipherSuite, ...] = tuple(s for s in tls.CipherSuite if s in SUITES)
    certificates: bool = False
    evidence: bool = False
    sealed: bool = False

    def __str__(self) -> str:
        return self.name

    def connection(self) -> tls.Connection:
        common: dict[str, Any] = {
            "versions": self.versions,
            "cipher_suites": self.suites,
            "groups": (tls.Group.X25519, tls.Group.SECP256R1),
            "key_shares": (tls.Group.X25519,),
            "alpn": ("lab/1", "lab/2"),
            "limits": LIMITS,
            "random": lambda n: b"\x42" * n,
            "ephemeral": share,
            "trust": [root().certificate],
        }
        identity = server_identity(self.kind) if self.role == "server" else client_identity("ECDSA")
        own = {"certificates": (identity.der,), "key": "a key elsewhere"}
        nonce = b"\x77" * 32
        connection: tls.Connection
        if self.role == "server":
            offer = tls.AttestationOffer(tls.ROLE_S, tls.ROLE_C, nonce=nonce) if self.evidence else None
            asks = "request" if self.certificates else "none"
            configured = tls.ServerConfig if self.sealed else UncheckedServerConfig
            server = configured(**common, **own, client_certificate=asks, attestation=offer)
            connection = tls.Server(server)
        else:
            offer = tls.AttestationOffer(tls.ROLE_C, tls.ROLE_S, nonce=nonce) if self.evidence else None
            mine = own if self.certificates else {}
            wanted = tls.ClientConfig if self.sealed else UncheckedClientConfig
            client = wanted(**common, **mine, server_name=NAME, attestation=offer)
            connection = tls.Client(client)
        if not self.sealed:
            connection.records = OpenRecords()
            connection.records.write_version = Version.TLS10 if self.role == "client" else Version.TLS12
        return connection


BOTH = (tls.Version.TLS12, tls.Version.TLS13)
RSA_ONLY = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
TARGETS = [
    Target("server12", "server", BOTH[:1]),
    Target("server12-rsa-evidence", "server", BOTH[:1], "RSA", RSA_ONLY, certificates=True, evidence=True),
    Target("server13", "server", BOTH[1:]),
    Target("server13-evidence", "server", BOTH[1:], certificates=True, evidence=True),
    Target("client12", "client", BOTH[:1], certificates=True),
    Target("client12-rsa-evidence", "client", BOTH[:1], "RSA", RSA_ONLY, certificates=True, evidence=True),
    Target("client13", "client", BOTH[1:]),
    Target("client13-evidence", "client", BOTH[1:], certificates=True, evidence=True),
]
SEALED = [
    Target("server-sealed", "server", BOTH, sealed=True),
    Target("client-sealed", "client", BOTH, sealed=True),
]
BY_NAME = {target.name: target for target in TARGETS + SEALED}


def answer(request: tls.Request) -> Any:
    """Answer a request, always in the same way."""
    if isinstance(request, tls.KeyOperationWanted):
        return b"\x03\x03" + b"\x55" * 46 if request.operation == "rsa-decrypt" else b"signature"
    return b"evidence" if isinstance(request, tls.EvidenceWanted) else None


def drain(connection: tls.Connection) -> list[tls.Event]:
    """Read every event, answer every request, and look at every message received as the inspector does."""
    events = []
    while (event := connection.next_event()) is not None:
        events.append(event)
        if isinstance(event, tls.Request):
            connection.answer(event, answer(event))
        elif isinstance(event, tls.MessageReceived):
            check_spans(event)
    return events


def check_spans(event: tls.MessageReceived) -> None:
    """Assert that every octet of a message has a name."""
    reached = 0
    for span in sorted(tls.describe(event.raw, event.content_type, event.suite, event.version), key=lambda s: s.start):
        assert span.start <= reached, f"octets {reached} to {span.start} of {event.name} have no name"
        reached = max(reached, span.end)
    assert reached == len(event.raw), f"octets {reached} to {len(event.raw)} of {event.name} have no name"


def run(target: Target, data: bytes, chunk: int = 0) -> list[tls.Event]:
    """Feed an input to a target and check the promises: events or a typed alert, in time, within the limits."""
    connection = target.connection()
    begun = time.perf_counter()
    with nullcontext() if target.sealed else no_cryptography():
        events = drain(connection)
        step = chunk or max(1, min(len(data), LIMITS.buffered))
        for start in range(0, len(data), step):
            connection.receive(data[start : start + step])
            events += drain(connection)
            held = len(connection.records.input) + len(connection.joiner.buffer)
            assert held <= LIMITS.message + 2 * (2**14 + 2048) + 9, f"{held} octets are held"
        if connection.state == "Connected":
            connection.send(b"answer")
        connection.eof_received()
        events += drain(connection)
    assert connection.state == "Closed"
    assert connection.error is None or isinstance(connection.error, tls.TlsError), repr(connection.error)
    assert not isinstance(connection.error, tls.InternalError | tls.LocalProtocolError), repr(connection.error)
    assert isinstance(events[-1], tls.ConnectionClosed)
    elapsed = time.perf_counter() - begun
    assert elapsed < SECONDS, f"{elapsed:.1f} s for {len(data)} octets"
    return events
