"""`trustlab s_server` and `s_client`, in processes of their own, with each other and with OpenSSL and curl's kin."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from tls_identities import client_identity, server_identity

from trustlab import tls
from trustlab.cli import tls_talk
from trustlab.cli.failure import host_and_port
from trustlab.passage import TlsEndpoint
from trustlab.tls.unchecked import UncheckedClientConfig

COMMAND = [sys.executable, "-m", "trustlab"]


@pytest.fixture
def server(tmp_path):
    """Start a server of ours for one connection: its port and its root."""
    started = []

    def start(*options: str) -> tuple[str, str]:
        root = str(tmp_path / "root.pem")
        process = subprocess.Popen(
            [*COMMAND, "s_server", "--port", "0", "--count", "1", "--write-ca", root, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process.stdout.readline().strip().rpartition(":")[2], root

    yield start
    for process in started:
        process.kill()
        process.communicate()


def run(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=said, capture_output=True, text=True, timeout=60, check=False)


REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_our_client_reads_our_servers_page_and_shows_the_ladder(server):
    port, root = server()
    done = run("s_client", f"localhost:{port}", "--ca", root, said=REQUEST)
    assert done.returncode == 0, done.stderr
    assert "It works" in done.stdout
    assert "ClientHello" in done.stderr
    assert "It works" not in done.stderr


def test_openssl_reads_our_servers_page(server):
    port, root = server("--quiet")
    done = subprocess.run(
        ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", root, "-connect", f"localhost:{port}"],
        input=REQUEST,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "It works" in done.stdout, done.stderr


def test_a_server_nobody_vouches_for_is_refused_in_one_line(server):
    port, _ = server()
    done = run("s_client", f"localhost:{port}", "--quiet", said=REQUEST)
    assert done.returncode == 1
    assert done.stderr.startswith("trustlab: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_keys_are_kept_in_the_form_wireshark_reads(server, tmp_path):
    port, _ = server("--quiet")
    keys = tmp_path / "keys"
    done = run(
        "s_client",
        f"localhost:{port}",
        "--insecure",
        "--quiet",
        "--tls",
        "1.2",
        "--keylogfile",
        str(keys),
        said=REQUEST,
    )
    assert done.returncode == 0, done.stderr
    label, random, secret = keys.read_text().split()
    assert (label, len(random), len(secret)) == ("CLIENT_RANDOM", 64, 96)


def fetch(port: str, request: bytes) -> bytes:
    """Ask by Python's `ssl` and read until the stream ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    found = b""
    with socket.create_connection(("127.0.0.1", int(port)), 10) as stream, context.wrap_socket(stream) as channel:
        channel.sendall(request)
        while part := channel.recv(4096):
            found += part
    return found


def test_a_request_may_end_its_lines_with_lf_alone(server):
    port, _ = server("--quiet")
    assert b"It works" in fetch(port, b"GET / HTTP/1.0\n\n")


def test_a_silent_client_does_not_keep_others_waiting(server):
    port, _ = server("--count", "2")
    with socket.create_connection(("127.0.0.1", int(port))):
        assert b"It works" in fetch(port, b"GET / HTTP/1.0\r\n\r\n")


def test_an_alert_reaches_a_client_that_goes_on_talking(server):
    """A server that closes over unread octets resets the connection, and the alert is lost with it."""
    port, _ = server("--quiet")
    with socket.create_connection(("127.0.0.1", int(port)), 10) as stream:
        stream.sendall(b"\x16\3\1\0\4\1\0\0\0" + bytes(300_000))
        stream.shutdown(socket.SHUT_WR)
        assert stream.makefile("rb").read() == b"\x15\3\3\0\2\2\x32"


def test_a_server_goes_on_after_a_client_that_resets(server):
    port, _ = server("--quiet", "--count", "2")
    with socket.create_connection(("127.0.0.1", int(port))) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert b"It works" in fetch(port, b"GET / HTTP/1.0\r\n\r\n")


@pytest.fixture
def impatient(monkeypatch):
    """Seconds of patience become moments."""
    monkeypatch.setattr(tls_talk, "IDLE", 0.05)
    monkeypatch.setattr(tls_talk, "LINGER", 0.05)


def serve(stream: socket.socket) -> tls.Server:
    identity = server_identity("ECDSA")
    engine = tls.Server(tls.ServerConfig(certificates=(identity.der,), key=identity.key))
    tls_talk.converse(stream, TlsEndpoint(engine, tls_talk.StatusPage(engine)), stdin=False)
    return engine


@pytest.mark.usefixtures("impatient")
def test_a_peer_that_never_says_a_word_is_given_up():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        serve(ours)
        assert theirs.recv(100) == b"\x15\3\3\0\2\1\0"


@pytest.mark.usefixtures("impatient")
def test_a_peer_that_ignores_close_notify_is_let_go():
    ours, theirs = socket.socketpair()
    client = tls.Client(UncheckedClientConfig())
    with ours, theirs:
        theirs.settimeout(10)
        theirs.sendall(client.data_to_send())
        thread = threading.Thread(target=serve, args=(ours,))
        thread.start()
        while not client.handshake_complete:
            client.receive(theirs.recv(65_536))
            list(tls.pump(client))
        client.send(b"GET / HTTP/1.0\n\n")
        theirs.sendall(client.data_to_send())
        thread.join(10)
        assert not thread.is_alive()


def answering(listener: socket.socket, version: ssl.TLSVersion, *, unwraps: bool) -> threading.Thread:
    """Start a server on Python's `ssl` that hears its client out, thinks for a while, and answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity = server_identity("ECDSA")
    with tempfile.NamedTemporaryFile() as file:
        file.write(identity.pem + identity.key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    context.maximum_version = version

    def serve_one() -> None:
        stream, _ = listener.accept()
        with stream, context.wrap_socket(stream, server_side=True) as channel:
            channel.recv(100)
            if version == ssl.TLSVersion.TLSv1_3:
                assert channel.recv(100) == b""  # its close_notify
            time.sleep(0.3)
            channel.sendall(b"the answer")
            if unwraps:
                channel.unwrap()

    thread = threading.Thread(target=serve_one)
    thread.start()
    return thread


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda v: v.name)
@pytest.mark.parametrize("unwraps", [True, False], ids=["in order", "cut off"])
def test_s_client_hears_the_answer_out_and_says_where_it_was_cut_off(*, version, unwraps):
    """TLS 1.3: close_notify at the end of standard input; then not a second of silence, but the peer's close_notify."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = answering(listener, version, unwraps=unwraps)
        port = listener.getsockname()[1]
        began = time.monotonic()
        done = run("s_client", f"127.0.0.1:{port}", "--insecure", "--quiet", said="a question")
        assert time.monotonic() - began < tls_talk.IDLE, "it closed because nobody said anything for a while"
        thread.join(20)
    assert done.stdout == "the answer"
    assert done.returncode == (0 if unwraps else 1), done.stderr
    assert ("close_notify" in done.stderr) != unwraps


def test_a_client_certificate_can_be_demanded_and_shown(server, tmp_path):
    pem = tmp_path / "client.pem"
    pem.write_bytes(client_identity("ECDSA").pem + client_identity("ECDSA").key_pem)
    port, root = server("--quiet", "--client-certificate", "require", "--count", "2", "--tls", "1.3")
    refused = run("s_client", f"localhost:{port}", "--ca", root, "--quiet", said=REQUEST)
    assert "certificate_required" in refused.stderr
    done = run("s_client", f"localhost:{port}", "--ca", root, "--quiet", "--cert", str(pem), said=REQUEST)
    assert "client certificates</th><td>1" in done.stdout, done.stderr


def test_a_suite_off_the_list_is_spoken_where_it_is_asked_for(server):
    port, root = server("--quiet", "--ciphers", "all")
    suite = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"
    done = run("s_client", f"localhost:{port}", "--ca", root, "--quiet", "--ciphers", suite, said=REQUEST)
    assert suite in done.stdout, done.stderr


def test_a_key_of_another_certificate_is_refused_at_once(tmp_path):
    pem = tmp_path / "mixed.pem"
    pem.write_bytes(server_identity("ECDSA").pem + client_identity("ECDSA").key_pem)
    done = run("s_server", "--cert", str(pem))
    assert "the key in" in done.stderr
    assert "belong to the first certificate" in " ".join(done.stderr.split())


def test_the_host_that_is_called_is_the_one_that_is_checked():
    assert host_and_port("faß.example:443", "localhost:4433") == ("xn--fa-hia.example", 443)
    assert host_and_port("[fe80::1%lo]:443", "localhost:4433") == ("fe80::1%lo", 443)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("s_client", "nowhere"), "HOST:PORT"),
        (("s_client", "localhost:1", "--insecure"), "cannot connect"),
        (("s_client", "localhost:1", "--ca", "/nonexistent"), "--ca"),
        (("s_client", "localhost:1", "--tls", "1.4"), "--tls"),
        (("s_client", "bank..example:1", "--insecure"), "is not a host name"),
        (("s_client", "\uff42ank.example:1", "--insecure"), "another way to write 'bank.example'"),
        (("s_server", "--cert", "/nonexistent"), "/nonexistent"),
        (("s_server", "--ciphers", "RC4-MD5"), "TLS_AES_128_GCM_SHA256"),
        (("s_server", "--groups", "ffdhe2048"), "X25519"),
        (("s_server", "--client-certificate", "perhaps"), "require"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_with_the_fix(arguments, named):
    done = run(*arguments)
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
