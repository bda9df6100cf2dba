"""The handshake engine beside others and beside the floor: full handshakes of both ends in memory, chain verified.

All of it runs in this process, so that processor time is what counts. Both ends are as a configuration has them by
default: one record a message, every secret an event. The floor has the same records, the whole key schedule and the
engine's own HMAC, which is quicker than the standard library's; whoever comes first after the garbage collector is cold
and does not count. aioquic has no records here, tlslite-ng verifies no chain.

What the remaining time is (TLS 1.3, sampled): half of a handshake is in cryptography and hashlib, where the floor is
too (path validation 12 %, x25519 15, verifying 8, HMAC 6, signing 3, AEAD 4). The rest is Python, spread thin over some
1,200 calls: events, states and the steps between them 15, reading and joining records and messages 10, codecs and
extensions 10, the key schedule around its hashes 5, the handshakes' own decisions the remainder. None has 4 %.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import tls_floor, tls_peers
from benchmarks.measure import side_by_side
from trustlab import tls
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

GOALS = {
    "tls13_ecdsa_vs_ssl": 2.0,
    "tls13_ecdsa_vs_aioquic": 1.0,
    "tls13_ecdsa_vs_floor": 2.0,
    "tls13_ecdsa_vs_tlslite": 0.1,
    "tls13_rsa_vs_tlslite": 0.1,
    "tls12_rsa_vs_tlslite": 0.1,
    "tls12_ecdhe_ecdsa_vs_tlslite": 0.1,
    "tls12_ecdhe_rsa_vs_tlslite": 0.1,
    "tracing_vs_none": 1.5,
    "bulk_mb_per_s": 200.0,
}
NOTES = {
    "tls13_ecdsa_ms": "TLS 1.3, x25519, ECDSA P-256, chain and name verified, both ends (milliseconds here and now)",
    "tls13_ecdsa_vs_ssl": "/ Python ssl through MemoryBIO, the same work in C",
    "tls13_ecdsa_vs_aioquic": "/ aioquic's TLS context, x25519 only, which has no record layer",
    "tls13_ecdsa_vs_floor": "/ the same asymmetric operations, key schedule and AEAD calls with nothing around them; "
    "of the rest two fifths are the state machine and its 62 events, half codecs and records, a tenth the key schedule",
    "tls13_ecdsa_vs_tlslite": "/ tlslite-ng, which verifies no chain",
    "tls12_rsa_ms": "TLS 1.2, RSA key exchange, AES-128-GCM",
    "tracing_vs_none": "TLS 1.3 with every event of both ends written into a Trace / without",
    "bulk_mb_per_s": "1 MiB through two connected ends, protected and unprotected again, TLS 1.3 AES-128-GCM",
    "aes_gcm_mb_per_s": "the limit of that: encrypt and decrypt of 16 KiB in cryptography, nothing else",
}
ROUNDS = int(os.environ.get("TRUSTLAB_BENCH_ROUNDS", "40"))
TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
RSA12 = "TLS_RSA_WITH_AES_128_GCM_SHA256"
ECDHE_ECDSA12, ECDHE_RSA12 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
MIB = 2**20


def run() -> dict[str, float]:
    """Measure every mode beside its peers."""
    identities = tls_peers.Identities()
    return _tls13(identities) | _tls12(identities) | _bulk(identities)


def _tls13(identities: tls_peers.Identities) -> dict[str, float]:
    chain = tls_floor.Chain(identities, "ECDSA")
    times = side_by_side(
        {
            "first": handshake(identities, "ECDSA", ""),  # whoever comes first after the garbage collector is cold
            "ours": handshake(identities, "ECDSA", ""),
            "traced": handshake(identities, "ECDSA", "", traced=True),
            "ssl": tls_peers.python_ssl(identities, "ECDSA", ""),
            "aioquic": tls_peers.aioquic(identities, "ECDSA"),
            "floor": lambda: tls_floor.handshake13_ecdsa(chain),
        },
        rounds=ROUNDS,
        calls=10,
        clock=time.process_time,
    )
    found = {"tls13_ecdsa_ms": times["ours"] * 1000}
    found |= {f"tls13_ecdsa_vs_{name}": times["ours"] / times[name] for name in ("ssl", "aioquic", "floor")}
    found["tls13_ecdsa_vs_tlslite"] = _against_tlslite(identities, "ECDSA", "")
    found["tls13_rsa_vs_tlslite"] = _against_tlslite(identities, "RSA", "")
    found["tracing_vs_none"] = times["traced"] / times["ours"]
    return found


def _tls12(identities: tls_peers.Identities) -> dict[str, float]:
    chain = tls_floor.Chain(identities, "RSA")
    times = side_by_side(
        {
            "first": handshake(identities, "RSA", RSA12),
            "ours": handshake(identities, "RSA", RSA12),
            "ssl": tls_peers.python_ssl(identities, "RSA", RSA12),
            "floor": lambda: tls_floor.handshake12_rsa(chain),
        },
        rounds=ROUNDS,
        calls=10,
        clock=time.process_time,
    )
    found = {"tls12_rsa_ms": times["ours"] * 1000}
    found |= {f"tls12_rsa_vs_{name}": times["ours"] / times[name] for name in ("ssl", "floor")}
    found["tls12_rsa_vs_tlslite"] = _against_tlslite(identities, "RSA", RSA12)
    found["tls12_ecdhe_ecdsa_vs_tlslite"] = _against_tlslite(identities, "ECDSA", ECDHE_ECDSA12)
    found["tls12_ecdhe_rsa_vs_tlslite"] = _against_tlslite(identities, "RSA", ECDHE_RSA12)
    return found


def _against_tlslite(identities: tls_peers.Identities, kind: str, suite: str) -> float:
    """Slow as it is, a few rounds will do; several calls each, since it leaves the processor's caches cold."""
    times = side_by_side(
        {
            "first": handshake(identities, kind, suite),
            "ours": handshake(identities, kind, suite),
            "theirs": tls_peers.tlslite(identities, kind, suite),
        },
        rounds=8,
        calls=10,
        clock=time.process_time,
    )
    return times["ours"] / times["theirs"]


def configs(identities: tls_peers.Identities, kind: str, suite: str) -> tuple[tls.ClientConfig, tls.ServerConfig]:
    """Return both ends' configurations; `suite` is empty for TLS 1.3."""
    version = TLS12 if suite else TLS13
    suites = (tls.CipherSuite[suite or "TLS_AES_128_GCM_SHA256"],)
    client = tls.ClientConfig(
        server_name=identities.NAME,
        trust=[identities.root],
        versions=(version,),
        cipher_suites=suites,
        groups=(tls.Group.X25519,),
    )
    server = tls.ServerConfig(
        certificates=(identities.der(kind),),
        key=identities.key(kind),
        versions=(version,),
        cipher_suites=suites,
        groups=(tls.Group.X25519,),
    )
    return client, server


def connect(client_config: tls.ClientConfig, server_config: tls.ServerConfig) -> tuple[tls.Client, tls.Server]:
    """Shake hands; every event is drained and dropped."""
    client, server = tls.Client(client_config), tls.Server(server_config)
    while not (client.handshake_complete and server.handshake_complete):
        for source, target in ((client, server), (server, client)):
            for _ in tls.pump(source):
                pass
            target.receive(source.data_to_send())
    return client, server


def _traced(client_config: tls.ClientConfig, server_config: tls.ServerConfig) -> None:
    trace = Trace()
    client, server = tls.Client(client_config), tls.Server(server_config)
    ends = (
        (client, server, tls.TraceObserver(trace.party("teller"), "1", role="client")),
        (server, client, tls.TraceObserver(trace.party("bank"), "1", role="server")),
    )
    while not (client.handshake_complete and server.handshake_complete):
        for source, target, observer in ends:
            for event in tls.pump(source):
                observer.observe(event)
            target.receive(source.data_to_send())


def handshake(identities: tls_peers.Identities, kind: str, suite: str, *, traced: bool = False) -> Callable[[], object]:
    """Return one handshake of ours."""
    client, server = configs(identities, kind, suite)
    return (lambda: _traced(client, server)) if traced else (lambda: connect(client, server))


def _bulk(identities: tls_peers.Identities) -> dict[str, float]:
    client, server = connect(*configs(identities, "ECDSA", ""))
    block, aead, piece = os.urandom(MIB), AESGCM(os.urandom(16)), os.urandom(2**14)

    def ours() -> None:
        client.send(block)
        for _ in tls.pump(client):
            pass
        server.receive(client.data_to_send())
        for _ in tls.pump(server):
            pass

    def limit() -> None:
        for _ in range(MIB // len(piece)):
            aead.decrypt(bytes(12), aead.encrypt(bytes(12), piece, bytes(5)), bytes(5))

    times = side_by_side({"ours": ours, "limit": limit}, rounds=ROUNDS, calls=3, clock=time.process_time)
    return {"bulk_mb_per_s": MIB / 1e6 / times["ours"], "aes_gcm_mb_per_s": MIB / 1e6 / times["limit"]}
