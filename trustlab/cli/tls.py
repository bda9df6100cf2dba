"""`trustlab s_server` and `trustlab s_client`: our engine over TCP, with the ladder printed.

They resemble OpenSSL's commands of the same names. The channel's data go to standard output, the ladder to standard
error.
"""

from __future__ import annotations

import socket
import ssl
import sys
import warnings
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.utils import CryptographyDeprecationWarning

from trustlab import tls
from trustlab.cli.failure import Failure, host_and_port, host_name, octets_of
from trustlab.cli.tls_service import Service, announce, keep_keys, ladder
from trustlab.cli.tls_talk import Pipe, converse
from trustlab.cloud import Authority
from trustlab.octets import read_file
from trustlab.passage import TlsEndpoint
from trustlab.tls.keys import is_local
from trustlab.tls.resumption12 import ResumingServer, SessionCache
from trustlab.tls.unchecked import UncheckedClientConfig, UncheckedServerConfig
from trustlab.trace import Trace

GROUPS: dict[str, int] = {tls.Group(g).name: g for g in tls.ClientConfig.groups}
Versions = Annotated[
    str, typer.Option("--tls", help="TLS versions: 1.2, 1.3, or 1.2,1.3 (default: both, 1.3 preferred).")
]
Ciphers = Annotated[str, typer.Option(help="Cipher suites by their IANA names, or `all` to include AES-CBC.")]
Groups = Annotated[str, typer.Option(help=f"Groups for key agreement, best first: {', '.join(GROUPS)}.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Do not print the ladder.")]
KeyLogFile = Annotated[
    Path | None, typer.Option("--keylogfile", help="Append the secrets to this file (NSS key log format).")
]
VERSIONS = {"1.2": tls.Version.TLS12, "1.3": tls.Version.TLS13}
SUITES = {s.name: s for s in tls.CipherSuite if not s.name.endswith("SCSV")}
N = TypeVar("N")


def s_client(  # noqa: PLR0913 - the parameters are the options
    target: Annotated[str, typer.Argument(help="HOST:PORT")],
    *,
    servername: Annotated[
        str, typer.Option(help="The name to send and to check in the certificate (default: HOST).")
    ] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file of roots to trust (default: the system's).")] = None,
    insecure: Annotated[bool, typer.Option(help="Accept any certificate.")] = False,
    cert: Annotated[Path | None, typer.Option(help="PEM chain of a client certificate, leaf first.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM private key of the client certificate.")] = None,
    alpn: Annotated[str, typer.Option(help="Application protocols to offer, separated by commas.")] = "",
    versions: Versions = "",
    ciphers: Ciphers = "",
    groups: Groups = "",
    keylogfile: KeyLogFile = None,
    quiet: Quiet = False,
) -> None:
    """A TLS client on our engine: sends standard input, prints what comes back, and shows the handshake."""
    host, port = host_and_port(target, "localhost:4433")
    chain, private = _load(cert, key) if cert is not None else ((), None)
    suites = _suites(ciphers)
    configured = UncheckedClientConfig if insecure else tls.ClientConfig
    config = configured(
        server_name=servername or host,
        trust=None if insecure else roots(ca),
        certificates=chain,
        key=private,
        versions=_versions(versions, suites),
        cipher_suites=suites,
        groups=_chosen("--groups", groups, GROUPS) or tls.ClientConfig.groups,
        alpn=_protocols(alpn),
    )
    sock = connected(host, port)
    trace = Trace(f"s_client {target}", "tcp")
    with sock, ladder(trace, quiet=quiet):
        announce(trace, sock, "client", "server")
        observer = tls.TraceObserver(trace.party("client"), "c", role="client")
        end = TlsEndpoint(tls.Client(config), Pipe(), observer=observer)
        converse(sock, end, stdin=sys.stdin is not None)
    keep_keys(trace, keylogfile)
    if end.error is not None:
        raise end.error


def connected(host: str, port: int) -> socket.socket:
    """Return a TCP connection to a server; Failure says why there is none."""
    try:
        return socket.create_connection((host, port), timeout=10)
    except OSError as error:
        raise Failure(
            f"cannot connect to {host}:{port}: {error.strerror or error}. Does a server listen there?"
        ) from error


def s_server(  # noqa: PLR0913 - the parameters are the options
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")] = 4433,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    cert: Annotated[Path | None, typer.Option(help="PEM chain, leaf first (default: one made for this run).")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM private key of the leaf.")] = None,
    write_ca: Annotated[
        Path | None, typer.Option(help="Write the root that was made for this run to this file, for --ca.")
    ] = None,
    client_certificate: Annotated[
        str, typer.Option(help="Ask the client for a certificate: none, request or require.")
    ] = "none",
    client_ca: Annotated[
        Path | None,
        typer.Option(
            help="PEM roots that the client's certificate must lead to (default: any certificate is accepted)."
        ),
    ] = None,
    servername: Annotated[str, typer.Option(help="Names to serve; others are refused (default: any).")] = "",
    resume: Annotated[bool, typer.Option(help="Resume TLS 1.2 sessions by their ids: for test suites.")] = False,
    echo: Annotated[bool, typer.Option(help="Echo what arrives, instead of answering with a status page.")] = False,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many connections (0: never).")] = 0,
    versions: Versions = "",
    ciphers: Ciphers = "",
    groups: Groups = "",
    alpn: Annotated[str, typer.Option(help="Application protocols to choose from, separated by commas.")] = "",
    keylogfile: KeyLogFile = None,
    quiet: Quiet = False,
) -> None:
    """A TLS server on our engine: serves connections concurrently and prints each handshake."""
    chain, private = _load(cert, key) if cert is not None else _mint(write_ca)
    suites = _suites(ciphers)
    if client_certificate not in {"none", "request", "require"}:
        raise Failure(f"--client-certificate {client_certificate!r}: choose none, request or require")
    configured = tls.ServerConfig if client_ca is not None else UncheckedServerConfig
    config = configured(
        certificates=chain,
        key=private,
        client_certificate=client_certificate,
        trust=roots(client_ca) if client_ca else None,
        names=tuple(name.lower() for name in servername.split(",") if name),
        versions=_versions(versions, suites),
        cipher_suites=suites,
        groups=_chosen("--groups", groups, GROUPS) or tls.ServerConfig.groups,
        alpn=_protocols(alpn),
    )
    own = host_name(host) if host else ""  # "": every address of this machine
    try:
        listener = socket.create_server((own, port), family=socket.AF_INET6 if ":" in own else socket.AF_INET)
    except OSError as error:
        raise Failure(
            f"cannot listen on {host}:{port}: {error.strerror or error}. Try --port 0, which takes a free port."
        ) from error
    sessions = SessionCache()
    engine = (lambda: ResumingServer(config, sessions)) if resume else (lambda: tls.Server(config))
    service = Service(engine, echo=echo, keylogfile=keylogfile, quiet=quiet)
    with listener:
        typer.echo(f"listening on {host}:{listener.getsockname()[1]}")
        sys.stdout.flush()
        service.run(listener, count)


def _protocols(text: str) -> tuple[str, ...]:
    """Return the names in --alpn; each has 1 to 255 octets (RFC 7301 3.1), here of printable ASCII."""
    names = tuple(filter(None, text.split(",")))
    for name in names:
        if len(name) > 255 or not name.isascii() or not name.isprintable():
            raise Failure(f"--alpn {name!r}: a protocol needs 1 to 255 printable ASCII characters, such as http/1.1")
    return names


def _versions(text: str, suites: tuple[int, ...]) -> tuple[tls.Version, ...]:
    """Return the requested versions for which there is a suite; Failure if none is left."""
    wanted = _chosen("--tls", text, VERSIONS) or tls.ClientConfig.versions
    able = {tls.Version.TLS12 if "_WITH_" in tls.CipherSuite(s).name else tls.Version.TLS13 for s in suites}
    found = tuple(v for v in wanted if v in able)
    if not found:
        raise Failure(f"--tls {text}: none of the suites in --ciphers belongs to that version")
    return found


def _suites(text: str) -> tuple[int, ...]:
    if text == "all":
        preferred = tls.ClientConfig.cipher_suites
        return (*preferred, *(s for s in SUITES.values() if s not in preferred))
    return _chosen("--ciphers", text, SUITES) or tls.ClientConfig.cipher_suites


def _chosen(option: str, text: str, known: dict[str, N]) -> tuple[N, ...]:
    """Return the values of the names in `text`, in any case; an empty tuple if `text` is empty."""
    names = [part.strip() for part in text.split(",")] if text else []
    found = {name.lower(): value for name, value in known.items()}
    if any(name.lower() not in found for name in names):
        raise Failure(f"{option} {text!r}: choose from {', '.join(known)}")
    return tuple(found[name.lower()] for name in names)


def roots(path: Path | None) -> list[x509.Certificate]:
    """Return the certificates to trust, of a PEM file or of the system; Failure if there are none to be read."""
    source = path or Path(ssl.get_default_verify_paths().cafile or "")
    try:
        with warnings.catch_warnings():  # some public roots have odd serial numbers, which this user cannot change
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_pem_x509_certificates(read_file(source))
    except (OSError, ValueError) as error:
        raise Failure(
            f"there are no trusted roots in {source or 'the system'}: give a PEM file with --ca, or use --insecure"
        ) from error


def _load(cert: Path, key: Path | None) -> tuple[tuple[bytes, ...], object]:
    certificates, private_key = octets_of(cert), octets_of(key or cert)
    try:
        chain = x509.load_pem_x509_certificates(certificates)
    except ValueError as error:
        raise Failure(f"{cert} does not hold a readable certificate in PEM") from error
    try:
        private = serialization.load_pem_private_key(private_key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Failure(
            f"{key or cert} does not hold a private key in PEM that can be read without a password"
        ) from error
    if not is_local(private):
        kind = type(private).__name__
        raise Failure(f"{key or cert}: this engine signs with RSA, ECDSA and Ed25519 keys, not with {kind}")
    try:
        own = private.public_key() == chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm):  # the certificate's key is of another kind
        own = False
    if not own:
        raise Failure(f"the key in {key or cert} does not belong to the first certificate in {cert}")
    return tuple(c.public_bytes(serialization.Encoding.DER) for c in chain), private


def _mint(write_ca: Path | None) -> tuple[tuple[bytes, ...], object]:
    """Make an authority and have it sign a certificate for localhost; both are valid for a day."""
    private = ec.generate_private_key(ec.SECP256R1())
    authority = Authority("trustlab s_server")
    if write_ca is not None:
        write_ca.write_text(authority.root_pem)
    certificate = authority.issue(["localhost", "127.0.0.1", "::1"], private.public_key())
    return (certificate.public_bytes(serialization.Encoding.DER),), private
