"""What the TPM room costs beyond the TPM itself.

Raw commands are the same octets, written to the same emulator's socket and read back. The bare process is swtpm with
the same options, started by hand.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.measure import side_by_side
from trustlab.attest import image_event, launch_policy_event
from trustlab.tpm import (
    CreatedKey,
    EvidenceMaker,
    KeyPolicy,
    Platform,
    PrivacyCa,
    Swtpm,
    TpmMaker,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    launch_pcr,
    measure,
)
from trustlab.tpm.framing import command
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOALS = {"evidence_vs_commands": 1.3, "start_vs_bare_swtpm": 1.5}
NOTES = {
    "evidence_vs_commands": "one Evidence, its commands gated and decoded into the trace / the raw commands",
    "encoded_evidence_vs_commands": "the same, encoded as a CMW collection",
    "start_vs_bare_swtpm": "power on to the answer of the first command / the bare process",
}
CODE = b"HyperSafe"
STARTUP = command(0x144, parameters=b"\0\0")
GET_RANDOM = command(0x17B, parameters=b"\0\x08")
STARTS = 40


def run() -> dict[str, float]:
    """Measure all ratios; needs swtpm."""
    return evidence_vs_commands() | {"start_vs_bare_swtpm": start_vs_bare_swtpm()}


@contextmanager
def attester() -> Iterator[tuple[Platform, EvidenceMaker, CreatedKey]]:
    """Give a launched machine with an enrolled AK and a TLS key."""
    maker = TpmMaker()
    privacy_ca = PrivacyCa([maker.root], ak_policies={KeyPolicy.expected((17,), {17: launch_pcr(CODE)}).digest})
    with Platform("bank", Trace().party("bank")) as platform:
        platform.launch(CODE)
        client = platform.client("HyperSafe", locality=2)
        measure(client, platform.event_log, launch_policy_event(b"one VM"))
        measure(client, platform.event_log, image_event(hashlib.sha256(b"image").digest(), "bank"))
        ek, ak = create_ek(client), create_ak(client)
        certificates = enrol(client, ek, maker.certify(ek.public), ak, privacy_ca)
        client.flush(ek)
        yield platform, EvidenceMaker(client, ak, certificates, platform.event_log), create_tls_key(client)


def evidence_vs_commands() -> dict[str, float]:
    """Evidence with the key certified already, against the commands it sends: PolicyPCR, PolicyLocality, Quote."""
    with attester() as (platform, maker, key):
        binder = os.urandom(32)
        maker.evidence(binder, key=key)
        before = len(platform.party.trace)
        maker.evidence(binder, key=key)
        octets = [event.raw for event in platform.party.trace[before:] if event.kind == "tpm.command"]
        with socket.socket(fileno=os.dup(_emulator(platform).fileno())) as data:

            def raw() -> None:
                data.settimeout(60)  # as our own side does; a blocking socket is slower here
                for one in octets:
                    data.sendall(one)
                    data.recv(4096)

            times = side_by_side(
                {
                    "raw": raw,
                    "evidence_vs_commands": lambda: maker.evidence(binder, key=key),
                    "encoded_evidence_vs_commands": lambda: maker.evidence(binder, key=key).encode(),
                },
                rounds=60,
                calls=5,
            )
    commands = times.pop("raw")
    return {name: seconds / commands for name, seconds in times.items()}


def _emulator(platform: Platform) -> Swtpm:
    if not isinstance(platform.tpm, Swtpm):
        raise TypeError("this benchmark wants an emulated TPM")
    return platform.tpm


def start_vs_bare_swtpm() -> float:
    """Median of many starts, taken in turn; stopping is not counted on either side."""
    times: dict[str, list[float]] = {"bare": [], "platform": []}
    for _ in range(STARTS):
        for name, start in (("bare", _start_bare), ("platform", _start_platform)):
            began = time.perf_counter()
            stop = start()
            times[name].append(time.perf_counter() - began)
            stop()
    return statistics.median(times["platform"][1:]) / statistics.median(times["bare"][1:])


def _start_platform() -> Callable[[], object]:
    platform = Platform("bank", Trace().party("bank"))
    platform.power_on()
    platform.client("HyperSafe", locality=2).random(8)
    return platform.close


def _start_bare() -> Callable[[], object]:
    folder = tempfile.mkdtemp()
    (data, their_data), (control, their_control) = socket.socketpair(), socket.socketpair()
    reading, writing = os.pipe()
    os.write(writing, bytes(32))
    os.close(writing)
    process = subprocess.Popen(
        [
            *("swtpm", "socket", "--tpm2", "--fd", str(their_data.fileno())),
            *("--ctrl", f"type=unixio,clientfd={their_control.fileno()}", "--tpmstate", f"dir={folder}"),
            *("--key", f"fd={reading},mode=aes-256-cbc,format=binary", "--flags", "not-need-init"),
        ],
        pass_fds=(their_data.fileno(), their_control.fileno(), reading),
        stderr=subprocess.DEVNULL,
    )
    their_data.close()
    their_control.close()
    os.close(reading)
    for octets in (STARTUP, GET_RANDOM):
        data.sendall(octets)
        data.recv(4096)

    def stop() -> None:
        data.close()
        control.close()
        process.wait()
        shutil.rmtree(folder)

    return stop
