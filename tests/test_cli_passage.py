"""`trustlab serve` and `trustlab connect`: two shells, two machines, one world."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "trustlab"]


@pytest.fixture
def bank(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "serve", "--lab", str(tmp_path / "lab"), "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    port = process.stdout.readline().strip().rpartition(":")[2]
    yield f"127.0.0.1:{port}", tmp_path / "lab"
    process.kill()
    process.communicate()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_a_payment_between_two_shells_with_the_ladder(bank):
    target, lab = bank
    done = run("connect", target, "/pay?amount=120.00&to=carol", "--lab", str(lab))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"paid": "120.00", "to": "carol"}
    assert "ClientKeyExchange" in done.stderr
    assert "teller accepts" in done.stderr


def test_a_machine_of_another_world_is_refused_in_one_line(bank, tmp_path):
    done = run("connect", bank[0], "--lab", str(tmp_path / "other"), "--quiet")
    assert done.returncode == 1
    assert done.stderr.startswith("trustlab: ")
    assert "Traceback" not in done.stderr


def test_the_labs_keys_are_for_its_owner_alone(bank):
    assert {(file.stat().st_mode & 0o777) for file in bank[1].iterdir()} == {0o600}


def test_nobody_there_no_design_no_lab_are_named(tmp_path):
    (tmp_path / "web-ca.pem").write_text("nonsense")
    for arguments, named in (
        (("connect", "127.0.0.1:1", "--lab", str(tmp_path / "lab")), "Connect call failed"),
        (("connect", "nowhere", "--lab", str(tmp_path / "lab")), "HOST:PORT"),
        (("connect", "127.0.0.1:1", "--design", "moon", "--lab", str(tmp_path / "lab")), "trusted-passage"),
        (("connect", "127.0.0.1:1", "--design", "plain-tls", "--lab", str(tmp_path / "lab")), "plain-tls"),
        (("serve", "--lab", str(tmp_path)), "no lab of ours"),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert named in " ".join(done.stderr.split()), done.stderr
        assert "Traceback" not in done.stderr
