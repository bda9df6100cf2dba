"""Python's ssl over TCP: every combination, both roles."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest
from combinations import PROTOCOL, TLS13, VERSIONS, Combination, combinations
from ours import PATIENCE, Ours, check, listener
from peers import python_ssl
from tls_identities import NAME, server_identity

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

OFFER = python_ssl()
CASES = combinations(OFFER, every=True)


class Peer(threading.Thread):
    """Python's ssl in its own thread: shakes hands, echoes until close_notify, keeps what it saw."""

    def __init__(self, context: ssl.SSLContext, wire: socket.socket, *, server: bool) -> None:
        super().__init__(daemon=True)
        self.context, self.wire, self.server = context, wire, server
        self.seen: dict[str, Any] = {}
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._talk()
        except Exception as error:  # noqa: BLE001 - told to the test in __exit__
            self.error = error

    def _talk(self) -> None:
        self.wire.settimeout(PATIENCE)
        wire = self.wire.accept()[0] if self.server else self.wire
        wire.settimeout(PATIENCE)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = None if self.server else NAME
        with self.context.wrap_socket(wire, server_side=self.server, server_hostname=name) as talk:
            self.seen = {
                "version": talk.version(),
                "suite": talk.cipher()[0],
                "alpn": talk.selected_alpn_protocol(),
                "certificate": talk.getpeercert(binary_form=True),
            }
            while data := talk.recv(65536):
                talk.sendall(data)
            talk.unwrap()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.join(PATIENCE)
        self.wire.close()
        if kind is None and self.error:
            raise self.error


def context(case: Combination, folder: Path, *, server: bool) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(folder / "ca.pem")
    made.minimum_version = made.maximum_version = ssl.TLSVersion(int(case.version))
    if case.version != TLS13:
        made.set_ciphers(OFFER.names[case.suite])
    if case.alpn:
        made.set_alpn_protocols([PROTOCOL, "other"])
    if server:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE  # the client's first group, too: the case's own
        made.load_cert_chain(folder / f"server-{case.certificate}.pem", folder / f"server-{case.certificate}.key")
        if case.client != "none":
            made.verify_mode = ssl.CERT_REQUIRED
    elif case.client != "none":
        made.load_cert_chain(folder / f"client-{case.client}.pem", folder / f"client-{case.client}.key")
    return made


def agree(peer: Peer, case: Combination) -> None:
    assert peer.seen["version"] == {"TLS 1.2": "TLSv1.2", "TLS 1.3": "TLSv1.3"}[case.version.title]
    assert peer.seen["suite"] == OFFER.names[case.suite]
    assert peer.seen["alpn"] == (PROTOCOL if case.alpn else None)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_our_client_talks_to_pythons_ssl(case: Combination, pems: Path) -> None:
    with (
        listener() as door,
        Peer(context(case, pems, server=True), door, server=True) as peer,
        Ours(tls.Client(case.client_config()), socket.create_connection(door.getsockname(), PATIENCE)) as ours,
    ):
        ours.handshake().send(b"over and out" * 3000)
        ours.until(lambda: len(ours.data) == 36_000)
        ours.close()
    assert ours.data == b"over and out" * 3000
    assert ours.connection.error is None
    check(ours, case)
    agree(peer, case)
    assert peer.seen["certificate"] == (None if case.client == "none" else case.peer_certificate)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pythons_ssl_talks_to_our_server(case: Combination, pems: Path) -> None:
    with listener() as door:
        wire = socket.create_connection(door.getsockname(), PATIENCE)
        with (
            Peer(context(case, pems, server=False), wire, server=False) as peer,
            Ours(tls.Server(case.server_config()), door.accept()[0]) as ours,
        ):
            ours.handshake().send(b"over and out" * 3000)
            ours.until(lambda: len(ours.data) == 36_000)
            ours.close()
    assert ours.data == b"over and out" * 3000
    assert ours.connection.error is None
    assert ours.connection.server_name == NAME
    check(ours, case)
    agree(peer, case)
    assert peer.seen["certificate"] == server_identity(case.certificate).der


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.title)
def test_the_cases_hold_every_suite_and_group_of_a_version(version: tls.Version) -> None:
    """Guards the probing: a probe that fails must not empty the list."""
    mine = [c for c in CASES if c.version == version]
    assert {c.group for c in mine} >= {tls.Group.X25519, tls.Group.SECP256R1}
    assert len({c.suite for c in mine}) >= 3
    assert {c.certificate for c in mine} == {"RSA", "ECDSA"}
