"""TLS 1.2 against others: Python's ssl in memory, OpenSSL's programs over TCP, tshark on a capture."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from tls_pair import NAME, End, client_config, root, server_config, server_identity

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

SUITES = {
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}


class Ssl:
    """Python's ssl in memory, with the same small face as an `End`."""

    def __init__(self, context: ssl.SSLContext, *, server: bool) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if server else NAME
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_side=server, server_hostname=name)
        self.done = False

    def step(self, data: bytes) -> bytes:
        self.incoming.write(data)
        if not self.done:
            try:
                self.object.do_handshake()
                self.done = True
            except ssl.SSLWantReadError:
                pass
        return self.outgoing.read()


def files(tmp_path: Path, kind: str = "RSA") -> tuple[str, str, str]:
    identity = server_identity(kind)
    for name, content in (("c.pem", identity.pem), ("k.pem", identity.key_pem), ("ca.pem", root().pem)):
        (tmp_path / name).write_bytes(content)
    return str(tmp_path / "c.pem"), str(tmp_path / "k.pem"), str(tmp_path / "ca.pem")


def shake(end: End, peer: Ssl) -> None:
    data = b""
    for _ in range(20):
        out = end.drain()
        data = peer.step(out)
        if not out and not data:
            return
        end.connection.receive(data)
    raise AssertionError("the handshake never ends")


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("extended", [False, True])
def test_our_client_completes_with_pythons_ssl(suite: str, *, extended: bool, tmp_path: Path) -> None:
    certificate, key, _ = files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES[suite])
    peer = Ssl(context, server=True)
    end = End(tls.Client(client_config(cipher_suites=(tls.CipherSuite[suite],), extended_master_secret=extended)))
    shake(end, peer)
    assert end.connection.handshake_complete
    end.connection.send(b"hello from us")
    peer.step(end.drain())
    assert peer.object.read() == b"hello from us"
    peer.object.write(b"hello back")
    end.connection.receive(peer.outgoing.read())
    end.drain()
    assert end.data == b"hello back"


@pytest.mark.parametrize("suite", SUITES)
def test_our_server_completes_with_pythons_ssl(suite: str, tmp_path: Path) -> None:
    _, _, ca = files(tmp_path)
    context = ssl.create_default_context(cafile=ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES[suite])
    peer = Ssl(context, server=False)
    end = End(tls.Server(server_config(cipher_suites=(tls.CipherSuite[suite],))))
    end.connection.receive(peer.step(b""))
    shake(end, peer)
    assert end.connection.handshake_complete
    assert peer.object.cipher()[0] == SUITES[suite]
    assert end.connection.server_name == NAME
    peer.object.write(b"x" * 40_000)
    end.connection.receive(peer.outgoing.read())
    end.drain()
    assert end.data == b"x" * 40_000


def over_tcp(end: End, connection: socket.socket, until: Any) -> None:
    connection.settimeout(20)
    while not until():
        out = end.drain()
        if out:
            connection.sendall(out)
        if until() or end.connection.closed:
            return
        data = connection.recv(65536)
        if not data:
            end.connection.eof_received()
            end.drain()
            return
        end.connection.receive(data)


def test_our_client_talks_to_openssl_s_server(tmp_path: Path) -> None:
    certificate, key, _ = files(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["openssl", "s_server", "-accept", str(port), "-cert", certificate, "-key", key, "-tls1_2", "-rev"]
    with subprocess.Popen([*command, "-cipher", "AES128-GCM-SHA256"], stdout=subprocess.DEVNULL) as process:
        try:
            connection = connect_when_ready(port)
            with connection:
                end = End(tls.Client(client_config()))
                over_tcp(end, connection, lambda: end.connection.handshake_complete)
                end.connection.send(b"drawer\n")
                over_tcp(end, connection, lambda: b"\n" in end.data)
                assert end.data == b"reward\n"
        finally:
            process.kill()


def connect_when_ready(port: int) -> socket.socket:
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


def test_openssl_s_client_talks_to_our_server(tmp_path: Path) -> None:
    _, _, ca = files(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{listener.getsockname()[1]}",
            "-tls1_2",
            "-CAfile",
            ca,
        ]
        command += ["-cipher", "AES256-GCM-SHA384", "-servername", NAME, "-verify_return_error", "-quiet"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            listener.settimeout(20)
            connection, _ = listener.accept()
            with connection:
                end = End(tls.Server(server_config()))
                assert process.stdin
                process.stdin.write(b"to the bank\n")
                process.stdin.flush()
                over_tcp(end, connection, lambda: b"\n" in end.data)
                assert end.data == b"to the bank\n"
                end.connection.close()
                connection.sendall(end.drain())
            assert process.wait(20) == 0
    assert end.connection.cipher_suite == tls.CipherSuite.TLS_RSA_WITH_AES_256_GCM_SHA384
