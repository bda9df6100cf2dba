"""What a passage costs beyond its TPM commands and its TLS, what a server of passages bears, and the whole matrix."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

from benchmarks import passage_ends, tls_floor
from trustlab.cloud import World
from trustlab.passage import connect
from trustlab.scenarios import run_matrix
from trustlab.tpm import Swtpm
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography import x509

    from trustlab.cloud import Station

GOALS = {"attested_handshake_vs_floor": 1.5, "matrix_s": 110.0}
NOTES = {
    "attested_handshake_vs_floor": "trusted-passage, both ends, TPM commands and both appraisals in the trace / its "
    "raw TPM commands over the socketpair + its TLS floor (without RSA decryption, which is one of the TPM commands). "
    "The rest is flat: the engine's state machine and codecs take most, then the appraisals (2 signatures the "
    "floor does not count), then the way to the TPM and the log of its commands",
    "attested_handshake_vs_queued_floor": "the same / its raw TPM commands, those of one policy sent at once as our "
    "side sends them, + its TLS floor: here no waiting hides what Python does",
    "traced_handshake_vs_floor": "the first with every message, span and secret of both ends in the trace as well",
    "attested_handshake_ms": "the first in milliseconds here and now",
    "tpm_commands_ms": "of it: the raw TPM commands of both machines, one after the other",
    "tpm_commands_queued_ms": "the same where those of one policy are sent at once",
    "tls_floor_ms": "of it: the calls into cryptography and hmac",
    "attested_handshakes_per_s": "one server over TCP, clients in another process, 4 at a time, on 2 cores",
    "matrix_s": "every design against every attack, each cell with machines of its own, in memory (seconds)",
    "unfinished_cost_mb": "what 3000 connections that never finish leave in the server's memory (MB); a third say "
    "nothing, a third half a ClientHello, a third a whole one, and none of them leaves",
    "unfinished_last_third_mb": "of it: what the last third of them added (MB): little, where the cost is bounded",
    "honest_meanwhile_ms": "an honest passage while they all wait: from connect until it stands",
}
UNFINISHED = 3000
PASSAGES = 200
AT_ONCE = 4
ROUNDS = 150
POLICY = (0x17F, 0x16F)
"""TPM2_PolicyPCR, TPM2_PolicyLocality: what they authorise comes next."""


def run() -> dict[str, float]:
    """Measure everything; needs swtpm."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = attested_handshake(folder) | served(folder) | unfinished(folder)
    began = time.perf_counter()
    if not all(result.as_expected for result in run_matrix()):
        raise RuntimeError("a cell of the matrix is not as expected")
    return found | {"matrix_s": time.perf_counter() - began}


def attested_handshake(folder: Path) -> dict[str, float]:
    """Measure a whole handshake, with and without its messages in the trace, its TPM commands and its floor in turn.

    The commands come as in the handshake: between one machine's quote and the next work for a TPM lies work for the
    processor. Each command's own time is counted, and each floor's.
    """
    with two_stations(folder) as (bank, teller, traces):
        handshake(bank, teller)
        before = [len(trace) for trace in traces]
        certificate = handshake(bank, teller)
        octets = [
            [event.raw for event in trace[n:] if event.kind == "tpm.command"]
            for trace, n in zip(traces, before, strict=True)
        ]
        root = load_pem_x509_certificate(World(folder).web_ca.root_pem.encode())
        chain = tls_floor.Chain(Served(certificate, root), "RSA")
        with replaying(bank, octets[0]) as of_bank, replaying(teller, octets[1]) as of_teller:
            times = _in_turn(
                {"ours": lambda: handshake(bank, teller, traced=False), "traced": lambda: handshake(bank, teller)},
                {
                    "commands": [partial(group, at_once=False) for group in (*of_bank, *of_teller)],
                    "queued": [partial(group, at_once=True) for group in (*of_bank, *of_teller)],
                },
                lambda: tls_floor.handshake12_rsa(chain, decrypt=False),
            )
    least = times["commands"] + times["floor"]
    return {
        "attested_handshake_vs_floor": times["ours"] / least,
        "attested_handshake_vs_queued_floor": times["ours"] / (times["queued"] + times["floor"]),
        "traced_handshake_vs_floor": times["traced"] / least,
        "attested_handshake_ms": times["ours"] * 1000,
        "tpm_commands_ms": times["commands"] * 1000,
        "tpm_commands_queued_ms": times["queued"] * 1000,
        "tls_floor_ms": times["floor"] * 1000,
    }


def _in_turn(
    wholes: dict[str, Callable[[], object]], sums: dict[str, list[Callable[[], None]]], floor: Callable[[], None]
) -> dict[str, float]:
    """Return the median seconds of each whole, of the parts of each sum together, and of the floor."""
    times: dict[str, list[float]] = {name: [] for name in (*wholes, *sums, "floor")}
    gc.disable()
    try:
        for n in range(ROUNDS):
            for name in sorted(wholes, reverse=bool(n % 2)):  # neither is always the one after a rest
                floor()
                times[name].append(_seconds(wholes[name]))
            for name in sorted(sums, reverse=bool(n % 2)):
                took = []
                for part in sums[name]:
                    took.append(_seconds(part))
                    times["floor"].append(_seconds(floor))
                times[name].append(sum(took))
            gc.collect()
    finally:
        gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


class Served:
    """What the floor must know of the bank's certificate; the key's decryption is counted among the TPM commands."""

    NAME = "bank.example"

    def __init__(self, certificate: bytes, root: x509.Certificate) -> None:
        self.root = root
        self._der = certificate

    def der(self, _kind: str) -> bytes:
        return self._der

    def leaf(self, _kind: str) -> x509.Certificate:
        return load_der_x509_certificate(self._der)

    def key(self, _kind: str) -> None:
        """Return nothing: it lies in the TPM."""


class Quiet:
    """An application with nothing to say."""

    finished = False

    def connected(self) -> bytes:
        return b""

    def received(self, _data: bytes) -> bytes:
        return b""

    def closed(self, error: Exception | None) -> None:
        if error is not None:
            raise error


def handshake(bank: Station, teller: Station, *, traced: bool = True) -> bytes:
    """Shake hands in memory, both appraisals accepted; return the bank's certificate."""
    server = bank.server_end(Quiet(), "teller-bank-1", "teller")
    client = teller.client_end(Quiet(), "teller-bank-1", "bank")
    if not traced:
        server.observer = client.observer = None
    while not (client.connection.handshake_complete and server.connection.handshake_complete):
        server.receive(client.data_to_send())
        client.receive(server.data_to_send())
    if not all(end.guard and end.guard.result and end.guard.result.accepted for end in (server, client)):
        raise RuntimeError("both ends should have been accepted")
    return client.connection.peer_certificates[0]


@contextlib.contextmanager
def two_stations(folder: Path) -> Iterator[tuple[Station, Station, list[Trace]]]:
    traces = [Trace(), Trace()]
    with (
        passage_ends.bank(folder, traces[0]) as bank,
        passage_ends.station(folder, "teller", traces[1]) as teller,
    ):
        yield bank, teller, traces


@contextlib.contextmanager
def replaying(station: Station, commands: list[bytes]) -> Iterator[list[Callable[..., None]]]:
    """Give functions that write the octets of a policy and what it authorises to the station's TPM, and read on.

    One after the other, or `at_once`: then the answers are read when all are written.
    """
    tpm = station.platform.tpm
    if not isinstance(tpm, Swtpm):
        raise TypeError("this benchmark wants an emulated TPM")
    with socket.socket(fileno=os.dup(tpm.fileno())) as data:
        data.settimeout(60)  # as our own side does; a blocking socket is slower here

        def answer() -> None:
            if data.recv(4096)[6:10] != bytes(4):
                raise RuntimeError("the TPM refused a command that it did before")

        def replay(group: list[bytes], *, at_once: bool) -> None:
            for command in group:
                data.sendall(command)
                if not at_once:
                    answer()
            for _ in group if at_once else ():
                answer()

        groups: list[list[bytes]] = [[]]
        for command in commands:
            groups[-1].append(command)
            if int.from_bytes(command[6:10], "big") not in POLICY:
                groups.append([])
        yield [partial(replay, group) for group in groups if group]


def served(folder: Path) -> dict[str, float]:
    """One server, its clients in a process of their own."""
    with passage_ends.served(folder) as (_, port):
        rates = []
        for _ in range(3):
            with passage_ends.ask(folder, port, PASSAGES, AT_ONCE) as asking:
                answer, _ = asking.communicate(timeout=120)
            rates.append(PASSAGES / float(answer))
    return {"attested_handshakes_per_s": statistics.median(rates)}


def unfinished(folder: Path) -> dict[str, float]:
    """Begin thousands of connections and stay; an honest client comes while they wait."""
    with two_stations(folder) as (_, teller, _), passage_ends.served(folder) as (pid, port):
        asyncio.run(_honest(teller, port))
        before = resident(pid)
        hello = teller.client_end(Quiet(), "never", "bank").data_to_send()
        openings = [b"", hello[: len(hello) // 2], hello]
        meanwhile, memory = asyncio.run(_begin(teller, port, openings, pid))
    return {
        "unfinished_cost_mb": memory[-1] - before,
        "unfinished_last_third_mb": memory[-1] - memory[2 * len(memory) // 3 - 1],
        "honest_meanwhile_ms": meanwhile * 1000,
    }


async def _honest(teller: Station, port: int) -> float:
    began = time.perf_counter()
    async with await connect(passage_ends.HOST, port, policy=teller):
        return time.perf_counter() - began


async def _begin(teller: Station, port: int, openings: list[bytes], pid: int) -> tuple[float, list[float]]:
    """Return the median of the honest passages, and the server's memory after each."""
    idle, took, memory = [], [], []
    for n in range(UNFINISHED):
        try:
            _, writer = await asyncio.open_connection(passage_ends.HOST, port)
        except OSError as error:
            raise RuntimeError(f"connection {n} was not taken: {error}") from error
        writer.write(openings[n % len(openings)])
        idle.append(writer)
        if n % 300 == 299:
            took.append(await _honest(teller, port))
            memory.append(resident(pid))
    for writer in idle:
        writer.transport.abort()
    return statistics.median(took), memory


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds now."""
    with Path(f"/proc/{pid}/statm").open() as status:
        return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
