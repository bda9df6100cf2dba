"""A client and a server back to back, in one process and without a network: the shortest TLS there is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from trustlab.tls.client import Client
from trustlab.tls.config import ServerConfig
from trustlab.tls.connection import Connection, pump
from trustlab.tls.events import AlertSent, ApplicationData
from trustlab.tls.observe import TraceObserver
from trustlab.tls.registry import CipherSuite, Version
from trustlab.tls.server import Server
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "bank.example"
ROUNDS = 20
"""Flights after which two ends that still have something to say are left alone."""


@dataclass
class BackToBack:
    """Two ends that have said all they had to say. `alerts` are (who sent it, the alert), in order.

    The trace's parties are `teller`, the client, and `bank`, the server. `exchange` goes on after more was sent.
    """

    client: Connection
    server: Connection
    trace: Trace = field(repr=False)
    meddle: Callable[[str, bytes], bytes] | None = None
    alerts: list[tuple[str, AlertSent]] = field(default_factory=list)
    heard: dict[str, bytes] = field(default_factory=lambda: {"client": b"", "server": b""})
    """The application data that each end has received."""

    def __post_init__(self) -> None:
        self._watched = {
            "client": TraceObserver(self.trace.party("teller"), "teller-bank", role="client"),
            "server": TraceObserver(self.trace.party("bank"), "teller-bank", role="server"),
        }

    @property
    def complete(self) -> bool:
        """Whether both handshakes are complete and neither end has failed."""
        return self.client.handshake_complete and self.server.handshake_complete and not self.alerts

    def exchange(self) -> None:
        """Carry bytes to and fro until neither end has anything to say."""
        for _ in range(ROUNDS):
            if not (self._turn("client") | self._turn("server")):
                return

    def _turn(self, who: str) -> bool:
        end, other = (self.client, self.server) if who == "client" else (self.server, self.client)
        for event in pump(end):
            self._watched[who].observe(event)
            if isinstance(event, AlertSent) and event.fatal:
                self.alerts.append((who, event))
            elif isinstance(event, ApplicationData):
                self.heard[who] += event.data
        data = end.data_to_send()
        if not data:
            return False
        if self.meddle is not None:
            data = self.meddle(who, data)
        other.receive(data)
        return True


@lru_cache(maxsize=2)
def _identity(kind: str) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, bytes]:
    """Return a key and a certificate that it signed itself, made once in a process."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    now, name = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.DER)


def back_to_back(
    version: Literal["1.2", "1.3"] = "1.2",
    *,
    meddle: Callable[[str, bytes], bytes] | None = None,
    suite: CipherSuite | None = None,
    trace: Trace | None = None,
) -> BackToBack:
    """Let a client and a server shake hands, and return both ends with what they wrote into the trace.

    `meddle(who, data)` may change what the `client` or the `server` sends; each call gets one flight. `suite` is the
    only cipher suite that is offered: RSA key exchange with AES-128-GCM in TLS 1.2, AES-128-GCM in 1.3. The client
    believes the server's certificate, which signs itself. ValueError if there is no such version.
    """
    chosen = {
        "1.2": (Version.TLS12, CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, "rsa"),
        "1.3": (Version.TLS13, CipherSuite.TLS_AES_128_GCM_SHA256, "ecdsa"),
    }.get(version)
    if chosen is None:
        raise ValueError(f"there is no TLS {version} here: choose '1.2' or '1.3'")
    number, usual, kind = chosen
    key, certificate = _identity(kind)
    client = Client(
        UncheckedClientConfig(
            server_name=NAME, versions=(number,), cipher_suites=(suite or usual,), extended_master_secret=False
        )
    )
    server = Server(
        ServerConfig(
            certificates=(certificate,),
            key=key,
            versions=(number,),
            cipher_suites=(suite or usual,),
            extended_master_secret=False,
        )
    )
    told = Trace(f"TLS {version}, back to back") if trace is None else trace
    pair = BackToBack(client, server, told, meddle)
    pair.exchange()
    return pair
