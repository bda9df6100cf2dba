"""What a virtual machine adds: its boot beside a bare kernel's, a passage between two beside the same in memory."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from trustlab.cloud import Cloud, Image, Ordinary
from trustlab.cloud.uml import kernel, why_not
from trustlab.scenarios import trusted_passage
from trustlab.wire import Host

if TYPE_CHECKING:
    from trustlab.trace import Trace

GOALS = {"rent_to_ready_vs_bare_kernel": 2.0, "two_vms_and_a_passage_s": 6.0}
NOTES = {
    "rent_to_ready_vs_bare_kernel": "from rent (an ordinary machine, TPM and all) to agent ready / the same kernel as "
    "it comes, its RAID benchmark included, whose init is /bin/true, until it has stopped",
    "rent_to_ready_s": "the same in seconds",
    "two_vms_and_a_passage_s": "a cloud, two HyperSafe machines, a finished trusted passage, everything switched off",
    "attested_handshake_vs_memory": "from SYN to the teller's first word, between VMs / in one process",
    "attested_handshake_ms": "the same between VMs, in milliseconds",
}
ROUNDS = 3
IDLE = Image("idle", b"def start(guest): pass\n", {"design": "plain-tls"})


def run() -> dict[str, float]:
    """Measure; nothing where no VM can run."""
    reason = why_not()
    if reason is not None:
        print(f"cloud: not measured, {reason}")
        return {}
    ready, bare = [], []
    for _ in range(ROUNDS):
        bare.append(bare_kernel())
        ready.append(rent_to_ready())
    passages, handshakes, in_memory = [], [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        handshakes.append(handshake("uml"))
        passages.append(time.perf_counter() - began)
        in_memory.append(handshake("memory"))
    between = statistics.median(handshakes)
    return {
        "rent_to_ready_vs_bare_kernel": statistics.median(ready) / statistics.median(bare),
        "rent_to_ready_s": statistics.median(ready),
        "two_vms_and_a_passage_s": statistics.median(passages),
        "attested_handshake_vs_memory": between / statistics.median(in_memory),
        "attested_handshake_ms": between * 1000,
    }


def rent_to_ready() -> float:
    with Cloud("uml") as cloud:
        began = time.perf_counter()
        cloud.rent("idle", IDLE, Ordinary)
        return time.perf_counter() - began


def bare_kernel() -> float:
    """Start the same kernel with the same command line but for its init, which ends at once, and what ours skips."""
    path, directory = kernel.find_kernel(), kernel.ram_directory()
    if path is None or directory is None:
        raise RuntimeError("the kernel went away")
    ends = [*socket.socketpair(), *socket.socketpair(), *socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)]
    numbers = [ends[n].fileno() for n in (1, 3, 5)]
    host = Host("bare", "02:00:00:00:00:09", "10.0.0.9")
    line = kernel.command_line(path, host, *numbers)
    line = ["init=/bin/true" if word.startswith("init=") else word for word in line[: line.index("--")]]
    line.remove(kernel.SKIPPED)
    began = time.perf_counter()
    subprocess.run(
        line,
        pass_fds=numbers,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "TMPDIR": directory},
        check=False,
        timeout=60,
    )
    for end in ends:
        end.close()
    return time.perf_counter() - began


def handshake(substrate: str) -> float:
    """Play Act II without Alice and return the seconds from SYN to the teller's first word."""
    with trusted_passage(substrate=substrate) as act:
        act.run()
    return took(act.trace)


def took(trace: Trace) -> float:
    syn = next(e for e in trace.select("frame", connection="teller-bank-1"))
    connected = trace.select("app", party="teller", name="connected")[0]
    return connected.time - syn.time
