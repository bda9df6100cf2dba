"""`trustlab s_server` and `trustlab s_client`: our engine over TCP for a quick look, with the ladder printed.

They take after OpenSSL's commands of the same names. What the channel carries goes to standard output, the ladder to
standard error.
"""

from __future__ import annotations

import contextlib
import html
import os
import selectors
import socket
import ssl
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.utils import CryptographyDeprecationWarning
from rich.console import Console

from trustlab import tls
from trustlab.capture import keylog
from trustlab.cli.failure import Failure
from trustlab.cloud import Authority
from trustlab.inspector import TerminalLadder
from trustlab.passage import TlsEndpoint
from trustlab.trace import Trace, Value

CHUNK = 65_536
LINGER = 2.0
"""Seconds of silence after which a client whose input has ended closes the channel."""
IDLE = 30.0
"""Seconds after which a server gives up a peer that says nothing."""

Versions = Annotated[
    str, typer.Option("--tls", help="Which versions to speak: 1.2, 1.3, or 1.2,1.3 (default: what the engine prefers).")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no ladder.")]
KeyLogFile = Annotated[Path | None, typer.Option("--keylogfile", help="Append the secrets here (NSS format).")]
VERSIONS = {"1.2": tls.Version.TLS12, "1.3": tls.Version.TLS13}


def s_client(
    target: Annotated[str, typer.Argument(help="HOST:PORT")],
    *,
    servername: Annotated[str, typer.Option(help="The name to send and to check (default: HOST).")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file of roots to trust (default: the system's).")] = None,
    insecure: Annotated[bool, typer.Option(help="Accept any certificate.")] = False,
    alpn: Annotated[str, typer.Option(help="Application protocols to offer, separated by commas.")] = "",
    versions: Versions = "",
    keylogfile: KeyLogFile = None,
    quiet: Quiet = False,
) -> None:
    """Connect by our engine, show the ladder, send standard input and print what comes back."""
    host, port = _host_and_port(target)
    name = servername or host
    config = tls.ClientConfig(
        server_name=name,
        trust=None if insecure else _roots(ca),
        check_peer=not insecure,
        versions=_versions(versions),
        alpn=tuple(filter(None, alpn.split(","))),
    )
    try:
        sock = socket.create_connection((host, port), timeout=10)
    except OSError as error:
        raise Failure(f"cannot connect to {host}:{port}: {error.strerror or error}") from error
    trace = Trace(f"s_client {target}", "tcp")
    with sock, _ladder(trace, ("client", "server"), quiet=quiet):
        _announce(trace, sock, "client", "server")
        observer = tls.TraceObserver(trace.party("client"), "c", role="client")
        end = TlsEndpoint(tls.Client(config), Pipe(), observer=observer)
        _converse(sock, end, stdin=True)
    _keep_keys(trace, keylogfile)
    if end.error is not None:
        raise end.error


def s_server(  # noqa: PLR0913 - the parameters are the options
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")] = 4433,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    cert: Annotated[Path | None, typer.Option(help="PEM chain, leaf first (default: minted now).")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM private key of the leaf.")] = None,
    write_ca: Annotated[Path | None, typer.Option(help="Write the root minted now here, for --ca.")] = None,
    echo: Annotated[bool, typer.Option(help="Echo what comes, instead of answering with a status page.")] = False,
    count: Annotated[int, typer.Option(min=0, help="Stop after so many connections; 0 never.")] = 0,
    versions: Versions = "",
    alpn: Annotated[str, typer.Option(help="Application protocols to choose from, separated by commas.")] = "",
    keylogfile: KeyLogFile = None,
    quiet: Quiet = False,
) -> None:
    """Serve by our engine, one connection after the other, and show the ladder of each."""
    chain, private = _load(cert, key) if cert is not None else _mint(write_ca)
    config = tls.ServerConfig(
        certificates=chain, key=private, versions=_versions(versions), alpn=tuple(filter(None, alpn.split(",")))
    )
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise Failure(f"cannot listen on {host}:{port}: {error.strerror or error}. Try --port 0.") from error
    served = 0
    with listener:
        typer.echo(f"listening on {host}:{listener.getsockname()[1]}")
        sys.stdout.flush()
        while not count or served < count:
            sock, _ = listener.accept()
            served += 1
            _serve_one(sock, config, echo=echo, keylogfile=keylogfile, quiet=quiet)


def _serve_one(
    sock: socket.socket, config: tls.ServerConfig, *, echo: bool, keylogfile: Path | None, quiet: bool
) -> None:
    trace = Trace(f"s_server {sock.getpeername()[0]}", "tcp")
    with sock, _ladder(trace, ("client", "server"), quiet=quiet):
        sock.settimeout(IDLE)
        _announce(trace, sock, "server", "client")
        engine = tls.Server(config)
        observer = tls.TraceObserver(trace.party("server"), "c", role="server")
        end = TlsEndpoint(engine, Echo() if echo else StatusPage(engine), observer=observer)
        _converse(sock, end, stdin=False)
    _keep_keys(trace, keylogfile)
    if end.error is not None:
        Console(stderr=True, highlight=False).print(f"connection ended: {end.error}", markup=False)


class Echo:
    """Says everything back."""

    finished = False

    def connected(self) -> bytes:
        """Wait."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Say it back."""
        return data

    def closed(self, error: Exception | None) -> None:
        """Nothing is left to do."""


class Pipe(Echo):
    """Prints what comes to standard output."""

    def received(self, data: bytes) -> bytes:
        """Print it."""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return b""


class StatusPage(Echo):
    """Answers an HTTP request with what was negotiated, as `openssl s_server -www` does."""

    def __init__(self, engine: tls.Server) -> None:
        self._engine = engine
        self._request = b""

    def received(self, data: bytes) -> bytes:
        """Answer once the request's blank line is here."""
        self._request = (self._request + data)[:CHUNK]
        if b"\r\n\r\n" not in self._request:
            return b""
        rows = {
            "version": self._engine.version.title if self._engine.version else "",
            "cipher suite": getattr(self._engine.cipher_suite, "name", str(self._engine.cipher_suite)),
            "server name": self._engine.server_name or "none sent",
            "ALPN": self._engine.alpn or "none",
        }
        table = "".join(f"<tr><th>{k}</th><td>{html.escape(str(v))}</td></tr>" for k, v in rows.items())
        page = f"<!doctype html><title>trustlab s_server</title><h1>It works</h1><table>{table}</table>\n".encode()
        self.finished = True
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        return head.encode() + page


def _converse(sock: socket.socket, end: TlsEndpoint, *, stdin: bool) -> None:
    """Move octets between socket, engine and standard input until the channel is over."""
    with selectors.SelectSelector() as waiting:
        waiting.register(sock, selectors.EVENT_READ)
        asking = False
        while True:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(end.data_to_send())
            if end.closed:
                return
            if stdin and end.connection.handshake_complete and not asking:
                waiting.register(sys.stdin, selectors.EVENT_READ)
                asking = True
            ready = waiting.select(LINGER if asking and not stdin else IDLE)
            if not ready:
                end.connection.close()
            for key, _ in ready:
                if key.fileobj is sock:
                    _read(sock, end)
                elif data := os.read(sys.stdin.fileno(), CHUNK):
                    end.connection.send(data)
                else:
                    waiting.unregister(sys.stdin)
                    stdin = False


def _read(sock: socket.socket, end: TlsEndpoint) -> None:
    try:
        data = sock.recv(CHUNK)
    except (ConnectionResetError, TimeoutError):
        data = b""
    if data:
        end.receive(data)
    else:
        end.eof_received()


def _announce(trace: Trace, sock: socket.socket, own: str, other: str) -> None:
    """Tell the trace who stands at the ends of the TCP connection."""
    ends = {own: _address(sock.getsockname()), other: _address(sock.getpeername())}
    data: dict[str, Value] = {"from": "client", "to": "server", "src": ends["client"], "dst": ends["server"]}
    trace.append(own, "connection", "TCP", connection="c", direction="client", data=data)


def _address(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _ladder(trace: Trace, lifelines: tuple[str, ...], *, quiet: bool) -> contextlib.AbstractContextManager[object]:
    if quiet:
        return contextlib.nullcontext()
    ladder = TerminalLadder(Console(stderr=True, highlight=False), lifelines=lifelines)
    ladder.attach(trace)
    return ladder


def _keep_keys(trace: Trace, path: Path | None) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(keylog(trace))


def _host_and_port(target: str) -> tuple[str, int]:
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise Failure(f"{target!r} is not HOST:PORT (as in localhost:4433)")
    return host.strip("[]"), int(port)


def _versions(text: str) -> tuple[tls.Version, ...]:
    if not text:
        return tls.ClientConfig.versions
    chosen = [VERSIONS.get(part.strip()) for part in text.split(",")]
    if not chosen or None in chosen:
        raise Failure(f"--tls {text}: say 1.2, 1.3, or 1.2,1.3")
    return tuple(v for v in chosen if v is not None)


def _roots(path: Path | None) -> list[x509.Certificate]:
    source = path or Path(ssl.get_default_verify_paths().cafile or "")
    try:
        with warnings.catch_warnings():  # some of the world's roots have odd serial numbers: not this user's concern
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_pem_x509_certificates(source.read_bytes())
    except (OSError, ValueError) as error:
        raise Failure(
            f"no trusted roots in {source or 'the system'}: name a PEM file with --ca, or --insecure"
        ) from error


def _load(cert: Path, key: Path | None) -> tuple[tuple[bytes, ...], object]:
    try:
        chain = x509.load_pem_x509_certificates(cert.read_bytes())
        private = serialization.load_pem_private_key((key or cert).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise Failure(f"cannot read certificate and key from {cert} and {key or cert}: {error}") from error
    return tuple(c.public_bytes(serialization.Encoding.DER) for c in chain), private


def _mint(write_ca: Path | None) -> tuple[tuple[bytes, ...], object]:
    """Make an authority and a certificate of its for localhost; both live for a day."""
    private = ec.generate_private_key(ec.SECP256R1())
    authority = Authority("trustlab s_server")
    if write_ca is not None:
        write_ca.write_text(authority.root_pem)
    certificate = authority.issue(["localhost", "127.0.0.1", "::1"], private.public_key())
    return (certificate.public_bytes(serialization.Encoding.DER),), private
