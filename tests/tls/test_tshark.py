"""tshark as a second opinion: it decrypts what we wrote with our key log and names the same messages."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from tls_pair import Pair, client_config, connected, server_config

from trustlab import tls

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "1": "ClientHello",
    "2": "ServerHello",
    "8": "EncryptedExtensions",
    "15": "CertificateVerify",
    "24": "KeyUpdate",
    "11": "Certificate",
    "12": "ServerKeyExchange",
    "14": "ServerHelloDone",
    "16": "ClientKeyExchange",
    "20": "Finished",
}


def capture(pair: Pair, folder: Path) -> list[list[str]]:
    """Write the pair's streams as frames and return tshark's view: handshake types and HTTP-like data a frame."""
    log = tls.KeyLog()
    for event in pair.client.events:
        log.observe(event)
    (folder / "keys.log").write_text(log.text)
    ends = {"client": ("10.0.0.1", 40000), "server": ("10.0.0.2", 9999)}
    sequence = {"client": 1, "server": 1}
    frames = []
    for direction, payload in pair.flights:
        other = "server" if direction == "client" else "client"
        for start in range(0, len(payload), 1400):
            piece = payload[start : start + 1400]
            (source, sport), (target, dport) = ends[direction], ends[other]
            tcp = TCP(sport=sport, dport=dport, seq=sequence[direction], ack=sequence[other], flags="PA")
            frames.append(
                Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=source, dst=target) / tcp / piece
            )
            sequence[direction] += len(piece)
    wrpcap(str(folder / "c.pcap"), frames)
    command = ["tshark", "-r", str(folder / "c.pcap"), "-o", f"tls.keylog_file:{folder / 'keys.log'}", "-d"]
    command += ["tcp.port==9999,tls", "-T", "fields", "-e", "tls.handshake.type", "-e", "tls.alert_message.desc"]
    command += ["-e", "data.data", "-E", "separator=;"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split(";") for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "suite",
    ["TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA256"],
)
def test_tshark_decrypts_our_handshake_and_names_the_same_messages(suite: str, tmp_path: Path) -> None:
    suites = (tls.CipherSuite[suite],)
    pair = connected(client=client_config(cipher_suites=suites), server=server_config(cipher_suites=suites))
    pair.client.connection.send(b"the PIN is 1234")
    pair.run()
    pair.client.connection.close()
    pair.run()
    lines = capture(pair, tmp_path)
    seen = [NAMES[n] for line in lines for n in line[0].split(",") if n]
    ours = [e.name for e in pair.server.of(tls.MessageReceived) + pair.server.of(tls.MessageSent)]
    assert sorted(seen) == sorted(n for n in ours if n not in {"ChangeCipherSpec", "Alert"})
    assert b"the PIN is 1234".hex() in "".join(line[2] for line in lines)
    assert [line[1] for line in lines if line[1]] == ["0", "0"]


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
@pytest.mark.parametrize("group", ["X25519", "X25519MLKEM768"])
def test_tshark_decrypts_tls_13_and_names_the_same_messages(suite: str, group: str, tmp_path: Path) -> None:
    settings = {
        "versions": (tls.Version.TLS13,),
        "cipher_suites": (tls.CipherSuite[suite],),
        "groups": (tls.Group[group],),
    }
    pair = connected(client=client_config(**settings), server=server_config("ECDSA", **settings))
    pair.client.connection.send(b"the PIN is 1234")
    pair.run()
    pair.client.connection.update_keys()
    pair.client.connection.send(b"and 5678")
    pair.run()
    lines = capture(pair, tmp_path)
    seen = [NAMES[n] for line in lines for n in line[0].split(",") if n]
    ours = [e.name for e in pair.server.of(tls.MessageReceived) + pair.server.of(tls.MessageSent)]
    assert sorted(seen) == sorted(n for n in ours if n != "ChangeCipherSpec")
    data = "".join(line[2] for line in lines)
    assert b"the PIN is 1234".hex() in data
    assert b"and 5678".hex() in data
