"""The shells on a machine whose firmware has measured: `trustlab tpm`, `serve` and `connect` with `--tpm device:`."""

from __future__ import annotations

import contextlib
import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from firmware_machine import FIRMWARE_LOGS, firmware_socket, log_of, pcrs_of
from test_cli_passage import run, serving

from trustlab.attest import EventLog, Evidence, ReferenceValues
from trustlab.cli.failure import Failure
from trustlab.cli.passage import connect, serve
from trustlab.cli.tpm import tpm
from trustlab.cli.verify import verify
from trustlab.cloud import CloudError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

QUIET = ("--port", "0", "--quiet")
LOG = str(FIRMWARE_LOGS / "shim-grub.log")


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    with firmware_socket(tmp_path) as path:
        yield f"device:{path}"


def end(process: subprocess.Popen[str]) -> str:
    """Have a server end by itself, so that it takes its keys out of the TPM; return what it said."""
    process.send_signal(signal.SIGINT)
    return words(process.communicate(timeout=60)[1])


def play(capsys: pytest.CaptureFixture[str], device: str, walk: str, **options: object) -> str:
    """Run `trustlab tpm` here; return what it printed."""
    with contextlib.suppress(typer.Exit):
        tpm(device=device, run=walk, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "bank"),
    [
        ({"event_log": Path(LOG)}, "sha256"),
        ({"pcr_bank": "sha384"}, "sha384"),
        ({"pcr_bank": "sha384", "event_log": Path(LOG)}, "sha384"),
    ],
)
def test_what_tpm_saves_of_a_device_verify_accepts(
    device: str, tmp_path: Path, options: dict[str, object], bank: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    kind = "rsa" if bank == "sha256" else "ecc-p384"
    assert "saved in" in play(capsys, device, f"ak {kind}; key; quote; save {kept}", **options)
    verify(kept, as_json=True)
    checks = json.loads(capsys.readouterr().out)["checks"]
    told = {check["name"]: check["verdict"] for check in checks}
    assert (told["key policy"], told["AK policy"], told["key provenance"]) == ("pass", "not demanded", "pass")
    values = pcrs_of("shim-grub")[bank]
    references = ReferenceValues.from_toml(kept / "references.toml")
    assert references.pcrs == {pcr: (values[pcr],) for pcr in (0, 2, 4, 7)}
    sent = EventLog.decode(Evidence.decode((kept / "evidence.cbor").read_bytes()).event_log)
    assert {event.pcr for event in sent.events} == ({0, 2, 4, 7} if "event_log" in options else set())


def test_what_a_device_cannot_do_it_says(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    walk = "launch; measure hello; claim a b; extend 4 hello; extend 16 hello; ak dsa; pcrs"
    said = words(play(capsys, device, walk))
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


def test_the_firmwares_log_is_shown_by_name(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = play(capsys, device, "log", event_log=Path(LOG))
    assert "EV_EFI_VARIABLE_DRIVER_CONFIG  SecureBoot: on" in said
    assert "\\EFI\\BOOT\\grubx64.efi" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"event_log": Path("/nowhere/log")}, "the event log /nowhere/log cannot be read"),
        ({"event_log": Path(__file__)}, "is not an event log"),
        ({"event_log": "ccel"}, "its indices are measurement registers, not the PCRs of a TPM"),
        ({"pcr_bank": "sha1"}, "--pcr-bank 'sha1': choose from sha256, sha384, sha512"),
    ],
)
def test_a_log_or_bank_that_will_not_do_is_said(
    device: str, tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    (tmp_path / "ccel").write_bytes((FIRMWARE_LOGS / "systemd-boot.log").read_bytes() + b"\xff" * 100)
    given = {name: tmp_path / "ccel" if value == "ccel" else value for name, value in options.items()}
    with pytest.raises(CloudError, match=re.escape(sentence)):
        tpm(device=device, run="pcrs", **given)
    with pytest.raises(CloudError, match=re.escape(sentence)):
        serve(lab=tmp_path / "lab", port=0, tpm=device, **given)


def test_an_emulator_has_no_firmware_to_speak_of(tmp_path: Path) -> None:
    for option in ({"pcr_bank": "sha384"}, {"event_log": Path(LOG)}):
        for call in (
            lambda given: tpm(run="pcrs", **given),
            lambda given: serve(lab=tmp_path, **given),
            lambda given: connect("127.0.0.1:1", lab=tmp_path, **given),
            lambda given: connect("bank", lab=tmp_path, vm=True, **given),
        ):
            with pytest.raises(Failure, match="give --pcr-bank and --event-log only with --tpm device:"):
                call(option)


@pytest.mark.parametrize("design", ["trusted-passage", "tls13-handshake-secret"])
def test_a_machine_of_real_firmware_serves_with_its_log(device: str, tmp_path: Path, design: str) -> None:
    lab = tmp_path / "lab"
    here = ("--tpm", device, "--event-log", LOG, "--design", design)
    with serving(lab, *QUIET, *here) as (target, server):
        ask = ("connect", target, "/balance", "--peer-tpm", "device", "--design", design, "--lab", str(lab))
        done = run(*ask)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"balance": "1000.00"}
        assert "The event log replays to the PCR values in the quote" in words(done.stderr).replace("│ ", "")
        assert "The event log replays to this machine's PCRs." in end(server)


def test_a_log_that_is_too_long_for_a_handshake_travels_without_data(device: str, tmp_path: Path) -> None:
    log = log_of("shim-grub")
    long = EventLog([e if e.pcr != 7 else type(e)(7, e.event_type, e.digests, e.data * 30) for e in log.events])
    file = tmp_path / "long.log"
    file.write_bytes(EventLog(long.events, log.algorithms).encode())
    assert file.stat().st_size > 200_000
    here = ("--tpm", device, "--event-log", str(file), "--design", "tls13-exporter")
    with serving(tmp_path / "lab", *QUIET, *here) as (target, _):
        ask = ("--peer-tpm", "device", "--design", "tls13-exporter", "--lab", str(tmp_path / "lab"))
        done = run("connect", target, "/balance", *ask)
        assert done.returncode == 0, done.stderr


def test_the_bank_that_was_chosen_is_noted_demanded_and_quoted(device: str, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    with serving(lab, *QUIET, "--tpm", device, "--pcr-bank", "sha384") as (target, _):
        done = run("connect", target, "/balance", "--peer-tpm", "device", "--lab", str(lab))
        assert done.returncode == 0, done.stderr
        assert "The quote is over sha384:0,2,4,7, as demanded." in words(done.stderr).replace("│ ", "")
    assert ReferenceValues.from_toml(lab / "firmware.toml").bank == "sha384"
