"""The shells on a machine whose firmware has measured: `trustlab tpm`, `serve` and `connect` with `--tpm device:`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from firmware_machine import FIRMWARE_LOGS, extension, firmware_socket, log_of, pcrs_of

from trustlab.attest import EventLog, Evidence, ReferenceValues
from trustlab.tpm import DeviceTpm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "trustlab"]
LOG = str(FIRMWARE_LOGS / "shim-grub.log")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=100, check=False)


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    with firmware_socket(tmp_path) as path:
        yield f"device:{path}"


@contextlib.contextmanager
def serving(lab: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    line = [*COMMAND, "serve", "--lab", str(lab), "--port", "0", "--quiet", *arguments]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "100"}
    )
    try:
        assert process.stdout
        yield process.stdout.readline().strip().removeprefix("serving on "), process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("walk", "bank"),
    [
        (("--event-log", LOG), "sha256"),
        (("--pcr-bank", "sha384"), "sha384"),
        (("--pcr-bank", "sha384", "--event-log", LOG), "sha384"),
    ],
)
def test_what_tpm_saves_of_a_device_verify_accepts(
    device: str, tmp_path: Path, walk: tuple[str, ...], bank: str
) -> None:
    kept = tmp_path / "kept"
    kind = "rsa" if bank == "sha256" else "ecc-p384"
    done = run("tpm", "--tpm", device, *walk, "--run", f"ak {kind}; key; quote; save {kept}")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run("verify", str(kept), "--json")
    assert done.returncode == 0, done.stdout
    values = pcrs_of("shim-grub")[bank]
    references = ReferenceValues.from_toml(kept / "references.toml")
    assert references.pcrs == {pcr: (values[pcr],) for pcr in (0, 2, 4, 7)}
    sent = EventLog.decode(Evidence.decode((kept / "evidence.cbor").read_bytes()).event_log)
    assert {event.pcr for event in sent.events} == ({0, 2, 4, 7} if "--event-log" in walk else set())
    told = {check["name"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
    assert (told["key policy"], told["AK policy"], told["key provenance"]) == ("pass", "not demanded", "pass")


def test_what_a_device_cannot_do_it_says(device: str) -> None:
    walk = "launch; measure hello; claim a b; extend 4 hello; extend 16 hello; reset 4; ak dsa; pcrs"
    done = run("tpm", "--tpm", device, "--run", walk)
    assert done.returncode == 1
    said = words(done.stdout)
    for sentence in (
        "a program cannot cause a DRTM launch of this TPM",
        "`measure` is not for a real TPM: PCR 19 belongs to software that was launched by DRTM",
        "`claim` is not for a real TPM: PCR 20 belongs",
        "`extend` is not for a real TPM: a real machine's PCRs stay extended until it boots again",
        "'dsa' is not a kind of AK",
    ):
        assert sentence in said
    assert said.count("`extend` is not for a real TPM") == 2
    assert pcrs_of("shim-grub")["sha256"][4].hex() in said
    assert "Traceback" not in done.stderr


def test_the_firmwares_log_is_shown_by_name(device: str) -> None:
    done = run("tpm", "--tpm", device, "--event-log", LOG, "--run", "log")
    assert "EV_EFI_VARIABLE_DRIVER_CONFIG  SecureBoot: on" in done.stdout
    assert "\\EFI\\BOOT\\grubx64.efi" in done.stdout


@pytest.mark.parametrize("design", ["trusted-passage", "tls13-exporter", "tls13-handshake-secret"])
def test_a_machine_of_real_firmware_serves_with_its_log(device: str, tmp_path: Path, design: str) -> None:
    lab = tmp_path / "lab"
    here = ("--tpm", device, "--event-log", LOG, "--design", design)
    with serving(lab, *here) as (target, server):
        ask = ("connect", target, "/balance", "--peer-tpm", "device", "--design", design, "--lab", str(lab))
        done = run(*ask)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"balance": "1000.00"}
        assert "The event log replays to the PCR values in the quote" in words(done.stderr).replace("│ ", "")
        server.kill()
        assert "The event log replays to this machine's PCRs." in words(server.communicate()[1])


def test_a_log_that_is_too_long_for_a_handshake_travels_without_data(device: str, tmp_path: Path) -> None:
    log = log_of("shim-grub")
    long = EventLog([e if e.pcr != 7 else type(e)(7, e.event_type, e.digests, e.data * 30) for e in log.events])
    file = tmp_path / "long.log"
    file.write_bytes(EventLog(long.events, log.algorithms).encode())
    assert file.stat().st_size > 200_000
    here = ("--tpm", device, "--event-log", str(file), "--design", "tls13-exporter")
    with serving(tmp_path / "lab", *here) as (target, _):
        ask = ("--peer-tpm", "device", "--design", "tls13-exporter", "--lab", str(tmp_path / "lab"))
        done = run("connect", target, "/balance", *ask)
        assert done.returncode == 0, done.stderr


def test_the_bank_that_was_chosen_is_noted_demanded_and_quoted(device: str, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    with serving(lab, "--tpm", device, "--pcr-bank", "sha384") as (target, _):
        done = run("connect", target, "/balance", "--peer-tpm", "device", "--lab", str(lab))
        assert done.returncode == 0, done.stderr
        assert "The quote is over sha384:0,2,4,7, as demanded." in words(done.stderr).replace("│ ", "")
    assert ReferenceValues.from_toml(lab / "firmware.toml").bank == "sha384"


def test_firmware_that_changed_after_the_lab_noted_it_is_refused(device: str, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    with serving(lab, "--tpm", device, "--event-log", LOG) as (target, _):
        assert run("connect", target, "--quiet", "--peer-tpm", "device", "--lab", str(lab)).returncode == 0
    tpm = DeviceTpm.from_name(device).start()
    tpm.send(extension(7, (("sha256", b"\1" * 32),)))
    assert tpm.receive()[6:10] == bytes(4)
    tpm.close()
    with serving(lab, "--tpm", device, "--event-log", LOG) as (target, server):
        done = run("connect", target, "--quiet", "--peer-tpm", "device", "--lab", str(lab))
        assert done.returncode == 1
        assert "'log equals pcrDigest' refused" in words(done.stderr) or "'reference values'" in words(done.stderr)
        server.kill()
        said = words(server.communicate()[1])
        assert "PCR 7 of this machine is not what" in said
        assert "does not replay to PCR 7: its events there are unproved" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--event-log", "/nowhere/log"), "the event log /nowhere/log cannot be read"),
        (("--event-log", __file__), "is not an event log"),
        (("--event-log", "{ccel}"), "its indices are measurement registers, not the PCRs of a TPM"),
        (("--pcr-bank", "sha1"), "--pcr-bank 'sha1': choose from sha256, sha384, sha512"),
    ],
)
def test_a_log_or_bank_that_will_not_do_is_said(
    device: str, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "ccel").write_bytes((FIRMWARE_LOGS / "systemd-boot.log").read_bytes() + b"\xff" * 100)
    given = tuple(option.format(ccel=tmp_path / "ccel") for option in options)
    for line in (("tpm", "--run", "pcrs"), ("serve", "--port", "0", "--lab", str(tmp_path / "lab"))):
        done = run(*line, "--tpm", device, *given)
        assert done.returncode == 1
        assert sentence in words(done.stderr), done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", [("tpm", "--run", "pcrs"), ("serve",), ("connect", "127.0.0.1:1")])
def test_an_emulator_has_no_firmware_to_speak_of(line: tuple[str, ...], tmp_path: Path) -> None:
    lab = () if line[0] == "tpm" else ("--lab", str(tmp_path))
    for option in (("--pcr-bank", "sha384"), ("--event-log", LOG)):
        done = run(*line, *lab, *option)
        assert done.returncode == 1
        assert "give --pcr-bank and --event-log only with --tpm device:" in words(done.stderr)
