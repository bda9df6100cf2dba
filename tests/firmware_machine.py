"""A machine as its firmware leaves it: logs that OVMF wrote under QEMU, and emulators whose PCRs were extended alike.

`tests/attest/data/firmware` holds two logs with the PCR values that the TPM of that machine (swtpm) had afterwards:
`shim-grub`, booted with secure boot in three banks, and `systemd-boot`, in the SHA-384 bank alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.attest import EventLog
from trustlab.attest.constants import HASH_IDS
from trustlab.tpm import DeviceTpm, Platform, Swtpm
from trustlab.tpm.framing import command
from trustlab.tpm.programs import find_program
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRMWARE_LOGS = Path(__file__).parent / "attest" / "data" / "firmware"
STARTUP = command(0x144, parameters=b"\0\0")
NAMES = ("shim-grub", "systemd-boot")


def octets_of(name: str) -> bytes:
    return (FIRMWARE_LOGS / f"{name}.log").read_bytes()


def log_of(name: str) -> EventLog:
    return EventLog.decode(octets_of(name))


def pcrs_of(name: str) -> dict[str, dict[int, bytes]]:
    """Return what the machine's TPM said its PCRs were, by bank; those at zeros or ones are left out."""
    banks: dict[str, dict[int, bytes]] = {}
    for line in (FIRMWARE_LOGS / f"{name}.pcrs").read_text().splitlines():
        bank, pcr, value = line.split()
        banks.setdefault(bank, {})[int(pcr)] = bytes.fromhex(value)
    return banks


def extension(pcr: int, digests: tuple[tuple[str, bytes], ...]) -> bytes:
    """Return a TPM2_PCR_Extend with the empty password."""
    banks = b"".join(HASH_IDS[bank].to_bytes(2, "big") + digest for bank, digest in digests)
    return command(0x182, (pcr,), (bytes.fromhex("400000090000000000"),), len(digests).to_bytes(4, "big") + banks)


def boot(send: Callable[[bytes], bytes], log: EventLog) -> None:
    """Extend a TPM's PCRs as the firmware did that wrote this log."""
    for event in log.events:
        if event.extends:
            assert send(extension(event.pcr, event.digests))[6:10] == bytes(4)


def allocate(tpm: Swtpm, banks: tuple[str, ...]) -> None:
    """Start a TPM so that it keeps these banks alone (TPM2_PCR_Allocate counts from the next start on)."""
    tpm.transmit(STARTUP)
    bits = {bank: b"\3\xff\xff\xff" if bank in banks else b"\3\0\0\0" for bank in HASH_IDS}
    selection = b"".join(HASH_IDS[bank].to_bytes(2, "big") + pcrs for bank, pcrs in bits.items())
    count = len(bits).to_bytes(4, "big")
    answer = tpm.transmit(command(0x12B, (0x4000000C,), (bytes.fromhex("400000090000000000"),), count + selection))
    assert answer[6:10] == bytes(4)
    assert tpm.transmit(command(0x145, parameters=b"\0\0"))[6:10] == bytes(4)
    tpm.stop()
    tpm.start()
    assert tpm.transmit(STARTUP)[6:10] == bytes(4)


@contextlib.contextmanager
def firmware_machine(name: str = "shim-grub") -> Iterator[Platform]:
    """Return an emulator that stands in for a device, with the PCRs of a log."""
    with Swtpm() as tpm:
        allocate(tpm, log_of(name).algorithms)
        boot(tpm.transmit, log_of(name))
        device = DeviceTpm("/dev/tpmrm0", opener=lambda _: os.dup(tpm.fileno()))
        with Platform("laptop", Trace().party("laptop"), tpm=device) as platform:
            yield platform


def _reach(connection: socket.socket, path: Path, seconds: float = 30) -> None:
    """Connect as soon as somebody listens there."""
    until = time.monotonic() + seconds
    while True:
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def firmware_socket(folder: Path, name: str = "shim-grub") -> Iterator[Path]:
    """Run an emulator behind a socket, for other processes, with the PCRs of a log; tpm2-tools find its control too."""
    path = folder / "tpm.sock"
    line = [find_program("swtpm"), "socket", "--tpm2", "--tpmstate", f"dir={folder}"]
    line += ["--server", f"type=unixio,path={path}", "--ctrl", f"type=unixio,path={path}.ctrl"]
    process = subprocess.Popen([*line, "--flags", "startup-clear,not-need-init"], stderr=subprocess.DEVNULL)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            _reach(connection, path)

            def send(octets: bytes) -> bytes:
                connection.sendall(octets)
                return connection.recv(4096)

            boot(send, log_of(name))
        yield path
    finally:
        process.kill()
        process.wait()
