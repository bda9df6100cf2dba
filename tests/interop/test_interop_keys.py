"""OpenSSL and GnuTLS with the rarer kinds of keys, made by OpenSSL itself: id-RSASSA-PSS, Ed25519, P-384, P-521."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from ours import Ours, listener
from peers import gnutls
from programs import connect, free_port, running
from tls_identities import CLIENT_NAME, NAME, Identity, root

from trustlab import tls
from trustlab.tls.resumption12 import ResumingServer, SessionCache

if TYPE_CHECKING:
    from pathlib import Path

S = tls.SignatureScheme
TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
FLAGS = {TLS12: "-tls1_2", TLS13: "-tls1_3"}
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
_PSS = ("-algorithm", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048")
_LIMITS = "-pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48"
KINDS = {
    "pss": (_PSS, "RSA-PSS", S.RSA_PSS_PSS_SHA256),
    "pss-sha384": ((*_PSS, *_LIMITS.split()), "RSA-PSS", S.RSA_PSS_PSS_SHA384),
    "ed25519": (("-algorithm", "ed25519"), "Ed25519", S.ED25519),
    "p384": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), "ECDSA", S.ECDSA_SECP384R1_SHA384),
    "p521": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"), "ECDSA", S.ECDSA_SECP521R1_SHA512),
}
EACH_GNUTLS = pytest.mark.parametrize("kind", KINDS if gnutls().versions else [])
EACH = pytest.mark.parametrize("kind", KINDS)
pytestmark = pytest.mark.usefixtures("keys")


def _openssl(*command: str) -> None:
    subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=20)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a key and certificates for both roles, of each kind."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "ca.pem").write_bytes(root().pem)
    (folder / "ca.key").write_bytes(root().key_pem)
    for kind, (made, _, _) in KINDS.items():
        key = str(folder / f"{kind}.key")
        _openssl("genpkey", *made, "-out", key)
        for role, name in (("server", NAME), ("client", CLIENT_NAME)):
            request = str(folder / f"{role}-{kind}.csr")
            extensions = folder / f"{role}.extensions"
            extensions.write_text(
                f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:{name}\n"
                f"extendedKeyUsage={role}Auth\nauthorityKeyIdentifier=keyid\n"
            )
            _openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
            authority = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-extfile", str(extensions)]
            _openssl("x509", "-req", "-in", request, *authority, "-days", "9", "-out", request.replace(".csr", ".pem"))
    return folder


def identity(keys: Path, role: str, kind: str) -> Identity:
    key = serialization.load_pem_private_key((keys / f"{kind}.key").read_bytes(), None)
    return Identity(key, x509.load_pem_x509_certificate((keys / f"{role}-{kind}.pem").read_bytes()))


def own(made: Identity) -> dict[str, Any]:
    return {"certificates": (made.der,), "key": made.key}


def client_config(version: tls.Version, **changes: Any) -> tls.ClientConfig:
    return tls.ClientConfig(server_name=NAME, trust=[root().certificate], versions=(version,), **changes)


def server_config(version: tls.Version, made: Identity) -> tls.ServerConfig:
    trust = [root().certificate]
    return tls.ServerConfig(**own(made), versions=(version,), trust=trust, client_certificate="require")


def signed_by(ours: Ours, kind: str) -> int:
    """Return the scheme of the first signature that was sent or received."""
    messages = [e.message for e in ours.events if isinstance(e, getattr(tls, kind))]
    return next(m.scheme for m in messages if m.name in {"ServerKeyExchange", "CertificateVerify"})


@BOTH
@EACH
def test_our_client_meets_openssl(version: tls.Version, kind: str, keys: Path, tmp_path: Path) -> None:
    """Both show a certificate of the kind, and each tells the other's key."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", FLAGS[version], "-Verify", "3"]
    command += ["-cert", str(keys / f"server-{kind}.pem"), "-key", str(keys / f"{kind}.key")]
    command += ["-CAfile", str(keys / "ca.pem"), "-verify_return_error"]
    _, type_, scheme = KINDS[kind]
    with running(command, tmp_path / "log") as program:
        port = int(program.says(r"ACCEPT 127\.0\.0\.1:(\d+)\n"))
        config = client_config(version, **own(identity(keys, "client", kind)))
        with Ours(tls.Client(config), connect(port)) as ours:
            ours.handshake().send(b"to the bank\n")
            program.says("to the bank")
            program.says(rf"(?i)Peer signature type: {type_}")
            if version == TLS13 or type_ != "ECDSA":
                assert signed_by(ours, "MessageReceived") == scheme
                assert signed_by(ours, "MessageSent") == scheme


@BOTH
@EACH
def test_openssl_meets_our_server(version: tls.Version, kind: str, keys: Path, tmp_path: Path) -> None:
    with listener() as door:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{door.getsockname()[1]}", FLAGS[version]]
        command += ["-cert", str(keys / f"client-{kind}.pem"), "-key", str(keys / f"{kind}.key"), "-servername", NAME]
        command += ["-CAfile", str(keys / "ca.pem"), "-verify_return_error", "-verify_hostname", NAME, "-tlsextdebug"]
        with running(command, tmp_path / "log") as program:
            made = identity(keys, "server", kind)
            with Ours(tls.Server(server_config(version, made)), door.accept()[0]) as ours:
                ours.handshake()
                program.say(b"to the bank\n")
                ours.expect(b"to the bank\n")
                program.says(rf"(?i)Peer signature type: {KINDS[kind][1]}")
                program.says(r"Acceptable client certificate CA names\n.*CN ?= ?Test Root")
                program.says(r'TLS server extension "server name" \(id=0\), len=0')
                assert ours.connection.peer_certificates[0] == identity(keys, "client", kind).der
                if version == TLS13 or KINDS[kind][1] != "ECDSA":
                    assert signed_by(ours, "MessageSent") == KINDS[kind][2]


def test_openssl_with_rsa_key_exchange_alone_gets_nothing_from_a_pss_key(keys: Path, tmp_path: Path) -> None:
    with listener() as door:
        port = door.getsockname()[1]
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", "AES128-GCM-SHA256"]
        with running(command, tmp_path / "log") as program:
            with Ours(tls.Server(server_config(TLS12, identity(keys, "server", "pss"))), door.accept()[0]) as ours:
                with pytest.raises(AssertionError):
                    ours.handshake()
                assert isinstance(ours.connection.error, tls.HandshakeFailure)
            program.says("handshake failure")


def test_openssl_with_groups_of_old_beside_good_ones_is_served(keys: Path, tmp_path: Path) -> None:
    groups = "secp224r1:secp256k1:brainpoolP256r1:X25519:P-256:P-384"
    with listener() as door:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{door.getsockname()[1]}", "-groups", groups]
        made = identity(keys, "server", "p384")
        with running(command, tmp_path / "log") as program:
            config = tls.ServerConfig(**own(made))
            with Ours(tls.Server(config), door.accept()[0]) as ours:
                ours.handshake()
                program.says("TLSv1.3")
                hello = next(e.message for e in ours.events if isinstance(e, tls.MessageReceived))
                assert {0x15, 0x16, 0x1A} <= set(hello.value(tls.ExtensionType.SUPPORTED_GROUPS))
                assert ours.group == tls.Group.X25519


def test_openssl_resumes_under_one_name_and_not_under_another(keys: Path, tmp_path: Path) -> None:
    config = tls.ServerConfig(**own(identity(keys, "server", "p384")), versions=(TLS12,))
    sessions = SessionCache()
    session = str(tmp_path / "session")
    with listener() as door:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{door.getsockname()[1]}", "-tls1_2", "-tlsextdebug"]
        for name, flags, said, acknowledged in (
            (NAME, ["-sess_out", session], "New, TLSv1.2", True),
            (NAME, ["-sess_in", session], "Reused, TLSv1.2", False),
            ("other.example", ["-sess_in", session], "New, TLSv1.2", True),
        ):
            with (
                running([*command, "-servername", name, *flags], tmp_path / "log") as program,
                Ours(ResumingServer(config, sessions), door.accept()[0]) as ours,
            ):
                ours.handshake()
                program.says(said)
                assert ('"server name"' in program.said) == acknowledged, program.said


@BOTH
@EACH_GNUTLS
def test_gnutls_meets_our_server(version: tls.Version, kind: str, keys: Path, tmp_path: Path) -> None:
    with listener() as door:
        port = str(door.getsockname()[1])
        protocol = "NORMAL:-VERS-ALL:+VERS-TLS1." + ("3" if version == TLS13 else "2")
        command = ["gnutls-cli", "-p", port, "127.0.0.1", "--priority", protocol, "--x509cafile", str(keys / "ca.pem")]
        command += ["--sni-hostname", NAME, "--verify-hostname", NAME]
        command += ["--x509certfile", str(keys / f"client-{kind}.pem"), "--x509keyfile", str(keys / f"{kind}.key")]
        with running(command, tmp_path / "log") as program:
            made = identity(keys, "server", kind)
            with Ours(tls.Server(server_config(version, made)), door.accept()[0]) as ours:
                ours.handshake()
                program.says("Handshake was completed")
                program.say(b"to the bank\n")
                ours.expect(b"to the bank\n")
                assert ours.connection.peer_certificates[0] == identity(keys, "client", kind).der


@BOTH
@EACH_GNUTLS
def test_our_client_meets_gnutls(version: tls.Version, kind: str, keys: Path, tmp_path: Path) -> None:
    port = free_port()
    command = ["gnutls-serv", "--echo", "-p", str(port), "--x509cafile", str(keys / "ca.pem"), "--require-client-cert"]
    command += ["--verify-client-cert", "--x509certfile", str(keys / f"server-{kind}.pem")]
    command += ["--x509keyfile", str(keys / f"{kind}.key")]
    with running(command, tmp_path / "log") as program:
        program.says(r"IPv4 .*done")
        config = client_config(version, **own(identity(keys, "client", kind)))
        with Ours(tls.Client(config), connect(port)) as ours:
            ours.handshake().send(b"to the bank\n")
            ours.expect(b"to the bank\n")
