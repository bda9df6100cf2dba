"""`trustlab s_server` and `s_client`, in processes of their own, with each other and with OpenSSL and curl's kin."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("s_client", "nowhere"), "HOST:PORT"),
        (("s_client", "localhost:1", "--insecure"), "cannot connect"),
        (("s_client", "localhost:1", "--ca", "/nonexistent"), "--ca"),
        (("s_client", "localhost:1", "--tls", "1.4"), "--tls"),
        (("s_server", "--cert", "/nonexistent"), "/nonexistent"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_with_the_fix(arguments, named):
    done = run(*arguments)
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
