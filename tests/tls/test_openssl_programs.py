"""OpenSSL's programs over TCP, in both versions: what they say they negotiated is what we say."""

from __future__ import annotations

import re
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from test_tls12_interop import connect_when_ready, files, over_tcp
from tls_pair import NAME, End, client_config, client_identity, root, server_config

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

BOTH = (tls.Version.TLS13, tls.Version.TLS12)
SERVERS = {
    "TLS 1.3, P-256": ["-tls1_3", "-groups", "P-256"],
    "TLS 1.3, X25519": ["-tls1_3", "-groups", "X25519"],
    "TLS 1.3, ChaCha20": ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
    "TLS 1.2, ECDHE": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
}


@pytest.mark.parametrize("case", SERVERS)
def test_our_client_talks_to_openssl_s_server(case: str, tmp_path: Path) -> None:
    certificate, key, _ = files(tmp_path, "ECDSA")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["openssl", "s_server", "-accept", str(port), "-cert", certificate, "-key", key, "-rev", *SERVERS[case]]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with connect_when_ready(port) as connection:
                end = End(tls.Client(client_config(versions=BOTH)))
                over_tcp(end, connection, lambda: end.connection.handshake_complete)
                end.connection.send(b"drawer\n")
                over_tcp(end, connection, lambda: b"\n" in end.data)
                assert end.data == b"reward\n"
                version = end.connection.version
                assert version is not None
                assert version.title == case[:7]
        finally:
            process.kill()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_openssl_s_client_talks_to_our_server_with_a_certificate_of_its_own(
    version: str, kind: str, tmp_path: Path
) -> None:
    _, _, ca = files(tmp_path, kind)
    identity = client_identity(kind)
    (tmp_path / "me.pem").write_bytes(identity.pem + identity.key_pem)
    label = "EXPERIMENTAL trustlab"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.getsockname()[1]}", version, "-CAfile", ca]
        command += ["-servername", NAME, "-verify_return_error", "-cert", str(tmp_path / "me.pem")]
        command += ["-alpn", "h2,trustlab", "-keymatexport", label, "-keymatexportlen", "24"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            listener.settimeout(20)
            connection, _ = listener.accept()
            with connection:
                config = server_config(
                    kind,
                    versions=BOTH,
                    alpn=("trustlab",),
                    client_certificate="require",
                    trust=[root().certificate],
                )
                end = End(tls.Server(config))
                assert process.stdin
                process.stdin.write(b"to the bank\n")
                process.stdin.flush()
                over_tcp(end, connection, lambda: b"\n" in end.data)
                exported = end.connection.export(label, None, 24)
                end.connection.close()
                connection.sendall(end.drain())
            said = process.communicate(timeout=20)[0].decode()
    assert end.connection.peer_certificates[0] == identity.der
    assert end.connection.alpn == "trustlab"
    assert "ALPN protocol: trustlab" in said
    found = re.search(r"Keying material: ([0-9A-F]+)", said)
    assert found is not None
    assert bytes.fromhex(found[1]) == exported
