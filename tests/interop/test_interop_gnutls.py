"""GnuTLS's gnutls-serv and gnutls-cli: every combination they offer, both roles, and what they say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from combinations import PROTOCOL, TLS13, Combination, combinations
from ours import Ours, check, listener
from peers import GNUTLS_GROUPS, gnutls
from programs import EXPORTED, LABEL, Program, connect, free_port, running
from tls_identities import NAME

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

OFFER = gnutls()
CASES = combinations(OFFER)


def priority(case: Combination) -> str:
    """Say in GnuTLS's words: this version, key exchange, cipher, group and nothing else."""
    name = case.suite.name
    tls13 = case.version == TLS13
    cipher = "CHACHA20-POLY1305" if "CHACHA20" in name else "AES-256-GCM" if "256_GCM" in name else "AES-128-GCM"
    mac = "AEAD"
    if "CBC" in name:
        cipher = "AES-256-CBC" if "AES_256" in name else "AES-128-CBC"
        mac = "SHA256" if name.endswith("SHA256") else "SHA1"
    exchange = "ECDHE-RSA:+ECDHE-ECDSA" if tls13 else f"ECDHE-{case.certificate}" if case.group else "RSA"
    parts = ["NONE", "VERS-TLS1.3" if tls13 else "VERS-TLS1.2", cipher, mac, exchange, "SIGN-ALL", "CTYPE-X509"]
    parts += ["COMP-NULL", *([GNUTLS_GROUPS[case.group]] if case.group else ["GROUP-SECP256R1"])]
    if case.group and not tls13:
        parts.append("GROUP-SECP256R1")  # for the certificates' curve
    return ":+".join(dict.fromkeys(parts))


def options(case: Combination, pems: Path) -> list[str]:
    found = ["--priority", priority(case), "--x509cafile", str(pems / "ca.pem")]
    found += ["--keymatexport", LABEL, "--keymatexportsize", str(EXPORTED)]
    return found + ([f"--alpn={PROTOCOL}", "--alpn=other"] if case.alpn else [])


def identity(role: str, kind: str, pems: Path) -> list[str]:
    files = [str(pems / f"{role}-{kind}{end}") for end in (".pem", ".key")]
    return ["--x509certfile", files[0], "--x509keyfile", files[1]]


def agree(ours: Ours, program: Program, case: Combination) -> None:
    """GnuTLS tells version and exported keys as we have them."""
    exported = program.says(r"Key material: ([0-9a-f]+)\n")
    assert exported == ours.connection.export(LABEL, None, EXPORTED).hex()
    program.says(rf"\(TLS1\.{3 if case.version == TLS13 else 2}")
    if case.alpn:
        program.says(rf"Application protocol: {PROTOCOL}")
    check(ours, case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_our_client_talks_to_gnutls_serv(case: Combination, pems: Path, tmp_path: Path) -> None:
    port = free_port()
    command = ["gnutls-serv", "--echo", "-p", str(port), *options(case, pems)]
    command += identity("server", case.certificate, pems)
    command += ["--disable-client-cert"] if case.client == "none" else ["--require-client-cert", "--verify-client-cert"]
    with running(command, tmp_path / "log") as program:
        program.says(r"IPv4 .*done")
        with Ours(tls.Client(case.client_config()), connect(port)) as ours:
            ours.handshake().send(b"to the bank and back\n")
            ours.expect(b"to the bank and back\n")
            agree(ours, program, case)
            ours.close()
    assert ours.connection.error is None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gnutls_cli_talks_to_our_server(case: Combination, pems: Path, tmp_path: Path) -> None:
    with listener() as door:
        command = ["gnutls-cli", "-p", str(door.getsockname()[1]), *options(case, pems), "127.0.0.1"]
        command += [f"--sni-hostname={NAME}", f"--verify-hostname={NAME}"]
        command += identity("client", case.client, pems) if case.client != "none" else []
        with running(command, tmp_path / "log") as program:
            with Ours(tls.Server(case.server_config()), door.accept()[0]) as ours:
                ours.handshake()
                program.say(b"to the bank\n")
                ours.expect(b"to the bank\n")
                ours.send(b"from the bank\n")
                program.says("from the bank\n")
                program.says("The certificate is trusted")
                agree(ours, program, case)
                ours.close()
            assert program.process.wait(20) == 0
    assert ours.connection.server_name == NAME
    assert isinstance(ours.connection.error, tls.Unanswered)  # gnutls-cli takes close_notify and leaves without its own
