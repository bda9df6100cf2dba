"""curl fetches a page from our server: every combination its TLS library offers, certificates and ALPN included."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from combinations import TLS13, Combination, combinations
from ours import Ours, check, listener
from peers import OPENSSL_GROUPS, curl
from tls_identities import NAME

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

OFFER = curl()
PAGE = b"the vault is open on weekdays\n"
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE


def command(case: Combination, pems: Path, port: int) -> list[str]:
    version = "1.3" if case.version == TLS13 else "1.2"
    suites = "--tls13-ciphers" if case.version == TLS13 else "--ciphers"
    found = [
        "curl",
        "-sS",
        "--max-time",
        "20",
        "--cacert",
        str(pems / "ca.pem"),
        f"--tlsv{version}",
        "--tls-max",
        version,
    ]
    found += [suites, OFFER.names[case.suite], "--resolve", f"{NAME}:{port}:127.0.0.1", "--http1.1"]
    if case.group:
        found += ["--curves", ":".join(dict.fromkeys([OPENSSL_GROUPS[case.group], "P-256"]))]
    if case.client != "none":
        found += ["--cert", str(pems / f"client-{case.client}.pem"), "--key", str(pems / f"client-{case.client}.key")]
    return [*found, *([] if case.alpn else ["--no-alpn"]), f"https://{NAME}:{port}/"]


@pytest.mark.parametrize("case", combinations(OFFER), ids=str)
def test_curl_fetches_a_page_from_our_server(case: Combination, pems: Path) -> None:
    alpn = ("http/1.1",) if case.alpn else ()
    with listener() as door:
        words = command(case, pems, door.getsockname()[1])
        with (
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program,
            Ours(tls.Server(case.server_config(alpn=alpn)), door.accept()[0]) as ours,
        ):
            ours.handshake().expect(b"\r\n\r\n")
            ours.send(ANSWER)
            ours.close()
            assert program.communicate(timeout=20)[0] == PAGE
            assert program.returncode == 0
    assert ours.connection.server_name == NAME
    check(ours, case, "http/1.1")
