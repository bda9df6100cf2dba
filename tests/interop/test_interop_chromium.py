"""Headless Chromium loads a page that our engine serves over TCP."""

from __future__ import annotations

import base64
import hashlib
import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ours import Ours, listener
from tls_identities import NAME, root, server_identity

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
X25519, P256, HYBRID = tls.Group.X25519, tls.Group.SECP256R1, tls.Group.X25519MLKEM768
PAGE = b"<!doctype html><title>Bank</title><p id=vault>The vault is open on weekdays.</p>"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE
)
PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Site:
    """A small web server on our engine: a thread for each connection, every connection kept to be looked at."""

    def __init__(self, config: tls.ServerConfig) -> None:
        self.config = config
        self.door = listener()
        self.port = self.door.getsockname()[1]
        self.served: list[Ours] = []
        self.open: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        for wire in self.open:
            wire.close()
        for thread in self.threads:
            thread.join(20)

    def _start(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self.door.accept()
            except OSError:
                return
            self.open.append(wire)
            self._start(self._serve, wire)

    def _serve(self, wire: socket.socket) -> None:
        ours = Ours(tls.Server(self.config), wire)
        try:
            ours.handshake().expect(b"\r\n\r\n")
            ours.send(ANSWER)
            self.served.append(ours)
            ours.close()
        except (AssertionError, OSError):
            return  # a connection the browser opened ahead and never used


def load(site: Site, folder: Path) -> str:
    """Let the browser load the page; return its document."""
    spki = server_identity("ECDSA").key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    command = [str(PROGRAM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += [
        "--disable-background-networking",
        "--disable-component-update",
        f"--user-data-dir={folder / 'profile'}",
    ]
    command += [
        f"--ignore-certificate-errors-spki-list={pin}",
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1:{site.port}",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", f"https://{NAME}/"], capture_output=True, text=True, timeout=90, check=False
    )
    return done.stdout


@pytest.mark.parametrize(
    ("version", "groups"),
    [(TLS13, (HYBRID, X25519, P256)), (TLS13, (P256,)), (TLS12, (X25519, P256))],
    ids=["TLS-1.3-with-X25519MLKEM768-where-it-offers-it", "TLS-1.3-after-HelloRetryRequest", "TLS-1.2"],
)
def test_chromium_loads_a_page_from_our_server(version: tls.Version, groups: tuple[int, ...], tmp_path: Path) -> None:
    assert PROGRAM, "Chromium is not installed: scripts/system-packages test does it"
    identity = server_identity("ECDSA")
    config = tls.ServerConfig(
        certificates=(identity.der, root().der),
        key=identity.key,
        versions=(version,),
        groups=groups,
        alpn=("http/1.1",),
    )
    with Site(config) as site:
        assert "The vault is open on weekdays." in load(site, tmp_path)
        page = site.served[0]
    hello = page.messages[0].message
    assert page.connection.version == version
    assert page.group == next(group for group in groups if group in hello.value(tls.ExtensionType.SUPPORTED_GROUPS))
    assert page.connection.server_name == NAME
    assert page.connection.alpn == "http/1.1"
    retried = any(event.name == "HelloRetryRequest" for event in page.messages)
    assert retried == (version == TLS13 and groups == (P256,))
