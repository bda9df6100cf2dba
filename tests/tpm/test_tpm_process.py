"""The swtpm process: it starts, stops, and never outlives us; nor does anything it wrote."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from trustlab.tpm import (
    Swtpm,
    TpmDead,
    TpmNotInstalled,
    TpmProtocolError,
    TpmStartError,
    TpmTimeout,
    programs,
    statedir,
)
from trustlab.tpm.channel import Channel
from trustlab.tpm.framing import command
from trustlab.tpm.statedir import sweep, temporary_directory
from trustlab.tpm.transport import MAX_RESPONSE

STARTUP = command(0x144, parameters=b"\0\0")
GET_RANDOM = command(0x17B, parameters=b"\0\x08")

OWNER = """
import sys, time
from trustlab.tpm import Swtpm
from trustlab.tpm.framing import command
tpm = Swtpm().start()
tpm.transmit(command(0x144, parameters=b"\\0\\0"))
print(tpm.pid, tpm.state, flush=True)
time.sleep(60)
"""


def test_an_emulator_is_shown_with_its_process_while_it_runs() -> None:
    tpm = Swtpm()
    assert (tpm.running, repr(tpm)) == (False, "<Swtpm off>")
    with tpm:
        assert (tpm.running, repr(tpm)) == (True, f"<Swtpm pid {tpm.pid}>")
    assert (tpm.running, repr(tpm)) == (False, "<Swtpm off>")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: object, seconds: float = 20) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_tpm_starts_answers_and_stops_without_leaving_a_process_or_a_file() -> None:
    with Swtpm() as tpm:
        assert tpm.transmit(STARTUP) == bytes.fromhex("80010000000a00000000")
        pid, state = tpm.pid, tpm.state
        assert pid is not None
        assert (state / "tpm2-00.permall").exists()
    assert not alive(pid)
    assert not state.exists()


def test_the_state_on_disk_is_encrypted_and_readable_by_us_alone() -> None:
    with Swtpm() as tpm:
        tpm.transmit(STARTUP)
        written = tpm.state / "tpm2-00.permall"
        assert written.stat().st_mode & 0o077 == 0
        assert tpm.state.stat().st_mode & 0o077 == 0
        octets = written.read_bytes()
        assert len(zlib.compress(octets)) > 0.98 * len(octets), "ciphertext does not compress; the clear state does"


def test_repr_shows_no_secret() -> None:
    tpm = Swtpm(state_key=b"k" * 32)
    assert "kkkk" not in repr(tpm)


def test_the_state_survives_stop_and_start_but_not_with_another_key() -> None:
    tpm = Swtpm()
    with tpm:
        tpm.transmit(STARTUP)
        tpm.stop()
        tpm.start()
        assert tpm.transmit(STARTUP)[6:10] == bytes(4)
        tpm.stop()
        thief = Swtpm(tpm.state, state_key=bytes(32)).start()
        with pytest.raises(TpmDead, match="exit status 1"):
            thief.transmit(STARTUP)
        thief.close()
        assert tpm.state.exists(), "a directory that was given is not removed"


def test_a_second_emulator_on_the_same_state_is_refused() -> None:
    with Swtpm(state_key=bytes(32)) as tpm:
        tpm.transmit(STARTUP)
        second = Swtpm(tpm.state, state_key=bytes(32)).start()
        with pytest.raises(TpmDead):
            second.transmit(STARTUP)
        second.close()
        assert tpm.transmit(GET_RANDOM)[6:10] == bytes(4)


def test_starting_twice_is_an_error() -> None:
    with Swtpm() as tpm, pytest.raises(TpmStartError, match="running already"):
        tpm.start()


def test_without_swtpm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "_found", {})
    monkeypatch.setattr(programs, "_WHERE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TpmNotInstalled, match="apt-get install"):
        Swtpm().start()


def test_a_hung_tpm_times_out_within_the_bound_and_stays_out_of_service() -> None:
    with Swtpm() as tpm:
        tpm.transmit(STARTUP)
        assert tpm.pid is not None
        os.kill(tpm.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(TpmTimeout, match=r"no answer within 0\.3 s"):
            tpm.transmit(GET_RANDOM, timeout=0.3)
        assert time.monotonic() - began < 2
        with pytest.raises(TpmDead):
            tpm.transmit(GET_RANDOM)
        tpm.stop()
        tpm.start()
        assert tpm.transmit(STARTUP)[6:10] == bytes(4)


def test_a_hung_control_channel_times_out_too() -> None:
    with Swtpm() as tpm:
        tpm.transmit(STARTUP)
        assert tpm.pid is not None
        os.kill(tpm.pid, signal.SIGSTOP)
        with pytest.raises(TpmTimeout, match="set locality"):
            tpm.set_locality(2, timeout=0.3)


def test_a_tpm_that_dies_in_mid_command_says_so_and_can_be_started_again() -> None:
    with Swtpm() as tpm:
        tpm.transmit(STARTUP)
        assert tpm.pid is not None
        os.kill(tpm.pid, signal.SIGSTOP)  # so that the command is under way and not answered yet
        tpm.send(GET_RANDOM)
        os.kill(tpm.pid, signal.SIGKILL)
        with pytest.raises(TpmDead, match="exit status -9"):
            tpm.receive()
        tpm.stop()
        tpm.start()
        assert tpm.transmit(STARTUP)[6:10] == bytes(4)


def test_after_an_interrupted_command_a_late_answer_is_never_taken_for_the_next_one() -> None:
    with Swtpm() as tpm:
        tpm.transmit(STARTUP)
        tpm.send(GET_RANDOM)  # and then, say, Ctrl-C
        with pytest.raises(TpmDead, match="interrupted"):
            tpm.send(command(0x17B, parameters=b"\0\x10"))
        tpm.stop()
        tpm.start()
        assert tpm.transmit(STARTUP)[6:10] == bytes(4)


def test_a_response_header_that_promises_nonsense_is_a_protocol_error() -> None:
    ours, theirs = socket.socketpair()
    tpm = Swtpm()
    tpm._data = Channel(ours, tpm._fail, tpm._last_words)
    with ours, theirs:
        theirs.sendall(bytes.fromhex("8001ffffffff00000000"))
        tpm.send(GET_RANDOM, 1)
        with pytest.raises(TpmProtocolError, match="announces"):
            tpm.receive()


@pytest.mark.parametrize("size", [10, MAX_RESPONSE])
def test_a_response_of_any_size_up_to_the_bound_is_read(size: int) -> None:
    ours, theirs = socket.socketpair()
    tpm = Swtpm()
    tpm._data = Channel(ours, tpm._fail, tpm._last_words)
    whole = b"\x80\x01" + size.to_bytes(4, "big") + bytes(size - 6)
    with ours, theirs:
        tpm.send(GET_RANDOM, 5)
        theirs.sendall(whole)
        assert tpm.receive() == whole


@pytest.mark.parametrize("size", [0, 9, MAX_RESPONSE + 1])
def test_a_response_of_no_size_that_a_tpm_can_mean_is_a_protocol_error(size: int) -> None:
    ours, theirs = socket.socketpair()
    tpm = Swtpm()
    tpm._data = Channel(ours, tpm._fail, tpm._last_words)
    with ours, theirs:
        tpm.send(GET_RANDOM, 1)
        theirs.sendall(b"\x80\x01" + size.to_bytes(4, "big") + bytes(4))
        with pytest.raises(TpmProtocolError, match=f"announces {size} octets"):
            tpm.receive()


def test_a_response_in_pieces_is_put_together_and_its_bound_is_for_the_whole() -> None:
    ours, theirs = socket.socketpair()
    tpm = Swtpm()
    tpm._data = Channel(ours, tpm._fail, tpm._last_words)
    whole = bytes.fromhex("80010000001400000000") + bytes(10)
    with ours, theirs:
        tpm.send(GET_RANDOM, 5)
        for octet in whole:
            theirs.sendall(bytes([octet]))
        assert tpm.receive() == whole
        tpm.send(GET_RANDOM, 0.2)
        theirs.sendall(whole[:15])
        began = time.monotonic()
        with pytest.raises(TpmTimeout):
            tpm.receive()
        assert time.monotonic() - began < 1


def test_a_locality_out_of_range_is_refused_here() -> None:
    with Swtpm() as tpm, pytest.raises(ValueError, match="not a locality: there are 0 to 4"):
        tpm.set_locality(5)


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_kill_9_of_the_owner_leaves_no_swtpm_and_no_file(stopped: bool) -> None:  # noqa: FBT001
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid, state = owner.stdout.readline().decode().split()
        if stopped:
            os.kill(int(pid), signal.SIGSTOP)
        owner.kill()
    assert eventually(lambda: not alive(int(pid))), "the parent-death signal ends even a stopped emulator"
    assert eventually(lambda: not Path(state).parent.exists()), "the janitor removes the state"


def test_when_the_janitor_was_killed_too_the_next_start_sweeps(tmp_path: Path) -> None:
    own = os.environ | {"TMPDIR": str(tmp_path)}  # out of the way of other starts' sweeps
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, env=own) as owner:
        assert owner.stdout is not None
        pid, state = owner.stdout.readline().decode().split()
        mark = f"trustlab-janitor\0{Path(state).parent}".encode()
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # gone meanwhile
                if mark in entry.read_bytes():
                    os.kill(int(entry.parent.name), signal.SIGKILL)
        owner.kill()
    assert eventually(lambda: not alive(int(pid)))
    folder = Path(state).parent
    assert folder.exists()
    assert folder in sweep(folder.parent)
    assert not folder.exists()


def test_the_sweep_leaves_living_owners_alone() -> None:
    with Swtpm() as tpm:
        tpm.transmit(STARTUP)
        sweep(temporary_directory())
        assert tpm.state.exists()


def test_folders_lie_where_nobody_can_guess_and_nobody_else_can_read(tmp_path: Path) -> None:
    own = os.environ | {"TMPDIR": str(tmp_path)}
    states = []
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, env=own) as owner:
            assert owner.stdout is not None
            state = Path(owner.stdout.readline().decode().split()[1])
            mode = state.parent.stat().st_mode & 0o777
            states.append(state.parent)
            owner.kill()
        assert mode == 0o700
        assert state.parent.parent == tmp_path
    assert len({folder.name.rsplit("-", 1)[1] for folder in states}) == 2


def test_what_lies_there_beforehand_locks_nobody_out_and_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Links, files and folders with our names, as another user could make them in a common /tmp."""
    monkeypatch.setattr(statedir.tempfile, "gettempdir", lambda: str(tmp_path))
    mine = f"trustlab-{os.getuid()}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (tmp_path / mine).symlink_to(elsewhere)
    (tmp_path / f"{mine}-1-link").symlink_to(elsewhere)
    (tmp_path / f"{mine}-2-file").touch()
    abandoned = tmp_path / f"{mine}-3-abandoned"
    abandoned.mkdir()
    (abandoned / "link").symlink_to(elsewhere)
    assert sweep(tmp_path) == [abandoned]
    (tmp_path / "new").mkdir()
    with Swtpm(statedir._new_folder(tmp_path / "new")[0]) as tpm:
        assert tpm.transmit(STARTUP)[6:10] == bytes(4)
    assert (elsewhere / "kept").exists()
    assert sorted(path.name for path in tmp_path.glob(f"{mine}-[12]*")) == [f"{mine}-1-link", f"{mine}-2-file"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_root_does_not_sweep_a_folder_that_another_user_gave_root_s_name(tmp_path: Path) -> None:
    theirs = tmp_path / "trustlab-0-1-0123456789abcdef"
    theirs.mkdir()
    os.chown(theirs, 54321, 54321)
    assert sweep(tmp_path) == []
    assert theirs.exists()


def test_a_folder_that_a_sweep_takes_before_it_is_locked_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    locking = statedir.fcntl.flock
    taken = []

    def sweep_first(descriptor: int, operation: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].rmdir()
        locking(descriptor, operation)

    monkeypatch.setattr(statedir.fcntl, "flock", sweep_first)
    path, lock = statedir._new_folder(tmp_path)
    os.close(lock)
    assert path not in taken
    assert list(tmp_path.iterdir()) == [path]


def test_where_every_folder_disappears_the_error_names_tmpdir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(statedir.os.path, "samestat", lambda *_: False)
    with pytest.raises(TpmStartError, match="set TMPDIR to another directory"):
        statedir._new_folder(tmp_path)


def test_without_a_directory_for_temporary_files_the_error_names_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(statedir.tempfile, "gettempdir", none)
    with pytest.raises(TpmStartError, match="set TMPDIR to one that can"):
        temporary_directory()


def test_a_tpm_inherits_no_descriptor_of_its_siblings() -> None:
    with Swtpm() as first, Swtpm() as second:
        first.transmit(STARTUP)
        second.transmit(STARTUP)
        sockets = {}
        for tpm in (first, second):
            links = [str(f.readlink()) for f in Path(f"/proc/{tpm.pid}/fd").iterdir()]
            sockets[tpm.pid] = {link for link in links if link.startswith("socket:")}
        one, other = sockets.values()
        assert len(one) == len(other) == 2
        assert not one & other


def test_where_the_kernel_notes_no_times_a_command_has_that_of_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlab.tpm.channel._SO_TIMESTAMPNS", 9999)  # as a sandbox that does not know the option
    with Swtpm() as tpm:
        before = time.time()
        assert tpm.transmit(STARTUP)[6:10] == bytes(4)
        assert before <= tpm.came <= time.time()
