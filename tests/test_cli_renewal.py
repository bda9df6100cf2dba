"""Between two shells: a policy of one's own, and a device of real firmware that attests again every second."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from firmware_machine import FIRMWARE_LOGS, firmware_socket
from test_cli_passage import run, serving

if TYPE_CHECKING:
    from pathlib import Path

LOG = str(FIRMWARE_LOGS / "shim-grub.log")
EVERY_SECOND = 'reattest = "1s"\nfreshness = "5s"\n'


def file(folder: Path, text: str) -> str:
    path = folder / "policy.toml"
    path.write_text(text)
    return str(path)


def appraisals(told: str) -> list[str]:
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    return [event["name"] for event in events if event["kind"] == "appraisal"]


def test_a_policy_that_the_other_side_does_not_meet_refuses_it_on_either_side(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    policy = file(tmp_path, 'allowed-images = ["another bank"]\n')
    with serving(lab, "--port", "0", "--quiet") as (target, _):
        done = run("connect", target, "/balance", "--lab", str(lab), "--policy", policy, "--quiet")
        assert done.returncode == 1
        assert "the check 'reference values' refused the evidence" in " ".join(done.stderr.split())
    with serving(lab, "--port", "0", "--quiet", "--policy", policy) as (target, _):
        done = run("connect", target, "/balance", "--lab", str(lab), "--quiet")
        assert done.returncode == 1
        assert "access_denied" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('reattest = "soon"', "is not a time from 100ms to 24h"),
        ('reattest = "5s"\nfreshness = "5s"', "must be more than reattest"),
        ('reattest = "1s"', "cannot be attested again: choose session-hash"),
        ("", "a policy file without any key"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_said_before_the_server_begins(tmp_path: Path, text: str, words: str) -> None:
    done = run("serve", "--port", "0", "--quiet", "--lab", str(tmp_path / "lab"), "--policy", file(tmp_path, text))
    assert done.returncode == 1
    assert words in " ".join(done.stderr.split())
    assert "serving on" not in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("design", ["tls13-exporter", "session-hash"])
def test_a_device_of_real_firmware_attests_every_second_for_a_minute_and_a_reboot_is_refused(
    tmp_path: Path, design: str
) -> None:
    lab, policy, memory = tmp_path / "lab", file(tmp_path, EVERY_SECOND), tmp_path / "memory"
    (tmp_path / "tpm").mkdir()
    with firmware_socket(tmp_path / "tpm") as path:
        here = ("--tpm", f"device:{path}", "--event-log", LOG, "--design", design, "--idle", "120")
        with serving(lab, "--port", "0", "--quiet", *here) as (target, _):
            ask = ("connect", target, "/balance", "--peer-tpm", "device", "--design", design, "--lab", str(lab))
            ask += ("--policy", policy, "--memory", str(memory), "--log-json")
            done = run(*ask, "--hold", "60")
            assert done.returncode == 0, done.stderr[-2000:]
            assert json.loads(done.stdout) == {"balance": "1000.00"}
            seen = appraisals(done.stderr)
            assert set(seen) == {"accepted"}
            assert 50 <= len(seen) <= 62
            assert "a reboot cannot be ruled out" in done.stderr
            assert len(json.loads(memory.read_text())["machines"]) == 1

            rebooting = threading.Timer(15, lambda: reboot(path))
            rebooting.start()
            began = time.monotonic()
            done = run(*ask, "--hold", "60")
            rebooting.join()
            assert done.returncode == 1
            assert done.stdout == ""
            assert time.monotonic() - began < 60
            assert appraisals(done.stderr)[0] == "accepted"


def reboot(path: Path) -> None:
    """Give the TPM a reset, as a machine that reboots does (_TPM_Init)."""
    subprocess.run(["swtpm_ioctl", "--unix", f"{path}.ctrl", "-i"], check=True, timeout=20)
