"""tshark and scapy decrypt what our engine writes, with the key log inside the capture, and name the same messages."""

from __future__ import annotations

import re
import subprocess
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from combinations import GROUPS, SUITES_12, SUITES_13, VERSIONS, Combination, Offer, combinations
from scapy.config import conf
from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether  # noqa: F401 - scapy dissects frames only with this loaded
from scapy.layers.tls.all import TLS
from scapy.layers.tls.record_tls13 import TLS13
from scapy.layers.tls.session import load_nss_keys
from scapy.packet import bind_layers, split_layers
from scapy.sendrecv import sniff
from scapy.sessions import TCPSession

from trustlab import tls
from trustlab.trace import Trace
from trustlab.wire import Host, TcpConversation, write_pcapng

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURSELVES = Offer("our engine", VERSIONS, frozenset(SUITES_12 + SUITES_13), frozenset(GROUPS))
CASES = combinations(OURSELVES, every=True)[::5]
TELLER, BANK = Host("teller", "02:00:00:00:00:02", "10.0.0.2"), Host("bank", "02:00:00:00:00:03", "10.0.0.3")
PORT = 9443
PIN = b"the PIN is 1234"
NAMES = {
    1: "ClientHello",
    2: "ServerHello",
    4: "NewSessionTicket",
    8: "EncryptedExtensions",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
    24: "KeyUpdate",
}


class Recorded:
    """A connection in memory whose flights become frames of a trace."""

    def __init__(self, case: Combination, trace: Trace, port: int) -> None:
        self.ends = {"client": tls.Client(case.client_config()), "server": tls.Server(case.server_config())}
        self.events: dict[str, list[tls.Event]] = {"client": [], "server": []}
        self.tcp = TcpConversation(trace.party("network"), f"c{port}", TELLER, BANK, port, PORT)
        self.tcp.open()
        self.log = tls.KeyLog()

    def carry(self) -> None:
        moved = True
        while moved:
            moved = False
            for side, other in (("client", "server"), ("server", "client")):
                self.events[side] += tls.pump(self.ends[side])
                data = self.ends[side].data_to_send()
                if data:
                    moved = True
                    self.tcp.data(side, data)
                    self.ends[other].receive(data)

    def talk(self) -> Recorded:
        self.carry()
        self.ends["client"].send(PIN)
        self.carry()
        for end in self.ends.values():  # in TLS 1.3 each closes its own direction
            end.close()
            self.carry()
        for event in self.events["client"]:
            self.log.observe(event)
        return self

    @property
    def names(self) -> list[str]:
        """The handshake messages, in the order of the client: sent and received."""
        told = [e for e in self.events["client"] if isinstance(e, tls.MessageSent | tls.MessageReceived)]
        return [e.name.replace("HelloRetryRequest", "ServerHello") for e in told if e.content_type == 22]

    def extensions(self, name: str) -> list[int]:
        told = [e for e in self.events["client"] if isinstance(e, tls.MessageSent | tls.MessageReceived)]
        return next([x.type for x in e.message.extensions] for e in told if e.name == name)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Recorded], Path]:
    trace = Trace()
    made = [Recorded(case, trace, 20_000 + number).talk() for number, case in enumerate(CASES)]
    folder = tmp_path_factory.mktemp("capture")
    keylog = "".join(each.log.text for each in made)
    (folder / "keys.log").write_text(keylog)
    return write_pcapng(folder / "all.pcapng", trace.select("frame"), keylog=keylog), made, folder / "keys.log"


def test_the_cases_hold_every_suite_and_group() -> None:
    assert {c.suite for c in CASES} == set(SUITES_12 + SUITES_13)
    assert {c.group for c in CASES} == {None, *GROUPS}
    assert {c.client for c in CASES} == {"none", "ECDSA", "RSA"}


def test_tshark_reads_every_message_as_we_do(capture: tuple[Path, list[Recorded], Path]) -> None:
    path, made, _ = capture
    fields = ["tcp.stream", "tls.handshake.type", "tls.handshake.extension.type", "data.data", "tls.alert_message.desc"]
    command = [
        "tshark",
        "-r",
        str(path),
        "-d",
        f"tcp.port=={PORT},tls",
        "-Y",
        "tls",
        "-T",
        "fields",
        "-E",
        "separator=;",
    ]
    done = subprocess.run(
        [*command, *(word for field in fields for word in ("-e", field))],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    seen: dict[int, list[list[str]]] = defaultdict(list)
    for line in done.stdout.splitlines():
        stream, *rest = line.split(";")
        seen[int(stream)].append(rest)
    assert len(seen) == len(made)
    for (stream, lines), each, case in zip(sorted(seen.items()), made, CASES, strict=True):
        types = [NAMES[int(n)] for line in lines for n in line[0].split(",") if n]
        assert types == each.names, (stream, case)
        assert [int(n) for n in lines[0][1].split(",")] == each.extensions("ClientHello"), case
        assert PIN.hex() in "".join(line[2] for line in lines), case
        assert [line[3] for line in lines if line[3]] == ["0", "0"], case


def test_scapy_reads_every_message_as_we_do(capture: tuple[Path, list[Recorded], Path]) -> None:
    path, made, keys = capture
    before = conf.tls_session_enable, conf.tls_nss_keys, conf.tls_nss_filename
    for side in ("sport", "dport"):
        bind_layers(TCP, TLS, {side: PORT})
    conf.tls_session_enable, conf.tls_nss_filename, conf.tls_nss_keys = True, str(keys), load_nss_keys(str(keys))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scapy's own
            packets = sniff(offline=str(path), session=TCPSession)
    finally:
        for side in ("sport", "dport"):
            split_layers(TCP, TLS, {side: PORT})
        conf.tls_session_enable, conf.tls_nss_keys, conf.tls_nss_filename = before
    seen: dict[int, list[str]] = defaultdict(list)
    for packet in packets:
        port = packet.sport if packet.dport == PORT else packet.dport
        seen[port] += [name for layer in layers(packet) for name in messages(layer)]
    for port, (each, case) in enumerate(zip(made, CASES, strict=True), 20_000):
        assert seen[port] == each.names, case


def layers(packet: Any) -> Iterator[Any]:
    """Walk through the TLS records of a packet."""
    layer = packet.payload
    while layer:
        if isinstance(layer, TLS | TLS13):
            yield layer
        layer = layer.payload


def messages(record: Any) -> list[str]:
    """Return scapy's names for the handshake messages of a record."""
    inside = record.inner.msg if isinstance(record, TLS13) else record.msg
    names = [re.sub("^TLS(13)?", "", type(m).__name__) for m in inside]
    return [name.replace("HelloRetryRequest", "ServerHello") for name in names if name in NAMES.values()]
