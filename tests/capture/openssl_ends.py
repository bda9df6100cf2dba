"""Ends of real TLS 1.2 connections by OpenSSL (Python's `ssl`), and Alice between two of them, for the tests here."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import ssl
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from trustlab.tls.keylog import LABELS
from trustlab.wire import MemoryNetwork

if TYPE_CHECKING:
    from trustlab.trace import Trace
    from trustlab.wire import Connection

PIN = b"PIN 4711-0815"
RECEIPT = b"paid, thank you"
SUITE = "AES128-GCM-SHA256"
NAMES = {label: name for name, label in LABELS.items()}


class Identity:
    """A private key with a self-signed certificate for `bank.example`."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank.example")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        self.pkcs8 = self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM) + pem


class OpenSslEnd:
    """A `wire.Endpoint`: handshake, then `says` once, answers `reply` to what it hears, closes when `last` was heard."""

    def __init__(
        self,
        trace: Trace | None,
        party: str,
        *,
        identity: Identity | None = None,
        suite: str = SUITE,
        says: bytes = b"",
        reply: bytes = b"",
        last: bytes = b"",
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    ) -> None:
        self.trace, self.party, self.says, self.reply, self.last = trace, party, says, reply, last
        self.heard = b""
        self.closed = False
        self.connected = False
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder)
        self.keylog = folder / "keys"
        self._told = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if identity else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = context.maximum_version = version
        if version is ssl.TLSVersion.TLSv1_2:
            context.set_ciphers(suite)
        context.options |= ssl.OP_NO_TICKET
        context.keylog_filename = str(self.keylog)
        if identity:
            pem = folder / "identity.pem"
            pem.write_bytes(identity.pem)
            context.load_cert_chain(pem)
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._tls = context.wrap_bio(self._in, self._out, server_side=bool(identity), server_hostname=None)

    def receive(self, data: bytes) -> None:
        self._in.write(data)
        self._go()

    def eof_received(self) -> None:
        self.close()

    def data_to_send(self) -> bytes:
        self._go()
        return self._out.read()

    def write(self, data: bytes) -> None:
        self._tls.write(data)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()

    def heard_more(self, data: bytes) -> None:
        self.heard += data
        if self.reply:
            self._tls.write(self.reply)
        if self.last and self.heard.endswith(self.last):
            self.close()

    def _go(self) -> None:
        if self.closed:
            return
        try:
            if not self.connected:
                self._tls.do_handshake()
                self.connected = True
                self._tell_keys()
                if self.says:
                    self._tls.write(self.says)
            while not self.closed:
                data = self._tls.read(65536)
                if not data:
                    break
                self.heard_more(data)
        except ssl.SSLWantReadError:
            self._tell_keys()
        except ssl.SSLZeroReturnError:
            self.close()

    def _tell_keys(self) -> None:
        lines = self.keylog.read_text().splitlines() if self.keylog.exists() else []
        for line in lines[self._told :]:
            label, *values = line.split()
            if label in NAMES and self.trace:
                client_random, secret = values
                self.trace.party(self.party).secret(
                    NAMES[label], bytes.fromhex(secret), client_random=client_random, label=label
                )
        self._told = len(lines)


class RelayEnd(OpenSslEnd):
    """One of Alice's two ends: what it hears in clear, the other says."""

    other: RelayEnd

    def heard_more(self, data: bytes) -> None:
        self.heard += data
        self.other.pending += data
        self.other.push()

    pending = b""

    def push(self) -> None:
        if self.connected and self.pending:
            self.write(self.pending)
            self.pending = b""

    def data_to_send(self) -> bytes:
        self._go()
        if not self.closed:
            self.push()
        return self._out.read()

    def eof_received(self) -> None:
        super().eof_received()
        self.other.close()


def network(trace: Trace) -> MemoryNetwork:
    result = MemoryNetwork(trace)
    for name in ("teller", "alice", "bank"):
        result.attach(name)
    return result


def pay(
    trace: Trace,
    identity: Identity,
    *,
    keys: bool = True,
    suite: str = SUITE,
    says: bytes = PIN,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
) -> None:
    """Let the teller pay the bank over plain TLS; with `keys` both ends tell their secrets."""
    wire, told = network(trace), trace if keys else None
    bank = OpenSslEnd(told, "bank", identity=identity, suite=suite, reply=RECEIPT, version=version)
    wire.listen("bank", 443, lambda _: bank)
    teller = OpenSslEnd(told, "teller", suite=suite, says=says, last=RECEIPT, version=version)
    wire.connect("teller", "bank", 443, teller)
    wire.run()


def pay_through_alice(trace: Trace, identity: Identity, rogue: Identity, *, alice_tells: bool = True) -> None:
    """Do the same with Alice between, who has a key of her own; the ends tell nobody their secrets but she may."""
    wire, told = network(trace), trace if alice_tells else None

    def accept(connection: Connection) -> RelayEnd:
        front, back = RelayEnd(told, "alice", identity=rogue), RelayEnd(told, "alice")
        front.other, back.other = back, front
        wire.connect("alice", connection.server.name, connection.port, back)
        return front

    wire.listen("bank", 443, lambda _: OpenSslEnd(None, "bank", identity=identity, reply=RECEIPT))
    wire.listen("alice", 443, accept)
    wire.redirect("bank", 443, to="alice")
    wire.connect("teller", "bank", 443, OpenSslEnd(None, "teller", says=PIN, last=RECEIPT))
    wire.run()
