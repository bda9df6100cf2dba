"""A TPM behind a device file. An emulator stands in for the device: its data socket is what the opener returns."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from trustlab.attest import AppraisalPolicy, EventLog, Expected, ReferenceValues, Verifier, key_policy
from trustlab.tpm import (
    DEVICE,
    DeviceTpm,
    EvidenceMaker,
    Platform,
    PrivacyCa,
    Swtpm,
    TpmDead,
    TpmError,
    TpmMaker,
    TpmProtocolError,
    TpmStartError,
    TpmTimeout,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    key_binder,
    quote,
    sign,
)
from trustlab.tpm.framing import command
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOADED, SESSIONS = (bytes.fromhex(f"00000001{first}00000010") for first in ("80000000", "02000000"))
"""TPM2_GetCapability for the handles of loaded objects, and of loaded sessions (TPM 2.0 Part 3, 30.2)."""
GET_RANDOM = command(0x17B, parameters=b"\0\x08")


@pytest.fixture
def emulator() -> Iterator[Swtpm]:
    with Swtpm() as tpm:
        tpm.transmit(command(0x144, parameters=b"\0\0"))
        yield tpm


@pytest.fixture
def platform(emulator: Swtpm) -> Iterator[Platform]:
    device = DeviceTpm("/dev/tpmrm0", opener=lambda _: os.dup(emulator.fileno()))
    with Platform("laptop", Trace().party("laptop"), tpm=device) as opened:
        yield opened


def test_keys_are_bound_to_the_firmwares_pcrs_without_a_locality(platform: Platform) -> None:
    client = platform.client("owner")
    values = client.pcr_read(DEVICE.ak_pcrs)
    bound = key_policy((0, 2, 4, 7), values, locality=None)
    assert create_ak(client).parsed.auth_policy == bound
    assert create_tls_key(client, "ecdsa").parsed.auth_policy == bound


def test_a_key_stays_closed_after_other_firmware(platform: Platform) -> None:
    client = platform.client("owner")
    key = create_tls_key(client, "ecdsa")
    assert sign(client, key, bytes(32))
    client.pcr_extend(4, b"\1" * 32)
    with pytest.raises(TpmError, match="POLICY_FAIL"):
        sign(client, key, bytes(32))


def test_evidence_over_the_firmwares_pcrs_is_accepted_where_no_ak_policy_is_demanded(platform: Platform) -> None:
    client = platform.client("owner")
    maker = TpmMaker()
    privacy_ca = PrivacyCa([maker.root], ak_policies=None)
    ek, ak = create_ek(client), create_ak(client)
    certificates = enrol(client, ek, maker.certify(ek.public), ak, privacy_ca)
    key = create_tls_key(client, "ecdsa")
    made = EvidenceMaker(client, ak, certificates, EventLog()).evidence(b"b" * 32, key=key)
    assert sorted(made.pcr_values) == [0, 2, 4, 7]
    policy = AppraisalPolicy(pcrs=(0, 2, 4, 7), key_pcrs=(0, 2, 4, 7), ak_policy=False)
    references = ReferenceValues(version=1, hypersafe={}, launch_policies={}, images={})
    expected = Expected(binder=b"b" * 32, key_spki=key.spki, key_binder=key_binder(key.spki))
    result = Verifier([privacy_ca.root], references, policy).appraise(made.encode(), expected)
    verdicts = {check.name: check.verdict for check in result.checks}
    assert verdicts["AK policy"] == "not demanded"
    for name in ("AK chain", "AK public area", "signature", "extraData", "selection and bank", "key identity"):
        assert verdicts[name] == "pass", name


def test_without_a_locality_whoever_has_the_system_can_quote(platform: Platform) -> None:
    """The quote oracle: any client of the device opens the AK."""
    ak = create_ak(platform.client("owner"))
    again = create_ak(platform.client("malware"))
    assert again.name == ak.name
    assert quote(platform.client("malware").platform._clients[1], again, b"anything")


def test_a_device_has_no_launch_no_locality_no_power_and_no_snapshots(platform: Platform) -> None:
    assert platform.client("owner", 2).locality == 0
    assert not platform.emulated
    assert not platform.party.trace.select("tpm.command", name="TPM2_Startup")
    with pytest.raises(TpmError, match="laptop: a program cannot cause a DRTM launch of this TPM"):
        platform.launch(b"code")
    with pytest.raises(TpmError, match="laptop: only an emulated TPM can be saved"):
        platform.snapshot()
    with pytest.raises(TpmError, match="locality 0"):
        platform.tpm.set_locality(2, 1)
    with pytest.raises(TpmError, match="CPU"):
        platform.tpm.launch(b"code")
    platform.power_off()
    assert not platform.party.trace.select("tpm.command", name="TPM2_Shutdown")


def test_a_device_that_gives_no_answer_times_out_and_is_closed(platform: Platform, emulator: Swtpm) -> None:
    client = platform.client("owner")
    assert emulator.pid is not None
    os.kill(emulator.pid, signal.SIGSTOP)
    with pytest.raises(TpmTimeout, match=r"no answer within 0\.2 s"):
        client.transmit(GET_RANDOM, timeout=0.2)
    with pytest.raises(TpmDead, match="not open"):
        client.transmit(GET_RANDOM)


def test_a_device_that_goes_away_is_a_dead_tpm(platform: Platform, emulator: Swtpm) -> None:
    assert emulator.pid is not None
    os.kill(emulator.pid, signal.SIGKILL)
    with pytest.raises(TpmDead):
        platform.client("owner").random(8)


def test_a_device_that_answers_more_than_it_says_is_a_protocol_error() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        device = DeviceTpm("/dev/odd", opener=lambda _: os.dup(ours.fileno())).start()
        theirs.sendall(bytes.fromhex("80010000000a00000000ff"))
        with pytest.raises(TpmProtocolError, match="11 octets"):
            device.receive(1)


def test_after_an_interrupted_command_the_device_is_closed(emulator: Swtpm) -> None:
    device = DeviceTpm("/dev/tpmrm0", opener=lambda _: os.dup(emulator.fileno())).start()
    device.send(GET_RANDOM)
    with pytest.raises(TpmDead, match="interrupted"):
        device.send(GET_RANDOM)


def test_a_missing_device_says_so(tmp_path: Path) -> None:
    with pytest.raises(TpmStartError, match="No such file"):
        DeviceTpm(str(tmp_path / "tpmrm0")).start()


def test_a_device_says_what_to_do_when_it_may_not_be_opened() -> None:
    def refuse(path: str) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with pytest.raises(TpmStartError, match=r"Permission denied \(only the group 'tss' may open it: run `sudo usermod"):
        DeviceTpm("/dev/tpmrm0", opener=refuse).start()


def test_a_file_is_no_device_and_nothing_is_written_into_it(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(b"mine")
    with pytest.raises(TpmStartError, match="is not a TPM"):
        DeviceTpm.from_name(f"device:{note}").start()
    assert note.read_bytes() == b"mine"


def test_what_was_loaded_is_flushed_from_a_device_that_keeps_its_power(emulator: Swtpm) -> None:
    for _ in range(3):  # an emulator has three slots for objects
        device = DeviceTpm("/dev/tpmrm0", opener=lambda _: os.dup(emulator.fileno()))
        with Platform("laptop", Trace().party("laptop"), tpm=device) as opened:
            client = opened.client("owner")
            create_ek(client)
            quote(client, create_ak(client), bytes(32), (0, 2, 4, 7))
    assert emulator.transmit(command(0x17A, parameters=LOADED))[-4:] == bytes(4)
    assert emulator.transmit(command(0x17A, parameters=SESSIONS))[-4:] == bytes(4)


def test_a_device_can_be_opened_once() -> None:
    device = DeviceTpm.from_name("device:/dev/null").start()
    with pytest.raises(TpmStartError, match="open already"):
        device.start()
    device.close()
    assert repr(device).endswith("closed>")


@pytest.mark.parametrize("name", ["/dev/tpmrm0", "device:", "swtpm"])
def test_a_name_of_another_scheme_is_refused(name: str) -> None:
    with pytest.raises(TpmStartError, match="is not the name of a TPM"):
        DeviceTpm.from_name(name)


def test_an_emulators_socket_stands_in_for_a_device_file(tmp_path: Path) -> None:
    path = tmp_path / "tpm"
    with socket.socket(socket.AF_UNIX) as emulator:
        emulator.bind(str(path))
        emulator.listen()
        device = DeviceTpm(str(path))
        assert repr(device) == f"<DeviceTpm {path}, closed>"
        device.start()
        assert repr(device) == f"<DeviceTpm {path}, open>"
        accepted, _ = emulator.accept()
        accepted.close()
        device.stop()


@pytest.fixture
def odd() -> Iterator[tuple[DeviceTpm, socket.socket]]:
    """A device that a test plays at the other end of a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield DeviceTpm("/dev/odd", opener=lambda _: os.dup(ours.fileno())).start(), theirs


ANSWER = bytes.fromhex("80010000000c000000000007")


def test_an_answer_may_come_in_pieces_and_the_device_is_ready_for_the_next_command(odd) -> None:
    device, theirs = odd
    for _ in range(2):
        before = time.time()
        device.send(GET_RANDOM)
        assert theirs.recv(100) == GET_RANDOM
        sender = threading.Thread(target=in_pieces, args=(theirs, ANSWER))
        sender.start()
        assert device.receive(5) == ANSWER
        sender.join()
        assert before <= device.came <= time.time()


def in_pieces(theirs: socket.socket, octets: bytes) -> None:
    for n in range(len(octets)):
        theirs.sendall(octets[n : n + 1])
        time.sleep(0.002)


def test_a_device_that_takes_no_command_is_dead_and_closed(odd) -> None:
    device, theirs = odd
    theirs.close()
    with pytest.raises(TpmDead, match="/dev/odd took no command: Broken pipe"):
        device.send(GET_RANDOM)
    with pytest.raises(TpmDead, match="not open"):
        device.send(GET_RANDOM)


def test_a_device_that_takes_half_a_command_is_dead(odd, monkeypatch: pytest.MonkeyPatch) -> None:
    device, _ = odd
    monkeypatch.setattr("os.write", lambda descriptor, octets: len(octets) - 1)
    with pytest.raises(TpmDead, match=f"took {len(GET_RANDOM) - 1} of {len(GET_RANDOM)} octets"):
        device.send(GET_RANDOM)


def test_a_device_that_is_full_times_out(odd) -> None:
    device, _ = odd
    descriptor = device._descriptor
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(descriptor, bytes(1 << 16)):
            pass
    os.set_blocking(descriptor, True)
    with pytest.raises(TpmTimeout, match=r"accepted no command within 0\.05 s"):
        device.send(GET_RANDOM, 0.05)


@pytest.mark.parametrize("said", [b"", ANSWER[:5], ANSWER[:-1]])
def test_a_device_that_hangs_up_in_its_answer_is_dead(odd, said: bytes) -> None:
    device, theirs = odd
    device.send(GET_RANDOM)
    theirs.sendall(said)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(TpmDead, match="gave no answer: it was closed"):
        device.receive(5)
