"""OpenSSL's s_server and s_client: every combination they offer, both roles, and what they say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from combinations import PROTOCOL, TLS13, Combination, combinations
from ours import Ours, check, listener
from peers import OPENSSL_GROUPS, openssl
from programs import EXPORTED, LABEL, Program, connect, running
from tls_identities import NAME

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

OFFER = openssl()
CASES = combinations(OFFER)


def options(case: Combination, pems: Path) -> list[str]:
    suites = "-ciphersuites" if case.version == TLS13 else "-cipher"
    found = ["-tls1_3" if case.version == TLS13 else "-tls1_2", suites, OFFER.names[case.suite]]
    found += ["-CAfile", str(pems / "ca.pem"), "-verify_return_error"]
    found += ["-keymatexport", LABEL, "-keymatexportlen", str(EXPORTED)]
    if case.group:  # P-256 beside it, for the certificates' curve
        found += ["-groups", ":".join(dict.fromkeys([OPENSSL_GROUPS[case.group], "P-256"]))]
    return found + (["-alpn", f"{PROTOCOL},other"] if case.alpn else [])


def server(case: Combination, pems: Path) -> list[str]:
    own = [str(pems / f"server-{case.certificate}{end}") for end in (".pem", ".key")]
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", own[0], "-key", own[1]]
    command += ["-Verify", "3"] if case.client != "none" else []
    return command + options(case, pems)


def client(case: Combination, pems: Path, port: int) -> list[str]:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME, "-verify_hostname", NAME]
    if case.client != "none":
        command += ["-cert", str(pems / f"client-{case.client}.pem"), "-key", str(pems / f"client-{case.client}.key")]
    return command + options(case, pems)


def agree(ours: Ours, program: Program, case: Combination) -> None:
    """OpenSSL tells suite, protocol and exported keys as we have them."""
    exported = program.says(r"Keying material: ([0-9A-F]+)\n")
    assert exported == ours.connection.export(LABEL, None, EXPORTED).hex().upper()
    assert OFFER.names[case.suite] in program.said
    if case.alpn:
        program.says(rf"ALPN protocols?(?: selected)?: {PROTOCOL}\n")
    check(ours, case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_our_client_talks_to_openssl_s_server(case: Combination, pems: Path, tmp_path: Path) -> None:
    with running(server(case, pems), tmp_path / "log") as program:
        port = int(program.says(r"ACCEPT 127\.0\.0\.1:(\d+)\n"))
        with Ours(tls.Client(case.client_config()), connect(port)) as ours:
            ours.handshake().send(b"to the bank\n")
            program.says("to the bank")
            program.say(b"from the bank\n")
            ours.expect(b"from the bank\n")
            agree(ours, program, case)
            ours.close()
        assert program.process.wait(20) == 0
    assert ours.connection.error is None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_openssl_s_client_talks_to_our_server(case: Combination, pems: Path, tmp_path: Path) -> None:
    with listener() as door, running(client(case, pems, door.getsockname()[1]), tmp_path / "log") as program:
        with Ours(tls.Server(case.server_config()), door.accept()[0]) as ours:
            ours.handshake()
            program.say(b"to the bank\n")
            ours.expect(b"to the bank\n")
            ours.send(b"from the bank\n")
            program.says("from the bank\n")
            agree(ours, program, case)
            assert "Verify return code: 0 (ok)" in program.said
            ours.close()
        assert program.process.wait(20) == 0
    assert ours.connection.server_name == NAME
    assert ours.connection.error is None
