"""Many emulators, and many bad ends: nothing of ours is left. TRUSTLAB_SOAK=1 plays the slow ones in full."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from trustlab.tpm import Platform, Swtpm, TpmDead, create_srk
from trustlab.tpm.framing import command
from trustlab.tpm.statedir import sweep, temporary_directory
from trustlab.trace import Trace

SOAK = bool(os.environ.get("TRUSTLAB_SOAK"))
STARTUP = command(0x144, parameters=b"\0\0")
WORKER = """
import sys
from trustlab.attest import EventLog
from trustlab.tpm import Platform, create_ak, quote
from trustlab.trace import Trace
print("ready", flush=True)
while True:
    with Platform("one", Trace().party("one")) as one, Platform("two", Trace().party("two")) as two:
        for platform in (one, two):
            platform.launch(b"HyperSafe")
            client = platform.client("HyperSafe", 2)
            quote(client, create_ak(client), bytes(32))
            platform.cycle()
"""
FORKER = """
import os, sys, time
from trustlab.tpm import Swtpm
from trustlab.tpm.framing import command
tpm = Swtpm().start()
tpm.transmit(command(0x144, parameters=b"\\0\\0"))
child = os.fork()
if child:
    print(tpm.pid, tpm.state, child, flush=True)
time.sleep(60)
"""


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def running_on(mark: str) -> list[str]:
    """Return the processes whose command line has `mark` in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def eventually_none(left: object, seconds: float = 20) -> bool:
    assert callable(left)
    deadline = time.monotonic() + seconds
    while left() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not left()


def listening_inodes() -> set[str]:
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {fields[9] for fields in lines if fields[3] == "0A"}


def test_300_emulators_in_a_row_leave_no_process_no_file_and_no_descriptor() -> None:
    with Swtpm() as first:
        first.transmit(STARTUP)
        folder = first.state.parent
    before = descriptors()
    for _ in range(300):
        with Swtpm() as tpm:
            assert tpm.transmit(STARTUP)[6:10] == bytes(4)
    assert descriptors() == before
    assert not list(folder.iterdir())
    assert not running_on(f"/{folder.name}/tpm-")


def test_50_emulators_at_once_leave_nothing_either_and_open_no_port() -> None:
    with Swtpm() as first:
        first.transmit(STARTUP)
        folder = first.state.parent
    before = descriptors()
    with ExitStack() as stack:
        tpms = [stack.enter_context(Swtpm()) for _ in range(50)]
        assert all(tpm.transmit(STARTUP)[6:10] == bytes(4) for tpm in tpms)
        assert len(running_on(f"/{folder.name}/tpm-")) == 50
        sockets = {
            str(link.readlink()).removeprefix("socket:[").removesuffix("]")
            for tpm in tpms
            for link in Path(f"/proc/{tpm.pid}/fd").iterdir()
            if str(link.readlink()).startswith("socket:")
        }
        assert len(sockets) == 100
        assert not sockets & listening_inodes()
    assert descriptors() == before
    assert not list(folder.iterdir())
    assert not running_on(f"/{folder.name}/tpm-")


def test_power_cycles_leak_no_descriptor() -> None:
    with Platform("bank", Trace().party("bank")) as platform:
        platform.cycle()
        before = descriptors()
        for _ in range(20):
            platform.cycle()
        assert descriptors() == before


@pytest.mark.parametrize("seed", range(60 if SOAK else 6))
def test_kill_9_at_a_random_point_leaves_nothing(seed: int) -> None:
    delay = random.Random(seed).uniform(0, 0.4)  # noqa: S311 - a point in time, no secret
    with subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        time.sleep(delay)
        owner.kill()
    mark = f"trustlab-{os.getuid()}-{owner.pid}-"
    assert eventually_none(lambda: running_on(mark)), f"processes are left after {delay:.3f} s"
    assert eventually_none(lambda: list(temporary_directory().glob(f"{mark}*"))), f"files are left after {delay:.3f} s"


def test_ctrl_c_leaves_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        time.sleep(0.1)
        owner.send_signal(signal.SIGINT)
        owner.communicate(timeout=20)
    mark = f"trustlab-{os.getuid()}-{owner.pid}-"
    assert not running_on(mark), "they are gone before we are"
    assert not list(temporary_directory().glob(f"{mark}*"))


def test_a_forked_child_that_lives_on_does_not_keep_the_emulator() -> None:
    """The child of a fork holds copies of our sockets: the janitor ends the emulator all the same."""
    with subprocess.Popen([sys.executable, "-c", FORKER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        _pid, state, child = owner.stdout.readline().decode().split()
        owner.kill()
        try:
            owner.wait(10)
            assert eventually_none(lambda: running_on(state))
            assert eventually_none(Path(state).parent.exists)
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_machine_whose_tpm_dies_again_and_again_can_always_be_restarted() -> None:
    with Platform("bank", Trace().party("bank")) as platform:
        client = platform.client("HyperSafe", 2)
        name = create_srk(client).name
        for _ in range(5):
            os.kill(platform.tpm.pid, signal.SIGKILL)  # type: ignore[attr-defined]
            with pytest.raises(TpmDead):
                create_srk(client)
            platform.cycle()
            assert create_srk(client).name == name


def test_the_sweep_ends_an_emulator_that_outlived_owner_and_janitor(tmp_path: Path) -> None:
    own = os.environ | {"TMPDIR": str(tmp_path)}  # out of the way of other starts' sweeps
    with subprocess.Popen([sys.executable, "-c", FORKER], stdout=subprocess.PIPE, env=own) as owner:
        assert owner.stdout is not None
        _, state, child = owner.stdout.readline().decode().split()
        try:
            for janitor in running_on("trustlab-janitor\0" + str(Path(state).parent)):
                os.kill(int(janitor), signal.SIGKILL)
            owner.kill()
            owner.wait(10)
            assert running_on(f"dir={state}"), "the forked child keeps its socket open"
            assert Path(state).parent in sweep(Path(state).parent.parent)
            assert eventually_none(lambda: running_on(f"dir={state}"))
        finally:
            os.kill(int(child), signal.SIGKILL)
