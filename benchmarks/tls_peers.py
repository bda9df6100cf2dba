"""Others' handshakes in memory (Python's ssl, tlslite-ng, aioquic's TLS context), and the certificates for all."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from aioquic import tls as quic
from aioquic.buffer import Buffer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tlslite.api import X509, HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey

if TYPE_CHECKING:
    from collections.abc import Callable


PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Identities:
    """A root with an ECDSA key, and a server certificate of each kind that it signed."""

    NAME: ClassVar[str] = "bank.example"

    def __init__(self) -> None:
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._keys: dict[str, PrivateKey] = {
            "ECDSA": ec.generate_private_key(ec.SECP256R1()),
            "RSA": rsa.generate_private_key(65537, 2048),
        }
        self.root = self._issue("Root", self._root_key, None)
        self._leaves = {kind: self._issue(self.NAME, key, self.root) for kind, key in self._keys.items()}

    def _issue(self, subject: str, key: PrivateKey, issuer: x509.Certificate | None) -> x509.Certificate:
        ca = issuer is None
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        now = dt.datetime.now(dt.UTC)
        root_public = self._root_key.public_key()
        usage = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement"), False)
        usage |= dict.fromkeys(("crl_sign", "encipher_only", "decipher_only"), False)
        builder = (
            x509.CertificateBuilder(name if issuer is None else issuer.subject, name, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_public), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not ca,
                    key_encipherment=isinstance(key, rsa.RSAPrivateKey),
                    key_cert_sign=ca,
                    **usage,
                ),
                critical=True,
            )
        )
        if ca:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        else:
            names = x509.SubjectAlternativeName([x509.DNSName(subject)])
            builder = builder.add_extension(names, critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.sign(self._root_key, hashes.SHA256())

    def key(self, kind: str) -> PrivateKey:
        return self._keys[kind]

    def leaf(self, kind: str) -> x509.Certificate:
        return self._leaves[kind]

    def der(self, kind: str) -> bytes:
        return self._leaves[kind].public_bytes(serialization.Encoding.DER)

    def pem(self, kind: str) -> bytes:
        """Return certificate and key; the kind "root" has the root's certificate only."""
        if kind == "root":
            return self.root.public_bytes(serialization.Encoding.PEM)
        key = self._keys[kind].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._leaves[kind].public_bytes(serialization.Encoding.PEM) + key


OPENSSL12 = {
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
}


def python_ssl(identities: Identities, kind: str, suite: str) -> Callable[[], None]:
    """Return one handshake through two MemoryBIO pairs; `suite` is empty for TLS 1.3."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.load_verify_locations(cadata=identities.pem("root").decode())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.pem"
        file.write_bytes(identities.pem(kind))
        server.load_cert_chain(file)
    version = ssl.TLSVersion.TLSv1_2 if suite else ssl.TLSVersion.TLSv1_3
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
        if suite:
            context.set_ciphers(OPENSSL12[suite])
    server.options |= ssl.OP_NO_TICKET
    server.num_tickets = 0

    def shake() -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = [
            client.wrap_bio(to_client, to_server, server_hostname=identities.NAME),
            server.wrap_bio(to_server, to_client, server_side=True),
        ]
        while ends:
            for end in list(ends):
                try:
                    end.do_handshake()
                    ends.remove(end)
                except ssl.SSLWantReadError:
                    pass

    return shake


class _Wire:
    """Half of a socket in memory, as tlslite-ng wants it."""

    def __init__(self, inbox: bytearray, outbox: bytearray) -> None:
        self.inbox, self.outbox = inbox, outbox

    def send(self, data: bytes) -> int:
        self.outbox += data
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.outbox += data

    def recv(self, length: int) -> bytes:
        if not self.inbox:
            raise BlockingIOError(11, "nothing yet")
        data = bytes(self.inbox[:length])
        del self.inbox[:length]
        return data


def tlslite(identities: Identities, kind: str, suite: str) -> Callable[[], None]:
    """Return one handshake of tlslite-ng's two generators; it verifies no chain."""
    pem = identities.pem(kind).decode()
    certificate = X509()
    certificate.parse(pem)
    chain, key = X509CertChain([certificate]), parsePEMKey(pem, private=True)
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 3) if suite else (3, 4)
    settings.cipherNames, settings.keyShares, settings.eccCurves = ["aes128gcm"], ["x25519"], ["x25519", "secp256r1"]
    settings.keyExchangeNames = ["rsa"] if suite.startswith("TLS_RSA") else ["ecdhe_rsa", "ecdhe_ecdsa"]
    settings.ticket_count = 0

    def shake() -> None:
        to_server, to_client = bytearray(), bytearray()
        client, server = TLSConnection(_Wire(to_client, to_server)), TLSConnection(_Wire(to_server, to_client))
        ends = [
            client.handshakeClientCert(settings=settings, serverName=identities.NAME, async_=True),
            server.handshakeServerAsync(certChain=chain, privateKey=key, settings=settings),
        ]
        while ends:
            ends = [end for end in ends if next(end, None) is not None]

    return shake


@cache
def _epochs() -> tuple[Any, ...]:
    return quic.Epoch.INITIAL, quic.Epoch.HANDSHAKE, quic.Epoch.ONE_RTT


def aioquic(identities: Identities, kind: str) -> Callable[[], None]:
    """Return one TLS 1.3 handshake of aioquic's contexts with x25519 only: messages, no records."""
    suites = [quic.CipherSuite.AES_128_GCM_SHA256]

    def buffers() -> dict[Any, Buffer]:
        return {epoch: Buffer(capacity=4096) for epoch in _epochs()}

    def flush(found: dict[Any, Buffer], to: quic.Context, answers: dict[Any, Buffer]) -> None:
        for buffer in found.values():
            if buffer.tell():
                to.handle_message(buffer.data, answers)
                buffer.seek(0)

    def shake() -> None:
        client = quic.Context(
            is_client=True, cadata=identities.pem("root"), cipher_suites=suites, server_name=identities.NAME
        )
        server = quic.Context(is_client=False, cipher_suites=suites)
        server.certificate, server.certificate_private_key = identities.leaf(kind), identities.key(kind)
        for context in (client, server):
            context._supported_groups = [quic.Group.X25519]  # noqa: SLF001 - it has no public way
        to_server, to_client = buffers(), buffers()
        client.handle_message(b"", to_server)
        flush(to_server, server, to_client)
        flush(to_client, client, to_server)
        flush(to_server, server, to_client)
        if server.state is not quic.State.SERVER_POST_HANDSHAKE:
            raise RuntimeError(f"aioquic stays in {server.state}")

    return shake
