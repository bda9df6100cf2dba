"""The byte ranges we name are those that tshark names."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from openssl_ends import Identity, pay

from trustlab.capture import PassiveDecoder, write_trace
from trustlab.trace import Trace, TraceEvent

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {  # tshark's name: ours
    "ClientHello": {
        "tls.handshake.type": "msg_type",
        "tls.handshake.length": "length",
        "tls.handshake.version": "client_version",
        "tls.handshake.random": "random",
        "tls.handshake.cipher_suites_length": "cipher_suites_length",
        "tls.handshake.comp_methods_length": "compression_methods_length",
        "tls.handshake.extensions_length": "extensions_length",
    },
    "ServerHello": {
        "tls.handshake.version": "server_version",
        "tls.handshake.random": "random",
        "tls.handshake.ciphersuite": "cipher_suite",
        "tls.handshake.comp_method": "compression_method",
    },
    "Certificate": {"tls.handshake.certificates_length": "certificate_list_length"},
    "ClientKeyExchange": {"tls.handshake.epms": "encrypted_pre_master_secret"},
}
TYPES = {"1": "ClientHello", "2": "ServerHello", "11": "Certificate", "16": "ClientKeyExchange"}


@pytest.fixture(scope="module")
def trace() -> Trace:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, Identity())
    return trace


def dissected(path: Path) -> dict[str, dict[str, bytes]]:
    """Return the octets of each field of each handshake message, as tshark cuts them."""
    command = ["tshark", "-r", str(path), "-T", "pdml", "-Y", "tls.handshake"]
    root = ET.fromstring(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S314 - tshark's
    found: dict[str, dict[str, bytes]] = {}
    for message in root.iter("field"):
        if message.get("name") == "tls.handshake":
            fields = {
                f.get("name", ""): bytes.fromhex(f.get("value", "")) for f in reversed(list(message.iter("field")))
            }
            kind = str(int.from_bytes(fields["tls.handshake.type"], "big"))
            found.setdefault(TYPES.get(kind, kind), fields)
    return found


def ours(message: TraceEvent) -> dict[str, bytes]:
    return {span.name: message.raw[span.start : span.end] for span in message.spans}


@pytest.mark.parametrize("name", FIELDS)
def test_tshark_cuts_a_message_into_the_same_fields(trace: Trace, name: str, tmp_path: Path) -> None:
    theirs = dissected(write_trace(tmp_path / "run.pcapng", trace))[name]
    (message,) = [e for e in trace.select("tls.message", name=name) if e.sent]
    named = ours(message)
    for their_name, our_name in FIELDS[name].items():
        assert named[our_name] == theirs[their_name], their_name
