"""What the tests of this room share: certificates made once, and both ends of a connection in one place."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustlab import tls
from trustlab.tls.resumption12 import ResumingClient, ResumingServer, Session, SessionCache
from trustlab.tls.unchecked import UncheckedClientConfig, UncheckedServerConfig

NAME = "bank.example"
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Identity:
    """A key with its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def new_key(kind: str) -> Any:
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


def make(
    kind: str,
    subject: str,
    issuer: Identity | None = None,
    *,
    names: tuple[str, ...] = (),
    client: bool = False,
    ca: bool = False,
    start: dt.datetime = NOW - DAY,
    end: dt.datetime = NOW + 30 * DAY,
    usage: bool = True,
    signs: bool = True,
) -> Identity:
    key = new_key(kind)
    issuer_key = issuer.key if issuer else key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    issuer_public = issuer_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=not ca and signs,
                content_commitment=False,
                key_encipherment=not ca and kind == "RSA",
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    if not ca:
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        alternatives = [x509.DNSName(n) for n in names] or [x509.DNSName(subject)]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return Identity(key, builder.sign(issuer_key, hashes.SHA256()))


@lru_cache(maxsize=1)
def root() -> Identity:
    return make("ECDSA", "Test Root", ca=True)


@lru_cache(maxsize=1)
def stranger() -> Identity:
    return make("ECDSA", "Another Root", ca=True)


@lru_cache(maxsize=8)
def server_identity(kind: str = "RSA") -> Identity:
    return make(kind, NAME, root())


@lru_cache(maxsize=8)
def client_identity(kind: str = "RSA") -> Identity:
    return make(kind, "teller.example", root(), client=True)


def client_config(*, checks: bool = True, **changes: Any) -> tls.ClientConfig:
    settings: dict[str, Any] = {"server_name": NAME, "trust": [root().certificate], "versions": (tls.Version.TLS12,)}
    return (tls.ClientConfig if checks else UncheckedClientConfig)(**(settings | changes))


def server_config(kind: str = "RSA", *, checks: bool = True, **changes: Any) -> tls.ServerConfig:
    identity = server_identity(kind)
    settings: dict[str, Any] = {
        "certificates": (identity.der,),
        "key": identity.key,
        "versions": (tls.Version.TLS12,),
    }
    return (tls.ServerConfig if checks else UncheckedServerConfig)(**(settings | changes))


class End:
    """One end with everything it told, and the answers a test wants it to get."""

    def __init__(self, connection: tls.Connection, **answers: Any) -> None:
        self.connection = connection
        self.answers = answers
        self.events: list[tls.Event] = []
        self.requests: list[tls.Request] = []

    def drain(self) -> bytes:
        self.process()
        return self.connection.data_to_send()

    def process(self) -> None:
        """Let this end do what it can, and note what it tells."""
        for event in tls.pump(self.connection):
            self.events.append(event)
            if isinstance(event, tls.Request):
                self.requests.append(event)
                answer = self.answers.get(type(event).__name__)
                self.connection.answer(event, answer(event) if callable(answer) else answer)

    def of(self, kind: type) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def sent(self) -> list[str]:
        return [e.name for e in self.of(tls.MessageSent)]

    @property
    def received(self) -> list[str]:
        return [e.name for e in self.of(tls.MessageReceived)]

    @property
    def data(self) -> bytes:
        return b"".join(e.data for e in self.of(tls.ApplicationData))

    def secret(self, label: str) -> bytes:
        return next(e.value for e in self.of(tls.SecretDerived) if e.label == label)

    @property
    def error(self) -> Any:
        return self.connection.error


class Pair:
    """A client and a server joined; `run` carries octets until both are quiet."""

    def __init__(
        self,
        client: tls.ClientConfig | tls.Client | None = None,
        server: tls.ServerConfig | tls.Server | None = None,
        client_answers: dict[str, Any] | None = None,
        server_answers: dict[str, Any] | None = None,
        chunk: int = 0,
    ) -> None:
        ours = client if isinstance(client, tls.Client) else tls.Client(client or client_config())
        theirs = server if isinstance(server, tls.Server) else tls.Server(server or server_config())
        self.client = End(ours, **(client_answers or {}))
        self.server = End(theirs, **(server_answers or {}))
        self.chunk = chunk
        self.streams = {"client": b"", "server": b""}
        self.flights: list[tuple[str, bytes]] = []

    def carry(self, source: End, target: End, direction: str) -> bool:
        data = source.drain()
        self.streams[direction] += data
        if data:
            self.flights.append((direction, data))
        step = self.chunk or max(1, len(data))
        for start in range(0, len(data), step):
            target.connection.receive(data[start : start + step])
            if self.chunk:
                target.process()
        return bool(data)

    def run(self) -> Pair:
        for _ in range(100):
            moved = self.carry(self.client, self.server, "client")
            moved |= self.carry(self.server, self.client, "server")
            if not moved:
                return self
        raise AssertionError("the two ends never fall silent")


def connected(**settings: Any) -> Pair:
    pair = Pair(**settings).run()
    assert pair.client.connection.handshake_complete, (pair.client.error, pair.server.error)
    assert pair.server.connection.handshake_complete, (pair.client.error, pair.server.error)
    return pair


def resuming(
    sessions: SessionCache,
    session: Session | None = None,
    client: tls.ClientConfig | None = None,
    server: tls.ServerConfig | None = None,
    **answers: Any,
) -> Pair:
    """Return a client that offers a session, or none, and a server that has a cache."""
    ends = ResumingClient(client or client_config(), session), ResumingServer(server or server_config(), sessions)
    return Pair(*ends, **answers)


def kept(sessions: SessionCache, **configs: Any) -> Session:
    """Connect, and return the session that the client has then."""
    pair = resuming(sessions, **configs).run()
    assert isinstance(pair.client.connection, ResumingClient)
    session = pair.client.connection.session
    assert session is not None
    return session
